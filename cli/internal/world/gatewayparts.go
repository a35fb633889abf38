package world

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/trace"
	"github.com/airtill/airtill/gateway/ussd"
)

// Secure is where SMPP is spoken over TLS, and with which certificate.
type Secure struct {
	Listen      string
	Certificate tls.Certificate
}

func (s *Secure) listen(ctx context.Context, n network.Network) (net.Listener, error) {
	ln, err := n.Listen(ctx, s.Listen)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.Certificate}}), nil
}

// codes hands USSD messages to a switch, which cannot be made before the server is.
type codes struct{ at atomic.Pointer[ussd.Switch] }

func (c *codes) serve(s *ussd.Switch) { c.at.Store(s) }

// Take implements smsc.USSD.
func (c *codes) Take(from string, sm *smpp.SubmitSM) smpp.Status {
	s := c.at.Load()
	if s == nil {
		return smpp.RSYSERR
	}
	return s.Take(from, sm)
}

// carrier is the server as a switch needs it.
type carrier struct{ *smsc.Server }

// Deliver implements ussd.Carrier.
func (c carrier) Deliver(systemID string, sm *smpp.SubmitSM, done func(smpp.Status)) {
	if err := c.Server.Deliver(systemID, sm, done); err != nil {
		done(smpp.RDELIVERYFAILURE)
	}
}

// watchedStore is a store that tells whether it answers.
type watchedStore struct {
	msgstore.Store
	mu      sync.Mutex
	has     chan struct{} // closed once it was read
	read    bool
	failure error // of the last commit
}

func (s *watchedStore) loaded() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has == nil {
		s.has = make(chan struct{})
	}
	return s.has
}

// Load implements msgstore.Store.
func (s *watchedStore) Load(ctx context.Context) iter.Seq2[msgstore.Record, error] {
	return func(yield func(msgstore.Record, error) bool) {
		for r, err := range s.Store.Load(ctx) {
			if !yield(r, err) || err != nil {
				return
			}
		}
		has := s.loaded()
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.read {
			s.read = true
			close(has)
		}
	}
}

// Commit implements msgstore.Store. It is called every second at least.
func (s *watchedStore) Commit(ctx context.Context, b *msgstore.Batch) error {
	err := s.Store.Commit(ctx, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
	return err
}

func (s *watchedStore) unready() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.read:
		return []string{"the message store is being read"}
	case s.failure != nil:
		return []string{fmt.Sprintf("the message store does not answer: %v", s.failure)}
	}
	return nil
}

// capture writes every PDU of a server's sessions to a file.
type capture struct {
	trace *trace.Trace
	mu    sync.Mutex
	flows map[uint64]*trace.Flow // by session
}

func newCapture(to io.Writer) *capture {
	t := trace.New(trace.Config{To: to, Comment: "SMPP at airtill gateway; where tshark does not know the port: -d tcp.port==PORT,smpp"})
	return &capture{trace: t, flows: make(map[uint64]*trace.Flow)}
}

// frame is a server's Trace.
func (c *capture) frame(f *smsc.Frame) {
	flow := c.flow(f)
	if f.Out {
		flow.Out(f.Octets, f.At)
		return
	}
	flow.In(f.Octets, f.At)
}

func (c *capture) flow(f *smsc.Frame) *trace.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	flow, known := c.flows[f.Session]
	if !known {
		flow = c.trace.Accepted(f.Local, f.Peer, f.At)
		c.flows[f.Session] = flow
	}
	return flow
}

// sweep is how often flows are closed whose session has ended.
const sweep = time.Second

// serve writes until ctx ends, and closes flows meanwhile. A file that cannot be
// written stops the room.
func (c *capture) serve(ctx context.Context, stop func(), server *smsc.Server) error {
	writing, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	written := make(chan error, 1)
	go func() { written <- c.trace.Serve(writing) }()
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			known := c.sessions() // before: those that come meanwhile are not over
			c.close(known, server.Sessions())
		case err := <-written:
			stop()
			<-ctx.Done()
			return fmt.Errorf("write the capture file: %w", err)
		case <-ctx.Done():
			c.close(c.sessions(), nil)
			end()
			if err := <-written; err != nil {
				return fmt.Errorf("write the capture file: %w", err)
			}
			return nil
		}
	}
}

// sessions are those that have a flow.
func (c *capture) sessions() []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.flows))
}

// close closes the flows of sessions that are not open any more.
func (c *capture) close(known []uint64, open []smsc.Session) {
	live := make(map[uint64]bool, len(open))
	for _, s := range open {
		live[s.ID] = true
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range known {
		if !live[id] {
			c.flows[id].Close(now)
			delete(c.flows, id)
		}
	}
}

// Dialer is how a carrier reaches an ESME that it calls.
func Dialer(n network.Network) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, address) }
}
