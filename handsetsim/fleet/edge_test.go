package fleet_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/applet"
)

// TestBindRefused ends the run with the carrier's refusal.
func TestBindRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{Connections: 2})
		b.smsc.refuse = smpp.RINVPASWD
		err := b.fleet.Run(t.Context())
		if !errors.Is(err, &smpp.StatusError{Status: smpp.RINVPASWD}) {
			t.Errorf("%v, want %v", err, smpp.RINVPASWD)
		}
		b.smsc.wg.Wait()
	})
}

// TestGivesUp: a message that cannot be sent for GiveUp is dropped and told.
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{GiveUp: time.Minute})
		b.enrol(alice, "sim", "manual")
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		synctest.Wait() // the answer to it has come
		b.smsc.down = true
		b.smsc.hangUp(0)
		if _, err := b.client.Refuse(t.Context(), alice, fleet.Refusal{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		if c := b.fleet.Counts(); c.Failed != 0 || c.Retried == 0 {
			t.Errorf("after 50 s %+v", c)
		}
		time.Sleep(15 * time.Second)
		if c := b.fleet.Counts(); c.Failed != 1 {
			t.Errorf("after 65 s %+v", c)
		}
		b.end()
	})
}

// TestOffKeepsItsOutbox: what a phone has not sent when it is switched off goes out when it is on.
func TestOffKeepsItsOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		var throttle sync.Once
		b.smsc.answer = func(*smpp.SubmitSM) (status smpp.Status, say bool) {
			throttle.Do(func() { status = smpp.RTHROTTLED })
			return status, true
		}
		b.enrol(alice, "sim", "manual")
		b.run()
		b.bill(0, alice, 1)
		synctest.Wait()
		must(b.client.Power(t.Context(), alice, false))(t)
		b.quiet(time.Hour)
		if p := must(b.client.Phone(t.Context(), alice))(t); p.Unsent != 1 || p.On {
			t.Errorf("%+v", p)
		}
		must(b.client.Power(t.Context(), alice, true))(t)
		b.expect("OPEN delivered")
		b.end()
	})
}

// TestManyHandsAtOnce: the carrier, the people and the control face at one time. What
// each phone sends arrives in the order of its packet counters (bench.open sees to it).
func TestManyHandsAtOnce(t *testing.T) {
	const phones, rounds = 20, 30
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{Connections: 2})
		for i := range phones {
			b.enrol(number(i), []string{"sim", "sdtf"}[i%2], "pays")
		}
		b.run()
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			for sm := range b.smsc.taken {
				if n, m := b.open(sm); m.Type() == applet.TypePay {
					_ = n // never answered: repeats cross the rest
				}
			}
		}()
		var hands sync.WaitGroup
		for i := range phones {
			n := number(i)
			hands.Go(func() {
				for round := range rounds {
					b.bill(round%2, n, byte(round))
					time.Sleep(100 * time.Millisecond)
				}
			})
			hands.Go(func() { b.meddle(n, rounds) })
		}
		hands.Wait()
		time.Sleep(time.Hour)
		b.end()
		close(b.smsc.taken)
		<-reading
		b.noPIN()
	})
}

// meddle does everything the control face can, again and again; refusals are problems.
func (b *bench) meddle(n gateway.MSISDN, rounds int) {
	ctx := context.WithoutCancel(b.t.Context())
	for round := range rounds {
		ref := applet.BillRef{7: byte(round)}.String()
		var errs []error
		keep := func(_ any, err error) { errs = append(errs, err) }
		keep(b.client.Pay(ctx, n, fleet.Payment{Bill: ref, Slot: 1}))
		keep(b.client.Refuse(ctx, n, fleet.Refusal{Bill: ref}))
		keep(b.client.Power(ctx, n, round%3 != 0))
		keep(b.client.SetPersona(ctx, n, []string{"pays", "never", "pays-later", "refuses"}[round%4]))
		keep(b.client.Bills(ctx, n))
		keep(b.client.Phones(ctx, n, 5))
		for _, err := range errs {
			if p, ok := errors.AsType[*fleet.Problem](err); err != nil && (!ok || p.Status != http.StatusConflict && p.Status != http.StatusNotFound) {
				b.t.Errorf("%s: %v", n, err)
			}
		}
		time.Sleep(130 * time.Millisecond)
	}
}
