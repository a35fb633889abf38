package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Store is an open store, with the embedded server under it if it has one.
type Store struct {
	*redisstore.Store
	URL      string   // redis://host:port, with its password if it has one
	Shown    string   // the same without it
	Promise  string   // in one line: what it keeps
	Risks    []string // settings of its server that can lose or stop something
	embedded *embedded
}

// OpenStore opens the store at the redis:// URLs, several of which are a cluster's,
// or, without one, an embedded store that listens at the address.
func OpenStore(ctx context.Context, n network.Network, address string, urls ...string) (*Store, error) {
	logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
	if len(urls) == 0 {
		return openEmbedded(ctx, n, address)
	}
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil, err
	}
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: options})
	if err != nil {
		return nil, err
	}
	s := &Store{Store: store, URL: strings.Join(urls, ","), Shown: shown(urls)}
	s.Promise, s.Risks = promise(ctx, store)
	return s, nil
}

// shown are the URLs without what is secret in them.
func shown(urls []string) string {
	var all []string
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		all = append(all, u.Redacted())
	}
	return strings.Join(all, ",")
}

// promise says what the server's settings keep, and what each wrong one can cost.
func promise(ctx context.Context, store *redisstore.Store) (promise string, risks []string) {
	settings, err := store.Settings(ctx)
	if err != nil {
		return "a server that does not tell its settings", nil
	}
	for _, s := range settings {
		if s.Weight == redisstore.Warning || s.Weight == redisstore.Danger {
			risks = append(risks, s.String())
		}
	}
	if n := len(redisstore.Dangers(settings)); n > 0 {
		return fmt.Sprintf("a server that can lose what was acknowledged: %d settings", n), risks
	}
	return "a server for keeps: nothing acknowledged is lost while its disk lives", risks
}

func openEmbedded(ctx context.Context, n network.Network, address string) (*Store, error) {
	e, err := listenEmbedded(ctx, n, address)
	if err != nil {
		return nil, err
	}
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: &redis.UniversalOptions{
		Addrs:  []string{e.ln.Addr().String()},
		Dialer: func(ctx context.Context, _, address string) (net.Conn, error) { return n.Dial(ctx, address) },
	}})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	address = "redis://" + e.ln.Addr().String()
	return &Store{
		Store: store, URL: address, Shown: address, embedded: e,
		Promise: "embedded: kept in memory, gone when this process ends",
	}, nil
}

// Close closes the connections, and ends the embedded server.
func (s *Store) Close() error {
	err := s.Store.Close()
	if s.embedded != nil {
		err = errors.Join(err, s.embedded.close())
	}
	return err
}

// Empty says whether nobody is enrolled in the store and no merchant is open.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	for p := range s.Partitions() {
		for _, hash := range []string{"phones", "merchants"} {
			fields, err := s.Read(engine.Partition(p)).Fields(ctx, hash)
			if err != nil || len(fields) > 0 {
				return false, err
			}
		}
	}
	return true, nil
}

// embedded is a Redis server in this process that listens on a network.
type embedded struct {
	redis     *miniredis.Miniredis
	ln        net.Listener
	accepting sync.WaitGroup
}

func listenEmbedded(ctx context.Context, n network.Network, address string) (*embedded, error) {
	ln, err := n.Listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("listen for the embedded store: %w", err)
	}
	e := &embedded{redis: miniredis.NewMiniRedis(), ln: ln}
	first, err := e.redis.Dial() // starts the server without a listener of its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded store: %w", err), ln.Close())
	}
	_ = first.Close()
	e.accepting.Go(e.accept)
	return e, nil
}

func (e *embedded) accept() {
	for {
		conn, err := e.ln.Accept()
		if err != nil {
			return // closed
		}
		e.redis.Server().ServeConn(conn)
	}
}

func (e *embedded) close() error {
	err := e.ln.Close()
	e.accepting.Wait()
	e.redis.Close()
	return err
}
