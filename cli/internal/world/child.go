package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
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

// child is a redis-server that this process has started.
type child struct {
	store   *redisstore.Store
	command *exec.Cmd
	lock    *aofstore.Lock
	log     string
	warn    func(error)
	ended   chan struct{} // closed when it has
	closing atomic.Bool
}

// OpenChild starts a redis-server that keeps everything in the data directory, synced
// before it answers, and opens the store on it. It takes over what an embedded store has
// kept there. The server ends with the store. warn hears of an end before that.
func OpenChild(ctx context.Context, dir string, warn func(error)) (*Store, error) {
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
	c := &child{lock: lock, warn: warn, log: filepath.Join(dir, childLog), ended: make(chan struct{})}
	if err := c.start(path, dir, socket); err != nil {
		return nil, errors.Join(fmt.Errorf("start a redis-server: %w", err), lock.Close())
	}
	if c.store, err = c.open(ctx, socket); err != nil {
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
		"--appendonly", "yes", "--appendfilename", "appendonly.aof", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no",
		"--aof-load-truncated", "no", "--maxmemory-policy", "noeviction",
	}
}

// start starts the server on a thread that lives as long as it does: its end is the
// server's, however it comes.
func (c *child) start(path, dir, socket string) error {
	c.command = exec.Command(path, childSettings(dir, socket)...)
	c.command.SysProcAttr = ownProcess()
	c.command.ExtraFiles = []*os.File{c.lock.File()} // it keeps the directory locked until it has ended
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := c.command.Start()
		started <- err
		defer close(c.ended)
		if err != nil {
			return
		}
		_ = c.command.Wait() // its log says why it ended
		if !c.closing.Load() {
			c.warn(fmt.Errorf("the redis-server has ended, and nothing is kept until this process is started again; its log says why: %s", c.log))
		}
	}()
	return <-started
}

// open opens the store when the server has loaded its file.
func (c *child) open(ctx context.Context, socket string) (*redisstore.Store, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		store, err := redisstore.Open(ctx, redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{socket}}})
		if err == nil || errors.Is(err, redisstore.ErrOther) {
			return store, err
		}
		select {
		case <-c.ended:
			return nil, fmt.Errorf("the redis-server ended at once; its log says why: %s", c.log)
		case <-ctx.Done():
			return nil, fmt.Errorf("the redis-server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// Close closes the connections and stops the server.
func (c *child) Close() error {
	c.closing.Store(true)
	var err error
	if c.store != nil {
		err = c.store.Close()
	}
	_ = c.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	select {
	case <-c.ended:
	case <-patience.C:
		_ = c.command.Process.Kill() // what it has answered is on the disk
		<-c.ended
	}
	return errors.Join(err, c.lock.Close())
}
