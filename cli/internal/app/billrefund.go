package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// newRefund is what bill refund was told.
type newRefund struct {
	at target

	amount                           int64
	reason, reference, idempotencyID string
	wait                             time.Duration
}

func billRefund() command {
	var n newRefund
	return command{
		name: "refund", short: "give money of a settled bill back, whole or in part", args: "BILL",
		about: "The money leaves the merchant's account at once and goes to the card that paid; --wait waits for it to arrive, and fails unless it does. " +
			"A bill can be refunded several times, never for more than was paid. " +
			"The same refund with the same reference again answers the same one: it is safe to repeat.",
		examples: []string{
			"airtill bill refund bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ",
			"airtill bill refund --amount 2500 --reason 'the seat was taken' --wait 10s bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ",
			"airtill bill refund --amount 500 --reference back-1001 --json bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ",
		},
		flags: append([]cli.Flag{
			&cli.Int64Flag{Name: "amount", Usage: "`N` minor units, such as fen", DefaultText: "all that is left of the bill", Destination: &n.amount},
			&cli.StringFlag{Name: "reason", Usage: "why, in a `LINE`", Destination: &n.reason},
			&cli.StringFlag{Name: "reference", Usage: "the refund's own `NAME` at the merchant", DefaultText: "a new one", Destination: &n.reference},
			&cli.StringFlag{Name: "idempotency-key", Usage: "`KEY` that a repeated request is known by", DefaultText: "the reference", Destination: &n.idempotencyID},
			&cli.DurationFlag{Name: "wait", Usage: "wait up to this `TIME` for the end; the status is 1 unless it is posted", Destination: &n.wait},
		}, n.at.shop()...),
		run: n.run,
	}
}

func (n *newRefund) run(ctx context.Context, c *call) error {
	id, order, err := n.order(c)
	if err != nil {
		return err
	}
	client, err := n.at.merchantClient(c)
	if err != nil {
		return err
	}
	if order.Reference == "" {
		order.Reference = "back_" + ulid.MustNew(ulid.Now(), rand.Reader).String()
		c.talk("reference %s", order.Reference) // before it is sent: it finds out what became of it
	}
	made, err := client.Refund(ctx, id, order, n.idempotencyID)
	switch {
	case errors.Is(err, api.ErrUnknown) && !turnedAway(err):
		return hinted(err, "it may be done: the same command with --reference %s%s is safe, and finds out", order.Reference, distrust(err))
	case err != nil:
		return n.at.explain(err)
	case n.wait > 0:
		c.talk("%s is on its way; waiting up to %s for its end", made.ID, n.wait)
		id := made.ID
		made, err = await(ctx, made, n.wait, refundEnded, func(ctx context.Context) (platform.Refund, error) { return client.FindRefund(ctx, id) })
	}
	if printed := printRefund(c.out, made); printed != nil {
		return printed
	}
	if err != nil {
		return n.at.explain(err)
	}
	return n.verdict(c, made)
}

// order checks what needs no platform to be seen wrong.
func (n *newRefund) order(c *call) (platform.BillID, api.RefundOrder, error) {
	o := api.RefundOrder{Amount: money.Amount(n.amount), Reason: n.reason, Reference: n.reference}
	id, err := billID(c.args[0])
	switch {
	case err != nil:
	case n.amount < 0 || o.Amount > money.Max:
		err = usagef("--amount is 1 to %d minor units; all that is left when it is not said", money.Max)
	case n.wait < 0:
		err = usagef("--wait cannot be negative")
	}
	return id, o, err
}

func refundEnded(r platform.Refund) bool { return r.State.Ended() }

// verdict is the error of a refund that is voided, or was waited for in vain.
func (n *newRefund) verdict(c *call, r platform.Refund) error {
	switch {
	case r.State == platform.RefundPosted:
		return nil
	case r.State == platform.RefundVoided && r.Failure == platform.ReasonFunds:
		return hinted(fmt.Errorf("the refund is voided: %s", r.Failure), "the merchant's account has too little for it; ask for another one with a new reference when it has more")
	case r.State == platform.RefundVoided:
		return fmt.Errorf("the refund is voided: %s", r.Failure)
	case n.wait == 0:
		c.talk("follow it: airtill bill refunds %s", r.Bill)
		return nil
	}
	return hinted(fmt.Errorf("the refund has not ended after %s: it is %s", n.wait, r.State), "look again: airtill bill refunds %s", r.Bill)
}

func printRefund(p *printer, r platform.Refund) error {
	return p.one(r,
		field{"refund", string(r.ID)},
		field{"bill", string(r.Bill)},
		field{"state", string(r.State)},
		field{"failure", string(r.Failure)},
		field{"amount", sum(r.Amount, r.Currency)},
		field{"reason", r.Reason},
		field{"reference", r.Reference},
		field{"created", moment(r.Created)},
		field{"ended", moment(r.Ended)},
		field{"acknowledged", moment(r.Acknowledged)},
	)
}

func billRefunds() command {
	var at target
	return command{
		name: "refunds", short: "list a bill's refunds, oldest first", args: "BILL", flags: at.shop(),
		examples: []string{"airtill bill refunds bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ", "airtill bill refunds --json bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ"},
		run: func(ctx context.Context, c *call) error {
			return aboutBill(ctx, c, &at, (*api.Client).Refunds, printRefunds)
		},
	}
}

func printRefunds(p *printer, all []platform.Refund) error {
	type refund = platform.Refund
	return printRows(p, all,
		column[refund]{name: "refund", cell: func(r refund) string { return string(r.ID) }},
		column[refund]{name: "state", cell: func(r refund) string { return string(r.State) }},
		column[refund]{name: "amount", right: true, cell: func(r refund) string { return sum(r.Amount, r.Currency) }},
		column[refund]{name: "created", cell: func(r refund) string { return moment(r.Created) }},
		column[refund]{name: "ended", cell: func(r refund) string { return moment(r.Ended) }},
		column[refund]{name: "reference", cell: func(r refund) string { return r.Reference }},
		column[refund]{name: "reason", cell: func(r refund) string { return r.Reason }},
		column[refund]{name: "failure", cell: func(r refund) string { return string(r.Failure) }},
	)
}

// refundLines are a bill's refunds, one under the other.
func refundLines(all []platform.Refund) string {
	text := ""
	for i, r := range all {
		if i > 0 {
			text += "\n"
		}
		text += fmt.Sprintf("%s %s %s", r.ID, r.State, sum(r.Amount, r.Currency))
	}
	return text
}

// refundedSum is what was given back of a bill; nothing is not said.
func refundedSum(b api.Bill) string {
	if b.Refunded == 0 {
		return ""
	}
	return sum(b.Refunded, b.Currency)
}
