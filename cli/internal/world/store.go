package world

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Store is an open store, with a server of its own under it if it has one.
type Store struct {
	*redisstore.Store
	Dir     string    // that its files are in, if they are on this machine
	URL     string    // redis://host:port, with its password if it has one
	Shown   string    // the same without it
	Promise string    // in one line: what it keeps
	Risks   []string  // settings of its server that can lose or stop something
	under   io.Closer // closes the store and the server of its own; nil has none
}

// Stores opens stores. One that is there keeps the partitions it was made with.
type Stores struct {
	Network    network.Network
	Partitions int // that a new store is made with, for ever; 0 is engine.DefaultPartitions
}

// OpenStore opens the store at the redis:// URLs, several of which are a cluster's,
// or, without one, an embedded store in memory that listens at the address.
func OpenStore(ctx context.Context, n network.Network, address string, urls ...string) (*Store, error) {
	return Stores{Network: n}.Open(ctx, address, urls...)
}

// Open is as [OpenStore].
func (o Stores) Open(ctx context.Context, address string, urls ...string) (*Store, error) {
	logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
	if len(urls) == 0 {
		return o.Kept(ctx, address, "", nil)
	}
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil, err
	}
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: options, New: o.Partitions})
	if err != nil {
		return nil, err
	}
	s := &Store{Store: store, URL: strings.Join(urls, ","), Shown: Shown(urls)}
	s.Promise, s.Risks = promise(ctx, store)
	return s, nil
}

// Shown are the URLs without what is secret in them.
func Shown(urls []string) string {
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

// OpenKept opens an embedded store that listens at the address and keeps everything in
// the data directory, or without one in memory. warn hears of what the store recovered
// from; it may be nil.
func OpenKept(ctx context.Context, n network.Network, address, dir string, warn func(error)) (*Store, error) {
	return Stores{Network: n}.Kept(ctx, address, dir, warn)
}

// Kept is as [OpenKept].
func (o Stores) Kept(ctx context.Context, address, dir string, warn func(error)) (*Store, error) {
	ln, err := o.Network.Listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("listen for the embedded store: %w", err)
	}
	store, err := aofstore.Open(ctx, aofstore.Options{
		Dir: dir, Listener: ln, Warn: warn, New: o.Partitions,
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) { return o.Network.Dial(ctx, address) },
	})
	if err != nil {
		return nil, err
	}
	url := "redis://" + store.Addr()
	s := &Store{Store: store.Store, URL: url, Shown: url, under: store, Dir: dir, Promise: "embedded: kept in memory, gone when this process ends"}
	if dir != "" {
		s.Promise = "embedded: kept in " + dir + ", on disk before it is acknowledged"
	}
	return s, nil
}

// Close closes the connections, and ends the server of its own.
func (s *Store) Close() error {
	if s.under != nil {
		return s.under.Close()
	}
	return s.Store.Close()
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
