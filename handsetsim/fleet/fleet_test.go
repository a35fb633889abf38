package fleet_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

const (
	alice gateway.MSISDN = "8613800000001"
	bob   gateway.MSISDN = "8613800000002"
)

// TestS19_BillToReceipt pushes a bill to a phone of each form (S2) and follows it to the receipt.
func TestS19_BillToReceipt(t *testing.T) {
	for _, form := range []string{"standalone", "sim", "sdtf"} {
		t.Run(form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				b := newBench(t, fleet.Config{Log: zerolog.New(&logged)})
				b.enrol(alice, form, "pays")
				b.run()
				start := time.Now()
				if status := b.bill(0, alice, 1); status != smpp.ROK {
					t.Fatal(status)
				}
				if open := b.expect("OPEN delivered").(*applet.Open); open.Slots != 2 {
					t.Errorf("%d cards told, want 2", open.Slots)
				}
				b.expect("OPEN opened")
				pay := b.expect("PAY").(*applet.Pay)
				if took := time.Since(start); took > time.Second {
					t.Errorf("paid after %v, want within a second", took)
				}
				if pay.Amount != 128000 || pay.Currency != "CNY" || pay.Payee != "10000001" || pay.Phone != alice || pay.Transaction == 0 {
					t.Errorf("PAY %+v", pay)
				}
				b.result(0, alice, 1, applet.CodeApproved)
				b.expect("RECEIPT")
				b.quiet(time.Hour)
				want := "received; shown; sent; confirmed; sent; card picked; PIN typed; sent; received; result shown; sent; "
				told := b.told(alice)
				if n := strings.Count(told, "accepted; "); n != 4 { // when, is the carrier's affair
					t.Errorf("the carrier took %d messages: %s", n, told)
				}
				if got := strings.ReplaceAll(told, "accepted; ", ""); got != want {
					t.Errorf("told %s\nwant %s", got, want)
				}
				b.end()
				b.noPIN(logged.Bytes())
			})
		})
	}
}

// TestS10_AnotherCard goes back to the same bill with another card.
func TestS10_AnotherCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "poor-first-card")
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		first := b.expect("PAY").(*applet.Pay)
		b.result(0, alice, 1, applet.CodeFunds)
		second := b.expect("PAY").(*applet.Pay)
		if first.Blob == second.Blob || first.Transaction == second.Transaction || first.PINCounter >= second.PINCounter {
			t.Error("the second payment is not another card's, another transaction's, under a later PIN key")
		}
		b.result(0, alice, 1, applet.CodeApproved)
		b.expect("RECEIPT")
		b.end()
	})
}

// TestPayAgainWithoutResult repeats the payment in a new packet, with the same
// transaction number and the same PIN key.
func TestPayAgainWithoutResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "pays")
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		first := b.expect("PAY").(*applet.Pay)
		for range 3 {
			if again := b.expect("PAY"); !bytes.Equal(applet.Encode(scp80.Modern, again), applet.Encode(scp80.Modern, first)) {
				t.Errorf("%+v, want %+v again", again, first)
			}
		}
		b.quiet(time.Hour)
		b.end()
	})
}

