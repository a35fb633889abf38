package esme

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// Outbind is where an SMSC calls when it has something for an ESME that is not bound,
// SMPP 3.4 §2.2.1. Listener is needed.
type Outbind struct {
	Listener net.Listener  // closed when Run ends
	SystemID string        // of the SMSC; empty is any
	Password smpp.Password // that the SMSC has to say; empty is any
}

// errOutbind is a caller that is not the SMSC: there is no answer to an outbind, §4.1.7.
var errOutbind = errors.New("esme: not the outbind of the SMSC")

// connect makes a connection to the SMSC, or waits for the SMSC to make one.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	if c.config.Outbind != nil {
		return c.called(ctx)
	}
	dialling, cancel := context.WithTimeout(ctx, c.config.ResponseTimeout)
	defer cancel()
	conn, err := c.config.Dial(dialling)
	if err != nil {
		return nil, fmt.Errorf("esme: dial: %w", err)
	}
	return conn, nil
}

// called waits for a connection that begins with the SMSC's outbind. Others are closed.
func (c *Client) called(ctx context.Context) (net.Conn, error) {
	o := c.config.Outbind
	defer context.AfterFunc(ctx, func() { _ = o.Listener.Close() })()
	for {
		conn, err := o.Listener.Accept()
		if err != nil {
			return nil, fmt.Errorf("esme: wait for an outbind: %w", err)
		}
		if err = o.read(conn, c.config.ResponseTimeout); err == nil {
			return conn, nil
		}
		c.config.Log.Warn().Err(err).Stringer("peer", conn.RemoteAddr()).Msg("smpp call refused")
		_ = conn.Close()
	}
}

// read takes an outbind off a connection, and no octet more, so that a session can begin.
func (o *Outbind) read(conn net.Conn, within time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	frame, err := smpp.NewReader(&slow{conn}, smpp.MaxPDU).Next()
	if err != nil {
		return fmt.Errorf("%w: %w", errOutbind, err)
	}
	p, err := smpp.Decode(frame)
	if err != nil {
		return fmt.Errorf("%w: %w", errOutbind, err)
	}
	call, ok := p.Body.(*smpp.Outbind)
	if !ok || o.SystemID != "" && call.SystemID != o.SystemID ||
		o.Password != "" && subtle.ConstantTimeCompare([]byte(call.Password), []byte(o.Password)) != 1 {
		return errOutbind
	}
	return conn.SetReadDeadline(time.Time{})
}

// slow reads an octet at a time, so that nothing of what follows is taken.
type slow struct{ net.Conn }

// Read implements io.Reader.
func (s *slow) Read(b []byte) (int, error) { return s.Conn.Read(b[:min(1, len(b))]) }
