package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/spelling"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// occasion is how an event is brought about: a bill for a number that says how it ends,
// and what is done about it then.
type occasion struct {
	event  string
	alias  string // another name for it
	digits string // of the number
	ends   fsm.State
	soon   time.Duration // to pay, where time must run out; 0: as always
	cancel bool          // the merchant withdraws it once the phone has it
	refund bool          // the merchant gives the money back
}

func occasions() []occasion {
	return []occasion{
		{event: "bill.settled", alias: "bill.paid", digits: "0000", ends: bill.Settled},
		{event: "bill.refused", digits: "0003", ends: bill.Refused},
		{event: "bill.expired", digits: "0002", ends: bill.Expired, soon: soonOver},
		{event: "bill.failed", digits: "0004", ends: bill.Failed},
		{event: "bill.undelivered", digits: "0006", ends: bill.Undelivered, soon: soonOver},
		{event: "bill.cancelled", digits: "0002", ends: bill.Cancelled, cancel: true},
		{event: "refund.posted", alias: "refund.settled", digits: "0000", ends: bill.Settled, refund: true},
	}
}

// soonOver is the time to pay of a bill that is to run out.
const soonOver = 3 * time.Second

func eventNames() (names []string) {
	for _, o := range occasions() {
		names = append(names, o.event)
	}
	return names
}

// allNames are the events' names, the other ones included.
func allNames() (names []string) {
	for _, o := range occasions() {
		if names = append(names, o.event); o.alias != "" {
			names = append(names, o.alias)
		}
	}
	return names
}

// trigger is what the command was told.
type trigger struct {
	at        target
	overrides cli.StringSlice
	wait      time.Duration
}

func triggerCommand() command {
	t := new(trigger)
	return command{
		name: "trigger", short: "bring an event about in dev: order, pay and be told, for real", args: "EVENT", section: "A running network",
		about: "EVENT is one of " + strings.Join(eventNames(), ", ") + ". bill.paid is another name for bill.settled, refund.settled for refund.posted.\n" +
			"The true flow is run: a bill is ordered for one of the numbers that airtill phone forced lists, goes to the phone and ends there, and its merchant is called back:\n" +
			"at --override callback_url, or else at dev's shop. Each step is told as it happens. The money has moved, and the bill stays.\n" +
			"--override changes the order: amount, currency, subject, reference, payee, callback_url, expires_in, buyer_phone, goods.",
		examples: []string{
			"airtill trigger bill.paid", "airtill trigger --json bill.failed",
			"airtill trigger --override amount=4200 --override callback_url=http://127.0.0.1:3000/hook bill.refused", "airtill trigger refund.settled",
		},
		flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "override", Usage: "change the order's `FIELD=VALUE`, as amount=4200 (repeat for others)", Destination: &t.overrides},
			&cli.DurationFlag{Name: "wait", Usage: "wait up to this `TIME` for the end and its callback", Value: 30 * time.Second, Destination: &t.wait},
		}, t.at.shop()...),
		run: t.run,
	}
}

func (t *trigger) run(ctx context.Context, c *call) error {
	i := slices.IndexFunc(occasions(), func(o occasion) bool { return o.event == c.args[0] || o.alias != "" && o.alias == c.args[0] })
	if i < 0 {
		if near := spelling.Nearest(c.args[0], allNames()); near != "" {
			return usagef("no event %q; did you mean %s?", c.args[0], near)
		}
		return usagef("no event %q; there is %s", c.args[0], strings.Join(eventNames(), ", "))
	}
	o := occasions()[i]
	n, err := t.order(c, o)
	if err != nil {
		return err
	}
	client, err := t.at.merchantClient(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.wait, errOutOfPatience)
	defer cancel()
	return t.explain(ctx, t.flow(ctx, &steps{client: client, out: c.out}, o, n))
}

var errOutOfPatience = errors.New("it has not come so far in the time that --wait gives")

// explain says why a flow came to no end.
func (t *trigger) explain(ctx context.Context, err error) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Code() == platform.CodeUnknownPhone {
		return hinted(err, "airtill dev has the numbers that this needs: airtill phone forced")
	}
	if err != nil && errors.Is(context.Cause(ctx), errOutOfPatience) {
		return hinted(errOutOfPatience, "give it more: --wait 2m; or see what happened: airtill bill list")
	}
	return t.at.explain(err)
}

// order is the order that an event begins with.
func (t *trigger) order(c *call, o occasion) (api.Order, error) {
	n := newBill{amount: 1000, currency: "CNY", phone: world.ForcedPrefix + o.digits, subject: "triggered " + o.event, reference: newReference(), expires: o.soon}
	if r, err := t.at.ready(c); err == nil && r.Shop != "" {
		n.callback = r.Shop + world.CallbackPath
	}
	for _, text := range t.overrides.Value() {
		if err := n.override(text); err != nil {
			return api.Order{}, err
		}
	}
	return n.order()
}

