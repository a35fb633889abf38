package smsc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

func inMode(mode uint8, s string) *smpp.SubmitSM {
	sm := text(code, phone, s)
	sm.ESMClass = mode
	return sm
}

// Datagram mode, §2.10.2: taken at once, tried once, kept nowhere; a receipt if asked for.
func TestDatagram(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		sm := inMode(smpp.ESMDatagram, "nobody is there")
		sm.RegisteredDelivery = smpp.ReceiptFinal
		platform.send(t, sm)
		synctest.Wait()
		if r, err := smpp.ParseReceipt(platform.texts()[0]); err != nil || r.Stat != "UNDELIV" {
			t.Errorf("%+v, %v", r, err)
		}
		phones := w.bind("phones", esme.Receiver)
		phones.set(smpp.RXTAPPN, false)
		id := platform.send(t, inMode(smpp.ESMDatagram, "refused for now"))
		synctest.Wait()
		phones.set(smpp.ROK, false)
		platform.send(t, inMode(smpp.ESMDatagram, "there"))
		time.Sleep(time.Hour)
		same(t, phones.texts(), []string{"there"})
		if len(platform.texts()) != 1 {
			t.Errorf("receipts nobody asked for: %q", platform.texts())
		}
		if found, err := w.server.Message(string(id)); err == nil {
			t.Errorf("kept: %+v", found)
		}
		if boxes, timers, stored := w.server.Kept(); boxes+timers+int(stored) != 0 {
			t.Errorf("%d mailboxes, %d timers, %d stored", boxes, timers, stored)
		}
	})
}

// Transaction mode, §2.10.3: the answer comes after the attempt, with its outcome.
func TestTransaction(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		platform.send(t, inMode(smpp.ESMTransaction, "taken"))
		same(t, phones.texts(), []string{"taken"})
		for _, answer := range []smpp.Status{smpp.RXTAPPN, smpp.RXPAPPN, smpp.RXRAPPN} {
			phones.set(answer, false)
			if _, err := platform.Submit(context.Background(), inMode(smpp.ESMTransaction, "refused")); !errors.Is(err, smpp.RSUBMITFAIL.Err()) {
				t.Errorf("refused with %v: %v", answer, err)
			}
		}
		phones.leave()
		if _, err := platform.Submit(context.Background(), inMode(smpp.ESMTransaction, "nobody")); !errors.Is(err, smpp.RSUBMITFAIL.Err()) {
			t.Errorf("nobody bound: %v", err)
		}
		time.Sleep(time.Hour)
		same(t, w.bind("phones", esme.Receiver).texts(), nil)
	})
}

// Answers come in the order of the outcomes, not of the requests, §2.9.
func TestTransactionsOutOfOrder(t *testing.T) {
	c := config()
	air, err := radio.New(1, radio.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	c.Radio = air
	bubbleWire(t, c, func(t *testing.T, w *world, c *wire) {
		w.bind("phones", esme.Receiver)
		if err := air.Set(radio.Settings{Number: phone, Profile: &radio.Profile{Latency: radio.Constant(3 * time.Second)}}); err != nil {
			t.Fatal(err)
		}
		slow, quick := inMode(smpp.ESMTransaction, "slow"), inMode(smpp.ESMTransaction, "quick")
		quick.Destination.Digits = phone2
		c.sendPDU(2, slow)
		c.sendPDU(3, quick)
		c.sendPDU(4, &smpp.EnquireLink{})
		seen := make(map[uint32]bool)
		for range 2 {
			seen[c.next().Sequence] = true
		}
		if !seen[3] || !seen[4] {
			t.Errorf("first answered: %v", seen)
		}
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 2)
	})
}

// Modes 0 and 3 are store and forward, §5.2.12.
func TestStoreAndForwardModes(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		platform.send(t, inMode(smpp.ESMDefault, "0"))
		platform.send(t, inMode(smpp.ESMStoreForward, "3"))
		time.Sleep(time.Hour)
		phones := w.bind("phones", esme.Receiver)
		synctest.Wait()
		same(t, phones.texts(), []string{"0", "3"})
	})
}

// Intermediate notification, §5.2.17, §5.2.12: once, when a message is first put off;
// the receipt of the final state only if that was asked for too.
func TestIntermediateNotification(t *testing.T) {
	for asked, final := range map[uint8]int{smpp.IntermediateReceipt: 0, smpp.IntermediateReceipt | smpp.ReceiptFinal: 1} {
		inBubble(t, config(), func(t *testing.T, w *world) {
			platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
			phones.set(smpp.RXTAPPN, false)
			sm := text(code, phone, "x")
			sm.RegisteredDelivery = asked
			id := platform.send(t, sm)
			time.Sleep(5 * time.Minute)
			got := platform.received()
			if len(got) != 1 {
				t.Fatalf("%d notifications", len(got))
			}
			r, err := smpp.ParseReceipt(string(got[0].ShortMessage))
			state, _ := got[0].TLVs.Uint8(smpp.TagMessageState)
			if err != nil || got[0].ESMClass != smpp.ESMIntermediate || r.ID != string(id) || r.Stat != "ENROUTE" || r.Err != "100" || gateway.MessageState(state) != gateway.Enroute {
				t.Errorf("%+v, %v, esm_class %x, state %d", r, err, got[0].ESMClass, state)
			}
			phones.set(smpp.ROK, false)
			time.Sleep(10 * time.Minute)
			if n := len(platform.texts()) - 1; n != final {
				t.Errorf("asked %x: %d receipts", asked, n)
			}
		})
	}
}
