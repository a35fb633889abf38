package app

import (
	"context"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/applet"
)

// onBill says the flags of a command that does something to one bill of a phone.
func onBill(at *target, bill *string) []cli.Flag {
	return append(at.phones(), &cli.StringFlag{
		Name: "bill", Usage: "the `BILL`: its id, or its 16 digits on the phone", DefaultText: "the one open bill", Destination: bill,
	})
}

// billRef is the reference that phones know a bill by: they do not see its id.
func billRef(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if strings.HasPrefix(text, "bill_") {
		id, err := billID(text)
		if err != nil {
			return "", err
		}
		return id.Ref().String(), nil
	}
	var ref applet.BillRef
	if err := ref.UnmarshalText([]byte(text)); err != nil {
		return "", usagef("--bill %q: %w", text, err)
	}
	return ref.String(), nil
}

// act does something to one bill of the phone that the argument names, and shows the
// bill as the phone has it then.
func (t *target) act(c *call, bill string, do func(*fleet.Client, gateway.MSISDN, string) (fleet.Bill, error)) error {
	ref, err := billRef(bill)
	if err != nil {
		return err
	}
	client, number, err := t.phone(c)
	if err != nil {
		return err
	}
	b, err := do(client, number, ref)
	if err != nil {
		return t.explain(err)
	}
	return printPhoneBill(c.out, b)
}

func printPhoneBill(p *printer, b fleet.Bill) error {
	slot := ""
	if b.Slot != 0 {
		slot = strconv.Itoa(b.Slot)
	}
	return p.one(b,
		field{"bill", b.Bill},
		field{"state", b.State},
		field{"amount", sum(b.Amount, b.Currency)},
		field{"merchant", b.Name},
		field{"subject", b.Subject},
		field{"slot", slot},
		field{"expires", moment(b.ExpiresAt)},
		field{"result", result(b)},
	)
}

func phonePay() command {
	var at target
	var bill, pinFile string
	var slot int
	return command{
		name: "pay", short: "pay a bill on a phone", args: "PHONE",
		about:    "The PIN comes from AIRTILL_PIN or --pin-file; without it the holder types their own.",
		examples: []string{"airtill phone pay 8613800000001", "airtill phone pay --slot 2 --bill bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ 8613800000001"},
		flags: append(onBill(&at, &bill),
			&cli.IntFlag{Name: "slot", Usage: "`SLOT` of the card, from 1", Value: 1, Destination: &slot},
			&cli.StringFlag{Name: "pin-file", Usage: "read the PIN from `FILE` (or AIRTILL_PIN holds it)", Destination: &pinFile},
		),
		run: func(ctx context.Context, c *call) error {
			pin, err := pinOf(c, pinFile)
			if err != nil {
				return err
			}
			return at.act(c, bill, func(f *fleet.Client, n gateway.MSISDN, ref string) (fleet.Bill, error) {
				b, err := f.Pay(ctx, n, fleet.Payment{Bill: ref, Slot: slot, PIN: pin})
				if err == nil {
					c.talk("the payment is on its way; the platform's answer: airtill phone bills %s", n)
				}
				return b, err
			})
		},
	}
}

// pinOf reads a PIN that may be left out.
func pinOf(c *call, file string) (fleet.Digits, error) {
	s := pinSecret(file)
	text, from, err := s.read(c)
	if err != nil || text == "" {
		return "", err
	}
	if _, err := applet.ParsePIN(text); err != nil {
		return "", usagef("the PIN from %s: %w", from, err)
	}
	return fleet.Digits(text), nil
}

func pinSecret(file string) secret {
	return secret{what: "PIN", file: file, flag: "pin-file", variable: "AIRTILL_PIN"}
}

func phoneRefuse() command {
	var at target
	var bill string
	var no fleet.Refusal
	return command{
		name: "refuse", short: "refuse a bill on a phone", args: "PHONE",
		examples: []string{"airtill phone refuse --reason not_mine 8613800000001"},
		flags: append(onBill(&at, &bill),
			&cli.StringFlag{Name: "reason", Usage: "`WHY`: not_mine, amount, no_funds or changed_mind", Destination: &no.Reason},
			&cli.StringFlag{Name: "text", Usage: "`WORDS` to the merchant", Destination: &no.Text},
		),
		run: func(ctx context.Context, c *call) error {
			return at.act(c, bill, func(f *fleet.Client, n gateway.MSISDN, ref string) (fleet.Bill, error) {
				no.Bill = ref
				return f.Refuse(ctx, n, no)
			})
		},
	}
}

func phoneDefer() command {
	var at target
	var bill string
	return command{
		name: "defer", short: "put a bill off, to pay it later from the list", args: "PHONE",
		examples: []string{"airtill phone defer 8613800000001"},
		flags:    onBill(&at, &bill),
		run: func(ctx context.Context, c *call) error {
			return at.act(c, bill, func(f *fleet.Client, n gateway.MSISDN, ref string) (fleet.Bill, error) {
				return f.Defer(ctx, n, fleet.Choice{Bill: ref})
			})
		},
	}
}

func phoneSend() command {
	var at target
	var to string
	return command{
		name: "send", short: "send a text from a phone", args: "PHONE TEXT",
		examples: []string{`airtill phone send --to 10690 8613800000001 "where is my ticket?"`},
		flags:    append(at.phones(), &cli.StringFlag{Name: "to", Usage: "`NUMBER` or short code", Destination: &to}),
		required: []string{"to"},
		run: func(ctx context.Context, c *call) error {
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			taken, err := client.SendText(ctx, number, fleet.Text{To: gateway.Address(to), Text: c.args[1]})
			if err != nil {
				return at.explain(err)
			}
			return c.out.one(taken, field{"to", to}, field{"short messages", strconv.Itoa(taken.Parts)})
		},
	}
}

func phonePower() command {
	var at target
	return command{
		name: "power", short: "switch a phone on or off", args: "PHONE on|off", flags: at.phones(),
		examples: []string{"airtill phone power 8613800000001 off"},
		run: func(ctx context.Context, c *call) error {
			on := c.args[1] == "on"
			if !on && c.args[1] != "off" {
				return usagef("%q is neither on nor off", c.args[1])
			}
			client, number, err := at.phone(c)
			if err != nil {
				return err
			}
			p, err := client.Power(ctx, number, on)
			if err != nil {
				return at.explain(err)
			}
			return c.out.one(p, phoneFields(p)...)
		},
	}
}

func phoneClone() command {
	return onElement(command{
		name: "clone", short: "have a thief copy a phone's secure element",
		about:    "To see the platform notice: clone, pay a bill, restore, pay another.",
		examples: []string{"airtill phone clone 8613800000001"},
	}, (*fleet.Client).Clone)
}

func phoneRestore() command {
	return onElement(command{
		name: "restore", short: "have a phone go on with the copy of its secure element",
		about:    "The counters are those of when it was copied, which the platform takes for a second element.",
		examples: []string{"airtill phone restore 8613800000001"},
	}, (*fleet.Client).Restore)
}

// onElement completes a command that does something to a phone's element and shows the phone.
func onElement(cmd command, do func(*fleet.Client, context.Context, gateway.MSISDN) (fleet.Phone, error)) command {
	at := new(target)
	cmd.args, cmd.flags = "PHONE", at.phones()
	cmd.run = func(ctx context.Context, c *call) error {
		client, number, err := at.phone(c)
		if err != nil {
			return err
		}
		p, err := do(client, ctx, number)
		if err != nil {
			return at.explain(err)
		}
		return c.out.one(p, phoneFields(p)...)
	}
	return cmd
}
