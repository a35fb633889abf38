package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

func billEvents() command {
	var at target
	return command{
		name: "events", short: "tell a bill's story from the journal, oldest first", args: "BILL", flags: at.shop(),
		examples: []string{"airtill bill events bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ", "airtill bill events --json bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ"},
		run: func(ctx context.Context, c *call) error {
			return aboutBill(ctx, c, &at, (*api.Client).Events, printStory)
		},
	}
}

func printStory(p *printer, story []platform.Event) error {
	type event = platform.Event
	return printRows(p, story,
		column[event]{name: "time", cell: func(e event) string { return moment(e.At) }},
		column[event]{name: "event", cell: func(e event) string { return string(e.Name) }},
		column[event]{name: "state", cell: change},
		column[event]{name: "cause", cell: func(e event) string { return e.Cause }},
		column[event]{name: "effects", cell: func(e event) string { return strings.Join(e.Effects, ", ") }},
		column[event]{name: "detail", cell: func(e event) string { return e.Detail }},
		column[event]{name: "postings", cell: postings},
	)
}

// change is how a step moved the bill; most that do not move it have nothing to show.
func change(e platform.Event) string {
	switch {
	case e.From == e.To:
		return string(e.To)
	case e.From == "":
		return "-> " + string(e.To)
	}
	return string(e.From) + " -> " + string(e.To)
}

// postings are the lines of a transfer, one under the other.
func postings(e platform.Event) string {
	lines := make([]string, 0, len(e.Postings))
	for _, p := range e.Postings {
		account, currency := p.Account, money.Currency("")
		if at := strings.LastIndexByte(account, ':'); at >= 0 {
			account, currency = account[:at], money.Currency(account[at+1:])
		}
		m := money.Money{Amount: p.Amount, Currency: currency}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s", account, signed(m))))
	}
	return strings.Join(lines, "\n")
}

// signed is an amount that was added or taken: CNY +1,280.00.
func signed(m money.Money) string {
	if m.Amount <= 0 {
		return m.String()
	}
	code, digits, _ := strings.Cut(m.String(), " ")
	return code + " +" + digits
}
