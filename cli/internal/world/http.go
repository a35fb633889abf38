package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// drainTime is how long a stopping room lets requests finish.
const drainTime = 5 * time.Second

// serveHTTP serves until ctx ends, then lets what is being answered finish.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	unused := &unused{conns: make(map[net.Conn]struct{})}
	server.ConnState = unused.watch
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	unused.close()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("let requests finish: %w", err), server.Close())
	}
	<-failed
	return err
}

// unused are a server's connections on which nothing was asked yet. Clients dial such
// ahead; [http.Server.Shutdown] waits five seconds for each to be used.
type unused struct {
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	closing bool
}

// watch is a server's ConnState.
func (u *unused) watch(conn net.Conn, state http.ConnState) {
	if u.keep(conn, state) {
		return
	}
	_ = conn.Close() // its other end asked nothing
}

// keep says whether the connection may live on.
func (u *unused) keep(conn net.Conn, state http.ConnState) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state != http.StateNew {
		delete(u.conns, conn)
		return true
	}
	if !u.closing {
		u.conns[conn] = struct{}{}
	}
	return !u.closing
}

// close closes them, and those that come from now on.
func (u *unused) close() {
	u.mu.Lock()
	u.closing = true
	conns := u.conns
	u.conns = make(map[net.Conn]struct{})
	u.mu.Unlock()
	for conn := range conns {
		_ = conn.Close()
	}
}
