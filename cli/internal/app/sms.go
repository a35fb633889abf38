package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/smpp"
)

const carrierSection = "A running carrier"

func smsCommand() command {
	return command{
		name: "sms", short: "send short messages through the carrier, and see what became of them", section: carrierSection,
		examples: []string{`airtill sms send --to 254700000001 --wait 10s "hello"`, "airtill sms list --state ENROUTE"},
		sub:      []command{smsSend(), smsList(), smsShow(), smsCancel()},
	}
}

// sending is what sms send is told.
type sending struct {
	target
	management.NewMessage
	receipt  string
	coding   int
	protocol int
	priority int
	wait     time.Duration
}

func smsSend() command {
	s := new(sending)
	return command{
		name: "send", short: "send a message to a handset, from one, or between applications", args: "[TEXT]",
		about: "Who sends is the account that owns --from: a handset's number makes a message from that handset. Without --from it is\n" +
			"the only application there is, or --account. A long text is split. With --wait the status says whether it was delivered.",
		examples: []string{
			`airtill sms send --to 254700000001 "your code is 4711"`,
			`airtill sms send --from 254700000001 --to 4242 "BALANCE"`,
			`airtill sms send --account app --to 254700000001 --receipt final --wait 10s "hello"`,
			`airtill sms send --account app --to 254700000001 --data 0605040b8423f001 --udh`,
		},
		required: []string{"to"},
		flags: s.carriers(
			&cli.StringFlag{Name: "to", Usage: "send to `NUMBER`, a phone's or a short code", Destination: &s.Destination},
			&cli.StringFlag{Name: "from", Usage: "`ADDRESS` it comes from: a number, short code or name", Destination: &s.Source},
			&cli.StringFlag{Name: "account", Usage: "submit as the account `ID`", Destination: &s.Account},
			&cli.StringFlag{Name: "data", Usage: "send user data in `HEX` instead of a text", Destination: &s.Data},
			&cli.BoolFlag{Name: "udh", Usage: "the data begins with a user data header", Destination: &s.Header},
			&cli.IntFlag{Name: "coding", Usage: "say data_coding `N`", Value: -1, DefaultText: "what takes least room", Destination: &s.coding},
			&cli.StringFlag{Name: "split", Usage: "split a long text `HOW`: udh8, udh16, sar or payload", Destination: &s.Manner},
			&cli.StringFlag{Name: "receipt", Usage: "ask for a receipt `WHEN`: none, final, failure or success", Value: "none", Destination: &s.receipt},
			&cli.StringFlag{Name: "mode", Usage: "`MODE` is store, datagram or transaction", Destination: &s.Mode},
			&cli.StringFlag{Name: "validity", Usage: "give it up after `TIME`: 90s, or 2026-01-31T12:00:00Z", Destination: &s.Validity},
			&cli.StringFlag{Name: "schedule", Usage: "deliver it not before `TIME`, likewise", Destination: &s.Schedule},
			&cli.StringFlag{Name: "service-type", Usage: "say service_type `TYPE`", Destination: &s.ServiceType},
			&cli.IntFlag{Name: "protocol", Usage: "say protocol_id `N`", Destination: &s.protocol},
			&cli.IntFlag{Name: "priority", Usage: "say priority_flag `N`", Destination: &s.priority},
			&cli.BoolFlag{Name: "replace", Usage: "take the place of one that waits", Destination: &s.Replace},
			&cli.DurationFlag{Name: "wait", Usage: "wait up to `TIME` for its final state", Destination: &s.wait},
		),
		run: s.run,
	}
}

func (s *sending) run(ctx context.Context, c *call) error {
	if err := s.read(c); err != nil {
		return err
	}
	client, err := s.carrierClient(c)
	if err != nil {
		return err
	}
	sent, err := client.Send(ctx, s.NewMessage)
	if err != nil {
		return s.explainCarrier(err)
	}
	if s.wait == 0 {
		return printRows(c.out, sent.Messages,
			column[management.SentMessage]{name: "id", cell: func(m management.SentMessage) string { return m.ID }},
			column[management.SentMessage]{name: "state", cell: func(m management.SentMessage) string { return m.State }},
		)
	}
	return s.await(ctx, c, client, sent)
}

