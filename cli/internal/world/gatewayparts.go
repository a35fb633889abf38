package world

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"sync"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/msgstore"
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

// Dialer is how a carrier reaches an ESME that it calls.
func Dialer(n network.Network) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, address) }
}
