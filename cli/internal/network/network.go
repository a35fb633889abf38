// Package network is what rooms listen and dial on: TCP for people, memory for tests.
//
// A [Network] has two methods. [TCP] is the real one. [Memory] stays in the process:
// its connections have buffers, deadlines and the close semantics of TCP, so that
// HTTP servers, SMPP binds and Redis clients cannot tell the difference, and they work
// inside a testing/synctest bubble, where sockets do not. Nothing in it is random:
// ports are handed out in order.
//
// Left out of Memory: datagrams, files and system calls under a connection, CloseRead,
// linger; latency and loss, which are the carrier's to simulate.
package network

import (
	"context"
	"net"
)

// Network makes listeners and connections of streams.
type Network interface {
	// Listen takes connections at an address: host:port, where the port 0 is a free
	// one. The listener's Addr says which.
	Listen(ctx context.Context, address string) (net.Listener, error)
	// Dial connects to whoever listens at the address. The context bounds only the
	// connecting.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// TCP is the operating system's network.
type TCP struct{}

var _ Network = TCP{}

// Listen implements [Network].
func (TCP) Listen(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", address)
}

// Dial implements [Network].
func (TCP) Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}