// TestAnswersToTheCarrier: what the fleet answers to deliver_sm, as the package says.
func TestAnswersToTheCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "manual")
		b.enrol(bob, "standalone", "manual")
		b.run()
		packet := b.secure(alice, &applet.Bill{Ref: applet.BillRef{1}, Amount: 1, Currency: "CNY", Expires: time.Now().Add(time.Hour), Merchant: "10000001"})
		forged := *packet
		forged.ShortMessage = bytes.Clone(packet.ShortMessage)
		forged.ShortMessage[len(forged.ShortMessage)-1] ^= 1
		truncated := *packet
		truncated.ShortMessage = packet.ShortMessage[:20]
		wrongWay := *packet
		wrongWay.Destination.Digits = string(bob)
		stranger := *packet
		stranger.Destination.Digits = "8613899999999"
		broken := *packet
		broken.ShortMessage = []byte{0x20, 0x70}
		receipt := *packet
		receipt.ESMClass = smpp.ESMReceipt
		for _, tt := range []struct {
			name  string
			sm    *smpp.DeliverSM
			want  smpp.Status
			sends int
		}{
			{"forged", &forged, smpp.ROK, 0},
			{"truncated", &truncated, smpp.ROK, 0},
			{"to a phone with another form", &wrongWay, smpp.ROK, 0},
			{"good", packet, smpp.ROK, 1},
			{"replayed", packet, smpp.ROK, 0},
			{"to nobody", &stranger, smpp.RXPAPPN, 0},
			{"header past the end", &broken, smpp.RXRAPPN, 0},
			{"receipt", &receipt, smpp.ROK, 0},
		} {
			if got := b.smsc.deliver(0, tt.sm); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
			synctest.Wait()
			if n := len(b.smsc.taken); n != tt.sends {
				t.Errorf("%s: %d answers, want %d", tt.name, n, tt.sends)
			}
			for range tt.sends {
				<-b.smsc.taken
			}
		}
		want := fleet.Counts{Phones: 2, Received: 5, Unknown: 1, Unreadable: 1, Dropped: 4, Sent: 1}
		if got := b.fleet.Counts(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		b.end()
	})
}

// TestAwayFromTheFirstMessage: off, told to try again, on after a while.
func TestAwayFromTheFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "away")
		b.run()
		time.Sleep(time.Hour)
		tries := 0
		for ; b.bill(0, alice, 1) == smpp.RXTAPPN; tries++ {
			time.Sleep(500 * time.Millisecond)
		}
		if tries < 2 || tries > 6 {
			t.Errorf("on after %d tries", tries)
		}
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		b.expect("PAY")
		b.end()
	})
}

// TestCarrierRefusesSubmits: throttled goes out later, unanswered goes out again as
// it is, refused is dropped and told.
func TestCarrierRefusesSubmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		var seen [][]byte
		script := []func() (smpp.Status, bool){
			func() (smpp.Status, bool) { return smpp.RTHROTTLED, true },
			func() (smpp.Status, bool) { return smpp.RMSGQFUL, true },
			func() (smpp.Status, bool) { return 0, false },
			func() (smpp.Status, bool) { return smpp.ROK, true },
			func() (smpp.Status, bool) { return smpp.RINVDSTADR, true },
		}
		var n atomic.Int32
		b.smsc.answer = func(sm *smpp.SubmitSM) (smpp.Status, bool) {
			seen = append(seen, sm.ShortMessage)
			return script[n.Add(1)-1]()
		}
		b.enrol(alice, "sim", "manual")
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		for i := range 4 {
			if !bytes.Equal(seen[i], seen[0]) {
				t.Errorf("try %d is another packet", i)
			}
		}
		synctest.Wait() // the carrier's answer to it is there
		if _, err := b.client.Confirm(t.Context(), alice, fleet.Choice{}); err != nil {
			t.Fatal(err)
		}
		b.quiet(time.Minute)
		if got := b.told(alice); !strings.HasSuffix(got, "confirmed; sent; send failed; ") {
			t.Error(got)
		}
		if c := b.fleet.Counts(); c.Retried != 3 || c.Failed != 1 || c.Sent != 1 {
			t.Errorf("%+v", c)
		}
		b.end()
	})
}

// TestCarrierAway: what phones send while no bind is there goes out when it is.
func TestCarrierAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{GiveUp: time.Minute})
		b.enrol(alice, "sim", "manual")
		if _, err := b.client.SendText(t.Context(), alice, fleet.Text{To: gateway.Address(bob), Text: "before"}); err != nil {
			t.Fatal(err)
		}
		b.run()
		if sm := <-b.smsc.taken; string(sm.ShortMessage) != "before" {
			t.Errorf("%q", sm.ShortMessage)
		}
		synctest.Wait() // the answer to it has come
		b.smsc.hangUp(0)
		synctest.Wait()
		if _, err := b.client.SendText(t.Context(), alice, fleet.Text{To: gateway.Address(bob), Text: "meanwhile"}); err != nil {
			t.Fatal(err)
		}
		if sm := <-b.smsc.taken; string(sm.ShortMessage) != "meanwhile" {
			t.Errorf("%q", sm.ShortMessage)
		}
		b.end()
	})
}

