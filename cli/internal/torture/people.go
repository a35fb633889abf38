package torture

import (
	"context"
	"fmt"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
)

// person is an enrolled person, and what their accounts began with.
type person struct {
	phone   gateway.MSISDN
	habit   persona.Kind
	opening []money.Amount // by card
}

const pin, identity = "314159", "11010519900307123X"

// habits are what people do, one after the other; the last one's hands are ours.
func habits() []persona.Kind {
	return []persona.Kind{
		persona.Pays, persona.Pays, persona.Refuses, persona.Pays, persona.PoorFirstCard, persona.WrongPINOnce,
		persona.Pays, persona.PaysLater, persona.Never, persona.Pays, persona.Away, persona.Pays,
	}
}

// payers is how many people there are beside the one who mistypes.
const payers = 24

// balance is more than anybody pays in a run.
const balance money.Amount = 50_000_000_00

// enrol enrols everybody. The last one is the one who mistypes.
func (s *site) enrol(ctx context.Context) error {
	branch := &world.Branch{Office: s.office.Load(), Phones: s.phones, Random: s.config.generator(2)}
	all := habits()
	for n := range payers + 1 {
		who := &person{
			phone: gateway.MSISDN(fmt.Sprintf("86138%08d", n+1)), habit: all[n%len(all)],
			opening: []money.Amount{balance, balance},
		}
		switch {
		case n == payers:
			who.habit = persona.Manual
		case who.habit == persona.PoorFirstCard:
			who.opening[0] = 0
		}
		err := branch.Enrol(ctx, world.Person{
			Name: fmt.Sprintf("Payer %d", n+1), Phone: who.phone, Form: "sim", Persona: string(who.habit), PIN: pin, ID: identity,
			Cards: []world.BankCard{
				{Alias: "Blue", Balance: who.opening[0], Currency: money.CNY},
				{Alias: "Red", Balance: who.opening[1], Currency: money.CNY},
			},
		})
		if err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		s.people = append(s.people, who)
	}
	return nil
}
