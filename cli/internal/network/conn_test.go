package network_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
)

func TestEcho(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		sent := make([]byte, 300_000)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range sent {
			sent[i] = byte(rng.Uint32())
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			_, err := io.Copy(server, server)
			if err == nil {
				err = server.Close()
			}
			if err != nil {
				t.Errorf("echo: %v", err)
			}
		})
		wg.Go(func() {
			for rest := sent; len(rest) > 0; {
				some := min(len(rest), 1+rng.IntN(5000))
				if _, err := client.Write(rest[:some]); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				rest = rest[some:]
			}
			if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Errorf("close write: %v", err)
			}
		})
		got, err := io.ReadAll(client)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d octets came back of %d, %v", len(got), len(sent), err)
		}
	})
}

func TestClose(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		write(t, client, "last")
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := client.Read(make([]byte, 1))
		wantErr(t, "read after close", err, net.ErrClosed)
		_, err = client.Write([]byte("x"))
		wantErr(t, "write after close", err, net.ErrClosed)
		wantErr(t, "close twice", client.Close(), net.ErrClosed)
		wantErr(t, "deadline after close", client.SetDeadline(time.Now()), net.ErrClosed)
		read(t, server, "last") // what was written before is not lost
		for range 2 {
			_, err = server.Read(make([]byte, 1))
			wantErr(t, "read of a closed peer", err, io.EOF)
		}
	})
}

func TestWriteToClosedPeer(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		for err == nil { // TCP may take some before it learns
			_, err = client.Write([]byte("x"))
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write to a closed peer: %v", err)
		}
	})
}

func TestCloseWithUnreadResets(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		write(t, client, "ab")
		read(t, server, "a") // "b" is never read
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := client.Read(make([]byte, 1))
		wantErr(t, "read", err, syscall.ECONNRESET)
	})
}

func TestCloseWakes(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		errs := make(chan error, 2)
		go func() {
			_, err := client.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := client.Write(make([]byte, 64<<20)) // more than any buffer
			errs <- err
		}()
		read(t, server, "\x00") // the writer has begun
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "first", <-errs, net.ErrClosed)
		wantErr(t, "second", <-errs, net.ErrClosed)
	})
}

func TestCloseWrite(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		write(t, client, "asked")
		if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, err := client.Write([]byte("x"))
		wantErr(t, "write after close write", err, syscall.EPIPE)
		read(t, server, "asked")
		_, err = server.Read(make([]byte, 1))
		wantErr(t, "read", err, io.EOF)
		write(t, server, "reply")
		read(t, client, "reply")
	})
}

func TestDeadlines(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		timeout := func(what string, err error) {
			t.Helper()
			wantErr(t, what, err, os.ErrDeadlineExceeded)
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
				t.Errorf("%s: %v is no timeout", what, err)
			}
		}
		set := func(d time.Time) {
			t.Helper()
			if err := client.SetDeadline(d); err != nil {
				t.Fatal(err)
			}
		}
		write(t, server, "x")
		set(time.Unix(1, 0))
		_, err := client.Read(make([]byte, 1))
		timeout("read past the deadline, octets waiting", err)
		some, err := client.Write([]byte("x"))
		timeout("write past the deadline", err)
		if some != 0 {
			t.Errorf("wrote %d octets past the deadline", some)
		}
		set(time.Time{})
		read(t, client, "x")
		set(time.Now().Add(10 * time.Millisecond))
		_, err = client.Read(make([]byte, 1))
		timeout("read until the deadline", err)
		set(time.Now().Add(10 * time.Millisecond))
		some, err = client.Write(make([]byte, 64<<20))
		timeout("write until the deadline", err)
		if some >= 64<<20 {
			t.Error("all was written")
		}
		set(time.Now().Add(time.Hour))
		write(t, server, "y")
		read(t, client, "y")
	})
}

// A deadline set while a call waits is heeded by it; one taken back is not.
func TestDeadlineChangedWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, new(network.Memory))
		errs := make(chan error, 1)
		wait := func() {
			_, err := client.Read(make([]byte, 1))
			errs <- err
		}
		go wait()
		synctest.Wait()
		start := time.Now()
		_ = client.SetReadDeadline(start.Add(time.Second))
		wantErr(t, "read", <-errs, os.ErrDeadlineExceeded)
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %v", d)
		}
		_ = client.SetReadDeadline(time.Now().Add(time.Second))
		go wait()
		synctest.Wait()
		_ = client.SetReadDeadline(time.Time{})
		time.Sleep(time.Hour)
		write(t, server, "x")
		if err := <-errs; err != nil {
			t.Errorf("read: %v", err)
		}
	})
}

// Writes that run at once are not mixed, and reads that run at once lose nothing.
func TestConcurrentWritesStayWhole(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		const writers, each, size = 8, 20, 100
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for range each {
					if _, err := client.Write(bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
						t.Errorf("write: %v", err)
					}
				}
			})
		}
		message := make([]byte, size)
		for range writers * each {
			if _, err := io.ReadFull(server, message); err != nil {
				t.Fatal(err)
			}
			if bytes.Count(message, message[:1]) != size {
				t.Fatalf("mixed: %q", message)
			}
		}
		wg.Wait()
	})
}

// All methods at once, for the race detector.
func TestConcurrentMethods(t *testing.T) {
	onEach(t, func(t *testing.T, n network.Network) {
		client, server := connect(t, n)
		var wg sync.WaitGroup
		for range 20 {
			for _, c := range []net.Conn{client, server} {
				wg.Go(func() { _, _ = c.Read(make([]byte, 100)) })
				wg.Go(func() { _, _ = c.Write(make([]byte, 100)) })
				wg.Go(func() { _ = c.SetDeadline(time.Now().Add(10 * time.Millisecond)) })
				wg.Go(func() { _ = c.SetReadDeadline(time.Now()) })
				wg.Go(func() { _ = c.SetWriteDeadline(time.Now()) })
				wg.Go(func() { _, _ = c.LocalAddr().String(), c.RemoteAddr().Network() })
			}
		}
		_ = client.Close()
		_ = server.Close()
		wg.Wait()
	})
}

func BenchmarkPingPong(b *testing.B) {
	for name, n := range map[string]network.Network{"tcp": network.TCP{}, "memory": new(network.Memory)} {
		b.Run(name, func(b *testing.B) {
			l, err := n.Listen(b.Context(), "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
				_ = c.Close()
			})
			c, err := n.Dial(b.Context(), l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			message := []byte(fmt.Sprintf("%0200d", 1))
			for b.Loop() {
				if _, err := c.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