// read completes the message by what are no texts among the flags.
func (s *sending) read(c *call) error {
	if len(c.args) > 0 {
		s.Text = c.args[0]
	}
	switch {
	case s.Text == "" && s.Data == "":
		return usagef("TEXT is missing; or give --data HEX")
	case s.Text != "" && s.Data != "":
		return usagef("TEXT and --data exclude each other")
	case s.Header && s.Data == "":
		return usagef("--udh goes with --data")
	case s.wait < 0:
		return usagef("--wait cannot be negative")
	}
	receipts := map[string]uint8{"none": smpp.ReceiptNone, "final": smpp.ReceiptFinal, "failure": smpp.ReceiptFailure, "success": smpp.ReceiptSuccess}
	asked, ok := receipts[s.receipt]
	if !ok {
		return usagef("--receipt %q is none of none, final, failure, success", s.receipt)
	}
	s.Registered = asked
	for name, n := range map[string]int{"coding": max(s.coding, 0), "protocol": s.protocol, "priority": s.priority} {
		if n < 0 || n > 255 {
			return usagef("--%s is 0 to 255", name)
		}
	}
	s.Protocol, s.Priority = uint8(s.protocol), uint8(s.priority) //nolint:gosec // checked above
	if s.coding >= 0 {
		s.Coding = new(uint8(s.coding)) //nolint:gosec // checked above
	}
	return nil
}

// await waits for the end of all parts, and shows them.
func (s *sending) await(ctx context.Context, c *call, client *management.Client, sent management.Sent) error {
	until := time.Now().Add(s.wait)
	var all []management.Message
	delivered := true
	for _, m := range sent.Messages {
		found, err := awaitFinal(ctx, client, m.ID, until)
		if err != nil {
			return s.explainCarrier(err)
		}
		for i := range found {
			delivered = delivered && found[i].State == "DELIVERED"
		}
		all = append(all, found...)
	}
	if err := printMessages(c.out, all); err != nil {
		return err
	}
	if !delivered {
		return hinted(fmt.Errorf("not delivered in %s", s.wait), "every attempt: airtill sms show %s", sent.Messages[0].ID)
	}
	return nil
}

// awaitFinal waits for a message, by as many long polls as it takes.
func awaitFinal(ctx context.Context, client *management.Client, id string, until time.Time) ([]management.Message, error) {
	for {
		left := time.Until(until)
		page, err := client.Message(ctx, id, max(0, min(left, management.MaxWait)))
		if err != nil {
			return nil, err
		}
		over := true
		for i := range page.Messages {
			over = over && page.Messages[i].Final()
		}
		if over || time.Now().After(until) {
			return page.Messages, nil
		}
	}
}

