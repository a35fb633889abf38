package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
)

// forcedNumber is one row of the table of forced outcomes.
type forcedNumber struct {
	Phone     string    `json:"phone,omitempty"`      // with a payment client, or the only one
	USSDPhone string    `json:"ussd_phone,omitempty"` // without one
	Digits    string    `json:"digits"`
	What      string    `json:"what"`
	OverUSSD  string    `json:"over_ussd,omitempty"` // what happens without a client instead
	State     fsm.State `json:"state"`
	Callbacks []string  `json:"callbacks"`
}

func forcedNumbers() (all []forcedNumber) {
	for _, f := range world.ForcedOutcomes() {
		n := forcedNumber{
			Phone: string(f.Number()), Digits: f.Digits, What: f.What, OverUSSD: f.OverUSSD, State: f.State, Callbacks: f.Callbacks,
		}
		if f.USSD {
			n.USSDPhone = string(f.USSDNumber())
		}
		all = append(all, n)
	}
	return all
}

func phoneForced() command {
	return command{
		name: "forced", short: "list the numbers that say how their bills end",
		about: "airtill dev has them, for testing what a merchant does about each outcome: every bill for one ends as listed, with its callbacks.\n" +
			"Numbers that begin with " + world.ForcedPrefix + " have a payment client in the phone; those with " + world.ForcedUSSDPrefix + " have none and pay over USSD, as does\n" +
			world.ForcedPrefix + "0011: they are there when dev was started with --ussd-cap CNY=200000. What expires or is undelivered does so at the end of the\n" +
			"bill's life, which airtill clock advance brings about. The platform knows nothing of it: people, radio and the carrier's faults are so,\n" +
			"and airtill chaos off takes those of 0007 and 0008 off until dev is started again.",
		examples: []string{"airtill phone forced", "airtill phone forced --json"},
		run: func(_ context.Context, c *call) error {
			return printRows(c.out, forcedNumbers(),
				column[forcedNumber]{name: "phone", cell: func(n forcedNumber) string { return n.Phone }},
				column[forcedNumber]{name: "over USSD", cell: func(n forcedNumber) string { return n.USSDPhone }},
				column[forcedNumber]{name: "state", cell: func(n forcedNumber) string { return string(n.State) }},
				column[forcedNumber]{name: "callbacks", cell: func(n forcedNumber) string { return strings.Join(n.Callbacks, ", ") }},
				column[forcedNumber]{name: "what happens", cell: whatHappens},
			)
		},
	}
}

func whatHappens(n forcedNumber) string {
	if n.OverUSSD == "" {
		return n.What
	}
	return fmt.Sprintf("%s (over USSD: %s)", n.What, n.OverUSSD)
}
