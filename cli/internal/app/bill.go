package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

func billCommand() command {
	return command{
		name: "bill", short: "make bills and see what became of them", section: "A running network",
		examples: []string{"airtill bill create --amount 128000 --phone 8613800000001 --wait 10s", "airtill bill list --state settled"},
		sub: []command{
			billCreate(), billShow(), billList(), billEvents(), billCancel(), billRefund(), billRefunds(),
			billStatement(), billCompare(),
		},
	}
}

// billID reads a command's argument.
func billID(text string) (platform.BillID, error) {
	id, err := platform.ParseBillID(text)
	if refusal, ok := err.(*platform.Error); ok { //nolint:errorlint // it is answered bare
		return "", usagef("%q: %s", text, refusal.Detail)
	}
	return id, err
}

func billShow() command {
	var at target
	return command{
		name: "show", short: "show one bill", args: "BILL", flags: at.shop(),
		examples: []string{"airtill bill show bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ", "airtill bill show --json bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ"},
		run: func(ctx context.Context, c *call) error {
			return aboutBill(ctx, c, &at, (*api.Client).Bill, printBill)
		},
	}
}

func billCancel() command {
	var at target
	return command{
		name: "cancel", short: "withdraw a bill that is not paid yet", args: "BILL", flags: at.shop(),
		examples: []string{"airtill bill cancel bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ"},
		run: func(ctx context.Context, c *call) error {
			return aboutBill(ctx, c, &at, (*api.Client).CancelBill, printBill)
		},
	}
}

// billCall is a question about one bill.
type billCall[V any] func(*api.Client, context.Context, platform.BillID) (V, error)

// aboutBill asks something about the bill that the argument names, and prints the answer.
func aboutBill[V any](ctx context.Context, c *call, at *target, ask billCall[V], show func(*printer, V) error) error {
	id, err := billID(c.args[0])
	if err != nil {
		return err
	}
	client, err := at.merchantClient(c)
	if err != nil {
		return err
	}
	answer, err := ask(client, ctx, id)
	if err != nil {
		return at.explain(err)
	}
	return show(c.out, answer)
}

func printBill(p *printer, b api.Bill) error {
	return p.one(b,
		field{"bill", string(b.ID)},
		field{"state", string(b.State)},
		field{"reason", string(b.Reason)},
		field{"amount", sum(b.Amount, b.Currency)},
		field{"subject", b.Subject},
		field{"merchant", string(b.Merchant)},
		field{"payee", b.Payee},
		field{"reference", b.Reference},
		field{"phone", b.Phone},
		field{"buyer", b.BuyerPhone},
		field{"goods", string(b.Goods)},
		field{"callback", b.CallbackURL},
		field{"attempts", strconv.Itoa(b.Attempts)},
		field{"card", b.Card},
		field{"created", moment(b.Created)},
		field{"expires", moment(b.Expires)},
		field{"paid", moment(b.Paid)},
		field{"ended", moment(b.Ended)},
		field{"acknowledged", moment(b.Acknowledged)},
		field{"refunded", refundedSum(b)},
		field{"refunds", refundLines(b.Refunds)},
	)
}

func sum(a money.Amount, c money.Currency) string {
	return money.Money{Amount: a, Currency: c}.String()
}

// moment is a time as tables show it; one that has not come is empty.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

func billList() command {
	var at target
	var q api.Query
	return command{
		name: "list", short: "list bills, newest first",
		examples: []string{"airtill bill list --state settled", "airtill bill list --reference order-1001 --json"},
		flags: append(at.shop(),
			&cli.StringFlag{Name: "state", Usage: "only bills in this `STATE`: created, pushed, delivered, opened, deferred, paid, settled, refused, expired, ...", Destination: (*string)(&q.State)},
			&cli.StringFlag{Name: "reference", Usage: "only the bill with this `REFERENCE`", Destination: &q.Reference},
			&cli.StringFlag{Name: "day", Usage: "only bills made on this `DAY` (UTC), like 2026-11-23", Destination: &q.Day},
			&cli.IntFlag{Name: "limit", Usage: "at most `N` bills, 1 to 200", DefaultText: "50", Destination: &q.Limit},
			&cli.StringFlag{Name: "after", Usage: "only bills older than this `BILL`", Destination: (*string)(&q.After)},
		),
		run: func(ctx context.Context, c *call) error { return at.listBills(ctx, c, q) },
	}
}

func (t *target) listBills(ctx context.Context, c *call, q api.Query) error {
	if q.Limit < 0 {
		return usagef("--limit is 1 to %d", api.MaxLimit)
	}
	if q.Day != "" && !platform.ValidDay(q.Day) {
		return usagef("--day is a day like 2026-11-23")
	}
	if q.After != "" {
		if _, err := billID(string(q.After)); err != nil {
			return err
		}
	}
	client, err := t.merchantClient(c)
	if err != nil {
		return err
	}
	page, err := client.Bills(ctx, q)
	for err == nil && len(page.Bills) == 0 && page.Next != "" { // the platform looks through so many at once
		q.After = page.Next
		page, err = client.Bills(ctx, q)
	}
	if err != nil {
		return t.explain(err)
	}
	err = printBills(c.out, page.Bills)
	if err == nil && page.Next != "" {
		c.talk("the next page: %s", nextPage(q, page.Next))
	}
	return err
}

func printBills(p *printer, all []api.Bill) error {
	text := func(name string, of func(api.Bill) string) column[api.Bill] {
		return column[api.Bill]{name: name, cell: of}
	}
	return printWide(p, all, []column[api.Bill]{
		text("bill", func(b api.Bill) string { return string(b.ID) }),
		text("state", func(b api.Bill) string { return string(b.State) }),
		{name: "amount", right: true, cell: func(b api.Bill) string { return sum(b.Amount, b.Currency) }},
		text("phone", func(b api.Bill) string { return b.Phone }),
		text("created", func(b api.Bill) string { return moment(b.Created) }),
		text("reference", func(b api.Bill) string { return b.Reference }),
		text("reason", func(b api.Bill) string { return string(b.Reason) }),
	}, []column[api.Bill]{
		text("merchant", func(b api.Bill) string { return string(b.Merchant) }),
		text("subject", func(b api.Bill) string { return b.Subject }),
		text("buyer", func(b api.Bill) string { return b.BuyerPhone }),
		text("card", func(b api.Bill) string { return b.Card }),
		text("expires", func(b api.Bill) string { return moment(b.Expires) }),
		text("ended", func(b api.Bill) string { return moment(b.Ended) }),
	})
}

// nextPage is the command that lists what comes after.
func nextPage(q api.Query, next platform.BillID) string {
	line := "airtill bill list"
	if q.State != "" {
		line += " --state " + string(q.State)
	}
	if q.Day != "" {
		line += " --day " + q.Day
	}
	if q.Limit != 0 {
		line += fmt.Sprintf(" --limit %d", q.Limit)
	}
	return line + " --after " + string(next)
}
