// Package aofstore keeps the engine's partitions in this process and in an append-only
// file: engine.Store as package redisstore has it, on a miniredis behind a front that
// appends what its clients write to a file, in the form of a Redis AOF.
//
// No reply leaves before all that it has seen or written is in the file and synced, as
// with a redis-server's appendfsync always: a commit that is acknowledged survives the
// process and the machine, and nobody reads what might not. Connections share the file
// and its syncs.
//
// The file is appendonly.aof in the data directory. It holds a command, or those of a
// transaction from MULTI to EXEC, one after the other, and after each group that was
// written at once an ECHO of the group's checksum, which a server that loads the file
// runs to no effect:
//
//	redis-cli --pipe < appendonly.aof
//	redis-server --dir DIR --appendonly yes
//
// At start the file is replayed. A last transaction that is not whole was never
// acknowledged; it is cut off, and put aside in appendonly.aof.torn. Damage before the
// end is an error that says where. A file that has grown to several times what is live
// is written anew beside it and put in its place.
//
// While the file cannot be written, all commands are refused, and it is tried again with
// each. The directory is locked for the time the store is open.
//
// Commands are those of redisstore and what a person looks around with. What would not
// do the same when the file is read (expiry, scripts, ids and times from the server) is
// refused. While a file is written anew clients go on, but it takes as much memory again.
package aofstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Options says where the store is. Listener must be set.
type Options struct {
	Dir        string       // the data directory, made if it is not there; "" keeps nothing
	Listener   net.Listener // where clients connect to it, the store itself first; the store closes it
	Dial       Dialer       // how the store itself connects; nil is TCP
	Partitions int          // that the store has; 0: those that it was made with
	New        int          // those that it is made with for ever if it is new; 0 is Partitions, or engine.DefaultPartitions
	Owner      io.Reader    // randomness for the name under which partitions are taken; nil is crypto/rand
	Warn       func(error)  // hears of a tail that was cut off, and of compactions that failed; may be nil

	floor int64           // no file smaller than this is compacted
	wrap  func(disk) disk // what stands between the store and its file
}

// Dialer opens a connection.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Store is an engine.Store that lives in this process. It is safe for concurrent use.
type Store struct {
	*redisstore.Store
	redis *miniredis.Miniredis
	ln    net.Listener
	dir   *directory // nil: nothing is kept
	log   *log
	warn  func(error)

	mu sync.Mutex // one client's commands at a time, in the order of the file

	grown   chan struct{} // the file may be due for compaction
	floor   int64
	base    atomic.Int64 // size of the file after the last compaction, or the attempt
	serving sync.WaitGroup
	tidying sync.WaitGroup

	connsMu sync.Mutex
	conns   map[net.Conn]bool // nil when closed
}

var _ engine.Store = (*Store)(nil)

// Open replays what the directory has, and serves it.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		redis: miniredis.NewMiniRedis(), ln: o.Listener, warn: o.Warn, floor: o.floor,
		grown: make(chan struct{}, 1), conns: make(map[net.Conn]bool),
	}
	if s.warn == nil {
		s.warn = func(error) {}
	}
	if s.floor == 0 {
		s.floor = defaultFloor
	}
	first, err := s.redis.Dial() // starts it without a listener of its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded store: %w", err), o.Listener.Close())
	}
	_ = first.Close()
	if err := s.load(o); err != nil {
		s.redis.Close()
		return nil, errors.Join(err, o.Listener.Close())
	}
	s.serving.Go(s.accept)
	s.tidying.Go(s.compactions)
	s.Store, err = redisstore.Open(ctx, redisstore.Options{
		Redis:      &redis.UniversalOptions{Addrs: []string{s.Addr()}, Dialer: o.Dial},
		Partitions: o.Partitions, New: o.New, Owner: o.Owner,
	})
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// Addr is where clients connect to.
func (s *Store) Addr() string { return s.ln.Addr().String() }

// Close ends all connections and leaves the directory to others.
func (s *Store) Close() error { return errors.Join(s.Store.Close(), s.end()) }

func (s *Store) end() error {
	err := s.ln.Close()
	s.connsMu.Lock()
	conns := s.conns
	s.conns = nil
	s.connsMu.Unlock()
	for conn := range conns {
		_ = conn.Close() // whoever is at the other end sees it
	}
	s.serving.Wait()
	close(s.grown)
	s.tidying.Wait()
	s.redis.Close()
	if s.log != nil {
		err = errors.Join(err, s.log.close(), s.dir.close())
	}
	return err
}

func (s *Store) accept() {
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			return // closed
		}
		if !s.admit(conn) {
			_ = conn.Close() // too late
			return
		}
		s.serving.Go(func() {
			newSession(s, conn).serve()
			s.connsMu.Lock()
			defer s.connsMu.Unlock()
			delete(s.conns, conn)
		})
	}
}

func (s *Store) admit(conn net.Conn) bool {
	s.connsMu.Lock()
	defer s.connsMu.Unlock()
	if s.conns == nil {
		return false
	}
	s.conns[conn] = true
	return true
}

// ready says whether commands may be run: not while something waits for the file that
// could not be written.
func (s *Store) ready() error {
	if s.log == nil || !s.log.ailing() {
		return nil
	}
	return s.log.await(s.log.mark())
}

// run runs commands of a client, and returns when all that they have seen or written is
// kept.
func (s *Store) run(c *session, commands [][]string) error {
	if s.log == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, args := range commands {
			c.do(args)
		}
		return nil
	}
	mark := s.runAll(c, commands)
	if fault.Planted(fault.EarlySync) {
		mark = 0
	}
	err := s.log.await(mark)
	if s.log.length() > s.grownTo() {
		select {
		case s.grown <- struct{}{}:
		default: // it knows
		}
	}
	return err
}

func (s *Store) runAll(c *session, commands [][]string) (mark int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, args := range commands {
		if unit := c.do(args); unit != nil {
			s.log.append(unit)
		}
	}
	return s.log.mark()
}
