// Package esme is an SMPP 3.4 client: what an application, or a fleet of
// handsets, binds to an SMSC with.
//
// A [Client] keeps one session bound until it is told to stop: it dials, binds,
// asks with enquire_link when nothing has come for a while, and binds again
// when the session is lost. Submits share a window of unanswered requests.
// A submit ends in one of three ways: a message id, a refusal that carries the
// SMSC's command_status, or [ErrUnknown]. What the SMSC delivers is handed over
// in the order it came, and answered when the application says so. With [Outbind] it
// waits to be called by the SMSC, and binds then. TLS is the affair of the Dial function
// or the listener.
package esme

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/trace"
)

var (
	// ErrNotBound says that there is no session: nothing was sent.
	ErrNotBound = errors.New("esme: not bound")
	// ErrUnknown says that a message was sent and no answer came: the SMSC may
	// have it or not. Sending it again may deliver it twice.
	ErrUnknown = errors.New("esme: outcome unknown")
)

// Mode says which ways messages go on a session.
type Mode uint8

// The three binds of SMPP 3.4 §2.2.
const (
	Transceiver Mode = iota // sends and receives, §4.1.5
	Transmitter             // sends, §4.1.1
	Receiver                // receives, §4.1.3
)

// Config is how to reach and be an ESME. SystemID and one of Dial and Outbind are needed.
type Config struct {
	// Dial makes a connection to the SMSC. It is called for each session.
	Dial func(ctx context.Context) (net.Conn, error)
	// Outbind waits for the SMSC to call, instead of Dial.
	Outbind      *Outbind
	SystemID     string // at most 15 characters
	Password     string // at most 8 characters
	SystemType   string // at most 12 characters
	AddressRange string // at most 40 characters: the numbers served, as a regular expression
	Mode         Mode
	Version      uint8 // interface_version; zero is 3.4
	// Window is how many submits may be unanswered; zero is 10, what SMPP 3.4 §2.9 advises.
	Window int
	// EnquireLink is how long nothing may come before the SMSC is asked whether
	// it is there; zero is 30 s.
	EnquireLink time.Duration
	// ResponseTimeout is how long an answer may take; zero is 10 s.
	ResponseTimeout time.Duration
	// ReconnectMost bounds the pause before a new session, which starts at 50 ms
	// and doubles; zero is 5 s.
	ReconnectMost time.Duration
	Log           zerolog.Logger
	// Deliver takes what the SMSC delivers, in the order it came, on the reader's
	// goroutine: it must not block. It, or anyone later, calls reply once, from any
	// goroutine; a reply after the session's end is lost, and the SMSC delivers again.
	// Without Deliver every message is refused with ESME_RX_T_APPN. What comes by data_sm
	// is handed over too, as the deliver_sm that says the same.
	Deliver func(sm *smpp.DeliverSM, reply func(smpp.Status))
	// Alert is told, on the reader's goroutine, that a subscriber is back (SMPP 3.4
	// §4.12); it may be nil.
	Alert func(a *smpp.AlertNotification)
	Trace *trace.Trace // writes every PDU down; nil is nowhere
}

const (
	defaultWindow    = 10
	defaultEnquire   = 30 * time.Second
	defaultResponse  = 10 * time.Second
	defaultReconnect = 5 * time.Second
	firstReconnect   = 50 * time.Millisecond
)

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.Dial == nil && c.Outbind == nil:
		return errors.New("esme: config: Dial is missing")
	case c.Outbind != nil && (c.Dial != nil || c.Outbind.Listener == nil):
		return errors.New("esme: config: Outbind wants a Listener, and no Dial")
	case c.SystemID == "":
		return errors.New("esme: config: SystemID is missing")
	case c.Window < 0 || c.EnquireLink < 0 || c.ResponseTimeout < 0 || c.ReconnectMost < 0:
		return errors.New("esme: config: a negative number")
	case c.Mode > Receiver:
		return fmt.Errorf("esme: config: mode %d", c.Mode)
	}
	if _, err := smpp.Append(nil, smpp.PDU{Body: c.bind()}); err != nil {
		return fmt.Errorf("esme: config: %w", err)
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.EnquireLink == 0 {
		c.EnquireLink = defaultEnquire
	}
	if c.ResponseTimeout == 0 {
		c.ResponseTimeout = defaultResponse
	}
	if c.ReconnectMost == 0 {
		c.ReconnectMost = defaultReconnect
	}
	if c.Deliver == nil {
		c.Deliver = func(_ *smpp.DeliverSM, reply func(smpp.Status)) { reply(smpp.RXTAPPN) }
	}
}

// bind is the request that the mode asks for.
func (c *Config) bind() smpp.Body {
	b := smpp.Bind{
		SystemID: c.SystemID, Password: smpp.Password(c.Password), SystemType: c.SystemType,
		InterfaceVersion: cmp.Or(c.Version, smpp.Version), AddressRange: c.AddressRange,
	}
	switch c.Mode {
	case Transmitter:
		return (*smpp.BindTransmitter)(&b)
	case Receiver:
		return (*smpp.BindReceiver)(&b)
	default:
		return (*smpp.BindTransceiver)(&b)
	}
}
