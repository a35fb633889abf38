package world

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// resumed says that the network goes on where an earlier run left it.
func (w *World) resumed() bool { return w.config.Life != nil && w.config.Life.Up }

// seed is what draws what people do and what happens on the air, another in each run.
func (c Config) seed() uint64 {
	if c.Life == nil {
		return c.Seed
	}
	return c.Seed + c.Life.Runs - 1
}

// randomOf is a room's source of randomness: of a network that goes on it is nobody's to know.
func (c Config) randomOf(room uint64) io.Reader {
	if c.Life != nil {
		return nil
	}
	return NewRandom(c.Seed, room)
}

// elements is where secure elements are kept; "" is nowhere.
func (l *Life) elements() string {
	if l == nil {
		return ""
	}
	return l.path(elementsDir)
}

// orders is where the shop's orders are kept; "" is nowhere.
func (l *Life) orders() string {
	if l == nil {
		return ""
	}
	return l.path(ordersFile)
}

// remember notes that the network is up, and with whom, if it is to go on.
func (w *World) remember(ctx context.Context) error {
	l := w.config.Life
	if l == nil {
		return nil
	}
	for _, p := range slices.Concat(w.config.People, w.config.forcedPeople()) {
		if !slices.Contains(l.Phones, p.Phone) {
			l.Phones = append(l.Phones, p.Phone)
		}
	}
	if l.Up {
		var err error
		if w.found, err = w.Office.Phones(ctx); err != nil {
			return fmt.Errorf("look who is enrolled: %w", err)
		}
		return l.save()
	}
	shop, err := lifeOf(w.Keys, w.signing)
	if err != nil {
		return err
	}
	own, err := lifeOf(w.own, Signing{})
	if err != nil {
		return err
	}
	return l.keepMerchants(shop, own)
}

// balance is what a card's account held when this run began; made is what it was opened with.
func (w *World) balance(p Person, slot int, made money.Amount) money.Amount {
	for _, phone := range w.found {
		if phone.MSISDN != p.Phone.Masked() || phone.Name != p.Name {
			continue
		}
		for _, card := range phone.Cards {
			if card.Slot == slot {
				return card.Balance
			}
		}
	}
	return made
}

// readmit gives a person of an earlier run the phone back: an element is in it already,
// with its keys and counters, but holders and their habits are new. Whoever was not there
// is admitted.
func (w *World) readmit(ctx context.Context, p Person) error {
	if !slices.Contains(w.config.Life.Phones, p.Phone) {
		return w.Admit(ctx, p)
	}
	var err error
	if p.Form == platform.FormNone || len(p.Cards) == 0 {
		_, err = w.Phones.Add(ctx, fleet.NewPhone{MSISDN: p.Phone, Form: platform.FormNone, Persona: p.Persona})
	} else {
		_, err = w.Phones.SetPersona(ctx, p.Phone, p.Persona)
	}
	if err == nil && p.PIN != "" {
		_, err = w.Phones.Personalise(ctx, p.Phone, fleet.Personalisation{PIN: fleet.Digits(p.PIN)})
	}
	if err != nil {
		return fmt.Errorf("give %s the phone back: %w", p.Phone.Masked(), err)
	}
	return nil
}
