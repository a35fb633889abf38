package world

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// Population is many people who are drawn from a seed: of the same seed, the person with a
// number is the same one, with name, cards, PIN and habit, however many there are and
// whoever enrols them.
type Population struct {
	Count    int
	Prefix   string // of their numbers: the index follows, from 1, up to 13 digits
	Seed     uint64
	Mix      persona.Mix // of their habits
	Form     string      // of their elements; empty is sim
	Suite    scp80.Suite // 0 is modern
	Balance  money.Amount
	Currency money.Currency // empty is CNY
	By       string         // who enrols them, for the office's log
}

// lenNumber is how many digits the numbers of a population have, as the carrier's handsets do.
const lenNumber = 13

// ErrPopulation is a population that there cannot be.
var ErrPopulation = errors.New("no such population")

// Validate says why there cannot be such a population.
func (p Population) Validate() error {
	switch {
	case p.Count < 1:
		return fmt.Errorf("%w: it has at least one person", ErrPopulation)
	case len(p.Prefix) < 3 || len(p.Prefix) >= lenNumber || strings.Trim(p.Prefix, "0123456789") != "" || p.Prefix[0] == '0':
		return fmt.Errorf("%w: the prefix is 3 to %d digits, the country's code first", ErrPopulation, lenNumber-1)
	case p.Balance < 0 || p.Balance > money.Max:
		return fmt.Errorf("%w: a balance is 0 to %d, in minor units", ErrPopulation, money.Max)
	}
	if room := p.room(); p.Count > room {
		return fmt.Errorf("%w: after prefix %s there is room for %d numbers", ErrPopulation, p.Prefix, room)
	}
	return nil
}

// room is how many numbers there are after the prefix.
func (p Population) room() int {
	room := 1
	for range lenNumber - len(p.Prefix) {
		room *= 10
	}
	return room - 1
}

// Phone is the number of the person at an index, from 1.
func (p Population) Phone(index int) gateway.MSISDN {
	return gateway.MSISDN(fmt.Sprintf("%s%0*d", p.Prefix, lenNumber-len(p.Prefix), index))
}

// Person is the one at an index, from 1. Both cards have the balance, but the first of
// somebody whose first card is empty.
func (p Population) Person(index int) Person {
	phone := p.Phone(index)
	draw := drawOf(p.Seed, phone)
	one := Person{
		Name: fmt.Sprintf("Person %d", index), Phone: phone, Form: p.Form, Suite: p.Suite, By: p.By,
		Persona: string(p.Mix.Draw(draw)), PIN: digits(draw, 6), ID: digits(draw, 18),
	}
	if one.Form == "" {
		one.Form = "sim"
	}
	currency := p.Currency
	if currency == "" {
		currency = money.CNY
	}
	for _, alias := range []string{"Blue", "Red"} {
		card := BankCard{Alias: alias, PAN: longNumber(draw), Balance: p.Balance, Currency: currency}
		if len(one.Cards) == 0 && one.Persona == string(persona.PoorFirstCard) {
			card.Balance = 0
		}
		one.Cards = append(one.Cards, card)
	}
	return one
}

// People are all of them, in the order of their indices.
func (p Population) People() iter.Seq[Person] {
	return func(yield func(Person) bool) {
		for i := range p.Count {
			if !yield(p.Person(i + 1)) {
				return
			}
		}
	}
}

// drawOf draws what is of one person alone.
func drawOf(seed uint64, phone gateway.MSISDN) *rand.Rand {
	h := fnv.New64a()
	_, _ = io.WriteString(h, string(phone)) // a hash takes everything
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// digits draws a number of n digits that does not begin with 0.
func digits(draw *rand.Rand, n int) string {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte('0' + draw.IntN(10))
	}
	all[0] = byte('1' + draw.IntN(9))
	return string(all)
}
