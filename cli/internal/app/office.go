package app

import (
	"context"
	"strconv"
	"strings"

	"github.com/airtill/airtill/platform/api"
)

func officeCommand() command {
	return command{
		name: "office", short: "what the platform's own staff see and do", section: "A running network",
		examples: []string{"airtill office phones", "airtill office merchants --json"},
		sub: []command{
			officePhones(), officeUnlock(), officeRelease(), officeAlarms(),
			officeMerchants(), officeAddMerchant(), officeRotateKey(), officeRetireKey(), officePartitions(),
		},
	}
}

func officePhones() command {
	var at target
	return command{
		name: "phones", short: "list who is enrolled, with cards and balances", flags: at.office(),
		examples: []string{"airtill office phones"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Phones(ctx)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, all,
				column[api.Phone]{name: "phone", cell: func(p api.Phone) string { return p.MSISDN }},
				column[api.Phone]{name: "name", cell: func(p api.Phone) string { return p.Name }},
				column[api.Phone]{name: "form", cell: func(p api.Phone) string { return p.Form }},
				column[api.Phone]{name: "suite", cell: func(p api.Phone) string { return p.Suite }},
				column[api.Phone]{name: "keys", right: true, cell: func(p api.Phone) string { return strconv.Itoa(p.Keys) }},
				column[api.Phone]{name: "held", cell: held},
				column[api.Phone]{name: "slot", right: true, cell: perCard(func(c api.Card) string { return strconv.Itoa(c.Slot) })},
				column[api.Phone]{name: "alias", cell: perCard(func(c api.Card) string { return c.Alias })},
				column[api.Phone]{name: "number", cell: perCard(func(c api.Card) string { return c.Masked })},
				column[api.Phone]{name: "balance", right: true, cell: perCard(func(c api.Card) string { return sum(c.Balance, c.Currency) })},
				column[api.Phone]{name: "locked", cell: perCard(locked)},
			)
		},
	}
}

// perCard is a cell with a line for each card of a phone.
func perCard(of func(api.Card) string) func(api.Phone) string {
	return func(p api.Phone) string {
		var lines []string
		for _, c := range p.Cards {
			lines = append(lines, of(c))
		}
		return strings.Join(lines, "\n")
	}
}

func held(p api.Phone) string {
	if p.Held {
		return "held"
	}
	return ""
}

func locked(c api.Card) string {
	if c.Locked {
		return "locked"
	}
	return ""
}
