package driver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
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
	form := "sim"
	if c.Traffic.Channel == schedule.USSD {
		form = platform.FormNone
	}
	return world.Person{
		Name: fmt.Sprintf("Load %d", h+1), Phone: c.number(h), Form: form, Persona: string(who.Kind),
		PIN: loadPIN, ID: loadIdentity, By: "airtill load",
		Cards: []world.BankCard{
			{Alias: "Blue", Balance: first, Currency: money.CNY}, {Alias: "Red", Balance: plenty, Currency: money.CNY},
		},
	}
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

// branches is how many branches enrol people at the same time.
const branches = 16

// enrol enrols all handsets of the segment. A phone that is there from an earlier load is
// given the habit that it has in this one.
func (d *drive) enrol(ctx context.Context, n *Network, done *atomic.Int64) error {
	handsets := d.traffic.Handsets()
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for b := range min(branches, len(handsets)) {
		branch := &world.Branch{
			Office: n.Branch.Office, Phones: n.Branch.Phones,
			Random: rand.New(rand.NewPCG(d.config.Traffic.Seed, uint64(b)<<8|uint64(d.config.Segment.K))),
		}
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(handsets) {
					return nil
				}
				if err := admit(ctx, branch, d.config.person(d.traffic, handsets[i])); err != nil {
					return err
				}
				done.Add(1)
			}
		})
	}
	return g.Wait()
}

// admit enrols a person, or finds them enrolled.
func admit(ctx context.Context, b *world.Branch, p world.Person) error {
	if there, err := b.Phones.Phone(ctx, p.Phone); err == nil && len(there.Cards) > 0 {
		_, err = b.Phones.SetPersona(ctx, p.Phone, p.Persona)
		return err
	}
	return b.Enrol(ctx, p)
}
