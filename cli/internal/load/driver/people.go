package driver

import (
	"context"
	"fmt"
	"iter"

	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// What everybody in a load test has: a PIN that opens nothing but simulated cards, an
// identity, and more money than anybody spends.
const (
	loadPIN                   = "246813"
	loadIdentity              = "11010519900307123X"
	plenty       money.Amount = 500_000_000_00
)

// person is the h-th handset's holder, as a branch enrols them.
func (c Config) person(t *schedule.Traffic, h int) world.Person {
	who := t.Person(h)
	first := plenty
	if who.Kind == persona.PoorFirstCard {
		first = 0
	}
	return world.Person{
		Name: fmt.Sprintf("Load %d", h+1), Phone: c.number(h), Form: c.form(h), Persona: string(who.Kind),
		PIN: loadPIN, ID: loadIdentity, By: "airtill load",
		Cards: []world.BankCard{
			{Alias: "Blue", Balance: first, Currency: money.CNY}, {Alias: "Red", Balance: plenty, Currency: money.CNY},
		},
	}
}

// form is that of the h-th handset's element. Bills come to a phone without one over
// USSD; with both channels every other phone has none.
func (c Config) form(h int) string {
	if c.Traffic.Channel == schedule.USSD || c.Traffic.Channel == schedule.Both && h%2 == 1 {
		return platform.FormNone
	}
	return applet.SIM.String()
}

// Pace is how quick people are who think as they were asked to.
func Pace(t schedule.Think) persona.Pace {
	if !t.Set {
		return persona.Pace{}
	}
	think := persona.Think{Median: t.Median}
	switch t.Spread {
	case schedule.Lognormal:
		think.Sigma = t.By
	case schedule.Evenly:
		think.Either = t.By
	}
	return persona.Pace{Think: &think}
}

// cardSeed draws the cards that are issued. It is the same in every run, so that a phone
// that is there from an earlier one is who it was.
const cardSeed = 0x10ad

// enrol enrols all handsets of the segment. A phone that is there from an earlier load
// stays as it is, but for its holder's habit, which is that of this one.
func (d *drive) enrol(ctx context.Context, n *Network) error {
	_, err := n.Branch.EnrolAll(ctx, d.people(), world.Bulk{
		Seed: cardSeed, Progress: func(e world.Enrolled) { d.dial.enrolled.Store(int64(e.Done())) },
	})
	return err
}

// people are the holders of the segment's handsets.
func (d *drive) people() iter.Seq[world.Person] {
	return func(yield func(world.Person) bool) {
		for _, h := range d.traffic.Handsets() {
			if !yield(d.config.person(d.traffic, h)) {
				return
			}
		}
	}
}
