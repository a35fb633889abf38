package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/money"
)

func phoneDial() command {
	var at target
	var wait time.Duration
	return command{
		name: "dial", short: "dial a USSD code on a phone, and show what comes", args: "PHONE CODE",
		about:    "*120# lists the bills of a phone without a payment client. A session that is open is lost.",
		examples: []string{"airtill phone dial 8613800000009 '*120#'", "airtill phone dial 8613800000009 '*120*1#'"},
		flags:    append(at.phones(), screenWait(&wait)),
		run: func(ctx context.Context, c *call) error {
			return at.atScreen(ctx, c, wait, fleet.USSD{Dial: c.args[1]})
		},
	}
}

func phoneReply() command {
	var at target
	var wait time.Duration
	var pinFile string
	return command{
		name: "reply", short: "reply to the USSD text on a phone, and show what comes", args: "PHONE [TEXT]",
		about:    "Where a PIN is asked for, leave TEXT out: the PIN comes from AIRTILL_PIN or --pin-file.",
		examples: []string{"airtill phone reply 8613800000009 1", "airtill phone reply --pin-file pin 8613800000009"},
		flags: append(at.phones(), screenWait(&wait),
			&cli.StringFlag{Name: "pin-file", Usage: "read the PIN from `FILE` (or AIRTILL_PIN holds it)", Destination: &pinFile}),
		run: func(ctx context.Context, c *call) error {
			reply, err := replyOf(c, pinFile)
			if err != nil {
				return err
			}
			return at.atScreen(ctx, c, wait, fleet.USSD{Reply: &reply})
		},
	}
}

// replyOf is the text of the command line, or a PIN.
func replyOf(c *call, pinFile string) (fleet.Digits, error) {
	if len(c.args) > 1 {
		return fleet.Digits(c.args[1]), nil
	}
	pin, err := pinOf(c, pinFile)
	if err == nil && pin == "" {
		err = usagef("no reply: say TEXT, or for a PIN %s", pinSecret("").hint())
	}
	return pin, err
}

func phoneHangUp() command {
	var at target
	return command{
		name: "hangup", short: "end the USSD session on a phone", args: "PHONE", flags: at.phones(),
		examples: []string{"airtill phone hangup 8613800000009"},
		run: func(ctx context.Context, c *call) error {
			return at.atScreen(ctx, c, 0, fleet.USSD{Abort: true})
		},
	}
}

func phoneScreen() command {
	var at target
	return command{
		name: "screen", short: "show the USSD text on a phone", args: "PHONE", flags: at.phones(),
		examples: []string{"airtill phone screen 8613800000009"},
		run: func(ctx context.Context, c *call) error {
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			shown, err := client.Screen(ctx, number)
			if err != nil {
				return at.explain(err)
			}
			return printScreen(c, number, shown)
		},
	}
}

func screenWait(into *time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "wait", Usage: "wait for the next text for up to `DURATION`", Value: 10 * time.Second, Destination: into}
}

// atScreen does something at a phone's USSD screen, and shows what it shows next.
func (t *target) atScreen(ctx context.Context, c *call, wait time.Duration, do fleet.USSD) error {
	client, number, err := t.phone(c)
	if err != nil {
		return err
	}
	shown, err := client.USSD(ctx, number, do)
	if err == nil && wait > 0 {
		shown, err = nextScreen(ctx, client, number, shown, wait)
	}
	if err != nil {
		return t.explain(err)
	}
	return printScreen(c, number, shown)
}

// screenPoll is how often a phone's screen is looked at.
const screenPoll = 50 * time.Millisecond

// nextScreen waits until a phone shows another text, or no session is open.
func nextScreen(ctx context.Context, client *fleet.Client, n gateway.MSISDN, before fleet.Screen, wait time.Duration) (fleet.Screen, error) {
	late := time.NewTimer(wait)
	defer late.Stop()
	tick := time.NewTicker(screenPoll)
	defer tick.Stop()
	for shown := before; ; {
		if shown.Shown != before.Shown || !shown.Open {
			return shown, nil
		}
		select {
		case <-tick.C:
		case <-late.C:
			return shown, fmt.Errorf("no text came within %s; look again: airtill phone screen %s", wait, n)
		case <-ctx.Done():
			return shown, ctx.Err()
		}
		var err error
		if shown, err = client.Screen(ctx, n); err != nil {
			return shown, err
		}
	}
}

func printScreen(c *call, n gateway.MSISDN, s fleet.Screen) error {
	if s.Asks {
		c.talk("reply: airtill phone reply %s TEXT", n)
	}
	return c.out.line(s, s.Text)
}

// capFlag says how much may be paid over USSD.
func capFlag(into *cli.StringSlice) cli.Flag {
	return &cli.StringSliceFlag{
		Name: "ussd-cap", EnvVars: []string{"AIRTILL_USSD_CAP"}, Destination: into,
		Usage: "let phones without a secure element pay bills of up to `CUR=AMOUNT`, in minor units, over USSD, where the carrier sees the PIN; may be repeated",
	}
}

// capOf reads --ussd-cap.
func capOf(all []string) (map[money.Currency]money.Amount, error) {
	return amountsOf("--ussd-cap", all)
}

// amountsOf reads a flag that gives amounts by currency, each as in CNY=50000.
func amountsOf(flag string, all []string) (map[money.Currency]money.Amount, error) {
	most := make(map[money.Currency]money.Amount, len(all))
	for _, text := range all {
		code, amount, ok := strings.Cut(text, "=")
		currency, err := money.ParseCurrency(code)
		if err == nil && !ok {
			err = errors.New("write it as CNY=50000")
		}
		n, notNumber := strconv.ParseInt(amount, 10, 64)
		if err == nil && (notNumber != nil || !money.Amount(n).Payable()) {
			err = fmt.Errorf("the amount is 1 to %d, in minor units", money.Max)
		}
		if _, twice := most[currency]; err == nil && twice {
			err = errors.New("the currency is there twice")
		}
		if err != nil {
			return nil, usagef("%s %q: %w", flag, text, err)
		}
		most[currency] = money.Amount(n)
	}
	return most, nil
}
