package enginebench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/airtill/airtill/cli/internal/cputime"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/engine"
)

// place is where a run's stores are: one after the other, each empty when it is opened.
type place interface {
	// open opens an empty store, with what it writes recorded. done closes it.
	open(ctx context.Context, t *tape) (s engine.Store, done func() error, err error)
	// dial connects to the store that is open, ready for commands.
	dial(ctx context.Context) (net.Conn, error)
	// cost answers what do has cost.
	cost(ctx context.Context, do func() error) (cost, error)
	// fsync says how the store syncs what it is given.
	fsync(ctx context.Context) string
	// leave leaves the place as it was found.
	leave(ctx context.Context) error
}

// cost is time on a processor.
type cost struct {
	process time.Duration // this one
	server  time.Duration // the store's, when it is another
}

// Why a server will not do.
var (
	ErrTaken    = errors.New("that database holds something")
	ErrNotThere = errors.New("connect to the Redis")
)

func openPlace(ctx context.Context, c *Config) (place, error) {
	if c.URL != "" {
		return openServer(ctx, c)
	}
	return openEmbedded(c)
}

// shown is the place without what is secret in it.
func (c *Config) shown() string {
	if u, err := url.Parse(c.URL); c.URL != "" && err == nil {
		return u.Redacted()
	}
	if c.Dir != "" {
		return c.Dir
	}
	return "embedded"
}

// embedded is a store in this process.
type embedded struct {
	config *Config
	dir    string // of its own, in that of the configuration; "" is none
	made   bool   // that of the configuration
	addr   string // of the store that is open
}

func openEmbedded(c *Config) (*embedded, error) {
	e := &embedded{config: c}
	if c.Dir == "" {
		return e, nil
	}
	if _, err := os.Stat(c.Dir); errors.Is(err, os.ErrNotExist) {
		e.made = true
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep a store in the directory: %w", err)
	}
	var err error
	if e.dir, err = os.MkdirTemp(c.Dir, "bench-"); err != nil {
		return nil, fmt.Errorf("keep a store in the directory: %w", err)
	}
	return e, nil
}

func (e *embedded) open(ctx context.Context, t *tape) (engine.Store, func() error, error) {
	ln, err := e.config.Network.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen for the embedded store: %w", err)
	}
	dir := e.dir
	if dir != "" {
		if dir, err = os.MkdirTemp(e.dir, "store-"); err != nil {
			return nil, nil, errors.Join(err, ln.Close())
		}
	}
	s, err := aofstore.Open(ctx, aofstore.Options{
		Dir: dir, Listener: ln, Partitions: e.config.Partitions,
		Dial: t.dialer(func(ctx context.Context, _, address string) (net.Conn, error) {
			return e.config.Network.Dial(ctx, address)
		}),
	})
	if err != nil {
		return nil, nil, err
	}
	e.addr = s.Addr()
	return s, s.Close, nil
}

func (e *embedded) dial(ctx context.Context) (net.Conn, error) {
	return e.config.Network.Dial(ctx, e.addr)
}

func (e *embedded) cost(_ context.Context, do func() error) (cost, error) {
	before := cputime.Self()
	err := do()
	return cost{process: cputime.Self() - before}, err
}

func (e *embedded) fsync(context.Context) string {
	if e.dir == "" {
		return "off"
	}
	return "always"
}

func (e *embedded) leave(context.Context) error {
	if e.dir == "" {
		return nil
	}
	err := os.RemoveAll(e.dir)
	if e.made {
		err = errors.Join(err, os.Remove(e.config.Dir))
	}
	return err
}
