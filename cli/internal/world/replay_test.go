package world_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// wire.md 7, 4: everything that was ever on the air, in both directions, is sent again
// three times after each step of some bills' lives. Nothing comes of it: no bill moves,
// no PIN is counted, no money, and the phone shows what it showed.
func TestS12_EverythingReplayedInEveryLaterState(t *testing.T) {
	inMemoryOnly(t, people(person("manual", 0, rich)), func(r *rig) {
		e := &echo{rig: r, guest: r.guest(nil)}
		var first, second, third, fourth api.Bill
		steps := []struct {
			what string
			do   func()
		}{
			{"a bill is shown", func() { first = e.shown("first") }},
			{"it is opened", func() { e.does(r.Phones.Confirm, first.ID); r.reaches(first.ID, "opened") }},
			{"there is no money", func() { e.pays(first.ID, 1, pin, 1) }},
			{"a wrong PIN", func() { e.pays(first.ID, 2, wrongPIN, 2) }},
			{"another wrong PIN", func() { e.pays(first.ID, 2, wrongPIN, 3) }},
			{"it is paid", func() {
				r.pay(payer, first.ID, 2, pin)
				r.reaches(first.ID, "settled")
				e.shows(first.ID, handsetsim.StatePaid)
			}},
			{"the next is put off", func() {
				second = e.shown("second")
				e.does(r.Phones.Defer, second.ID)
				r.reaches(second.ID, "deferred")
			}},
			{"and refused", func() {
				_, err := r.Phones.Refuse(r.ctx, payer, fleet.Refusal{Bill: ref(second.ID), Reason: "not_mine"})
				r.ok(err)
				r.reaches(second.ID, "refused")
			}},
			{"one is cancelled", func() {
				third = e.shown("third")
				_, err := r.Bills.CancelBill(r.ctx, third.ID)
				r.ok(err)
				e.shows(third.ID, handsetsim.StateClosed)
			}},
			{"one more is paid", func() { fourth = e.shown("fourth"); r.pay(payer, fourth.ID, 2, pin); r.reaches(fourth.ID, "settled") }},
		}
		for _, s := range steps {
			s.do()
			r.still()
			before := e.life()
			for range 3 {
				e.everything()
			}
			r.still()
			if now := e.life(); now != before {
				r.t.Fatalf("after everything again, when %s:\nit was %s\nit is  %s", s.what, before, now)
			}
		}
		if told, err := r.Office.Alarms(r.ctx); err != nil || len(told.Alarms) != 0 {
			r.t.Errorf("what was played back raised %+v (%v)", told.Alarms, err)
		}
		if n := r.debits(first.ID) + r.debits(fourth.ID); n != 2 || r.card(payer, 2).Balance != rich-first.Amount-fourth.Amount {
			r.t.Errorf("two bills moved money %d times", n)
		}
	})
}

// echo says again what was said.
type echo struct {
	*rig
	guest *esme.Client
	again int // messages said again so far
}

func (e *echo) shown(reference string) api.Bill {
	e.t.Helper()
	b := e.send(order(reference))
	e.phoneHas(payer, b.ID, handsetsim.StateShown)
	return e.reaches(b.ID, "delivered")
}

func (e *echo) shows(id platform.BillID, want handsetsim.State) { e.phoneHas(payer, id, want) }

func (e *echo) pays(id platform.BillID, slot int, pin string, attempts int) {
	e.t.Helper()
	e.pay(payer, id, slot, pin)
	e.attempts(id, attempts)
	e.shows(id, handsetsim.StateOpened)
}

// everything sends all secured packets of the phone once more, those to it and those
// from it, and waits until they have come to where they go.
func (e *echo) everything() {
	e.t.Helper()
	said := slices.Concat(e.own(gateway.Address(payer), world.PlatformAddress), e.own(world.PlatformAddress, gateway.Address(payer)))
	for _, h := range said {
		e.ok(resubmit(e.rig, e.guest, h))
	}
	e.again += len(said)
	e.until("what was said again to arrive", func() bool {
		return len(e.seen.hops(func(h *hop) bool { return h.from == "guest" && h.kind == gateway.MessageDelivered })) == e.again
	})
}

// own are the packets that were not said again by us.
func (e *echo) own(from, to gateway.Address) []*hop {
	return slices.DeleteFunc(e.secured(from, to), func(h *hop) bool { return h.from == "guest" })
}

// life is all that a replay must not change.
func (e *echo) life() string {
	e.t.Helper()
	var b strings.Builder
	page, err := e.Bills.Bills(e.ctx, api.Query{})
	e.ok(err)
	for _, bill := range page.Bills {
		fmt.Fprintln(&b, bill.ID, bill.State, bill.Reason, bill.Attempts, bill.Card, e.debits(bill.ID))
	}
	fmt.Fprintln(&b, e.enrolled(payer).Cards, e.earned())
	onPhone, err := e.Phones.Bills(e.ctx, payer)
	e.ok(err)
	for _, bill := range onPhone {
		fmt.Fprintln(&b, bill.Bill, bill.State, bill.Code, bill.WrongPINs, bill.TriesLeft, bill.Declined)
	}
	return b.String()
}

// does does one thing to a bill on the phone.
func (e *echo) does(act func(context.Context, gateway.MSISDN, fleet.Choice) (fleet.Bill, error), id platform.BillID) {
	e.t.Helper()
	_, err := act(e.ctx, payer, fleet.Choice{Bill: ref(id)})
	e.ok(err)
}
