package smsc_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// §2.11, appendix B: the receipt's form, and that it comes after the answer.
func TestReceiptForm(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		w.bind("phones", esme.Receiver)
		c.bind(transceiver("platform"))
		sm := text(code, phone, "Your bill of CNY 1,280.00")
		sm.RegisteredDelivery, sm.TLVs = smpp.ReceiptFinal, smpp.TLVs{smpp.Uint16TLV(smpp.TagUserMessageReference, 7)}
		c.sendPDU(2, sm)
		id := c.want(smpp.IDSubmitSMResp, smpp.ROK, 2).Body.(*smpp.SubmitSMResp).MessageID
		got := c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM)
		now := time.Now().UTC().Format("0601021504")
		want := fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:Your bill of CNY 1,2", id, now, now)
		if string(got.ShortMessage) != want || got.ESMClass != smpp.ESMReceipt || got.Source != sm.Destination || got.Destination.Digits != code {
			t.Errorf("\n got %s, %+v\nwant %s", got.ShortMessage, got, want)
		}
		receipted, _ := got.TLVs.Text(smpp.TagReceiptedMessageID)
		state, _ := got.TLVs.Uint8(smpp.TagMessageState)
		ref, _ := got.TLVs.Uint16(smpp.TagUserMessageReference)
		if receipted != id || state != smpp.StateDelivered || ref != 7 {
			t.Errorf("TLVs %v", got.TLVs)
		}
		_ = c.Close()
	})
}

// registered_delivery, §5.2.17: which final state has a receipt.
func TestReceiptRules(t *testing.T) {
	for _, tc := range []struct {
		asked  uint8
		answer smpp.Status
		want   int
	}{
		{smpp.ReceiptNone, smpp.ROK, 0}, {smpp.ReceiptNone, smpp.RXPAPPN, 0},
		{smpp.ReceiptFinal, smpp.ROK, 1}, {smpp.ReceiptFinal, smpp.RXPAPPN, 1},
		{smpp.ReceiptFailure, smpp.ROK, 0}, {smpp.ReceiptFailure, smpp.RXPAPPN, 1},
		{smpp.ReceiptSuccess, smpp.ROK, 1}, {smpp.ReceiptSuccess, smpp.RXPAPPN, 0},
	} {
		inBubble(t, config(), func(t *testing.T, w *world) {
			platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
			phones.set(tc.answer, false)
			sm := text(code, phone, "x")
			sm.RegisteredDelivery = tc.asked
			platform.send(t, sm)
			time.Sleep(time.Hour)
			if got := len(platform.texts()); got != tc.want {
				t.Errorf("registered_delivery %d, answer %v: %d receipts, want %d", tc.asked, tc.answer, got, tc.want)
			}
		})
	}
}

// A receipt is kept while nobody is bound to take it, and goes to any receiver of
// the same system_id, once; a temporary refusal is tried again.
func TestReceiptsAreKept(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		sender := w.bind("platform", esme.Transmitter)
		w.bind("phones", esme.Receiver)
		sm := text(code, phone, "x")
		sm.RegisteredDelivery = smpp.ReceiptFinal
		sender.send(t, sm)
		sender.leave()
		time.Sleep(time.Hour)
		shop := w.bind("shop", esme.Receiver)
		taker := w.bind("platform", esme.Receiver)
		synctest.Wait()
		if len(taker.texts()) != 1 || len(shop.texts()) != 0 {
			t.Errorf("receipts %q, and %q to another", taker.texts(), shop.texts())
		}
		taker.set(smpp.RXTAPPN, false)
		again := w.bind("platform", esme.Transmitter)
		again.send(t, sm)
		time.Sleep(time.Second / 2)
		taker.set(smpp.ROK, false)
		time.Sleep(2 * time.Second)
		if len(taker.texts()) != 2 {
			t.Errorf("receipts %q", taker.texts())
		}
	})
}

// Receipts that an account does not take are bounded: it can ask for no more until it
// takes them.
func TestReceiptsOwed(t *testing.T) {
	c := config()
	c.Store = 5
	inBubble(t, c, func(t *testing.T, w *world) {
		sender := w.bind("platform", esme.Transmitter)
		w.bind("phones", esme.Receiver)
		sm := text(code, phone, "x")
		sm.RegisteredDelivery = smpp.ReceiptFinal
		for range 5 {
			sender.send(t, sm)
			synctest.Wait()
		}
		if _, err := sender.Submit(t.Context(), sm); !errors.Is(err, smpp.RMSGQFUL.Err()) {
			t.Errorf("one more: %v", err)
		}
		sender.send(t, text(code, phone, "without"))
		taker := w.bind("platform", esme.Receiver)
		time.Sleep(time.Second)
		sender.send(t, sm)
		time.Sleep(time.Second)
		if n := len(taker.texts()); n != 6 {
			t.Errorf("%d receipts", n)
		}
	})
}

// On a session that has submitted a receipt follows its answer at once. On another it
// leaves the ESME a moment to read the answer first, and never waits longer than that
// moment since the message was accepted.
func TestReceiptsOnAnotherSession(t *testing.T) {
	for _, tc := range []struct {
		name    string
		another bool
		away    time.Duration // the phones come only then
		wait    time.Duration
	}{
		{"the same", false, 0, 0},
		{"another", true, 0, 100 * time.Millisecond},
		{"another, of a message that took long", true, time.Minute, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, config(), func(t *testing.T, w *world) {
				sender := w.bind("platform", esme.Transceiver)
				taker := sender
				if tc.another {
					sender.leave()
					sender, taker = w.bind("platform", esme.Transmitter), w.bind("platform", esme.Receiver)
				}
				sm := text(code, phone, "x")
				sm.RegisteredDelivery = smpp.ReceiptFinal
				if tc.away == 0 {
					w.bind("phones", esme.Receiver)
				}
				sender.send(t, sm)
				if tc.away > 0 {
					time.Sleep(tc.away)
					w.bind("phones", esme.Receiver)
				}
				synctest.Wait()
				if tc.wait > 0 {
					time.Sleep(tc.wait - time.Millisecond)
					if n := len(taker.texts()); n != 0 {
						t.Errorf("%d receipts before their time", n)
					}
					time.Sleep(time.Millisecond)
				}
				synctest.Wait()
				if n := len(taker.texts()); n != 1 {
					t.Errorf("%d receipts, want 1", n)
				}
			})
		})
	}
}