// override changes one field of an order.
func (n *newBill) override(text string) (err error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || value == "" {
		return usagef("--override %q is not FIELD=VALUE, as amount=4200", text)
	}
	switch name {
	case "amount":
		if _, err = fmt.Sscanf(value, "%d", &n.amount); err != nil || fmt.Sprint(n.amount) != value {
			err = usagef("--override amount is a whole number of minor units, not %q", value)
		}
	case "expires_in":
		if n.expires, err = time.ParseDuration(value); err != nil {
			err = usagef("--override expires_in is a time like 10s, not %q", value)
		}
	case "currency":
		n.currency = value
	case "subject":
		n.subject = value
	case "reference":
		n.reference = value
	case "payee":
		n.payee = value
	case "callback_url":
		n.callback = value
	case "buyer_phone":
		n.buyer = value
	case "goods":
		n.goods = value
	default:
		err = usagef("--override knows no field %q: amount, currency, subject, reference, payee, callback_url, expires_in, buyer_phone, goods", name)
	}
	return err
}

// flow runs an event from its order to its callback.
func (t *trigger) flow(ctx context.Context, s *steps, o occasion, order api.Order) error {
	made, err := s.client.CreateBill(ctx, order, "")
	if err != nil {
		return err
	}
	if o.cancel {
		if err := s.until(ctx, made.ID, func(b api.Bill) bool { return b.State != bill.Created && b.State != bill.Pushed }); err != nil {
			return err
		}
		if _, err := s.client.CancelBill(ctx, made.ID); err != nil {
			return err
		}
	}
	err = s.until(ctx, made.ID, func(b api.Bill) bool { return !b.Acknowledged.IsZero() || b.State != o.ends && bill.Ended(b.State) })
	if err != nil {
		return err
	}
	if s.last.State != o.ends {
		return hinted(fmt.Errorf("the bill ended as %s, not as %s", s.last.State, o.ends), "its story: airtill bill events %s", made.ID)
	}
	done := triggered{Event: o.event, Bill: made.ID, State: string(o.ends), Phone: gateway.MSISDN(order.Phone).Masked(), Callback: order.CallbackURL}
	if o.refund {
		refund, err := s.refund(ctx, made.ID, order.Reference)
		if err != nil {
			return err
		}
		done.Refund, done.State = refund.ID, string(refund.State)
	}
	return s.out.line(done, done.words())
}

// triggered is what a flow came to.
type triggered struct {
	Event    string            `json:"event"`
	Bill     platform.BillID   `json:"bill"`
	Refund   platform.RefundID `json:"refund,omitempty"`
	State    string            `json:"state"`
	Phone    string            `json:"phone"`              // masked
	Callback string            `json:"callback,omitempty"` // where it was told, and acknowledged
}

func (t triggered) words() string {
	text := fmt.Sprintf("%s: %s", t.Event, t.Bill)
	if t.Refund != "" {
		text = fmt.Sprintf("%s: %s", t.Event, t.Refund)
	}
	if t.Callback == "" {
		return text + "; nobody was called back: say --override callback_url=URL"
	}
	return text + "; acknowledged by " + t.Callback
}

// steps tells a bill's story while it happens.
type steps struct {
	client *api.Client
	out    *printer
	told   int // of the bill's events
	last   api.Bill
}

// stepPause is how long between two looks at a bill whose story is told.
const stepPause = 50 * time.Millisecond

// until tells what happens to a bill until it is as wanted.
func (s *steps) until(ctx context.Context, id platform.BillID, is func(api.Bill) bool) error {
	tick := time.NewTicker(stepPause)
	defer tick.Stop()
	for {
		b, err := s.client.Bill(ctx, id)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, id); err != nil {
			return err
		}
		if s.last = b; is(b) {
			return s.tell(ctx, id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// step is one event of a bill, as it is told.
type step struct {
	Bill platform.BillID `json:"bill"`
	platform.Event
}

// tell tells what has not been told.
func (s *steps) tell(ctx context.Context, id platform.BillID) error {
	story, err := s.client.Events(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range story[min(s.told, len(story)):] {
		text := fmt.Sprintf("%s  %-14s %-22s %-8s %s", e.At.Local().Format("15:04:05.000"), e.Name, change(e), e.Cause, e.Detail)
		if err := s.out.line(step{id, e}, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	s.told = max(s.told, len(story))
	return nil
}

// refund gives the money of a bill back, and waits until that is told too.
func (s *steps) refund(ctx context.Context, id platform.BillID, reference string) (platform.Refund, error) {
	made, err := s.client.Refund(ctx, id, api.RefundOrder{Reference: "back_" + reference, Reason: "triggered"}, "")
	if err != nil {
		return made, err
	}
	err = s.until(ctx, id, func(b api.Bill) bool {
		return slices.ContainsFunc(b.Refunds, func(r platform.Refund) bool { return r.ID == made.ID && !r.Acknowledged.IsZero() })
	})
	for _, r := range s.last.Refunds {
		if r.ID == made.ID {
			made = r
		}
	}
	return made, err
}
