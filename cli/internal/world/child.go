package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/redisstore"
)

// ErrNoServer is for a redis-server that is not installed.
var ErrNoServer = errors.New("there is no redis-server on the PATH")

// Names in the data directory of a redis-server of our own.
const (
	childSocket = "redis.sock"
	childLog    = "redis.log"
)

// maxSocket is how long the path of a unix socket may be: sun_path of unix(7), less a
// little for systems that have less.
const maxSocket = 100

// child is a redis-server that this process has started, and starts again when it ends.
type child struct {
	store             *redisstore.Store
	path, dir, socket string
	lock              *aofstore.Lock
	warn              func(error)
	partitions        int // of a new store

	opened  atomic.Bool   // it has answered once
	failed  error         // why it has ended before that; to be read when ended is closed
	closing chan struct{} // closed to end it
	ended   chan struct{} // closed when it has
}

// OpenChild starts a redis-server that keeps everything in the data directory, synced
// before it answers, and opens the store on it. It takes over what an embedded store has
// kept there. A server that ends before the store is closed is started again; warn hears
// of it. The tail of a batch that was being written when the machine stopped is cut off
// and put aside.
func OpenChild(ctx context.Context, dir string, warn func(error)) (*Store, error) {
	return Stores{}.Child(ctx, dir, warn)
}

// Child is as [OpenChild].
func (o Stores) Child(ctx context.Context, dir string, warn func(error)) (*Store, error) {
	logging.Disable()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNoServer
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, childSocket)
	if len(socket) > maxSocket {
		return nil, fmt.Errorf("the path of the socket %s is longer than %d octets: use another data directory", socket, maxSocket)
	}
	lock, err := lockSoon(ctx, dir)
	if err != nil {
		return nil, err
	}
	if warn == nil {
		warn = func(error) {}
	}
	c := &child{path: path, dir: dir, socket: socket, lock: lock, warn: warn, partitions: o.Partitions, closing: make(chan struct{}), ended: make(chan struct{})}
	go c.serve()
	if c.store, err = c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	url := "unix://" + socket
	s := &Store{Store: c.store, URL: url, Shown: url, Dir: dir, under: c}
	s.Promise, s.Risks = promise(ctx, c.store)
	return s, nil
}

// lockSoon locks the directory, when the server of a process that was killed has ended.
func lockSoon(ctx context.Context, dir string) (*aofstore.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, err := aofstore.LockDirectory(dir)
		if !errors.Is(err, aofstore.ErrInUse) {
			return lock, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// childSettings are those of a server for keeps that nobody else connects to.
func childSettings(dir, socket string) []string {
	return []string{
		"--dir", dir, "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--daemonize", "no",
		"--logfile", filepath.Join(dir, childLog), "--save", "",
		"--appendonly", "yes", "--appendfilename", childAOF, "--appenddirname", childFiles, "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no",
		"--aof-load-truncated", "no", "--maxmemory-policy", "noeviction", "--auto-aof-rewrite-min-size", "256mb",
	}
}

// open opens the store when the server has loaded its file.
func (c *child) open(ctx context.Context) (*redisstore.Store, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		store, err := c.try(ctx)
		if err == nil || errors.Is(err, redisstore.ErrOther) {
			c.opened.Store(true)
			return store, err
		}
		select {
		case <-c.ended:
			return nil, c.failed
		case <-ctx.Done():
			return nil, fmt.Errorf("the redis-server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// try opens the store if somebody listens at the socket.
func (c *child) try(ctx context.Context) (*redisstore.Store, error) {
	knock, err := new(net.Dialer).DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, err
	}
	_ = knock.Close() // nothing was said
	return redisstore.Open(ctx, redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{c.socket}}, New: c.partitions})
}

// Close closes the connections and stops the server.
func (c *child) Close() error {
	var err error
	if c.store != nil {
		err = c.store.Close()
	}
	close(c.closing)
	<-c.ended
	return errors.Join(err, c.lock.Close())
}
