package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
)

func phoneCommand() command {
	return command{
		name: "phone", short: "look at the phones, and do what their holders could do", section: "A running network",
		examples: []string{"airtill phone list", "airtill phone pay --slot 1 8613800000001", "airtill phone dial 8613800000009 '*120#'"},
		sub: []command{
			phoneList(), phoneShow(), phoneInbox(), phoneBills(),
			phonePay(), phoneRefuse(), phoneDefer(), phoneSend(), phonePower(),
			phoneDial(), phoneReply(), phoneScreen(), phoneHangUp(), phoneClone(), phoneRestore(), phoneForced(),
		},
	}
}

// phone answers the phone that the first argument names, and who to ask about it.
func (t *target) phone(c *call) (*fleet.Client, gateway.MSISDN, error) {
	number, err := gateway.ParseMSISDN(c.args[0])
	if err != nil {
		return nil, "", usagef("%q: %w", c.args[0], err)
	}
	client, err := t.phonesClient(c)
	return client, number, err
}

func phoneList() command {
	var at target
	var after string
	var limit int
	return command{
		name: "list", short: "list the phones",
		examples: []string{"airtill phone list", "airtill phone list --limit 1000 --json"},
		flags: append(at.phones(),
			&cli.IntFlag{Name: "limit", Usage: "at most `N` phones, 1 to 1000", DefaultText: "100", Destination: &limit},
			&cli.StringFlag{Name: "after", Usage: "only phones after this `NUMBER`", Destination: &after},
		),
		run: func(ctx context.Context, c *call) error {
			client, err := at.phonesClient(c)
			if err != nil {
				return err
			}
			page, err := client.Phones(ctx, gateway.MSISDN(after), limit)
			if err != nil {
				return at.explain(err)
			}
			if err := printPhones(c.out, page.Phones); err != nil || page.Next == "" {
				return err
			}
			c.talk("the next page: airtill phone list%s --after %s", limitFlag(limit), page.Next)
			return nil
		},
	}
}

func limitFlag(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" --limit %d", n)
}

func printPhones(p *printer, phones []fleet.Phone) error {
	count := func(name string, of func(fleet.Phone) int) column[fleet.Phone] {
		return column[fleet.Phone]{name: name, right: true, cell: func(p fleet.Phone) string { return strconv.Itoa(of(p)) }}
	}
	return printRows(p, phones,
		column[fleet.Phone]{name: "phone", cell: func(p fleet.Phone) string { return string(p.MSISDN) }},
		column[fleet.Phone]{name: "form", cell: func(p fleet.Phone) string { return p.Form }},
		column[fleet.Phone]{name: "suite", cell: func(p fleet.Phone) string { return p.Suite }},
		column[fleet.Phone]{name: "keys", right: true, cell: keyVersion},
		column[fleet.Phone]{name: "persona", cell: func(p fleet.Phone) string { return p.Persona }},
		column[fleet.Phone]{name: "power", cell: func(p fleet.Phone) string { return power(p.On) }},
		count("cards", func(p fleet.Phone) int { return len(p.Cards) }),
		count("open bills", func(p fleet.Phone) int { return p.OpenBills }),
		count("messages", func(p fleet.Phone) int { return p.Messages }),
	)
}

// keyVersion is the version of the packet keys; empty for an element that has none.
func keyVersion(p fleet.Phone) string {
	if p.KeyVersion == 0 {
		return ""
	}
	return strconv.Itoa(int(p.KeyVersion))
}

func power(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func phoneShow() command {
	var at target
	return command{
		name: "show", short: "show one phone and its cards", args: "PHONE", flags: at.phones(),
		examples: []string{"airtill phone show 8613800000001"},
		run: func(ctx context.Context, c *call) error {
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			p, err := client.Phone(ctx, number)
			if err != nil {
				return at.explain(err)
			}
			return c.out.one(p, phoneFields(p)...)
		},
	}
}

func phoneFields(p fleet.Phone) []field {
	fields := []field{
		{"phone", string(p.MSISDN)},
		{"form", p.Form},
		{"element", string(p.ElementID)},
		{"suite", p.Suite},
		{"key version", keyVersion(p)},
		{"persona", p.Persona},
		{"power", power(p.On)},
	}
	for _, card := range p.Cards {
		text := fmt.Sprintf("%s  %s  until %s", card.Alias, card.Masked, card.Expiry)
		fields = append(fields, field{fmt.Sprintf("card %d", card.Slot), text})
	}
	return append(fields,
		field{"open bills", strconv.Itoa(p.OpenBills)},
		field{"messages", strconv.Itoa(p.Messages)},
		field{"unsent", strconv.Itoa(p.Unsent)},
		field{"dropped", strconv.Itoa(p.Dropped)},
	)
}

func phoneInbox() command {
	var at target
	return command{
		name: "inbox", short: "read a phone's texts, oldest first", args: "PHONE", flags: at.phones(),
		examples: []string{"airtill phone inbox 8613800000001"},
		run: func(ctx context.Context, c *call) error {
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			texts, err := client.Inbox(ctx, number)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, texts,
				column[fleet.Message]{name: "time", cell: func(m fleet.Message) string { return moment(m.At) }},
				column[fleet.Message]{name: "from", cell: func(m fleet.Message) string { return string(m.From) }},
				column[fleet.Message]{name: "text", cell: func(m fleet.Message) string { return m.Text }},
			)
		},
	}
}

func phoneBills() command {
	var at target
	return command{
		name: "bills", short: "list the bills on a phone, oldest first", args: "PHONE", flags: at.phones(),
		examples: []string{"airtill phone bills 8613800000001"},
		run: func(ctx context.Context, c *call) error {
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			all, err := client.Bills(ctx, number)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, all,
				column[fleet.Bill]{name: "bill", cell: func(b fleet.Bill) string { return b.Bill }},
				column[fleet.Bill]{name: "state", cell: func(b fleet.Bill) string { return b.State }},
				column[fleet.Bill]{name: "amount", right: true, cell: func(b fleet.Bill) string { return sum(b.Amount, b.Currency) }},
				column[fleet.Bill]{name: "merchant", cell: func(b fleet.Bill) string { return b.Name }},
				column[fleet.Bill]{name: "shown", cell: func(b fleet.Bill) string { return moment(b.ShownAt) }},
				column[fleet.Bill]{name: "expires", cell: func(b fleet.Bill) string { return moment(b.ExpiresAt) }},
				column[fleet.Bill]{name: "result", cell: result},
				column[fleet.Bill]{name: "subject", cell: func(b fleet.Bill) string { return b.Subject }},
			)
		},
	}
}

// result is what the platform last answered the phone about a bill.
func result(b fleet.Bill) string { return strings.TrimSpace(b.Code + " " + b.Text) }
