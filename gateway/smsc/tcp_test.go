package smsc_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// serveTCP runs a server on a free port until the test ends.
func serveTCP(tb testing.TB, c smsc.Config) (address string) {
	tb.Helper()
	server, err := smsc.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, ln); err != nil {
			tb.Errorf("serve: %v", err)
		}
	})
	tb.Cleanup(func() { stop(); wg.Wait() })
	return ln.Addr().String()
}

func dialTCP(address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}

// bindTCP binds a client until the test ends.
func bindTCP(tb testing.TB, c esme.Config) *esme.Client {
	tb.Helper()
	c.Password = "secret"
	client, err := esme.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := client.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	tb.Cleanup(func() { stop(); wg.Wait() })
	if err := client.WaitBound(ctx); err != nil {
		tb.Fatal(err)
	}
	return client
}

// Many senders, many phones, receipts for all, over TCP: each message is
// delivered once, in order for its number, and has one receipt with its id.
func TestManyOverTCP(t *testing.T) {
	const senders, each, numbers = 8, 250, 50
	address := serveTCP(t, config())
	var mu sync.Mutex
	last := make(map[string]int)
	receipts := make(map[string]int)
	total := 0
	done := make(chan struct{})
	for range 3 {
		bindTCP(t, esme.Config{Dial: dialTCP(address), SystemID: "phones", Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			var n int
			_, _ = fmt.Sscan(string(sm.ShortMessage), &n)
			mu.Lock()
			key := sm.Source.Digits + sm.Destination.Digits
			if n <= last[key] {
				t.Errorf("%s: %d after %d", key, n, last[key])
			}
			last[key] = n
			mu.Unlock()
			reply(smpp.ROK)
		}})
	}
	client := bindTCP(t, esme.Config{Dial: dialTCP(address), SystemID: "platform", Window: 50, Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
		reply(smpp.ROK)
		r, err := smpp.ParseReceipt(string(sm.ShortMessage))
		mu.Lock()
		defer mu.Unlock()
		receipts[r.ID]++
		if total++; err != nil || r.Stat != "DELIVRD" || total == senders*each {
			close(done)
		}
	}})
	ids := make(chan string, senders*each)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				sm := text(fmt.Sprint("1065", i), fmt.Sprintf("86138000000%02d", n%numbers), fmt.Sprint(n+1))
				sm.RegisteredDelivery = smpp.ReceiptFinal
				id, err := client.Submit(context.Background(), sm)
				if err != nil {
					t.Error(err)
					return
				}
				ids <- string(id)
			}
		})
	}
	wg.Wait()
	close(ids)
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("receipts are missing")
	}
	mu.Lock()
	defer mu.Unlock()
	for id := range ids {
		if receipts[id] != 1 {
			t.Errorf("%s has %d receipts", id, receipts[id])
		}
	}
}
