package smsc_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// Receipts that nobody takes are kept, and bounded: with Config.Store of them its messages
// that ask for more are refused with ESME_RMSGQFUL, those that do not are taken, and others
// pay nothing. Once the receipts are taken, all of them, it may ask again.
func TestReceiptsOfADeafESME(t *testing.T) {
	const most = 500
	conf := config()
	conf.Store = most
	inBubble(t, conf, func(t *testing.T, w *world) {
		w.bind("phones", esme.Receiver)
		platform, shop := w.bind("platform", esme.Transmitter), w.bind("shop", esme.Transmitter)
		ask := func(p *peer, source string) error {
			sm := text(source, phone, "receipt, please")
			sm.RegisteredDelivery = smpp.ReceiptFinal
			_, err := p.Submit(t.Context(), sm)
			synctest.Wait()
			return err
		}
		for i := range most {
			if err := ask(platform, code); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		for range 10 {
			if refused, ok := errors.AsType[*smpp.StatusError](ask(platform, code)); !ok || refused.Status != smpp.RMSGQFUL {
				t.Fatalf("receipts without bound: %v", refused)
			}
		}
		platform.send(t, text(code, phone, "no receipt"))
		if err := ask(shop, "10690"); err != nil {
			t.Errorf("a neighbour: %v", err)
		}
		hearing := w.bind("platform", esme.Transceiver)
		time.Sleep(time.Second)
		if n := len(hearing.received()); n != most {
			t.Errorf("%d receipts, want %d", n, most)
		}
		if err := ask(hearing, code); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

// heap is how many octets are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first has finalised
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

// grows says by how many octets something has the heap grow, for as long as what it
// answers is in use.
func grows(do func() (holds any)) int64 {
	before := heap()
	holds := do()
	after := heap()
	runtime.KeepAlive(holds)
	return after - before
}

const megabyte = 1 << 20

// What has ended is forgotten: of 30,000 messages the last 1,000 are remembered.
func TestEndedMessages(t *testing.T) {
	conf := config()
	conf.History = 1000
	inBubble(t, conf, func(t *testing.T, w *world) {
		phones := w.bind("phones", esme.Receiver)
		n := 0
		submit := func(count int) any {
			for range count {
				n++
				sm := text(code, fmt.Sprintf("861%010d", n), "hello, this is a text of some length, so that it counts")
				if _, err := w.server.Submit(t.Context(), "platform", sm); err != nil {
					t.Fatal(err)
				}
				if n%1000 == 0 {
					synctest.Wait()
					w.forget(phones)
				}
			}
			return w
		}
		submit(10_000)
		if grown := grows(func() any { return submit(20_000) }); grown > 7*megabyte {
			t.Errorf("the heap has grown by %d octets", grown)
		}
		if remembered := w.server.Stats().Remembered; remembered < 1000 || remembered > 1100 {
			t.Errorf("%d messages are remembered", remembered)
		}
	})
}

// forget drops what a peer was given, and what the observer saw.
func (w *world) forget(p *peer) {
	w.mu.Lock()
	w.events = nil
	w.mu.Unlock()
	p.mu.Lock()
	p.got, p.at = nil, nil
	p.mu.Unlock()
}
