package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// slowStore is a store that keeps when it is let, or fails.
type slowStore struct {
	*msgstore.Memory
	mu   sync.Mutex
	gate chan struct{} // closed when it may keep
	err  error
}

func newSlowStore() *slowStore {
	s := &slowStore{Memory: msgstore.NewMemory(msgstore.Keep{}), gate: make(chan struct{})}
	close(s.gate)
	return s
}

func (s *slowStore) set(open bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	if open {
		close(s.gate)
	} else {
		s.gate = make(chan struct{})
	}
}

func (s *slowStore) Commit(ctx context.Context, b *msgstore.Batch) error {
	s.mu.Lock()
	gate, err := s.gate, s.err
	s.mu.Unlock()
	<-gate
	if err != nil && b.Len() > 0 {
		return err
	}
	return s.Memory.Commit(ctx, b)
}

// A message is answered when it is kept, and goes nowhere before; other requests of the
// session are answered meanwhile.
func TestAnsweredWhenKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSlowStore()
		conf := config()
		conf.Durable = store
		w := newWorld(t, conf)
		phones := w.bind("phones", esme.Receiver)
		c := w.wire()
		c.bind(transceiver("platform"))
		store.set(false, nil)
		c.sendPDU(2, text(code, phone, "one"))
		c.sendPDU(3, text(code, phone, "two"))
		c.asks(4, &smpp.EnquireLink{}, smpp.ROK)
		time.Sleep(time.Second)
		same(t, phones.texts(), nil)
		store.set(true, nil)
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 2)
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 3)
		synctest.Wait()
		same(t, phones.texts(), []string{"one", "two"})
		_ = c.Close()
		w.end()
	})
}

// A store that is lost ends the server; what it did not keep is answered ESME_RSYSERR.
func TestStoreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSlowStore()
		conf := config()
		conf.Durable = store
		w := &world{t: t, ln: newPipes()}
		w.server = newServer(t, conf)
		done := make(chan error, 1)
		go func() { done <- w.server.Serve(context.Background(), w.ln) }()
		c := w.wire()
		c.bind(transceiver("platform"))
		store.set(false, msgstore.ErrFenced)
		c.sendPDU(2, text(code, phone, "one"))
		synctest.Wait()
		store.mu.Lock()
		close(store.gate)
		store.mu.Unlock()
		c.want(smpp.IDSubmitSMResp, smpp.RSYSERR, 2)
		c.want(smpp.IDUnbind, smpp.ROK, 1)
		_ = c.Close()
		if err := <-done; !errors.Is(err, msgstore.ErrFenced) {
			t.Errorf("served until %v", err)
		}
	})
}

