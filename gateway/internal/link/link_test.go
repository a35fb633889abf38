package link_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/internal/link"
	"github.com/airtill/airtill/gateway/smpp"
)

// counted is a connection that counts its writes.
type counted struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

func enquiries(t *testing.T, n int) []byte {
	t.Helper()
	var b []byte
	for i := range n {
		var err error
		if b, err = smpp.Append(b, smpp.PDU{Sequence: uint32(i + 1), Body: &smpp.EnquireLink{}}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// echo answers every frame until the connection ends.
func echo(l *link.Link) error {
	for {
		f, err := l.Next()
		if err != nil {
			return err
		}
		p, err := smpp.Decode(f)
		if err != nil {
			return err
		}
		if err := l.Send(smpp.PDU{Sequence: p.Sequence, Body: smpp.Response(p.Body)}); err != nil {
			return err
		}
	}
}

func readFrames(t *testing.T, c net.Conn, n int) {
	t.Helper()
	r := smpp.NewReader(c, 0)
	for i := range n {
		f, err := r.Next()
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if p, err := smpp.Decode(f); err != nil || p.Sequence != uint32(i+1) {
			t.Fatalf("answer %d: sequence %d, %v", i, p.Sequence, err)
		}
	}
}

// A read of 200 PDUs is answered with one write.
func TestOneWriteForOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		conn := &counted{Conn: near}
		l := link.New(link.Config{Conn: conn})
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Write() })
		wg.Go(func() { _ = echo(l); l.Close() })
		if _, err := far.Write(enquiries(t, 200)); err != nil {
			t.Fatal(err)
		}
		readFrames(t, far, 200)
		if got := conn.count(); got != 1 {
			t.Errorf("%d writes", got)
		}
		_ = far.Close()
		wg.Wait()
	})
}

// What was sent before Close is written; after it nothing is taken.
func TestCloseWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		l := link.New(link.Config{Conn: near})
		if err := l.Send(smpp.PDU{Sequence: 1, Body: &smpp.Unbind{}}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		l.Close()
		if err := l.Send(smpp.PDU{Body: &smpp.Unbind{}}); !errors.Is(err, link.ErrClosed) {
			t.Errorf("sent after close: %v", err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Write() })
		readFrames(t, far, 1)
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection goes on: %v", err)
		}
		wg.Wait()
	})
}

// A peer that does not read is not read from: memory stays bounded (and after
// the write's time the connection ends).
func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		l := link.New(link.Config{Conn: near, Queue: 1 << 10, Write: 5 * time.Second})
		var wg sync.WaitGroup
		var writeErr error
		wg.Go(func() { writeErr = l.Write() })
		wg.Go(func() { _ = echo(l) })
		sent := 0
		_ = far.SetWriteDeadline(time.Now().Add(time.Minute))
		for {
			n, err := far.Write(enquiries(t, 64))
			if sent += n; err != nil {
				break
			}
		}
		if sent > 64<<10 {
			t.Errorf("took %d octets from a peer that reads nothing", sent)
		}
		wg.Wait()
		if !errors.Is(writeErr, os.ErrDeadlineExceeded) {
			t.Errorf("write ended with %v", writeErr)
		}
	})
}

// An octet a second is not a PDU.
func TestSlowFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		l := link.New(link.Config{Conn: near, Frame: 10 * time.Second})
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() {
			if _, err := l.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
			_ = near.Close()
		})
		for _, octet := range enquiries(t, 1)[:15] {
			if _, err := far.Write([]byte{octet}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		wg.Wait()
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("held for %v", took)
		}
	})
}

// Between two PDUs a link may be quiet for ever, and says how long.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		l := link.New(link.Config{Conn: near})
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Write() })
		wg.Go(func() { _ = echo(l); l.Close() })
		time.Sleep(time.Hour)
		if _, err := far.Write(enquiries(t, 1)); err != nil {
			t.Fatal(err)
		}
		readFrames(t, far, 1)
		time.Sleep(3 * time.Minute)
		if got := l.Quiet(); got != 3*time.Minute {
			t.Errorf("quiet for %v", got)
		}
		_ = far.Close()
		wg.Wait()
	})
}