// TestTexts: texts to a phone, whole and in parts, GSM 7-bit and UCS2, and from it.
func TestTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		if _, err := b.client.Add(t.Context(), fleet.NewPhone{MSISDN: bob, Form: "none"}); err != nil {
			t.Fatal(err)
		}
		b.run()
		long := strings.Repeat("Your order 1001 is paid. ", 20)
		texts := []string{"Paid: CNY 1,280.00 to @Sky", long, "您的订单已付款", strings.Repeat("付款成功 ", 30)}
		for i, text := range texts {
			parts := must(tpdu.SplitText(text, tpdu.Reference{Number: uint16(i)}))(t)
			for _, part := range parts {
				if status := b.smsc.deliver(0, deliverSM("10690", bob, part)); status != smpp.ROK {
					t.Fatal(status)
				}
			}
		}
		inbox, err := b.client.Inbox(t.Context(), bob)
		if err != nil || len(inbox) != len(texts) {
			t.Fatal(inbox, err)
		}
		for i, m := range inbox {
			if m.Text != texts[i] || m.From != "10690" {
				t.Errorf("%+v, want %q", m, texts[i])
			}
		}
		taken, err := b.client.SendText(t.Context(), bob, fleet.Text{To: "10690", Text: long})
		if err != nil || taken.Parts != 4 {
			t.Fatal(taken, err)
		}
		for range taken.Parts {
			if sm := <-b.smsc.taken; sm.ESMClass&smpp.ESMUDHI == 0 || sm.Destination.Digits != "10690" || sm.Source.Digits != string(bob) {
				t.Errorf("%+v", sm)
			}
		}
		b.end()
	})
}

// TestThousandPhonesPay: two connections, a thousand phones, all pay.
func TestThousandPhonesPay(t *testing.T) {
	const phones = 1000
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{Connections: 2})
		for i := range phones {
			b.enrol(number(i), "sim", "pays")
		}
		b.run()
		paid := make(map[gateway.MSISDN]bool)
		for i := range phones {
			b.bill(i%2, number(i), 1)
		}
		for len(paid) < phones {
			n, m := b.next()
			switch m.(type) {
			case *applet.Pay:
				b.result(0, n, 1, applet.CodeApproved)
			case *applet.Receipt:
				paid[n] = true
			}
		}
		b.quiet(time.Hour)
		b.end()
	})
}

// TestSameSeedSamePeople: the same seed has the same people do the same at the same
// time, another seed has not.
func TestSameSeedSamePeople(t *testing.T) {
	const phones = 20
	day := func(seed uint64) string {
		var told []string
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, fleet.Config{Seed: seed, Connections: 2})
			for i := range phones {
				b.enrol(number(i), "sim", string(persona.Kinds()[i%len(persona.Kinds())]))
			}
			b.run()
			start := time.Now()
			for i := range phones {
				b.bill(i%2, number(i), 1)
			}
			time.Sleep(time.Hour)
			b.end()
			for _, e := range b.events {
				told = append(told, fmt.Sprint(e.Phone, " ", e.At.Sub(start), " ", e.Kind))
			}
		})
		slices.Sort(told)
		return strings.Join(told, "\n")
	}
	one, again, two := day(1), day(1), day(2)
	if one == "" || one != again {
		t.Errorf("the same seed, another day: %s", cmp.Diff(one, again))
	}
	if one == two {
		t.Error("two seeds, the same day")
	}
}

func number(i int) gateway.MSISDN { return gateway.MSISDN(fmt.Sprintf("86138%08d", i)) }

// TestConfig: what cannot work is refused when the fleet is made.
func TestConfig(t *testing.T) {
	for _, c := range []fleet.Config{{}, {Dial: newFakeSMSC(t).dial}, {Dial: newFakeSMSC(t).dial, SystemID: "h", Connections: -1}, {Dial: newFakeSMSC(t).dial, SystemID: "h", PlatformAddress: "shop"}} {
		if _, err := fleet.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