// A server that starts again on a store has what was not final, with what was tried and
// asked for, and the receipts it owed; and what was final can still be asked for.
func TestStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := config()
		store := msgstore.NewMemory(msgstore.Keep{})
		conf.Durable = store
		w := newWorld(t, conf)
		sender := w.bind("platform", esme.Transmitter)
		ask := func(to, s string) *smpp.SubmitSM {
			sm := text(code, to, s)
			sm.RegisteredDelivery = smpp.ReceiptFinal
			return sm
		}
		phones := w.bind("phones", esme.Receiver)
		done := sender.send(t, ask(phone, "done")) // its receipt waits: nobody receives
		synctest.Wait()
		phones.set(smpp.RXTAPPN, false)
		tried := sender.send(t, ask(phone, "tried"))
		synctest.Wait()
		phones.leave()
		later := ask(phone2, "later")
		later.ScheduleDeliveryTime, later.ValidityPeriod = smpp.After(time.Hour).String(), smpp.After(2*time.Hour).String()
		scheduled := sender.send(t, later)
		short := ask(phone2, "short")
		short.ValidityPeriod = smpp.After(time.Minute).String()
		expired := sender.send(t, short)
		c := w.wire()
		b := as("platform")
		b.InterfaceVersion = 0x33
		c.bind(new(smpp.BindTransmitter(b)))
		multi := &smpp.SubmitMulti{Destinations: []smpp.Destination{{Address: from("8613800000008")}, {Address: from("8613800000009")}}, Message: *ask("", "all")}
		short8 := c.asks(2, multi, smpp.ROK).Body.(*smpp.SubmitMultiResp).MessageID
		_ = c.Close()
		// What comes after this is as if the process had been killed here.
		killed := msgstore.NewMemory(msgstore.Keep{})
		copyStore(t, store, killed)
		w.end()

		time.Sleep(10 * time.Minute)
		conf = config()
		conf.Durable = killed
		w = newWorld(t, conf)
		platform := w.bind("platform", esme.Transceiver)
		phones = w.bind("phones", esme.Receiver)
		synctest.Wait()
		same(t, phones.texts(), []string{"tried", "all", "all"})
		time.Sleep(time.Hour)
		same(t, phones.texts(), []string{"tried", "all", "all", "later"})
		got := make(map[string][]string)
		for _, s := range platform.texts() {
			r, err := smpp.ParseReceipt(s)
			if err != nil {
				t.Errorf("%q: %v", s, err)
			}
			got[r.ID] = append(got[r.ID], r.Stat)
		}
		want := map[string][]string{
			string(done): {"DELIVRD"}, string(tried): {"DELIVRD"}, string(scheduled): {"DELIVRD"}, string(expired): {"EXPIRED"},
			short8: {"DELIVRD", "DELIVRD"},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("receipts %v, want %v", got, want)
		}
		for id, attempts := range map[gateway.MessageID]int{done: 1, tried: 2} {
			if found, err := w.server.Message(string(id)); err != nil || found[0].State != gateway.Delivered || len(found[0].Attempts) != attempts {
				t.Errorf("%s: %+v, %v", id, found, err)
			}
		}
		if found, err := w.server.Message(short8); err != nil || len(found) != 2 {
			t.Errorf("%d messages of a submit_multi, %v", len(found), err)
		}
		if id := platform.send(t, text(code, phone, "new")); id <= expired {
			t.Errorf("id %s after %s", id, expired)
		}
		synctest.Wait()
		w.end()
		for r, err := range killed.Load(t.Context()) {
			if err != nil || !r.State.Final() && r.Kind == msgstore.Message || r.Kind == msgstore.Receipt {
				t.Errorf("left: %+v, %v", r, err)
			}
		}
	})
}

// copyStore is what a store has, in another.
func copyStore(t *testing.T, from, to *msgstore.Memory) {
	t.Helper()
	var b msgstore.Batch
	for r, err := range from.Load(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		put := b.Put
		if r.State.Final() && r.Kind == msgstore.Message {
			put = b.Finish
		}
		if err := put(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}

// Cancelled, replaced and one-time messages leave the store as they should.
func TestStoreAfterOperations(t *testing.T) {
	store := msgstore.NewMemory(msgstore.Keep{})
	conf := config()
	conf.Durable = store
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		cancelled, replaced := c.sent(2, text(code, phone, "cancelled")), c.sent(3, text(code, phone, "replaced"))
		c.asks(4, &smpp.CancelSM{MessageID: cancelled, Source: from(code)}, smpp.ROK)
		c.asks(5, &smpp.ReplaceSM{MessageID: replaced, Source: from(code), ShortMessage: []byte("by this")}, smpp.ROK)
		c.sent(6, inMode(smpp.ESMDatagram, "datagram"))
		synctest.Wait()
		var got []string
		for r, err := range store.Load(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%v %s", r.State, r.PDU.(*smpp.SubmitSM).ShortMessage))
		}
		if len(got) != 2 || !strings.Contains(fmt.Sprint(got), "DELETED cancelled") || !strings.Contains(fmt.Sprint(got), "ENROUTE by this") {
			t.Errorf("%q", got)
		}
	})
}
