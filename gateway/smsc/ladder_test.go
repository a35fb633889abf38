package smsc_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// The retry ladder is that of what keeps the message: §5.1.3 0x64, 0x58, 0x14 and 0x08, and no
// answer at all.
func TestLadders(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer smpp.Status
		mute   bool
		want   time.Duration // between two attempts
	}{
		{"absent", smpp.RXTAPPN, false, time.Minute}, {"busy", smpp.RTHROTTLED, false, 2 * time.Minute},
		{"full", smpp.RMSGQFUL, false, 3 * time.Minute}, {"error", smpp.RSYSERR, false, 4 * time.Minute},
		{"no answer", smpp.ROK, true, 4*time.Minute + 10*time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config()
			c.Ladders = smsc.Ladders{
				Absent: []time.Duration{time.Minute}, Busy: []time.Duration{2 * time.Minute},
				Full: []time.Duration{3 * time.Minute}, Error: []time.Duration{4 * time.Minute},
			}
			inBubble(t, c, func(t *testing.T, w *world) {
				platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
				phones.set(tc.answer, tc.mute)
				id := platform.send(t, text(code, phone, "x"))
				time.Sleep(15 * time.Minute)
				found, err := w.server.Message(string(id))
				if err != nil {
					t.Fatal(err)
				}
				tries := found[0].Attempts
				if len(tries) < 3 {
					t.Fatalf("%d attempts", len(tries))
				}
				for i := 1; i < len(tries); i++ {
					if got := tries[i].At.Sub(tries[i-1].At); got != tc.want || tries[i].Status != tc.answer || !tries[i].Next.After(tries[i].At) {
						t.Errorf("attempt %+v, %v after the one before", tries[i], got)
					}
				}
				phones.set(smpp.ROK, false)
			})
		})
	}
}

// A phone that the air brings back, by an act or since its coverage returns, is tried at once.
func TestPhoneReturns(t *testing.T) {
	air, err := radio.New(1, radio.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Radio, c.Retry = air, []time.Duration{time.Hour}
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		if err := air.Set(radio.Settings{Number: phone, Off: true}); err != nil {
			t.Fatal(err)
		}
		id := platform.send(t, text(code, phone, "x"))
		time.Sleep(10 * time.Minute)
		same(t, phones.texts(), nil)
		if found, err := w.server.Message(string(id)); err != nil || found[0].Attempts[0].Cause != radio.Absent {
			t.Errorf("%+v, %v", found, err)
		}
		if err := air.Set(radio.Settings{Number: phone}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		same(t, phones.texts(), []string{"x"})
	})
}

func TestCoverageReturns(t *testing.T) {
	air, err := radio.New(1, radio.Profile{Coverage: radio.Coverage{On: 10 * time.Minute, Off: 10 * time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Radio, c.Retry = air, []time.Duration{24 * time.Hour}
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		for i := range 40 {
			platform.send(t, text(code, fmt.Sprintf("86138000000%02d", i), "x"))
		}
		synctest.Wait()
		at := len(phones.texts())
		if at == 0 || at == 40 {
			t.Fatalf("%d of 40 in coverage", at)
		}
		time.Sleep(3 * time.Hour)
		if n := len(phones.texts()); n != 40 {
			t.Errorf("%d of 40 delivered", n)
		}
	})
}

// Every accepted message has a final state within its validity, whatever keeps it.
func TestFinalWithinValidity(t *testing.T) {
	air, err := radio.New(7, radio.Profile{
		Latency: radio.Uniform(time.Second, 20*time.Second), Loss: 0.3, Duplication: 0.1, Busy: 0.2, Failure: 0.1, Reordering: 0.2,
		Coverage: radio.Coverage{On: time.Minute, Off: 5 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Radio = air
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		phones.set(smpp.ROK, false)
		const n = 300
		for i := range n {
			sm := text(code, fmt.Sprintf("8613800000%03d", i%100), fmt.Sprint(i))
			sm.ValidityPeriod, sm.RegisteredDelivery = smpp.After(10*time.Minute).String(), smpp.ReceiptFinal
			platform.send(t, sm)
		}
		time.Sleep(10*time.Minute + 40*time.Second) // and the grace: a crossing, a response
		if got := len(platform.texts()); got != n {
			t.Errorf("%d receipts of %d", got, n)
		}
		if _, _, stored := w.server.Kept(); stored != 0 {
			t.Errorf("%d stored", stored)
		}
	})
}
