package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// newBill is what bill create was told.
type newBill struct {
	at target

	amount                         int64
	currency, phone, buyer         string
	reference, subject, goods      string
	payee, callback, idempotencyID string
	expires, wait                  time.Duration
}

func billCreate() command {
	var n newBill
	return command{
		name: "create", short: "order something: make a bill and push it to a phone",
		about: "The order is taken at once; --wait waits for what becomes of it, and fails unless it is settled.\n" +
			"The same order with the same reference again answers the same bill: it is safe to repeat.",
		examples: []string{
			"airtill bill create --amount 128000 --phone 8613800000001",
			"airtill bill create --amount 128000 --phone 8613800000001 --buyer 8613900000002 --wait 10s",
			`airtill bill create --amount 500 --phone 8613800000001 --reference order-1001 --goods '{"kind":"water"}' --json`,
		},
		flags:    append(n.flags(), n.at.shop()...),
		required: []string{"amount", "phone"},
		run:      n.run,
	}
}

func (n *newBill) flags() []cli.Flag {
	return []cli.Flag{
		&cli.Int64Flag{Name: "amount", Usage: "`N` minor units, such as fen", Destination: &n.amount},
		&cli.StringFlag{Name: "currency", Usage: "ISO 4217 `CODE`", Value: string(money.CNY), Destination: &n.currency},
		&cli.StringFlag{Name: "phone", Usage: "`NUMBER` of the phone that is to pay", Destination: &n.phone},
		&cli.StringFlag{Name: "buyer", Usage: "`NUMBER` of who orders, when it is another", Destination: &n.buyer},
		&cli.StringFlag{Name: "reference", Usage: "the order's own `NAME` at the merchant", DefaultText: "a new one", Destination: &n.reference},
		&cli.StringFlag{Name: "subject", Usage: "the `LINE` that the phone shows", Destination: &n.subject},
		&cli.StringFlag{Name: "goods", Usage: "what is ordered, as `JSON`", Destination: &n.goods},
		&cli.StringFlag{Name: "payee", Usage: "`ACCOUNT` of the merchant", DefaultText: "its first", Destination: &n.payee},
		&cli.StringFlag{Name: "callback-url", Usage: "`URL` that is told the result", DefaultText: "the merchant's", Destination: &n.callback},
		&cli.DurationFlag{Name: "expires-in", Usage: "`TIME` to pay, 1s to 720h", DefaultText: "15m", Destination: &n.expires},
		&cli.StringFlag{Name: "idempotency-key", Usage: "`KEY` that a repeated request is known by", DefaultText: "the reference", Destination: &n.idempotencyID},
		&cli.DurationFlag{Name: "wait", Usage: "wait up to this `TIME` for the end; the status is 1 unless it is settled", Destination: &n.wait},
	}
}

func (n *newBill) run(ctx context.Context, c *call) error {
	order, err := n.order()
	if err != nil {
		return err
	}
	client, err := n.at.merchantClient(c)
	if err != nil {
		return err
	}
	if order.Reference == "" {
		order.Reference = newReference()
		c.talk("reference %s", order.Reference) // before it is sent: it finds out what became of it
	}
	made, err := client.CreateBill(ctx, order, n.idempotencyID)
	switch {
	case errors.Is(err, api.ErrUnknown) && !turnedAway(err):
		return hinted(err, "it may be done: the same command with --reference %s%s is safe, and finds out", order.Reference, distrust(err))
	case err != nil:
		return n.at.explain(err)
	case n.wait == 0:
		c.talk("follow it: airtill bill events %s", made.ID)
		return printBill(c.out, made)
	}
	c.talk("%s is on its way; waiting up to %s for its end", made.ID, n.wait)
	last, err := await(ctx, made, n.wait, billEnded, func(ctx context.Context) (api.Bill, error) { return client.Bill(ctx, made.ID) })
	if printed := printBill(c.out, last); printed != nil {
		return printed
	}
	if err != nil {
		return n.at.explain(err)
	}
	return n.verdict(last)
}

// order checks what needs no platform to be seen wrong.
func (n *newBill) order() (api.Order, error) {
	o := api.Order{
		Reference: n.reference, Amount: money.Amount(n.amount), Payee: n.payee,
		ExpiresIn: api.Duration(n.expires), CallbackURL: n.callback, Subject: n.subject,
	}
	var err error
	if o.Amount < 1 || o.Amount > money.Max {
		return o, usagef("--amount is 1 to %d minor units", money.Max)
	}
	if o.Currency, err = money.ParseCurrency(n.currency); err != nil {
		return o, usagef("--currency %w", err)
	}
	if o.Phone, err = gateway.ParseMSISDN(n.phone); err != nil {
		return o, usagef("--phone %q: %w", n.phone, err)
	}
	if n.buyer != "" {
		if o.BuyerPhone, err = gateway.ParseMSISDN(n.buyer); err != nil {
			return o, usagef("--buyer %q: %w", n.buyer, err)
		}
	}
	if n.goods != "" {
		o.Goods = json.RawMessage(n.goods)
		if !json.Valid(o.Goods) {
			return o, usagef("--goods is not JSON; quote it for the shell, as in '{\"kind\":\"flight\"}'")
		}
	}
	if n.expires < 0 || n.wait < 0 {
		return o, usagef("--expires-in and --wait cannot be negative")
	}
	return o, nil
}

// newReference names an order whose merchant gave it no name.
func newReference() string {
	return "order_" + ulid.MustNew(ulid.Now(), rand.Reader).String()
}

// Pauses between two looks at a bill: short at first, since most are paid soon.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

func billEnded(b api.Bill) bool { return bill.Ended(b.State) }

// await looks at a bill or a refund until it has ended or the patience is over, and
// answers how it was seen last. A platform that is away for a moment is waited for.
func await[V any](ctx context.Context, last V, patience time.Duration, ended func(V) bool, look func(context.Context) (V, error)) (V, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; !ended(last); pause = min(pause*3/2, lastPause) {
		select {
		case <-waiting.Done():
			return last, ctx.Err() // nil when it is only the patience that is over
		case <-time.After(pause):
		}
		seen, err := look(waiting)
		if p, ok := errors.AsType[*api.Problem](err); ok && !p.Again() {
			return last, err
		}
		if err == nil {
			last = seen
		}
	}
	return last, nil
}

// verdict is the error of a bill that was waited for and is not settled.
func (n *newBill) verdict(b api.Bill) error {
	switch {
	case b.State == bill.Settled:
		return nil
	case bill.Ended(b.State):
		err := fmt.Errorf("the bill is %s", b.State)
		if b.Reason != platform.ReasonNone {
			err = fmt.Errorf("%w: %s", err, b.Reason)
		}
		return hinted(err, "its story: airtill bill events %s", b.ID)
	}
	return hinted(fmt.Errorf("the bill has not ended after %s: it is %s", n.wait, b.State), "look again: airtill bill show %s", b.ID)
}
