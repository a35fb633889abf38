package network_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
)

func TestMemoryNames(t *testing.T) {
	m := new(network.Memory)
	for _, tt := range []struct{ listen, dial string }{
		{":2775", "127.0.0.1:2775"},
		{"0.0.0.0:2776", "localhost:2776"},
		{"[::]:2777", "[::1]:2777"},
		{"smsc:2775", "smsc:2775"},
		{"[fe80::1]:1", "[fe80::1]:1"},
	} {
		l, err := m.Listen(t.Context(), tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.Dial(t.Context(), tt.dial)
		if err != nil {
			t.Errorf("%s at %s: %v", tt.dial, tt.listen, err)
			continue
		}
		if c.RemoteAddr().Network() != "memory" {
			t.Errorf("network %s", c.RemoteAddr().Network())
		}
		_, _ = c.Close(), l.Close()
	}
	if _, err := m.Dial(t.Context(), "smsc:2775"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody there: %v", err)
	}
}

// Two networks do not know each other.
func TestMemoriesAreApart(t *testing.T) {
	a, b := new(network.Memory), new(network.Memory)
	if _, err := a.Listen(t.Context(), ":1"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Dial(t.Context(), ":1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
}

func TestMemoryBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &network.Memory{Backlog: 2}
		l := listen(t, m)
		dial(t, m, l.Addr().String())
		dial(t, m, l.Addr().String())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := m.Dial(ctx, l.Addr().String())
		wantErr(t, "dial to a full backlog", err, context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() {
			_, err := m.Dial(t.Context(), l.Addr().String())
			done <- err
		}()
		synctest.Wait()
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("dial once there was room: %v", err)
		}
		go func() {
			_, err := m.Dial(t.Context(), l.Addr().String())
			done <- err
		}()
		synctest.Wait()
		_ = l.Close()
		wantErr(t, "dial when the listener closes", <-done, syscall.ECONNREFUSED)
	})
}

// A peer that does not read stops the writer at the buffer's size, no later.
func TestMemoryBufferIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, &network.Memory{Buffer: 5000})
		_ = client.SetWriteDeadline(time.Now().Add(time.Minute))
		for _, want := range []int{5000, 0, 0} {
			n, err := client.Write(make([]byte, 20_000))
			if n != want || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("wrote %d, %v; want %d", n, err, want)
			}
		}
		_ = client.SetWriteDeadline(time.Time{})
		read(t, server, string(make([]byte, 4999)))
		write(t, client, string(make([]byte, 4999)))
		read(t, server, string(make([]byte, 5000)))
	})
}

func TestPipe(t *testing.T) {
	a, b := network.Pipe()
	write(t, a, "ping") // nobody reads yet: it is buffered
	write(t, b, "pong")
	read(t, b, "ping")
	read(t, a, "pong")
	_, _ = a.Close(), b.Close()
}
