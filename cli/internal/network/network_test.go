package network_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/cli/internal/network"
)

// onEach runs a test of what every network promises: over TCP, in memory, in memory
// with next to no buffer, and in memory inside a bubble.
func onEach(t *testing.T, test func(t *testing.T, n network.Network)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { test(t, network.TCP{}) })
	t.Run("memory", func(t *testing.T) { test(t, new(network.Memory)) })
	t.Run("small", func(t *testing.T) { test(t, &network.Memory{Buffer: 7}) })
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, &network.Memory{Buffer: 1000}) })
	})
}

// connect makes a listener and one connection to it.
func connect(t *testing.T, n network.Network) (client, server net.Conn) {
	t.Helper()
	l := listen(t, n)
	client = dial(t, n, l.Addr().String())
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

func listen(t *testing.T, n network.Network) net.Listener {
	t.Helper()
	l, err := n.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dial(t *testing.T, n network.Network, address string) net.Conn {
	t.Helper()
	c, err := n.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); string(b) != want || err != nil {
		t.Fatalf("read %q, %v; want %q", b, err, want)
	}
}

// wantErr checks an error, and that it is told as package net tells it.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
	if _, wrapped := errors.AsType[*net.OpError](err); !wrapped && want != io.EOF {
		t.Errorf("%s: %v does not tell the operation", what, err)
	}
}

func TestAddresses(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		if client.LocalAddr().String() != server.RemoteAddr().String() || client.RemoteAddr().String() != server.LocalAddr().String() {
			t.Errorf("%s-%s and %s-%s", client.LocalAddr(), client.RemoteAddr(), server.LocalAddr(), server.RemoteAddr())
		}
		host, port, err := net.SplitHostPort(server.LocalAddr().String())
		if host != "127.0.0.1" || port == "0" || err != nil {
			t.Errorf("listens at %s", server.LocalAddr())
		}
	})
}

func TestListener(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		l := listen(t, n)
		address := l.Addr().String()
		_, err := n.Listen(t.Context(), address)
		wantErr(t, "listen twice", err, syscall.EADDRINUSE)
		other := listen(t, n)
		if other.Addr().String() == address {
			t.Errorf("two listeners at %s", address)
		}
		accepted := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "accept while closing", <-accepted, net.ErrClosed)
		_, err = l.Accept()
		wantErr(t, "accept after close", err, net.ErrClosed)
		wantErr(t, "close twice", l.Close(), net.ErrClosed)
		_, err = n.Dial(t.Context(), address)
		wantErr(t, "dial", err, syscall.ECONNREFUSED)
		again, err := n.Listen(t.Context(), address)
		if err != nil {
			t.Fatalf("listen at a freed address: %v", err)
		}
		_ = again.Close()
	})
}

func TestConnectionsOutliveTheirListener(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		l := listen(t, n)
		client := dial(t, n, l.Addr().String())
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		waiting := dial(t, n, l.Addr().String()) // never accepted
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, client, "alive")
		read(t, server, "alive")
		_ = server.Close()
		if _, err := waiting.Read(make([]byte, 1)); err == nil {
			t.Error("a connection that nobody accepted answers")
		}
	})
}

func TestContext(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		l := listen(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if c, err := n.Dial(ctx, l.Addr().String()); err == nil {
			_ = c.Close()
			t.Error("dialled with a context that has ended")
		}
		ctx, cancel = context.WithCancel(t.Context())
		c, err := n.Dial(ctx, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		cancel() // it bounded the dial only
		write(t, c, "x")
		read(t, server, "x")
		_, _ = c.Close(), server.Close()
	})
}

func TestBadAddresses(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		for _, address := range []string{"", "127.0.0.1", "127.0.0.1:no", "127.0.0.1:65536", "127.0.0.1:-1"} {
			if l, err := n.Listen(t.Context(), address); err == nil {
				_ = l.Close()
				if address != "" { // TCP takes it for any port
					t.Errorf("listens at %q", address)
				}
			}
			if address == "" {
				continue
			}
			if c, err := n.Dial(t.Context(), address); err == nil {
				_ = c.Close()
				t.Errorf("dialled %q", address)
			}
		}
	})
}