func smsList() command {
	var at target
	var f management.MessageFilter
	var since time.Duration
	var before string
	return command{
		name: "list", short: "list messages, the newest first",
		about:    "With --wait it waits until there is one that matches, which is how a script waits for a message.",
		examples: []string{"airtill sms list", "airtill sms list --to 254700000001 --state DELIVERED --wait 10s --json"},
		flags: at.carriers(
			&cli.StringFlag{Name: "state", Usage: "only those in `STATE`: ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, REJECTED", Destination: &f.State},
			&cli.StringFlag{Name: "from", Usage: "only those from `DIGITS`, or a number that begins so", Destination: &f.Source},
			&cli.StringFlag{Name: "to", Usage: "only those to `DIGITS`, or a number that begins so", Destination: &f.Destination},
			&cli.StringFlag{Name: "account", Usage: "only those from or to the account `ID`", Destination: &f.Account},
			&cli.StringFlag{Name: "text", Usage: "only those whose text has `WORDS`", Destination: &f.Text},
			&cli.DurationFlag{Name: "since", Usage: "only those of the last `TIME`", Destination: &since},
			&cli.IntFlag{Name: "limit", Usage: "at most `N`, 1 to 1000", DefaultText: "100", Destination: &f.Limit},
			&cli.StringFlag{Name: "before", Usage: "the page behind the message with this `SERIAL`", Destination: &before},
			&cli.DurationFlag{Name: "wait", Usage: "wait up to `TIME` until there is one", Destination: &f.Wait},
		),
		run: func(ctx context.Context, c *call) error {
			if since > 0 {
				f.Since = time.Now().Add(-since)
			}
			var err error
			if before != "" {
				if f.Before, err = strconv.ParseUint(before, 10, 64); err != nil {
					return usagef("--before %q is not a serial number", before)
				}
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			page, err := client.Messages(ctx, f)
			if err != nil {
				return at.explainCarrier(err)
			}
			if err := printMessages(c.out, page.Messages); err != nil || page.Next == 0 {
				return err
			}
			c.talk("the next page: --before %d", page.Next)
			return nil
		},
	}
}

func printMessages(p *printer, all []management.Message) error {
	text := func(name string, of func(management.Message) string) column[management.Message] {
		return column[management.Message]{name: name, cell: of}
	}
	return printRows(p, all,
		text("id", func(m management.Message) string { return m.ID }),
		text("state", func(m management.Message) string { return m.State }),
		text("from", func(m management.Message) string { return m.Source }),
		text("to", func(m management.Message) string { return m.Destination }),
		text("account", func(m management.Message) string { return m.Account }),
		text("accepted", func(m management.Message) string { return moment(m.Accepted) }),
		column[management.Message]{name: "tries", right: true, cell: func(m management.Message) string { return strconv.Itoa(m.Tries) }},
		text("text", said),
	)
}

// said is what a message says, on one line.
func said(m management.Message) string {
	words := strings.Join(strings.Fields(m.Text), " ")
	if words == "" && m.Data != "" {
		words = "hex " + m.Data
	}
	if m.Part != nil {
		words = fmt.Sprintf("(%d/%d) %s", m.Part.Number, m.Part.Of, words)
	}
	const most = 60
	if r := []rune(words); len(r) > most {
		return string(r[:most]) + "..."
	}
	return words
}

func smsShow() command {
	var at target
	var wait time.Duration
	return command{
		name: "show", short: "show a message with every attempt", args: "ID",
		examples: []string{"airtill sms show 674a1c9be4000001", "airtill sms show --wait 10s 674a1c9be4000001"},
		flags:    at.carriers(&cli.DurationFlag{Name: "wait", Usage: "wait up to `TIME` for its final state", Destination: &wait}),
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			found, err := awaitFinal(ctx, client, c.args[0], time.Now().Add(wait))
			if err != nil {
				return at.explainMessage(err)
			}
			return showMessages(c.out, found)
		},
	}
}

func (t *target) explainMessage(err error) error {
	if p, ok := errors.AsType[*management.Problem](err); ok && p.Status == http.StatusNotFound {
		return hinted(err, "which messages there are: airtill sms list")
	}
	return t.explainCarrier(err)
}

func showMessages(p *printer, all []management.Message) error {
	for _, m := range all {
		if err := p.one(m, messageFields(m)...); err != nil {
			return err
		}
	}
	return nil
}

func messageFields(m management.Message) []field {
	fields := []field{
		{"id", m.ID}, {"state", m.State}, {"from", m.Source}, {"to", m.Destination},
		{"account", m.Account}, {"to account", m.ToAccount}, {"text", m.Text}, {"data", m.Data},
		{"data_coding", fmt.Sprintf("0x%02x", m.Coding)}, {"esm_class", fmt.Sprintf("0x%02x", m.ESMClass)},
		{"registered", fmt.Sprintf("0x%02x", m.Registered)}, {"accepted", moment(m.Accepted)},
		{"scheduled", moment(m.Scheduled)}, {"expires", moment(m.Expires)}, {"ended", moment(m.Ended)}, {"tries", strconv.Itoa(m.Tries)},
	}
	if m.Part != nil {
		fields = append(fields, field{"part", fmt.Sprintf("%d of %d, reference %d", m.Part.Number, m.Part.Of, m.Part.Reference)})
	}
	for i, a := range m.Attempts {
		fields = append(fields, field{fmt.Sprintf("attempt %d", i+1), attempt(a)})
	}
	return fields
}

func attempt(a management.Attempt) string {
	words := moment(a.At) + "  " + a.Status
	if a.Cause != "" {
		words += "  " + a.Cause
	}
	if !a.Next.IsZero() {
		words += "  again at " + moment(a.Next)
	}
	return words
}

func smsCancel() command {
	var at target
	return command{
		name: "cancel", short: "take back a message that is not on its way", args: "ID", flags: at.carriers(),
		examples: []string{"airtill sms cancel 674a1c9be4000001"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			page, err := client.Cancel(ctx, c.args[0])
			if err != nil {
				return at.explainMessage(err)
			}
			return showMessages(c.out, page.Messages)
		},
	}
}
