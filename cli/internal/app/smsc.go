package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway/management"
)

func smscCommand() command {
	return command{
		name: "smsc", short: "look at who is connected to the carrier, and hold them back", section: carrierSection,
		examples: []string{"airtill smsc sessions", "airtill smsc throttle --rate 10 app"},
		sub:      []command{smscSessions(), smscKick(), smscAccounts(), smscThrottle()},
	}
}

func smscSessions() command {
	var at target
	var account string
	return command{
		name: "sessions", short: "list SMPP connections, the oldest first",
		examples: []string{"airtill smsc sessions", "airtill smsc sessions --account app --json"},
		flags:    at.carriers(&cli.StringFlag{Name: "account", Usage: "only those of the account `ID`", Destination: &account}),
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			all, err := client.Sessions(ctx, account)
			if err != nil {
				return at.explainCarrier(err)
			}
			return printSessions(c.out, all.Sessions)
		},
	}
}

func printSessions(p *printer, all []management.Session) error {
	text := func(name string, of func(management.Session) string) column[management.Session] {
		return column[management.Session]{name: name, cell: of}
	}
	number := func(name string, of func(management.Session) uint64) column[management.Session] {
		return column[management.Session]{name: name, right: true, cell: func(s management.Session) string { return strconv.FormatUint(of(s), 10) }}
	}
	return printRows(p, all,
		number("id", func(s management.Session) uint64 { return s.ID }),
		text("account", func(s management.Session) string { return s.Account }),
		text("mode", func(s management.Session) string { return s.Mode }),
		text("peer", func(s management.Session) string { return s.Peer }),
		text("since", func(s management.Session) string { return moment(s.Since) }),
		text("quiet", func(s management.Session) string { return (time.Duration(s.QuietMS) * time.Millisecond).String() }),
		number("in flight", func(s management.Session) uint64 { return uint64(s.InFlight) }), //nolint:gosec // a count
		number("accepted", func(s management.Session) uint64 { return s.Accepted }),
		number("refused", func(s management.Session) uint64 { return s.Refused }),
		number("throttled", func(s management.Session) uint64 { return s.Throttled }),
		number("sent", func(s management.Session) uint64 { return s.Sent }),
	)
}

func smscKick() command {
	var at target
	return command{
		name: "kick", short: "unbind and close a session", args: "ID",
		about:    "It waits for what is unanswered first. The other end may bind again at once.",
		examples: []string{"airtill smsc kick 7"},
		flags:    at.carriers(),
		run: func(ctx context.Context, c *call) error {
			id, err := strconv.ParseUint(c.args[0], 10, 64)
			if err != nil {
				return usagef("%q is not a session's number", c.args[0])
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			s, err := client.Kick(ctx, id)
			if p, ok := errors.AsType[*management.Problem](err); ok && p.Status == http.StatusNotFound {
				return hinted(err, "which sessions there are: airtill smsc sessions")
			}
			if err != nil {
				return at.explainCarrier(err)
			}
			return printSessions(c.out, []management.Session{s})
		},
	}
}

func smscAccounts() command {
	var at target
	return command{
		name: "accounts", short: "list who may bind, with what became of their messages", flags: at.carriers(),
		examples: []string{"airtill smsc accounts", "airtill smsc accounts --json"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			all, err := client.Accounts(ctx)
			if err != nil {
				return at.explainCarrier(err)
			}
			return printAccounts(c.out, all.Accounts)
		},
	}
}

func printAccounts(p *printer, all []management.Account) error {
	text := func(name string, of func(management.Account) string) column[management.Account] {
		return column[management.Account]{name: name, cell: of}
	}
	number := func(name string, of func(management.Account) uint64) column[management.Account] {
		return column[management.Account]{name: name, right: true, cell: func(a management.Account) string { return strconv.FormatUint(of(a), 10) }}
	}
	return printRows(p, all,
		text("account", func(a management.Account) string { return a.SystemID }),
		text("kind", func(a management.Account) string { return a.Kind }),
		text("numbers", func(a management.Account) string { return a.AddressRange }),
		text("rate", rate),
		number("sessions", func(a management.Account) uint64 { return uint64(a.Sessions) }), //nolint:gosec // a count
		number("waiting", func(a management.Account) uint64 { return uint64(a.Stored) }),    //nolint:gosec // a count
		number("receipts", func(a management.Account) uint64 { return uint64(a.Receipts) }), //nolint:gosec // a count
		number("accepted", func(a management.Account) uint64 { return a.Counts.Accepted }),
		number("refused", func(a management.Account) uint64 { return a.Counts.Refused }),
		number("throttled", func(a management.Account) uint64 { return a.Counts.Throttled }),
		number("delivered", func(a management.Account) uint64 { return a.Counts.Delivered }),
	)
}

// rate is an account's limit in words.
func rate(a management.Account) string {
	if a.Rate == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%g/s, burst %d", a.Rate, a.Burst)
}

func smscThrottle() command {
	var at target
	var t management.Throttle
	perSecond, burst := -1.0, -1
	return command{
		name: "throttle", short: "limit what an account may submit", args: "ACCOUNT",
		about:    "Over it messages are refused with ESME_RTHROTTLED. --rate 0 takes the limit off.",
		examples: []string{"airtill smsc throttle --rate 10 --burst 20 app", "airtill smsc throttle --rate 0 app"},
		flags: at.carriers(
			&cli.Float64Flag{Name: "rate", Usage: "`N` messages a second", Value: -1, DefaultText: "as it is", Destination: &perSecond},
			&cli.IntFlag{Name: "burst", Usage: "`N` at once after a pause", Value: -1, DefaultText: "a second's", Destination: &burst},
		),
		run: func(ctx context.Context, c *call) error {
			if perSecond >= 0 {
				t.Rate = &perSecond
			}
			if burst >= 0 {
				t.Burst = &burst
			}
			if t.Rate == nil && t.Burst == nil {
				return usagef("--rate or --burst must be given, from 0")
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			a, err := client.Throttle(ctx, c.args[0], t)
			if p, ok := errors.AsType[*management.Problem](err); ok && p.Status == http.StatusNotFound {
				return hinted(err, "which accounts there are: airtill smsc accounts")
			}
			if err != nil {
				return at.explainCarrier(err)
			}
			return printAccounts(c.out, []management.Account{a})
		},
	}
}
