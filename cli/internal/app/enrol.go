package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// newPerson is what enrol was told.
type newPerson struct {
	at target

	phone, name, form, persona string
	suite                      scp80.Suite
	pinFile, idFile, by        string
	cards                      *cli.StringSlice

	many newPeople
}

func enrolCommand() command {
	n := newPerson{cards: cli.NewStringSlice(), suite: scp80.Modern}
	return command{
		name: "enrol", short: "open mobile payment for people: a phone, an element, cards and a PIN", section: "A running network",
		about: "PIN and identity number come from AIRTILL_PIN and AIRTILL_ID_NUMBER, from files, or are asked for at the terminal.\n" +
			"They leave this program sealed to the platform's branch key. The branch issues the cards' numbers.\n\n" +
			peopleAbout(),
		examples: []string{
			`airtill enrol --phone 8613800000009 --name "Li Wei" --card alias=Blue,balance=500000`,
			`airtill enrol --phone 8613800000009 --name "Li Wei" --form none --card alias=Blue,balance=500000`,
			`airtill enrol --phone 8613800000009 --name "Li Wei" --persona pays --pin-file pin --id-number-file id --card alias=Blue,balance=500000,currency=CNY --card alias=Red,balance=0`,
			"airtill enrol --count 100000 --prefix 86133 --seed 7 --mix pays=90,refuses=5,never=5",
			"airtill enrol --from people.csv --check",
			"airtill enrol --from people.csv",
		},
		flags: slices.Concat(n.flags(), n.many.flags(), n.at.office(), []cli.Flag{n.at.fleetsFlag()}),
		run:   n.run,
	}
}

func (n *newPerson) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "phone", Usage: "the phone's `NUMBER`", Destination: &n.phone},
		&cli.StringFlag{Name: "name", Usage: "the person's `NAME`", Destination: &n.name},
		&cli.StringFlag{Name: "form", Usage: "`FORM` of the secure element: sim, standalone or sdtf; none for a phone without one, whose bills are paid over USSD", Value: applet.SIM.String(), Destination: &n.form},
		suiteFlag(&n.suite, "bind the element to `SUITE`, for good: modern (AES), or legacy (3DES), which the platform must allow"),
		&cli.StringFlag{Name: "persona", Usage: "`HABIT` of answering bills: " + habits(), Value: string(persona.Manual), Destination: &n.persona},
		&cli.StringSliceFlag{Name: "card", Usage: "a `CARD` with the account behind it: alias=Blue,balance=500000,currency=CNY; may be repeated", Destination: n.cards},
		&cli.StringFlag{Name: "pin-file", Usage: "read the PIN from `FILE` (or AIRTILL_PIN holds it)", Destination: &n.pinFile},
		byFlag(&n.by),
		&cli.StringFlag{Name: "id-number-file", Usage: "read the identity number from `FILE` (or AIRTILL_ID_NUMBER holds it)", Destination: &n.idFile},
	}
}

func habits() string {
	var all []string
	for _, k := range persona.Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

func (n *newPerson) run(ctx context.Context, c *call) error {
	if n.many.asked() {
		return n.many.run(ctx, c, n)
	}
	if missing := n.missing(); missing != "" {
		return usagef("--%s must be given; or --count or --from, for many people", missing)
	}
	p, err := n.person()
	if err != nil {
		return err
	}
	branch, err := n.branch(ctx, c)
	if err != nil {
		return err
	}
	if err := n.secrets(ctx, c, &p); err != nil {
		return err
	}
	if err := branch.Enrol(ctx, p); err != nil {
		return n.refused(ctx, branch, p, err)
	}
	made, err := branch.Shown(ctx, p.Phone)
	if err != nil {
		return n.at.explain(fmt.Errorf("%s is enrolled, but its phone cannot be shown: %w", p.Phone, err))
	}
	if p.Form == platform.FormNone {
		c.talk("%s can pay now over USSD, as much as the platform's --ussd-cap lets; the cards are bound to the phone's number", p.Name)
	} else {
		c.talk("%s can pay now: the element is personalised; the cards are bound to it", p.Name)
	}
	c.talk("next: airtill bill create --amount 500 --phone %s --wait 10s", p.Phone)
	return c.out.one(enrolled{Name: p.Name, Phone: made}, append([]field{{"name", p.Name}}, phoneFields(made)...)...)
}

// missing is the first flag of one person that was left out.
func (n *newPerson) missing() string {
	switch {
	case n.phone == "":
		return "phone"
	case n.name == "":
		return "name"
	case len(n.cards.Value()) == 0:
		return "card"
	}
	return ""
}

// enrolled is the data of an enrolment: the phone as it is then.
type enrolled struct {
	Name string `json:"name"`
	fleet.Phone
}

// person is what is no secret of it.
func (n *newPerson) person() (world.Person, error) {
	p := world.Person{Name: n.name, Form: n.form, Suite: n.suite, Persona: n.persona, By: n.by}
	var err error
	if p.Phone, err = gateway.ParseMSISDN(n.phone); err != nil {
		return p, usagef("--phone %q: %w", n.phone, err)
	}
	if _, err := applet.ParseForm(n.form); err != nil && n.form != platform.FormNone {
		return p, usagef("--form: %w, or %s for a phone without one", err, platform.FormNone)
	}
	if _, err := persona.ParseKind(n.persona); err != nil {
		return p, usagef("--persona: %w", err)
	}
	for _, text := range n.cards.Value() {
		card, err := parseCard(text)
		if err != nil {
			return p, usagef("--card %q: %w", text, err)
		}
		p.Cards = append(p.Cards, card)
	}
	return p, nil
}

// parseCard reads alias=Blue,balance=500000,currency=CNY. The currency may be left out.
func parseCard(text string) (world.BankCard, error) {
	card := world.BankCard{Currency: money.CNY}
	said := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || said[name] {
			return card, errors.New("write it as alias=Blue,balance=500000,currency=CNY, each once")
		}
		said[name] = true
		var err error
		switch name {
		case "alias":
			card.Alias = value
		case "balance":
			card.Balance, err = parseBalance(value)
		case "currency":
			card.Currency, err = money.ParseCurrency(value)
		default:
			err = fmt.Errorf("there is no %q; there are alias, balance and currency", name)
		}
		if err != nil {
			return card, err
		}
	}
	if card.Alias == "" || !said["balance"] {
		return card, errors.New("alias and balance must be given")
	}
	return card, nil
}

func parseBalance(text string) (money.Amount, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || money.Amount(n) > money.Max {
		return 0, fmt.Errorf("balance is 0 to %d, in minor units", money.Max)
	}
	return money.Amount(n), nil
}

// branch is where people are enrolled: at the platform and the handsets.
func (n *newPerson) branch(ctx context.Context, c *call) (*world.Branch, error) {
	office, err := n.at.officeClient(c)
	if err != nil {
		return nil, err
	}
	phones, err := n.at.phonesClients(c)
	if err != nil {
		return nil, err
	}
	b := &world.Branch{Office: office, Phones: phones[0]}
	if len(phones) > 1 {
		if b.Fleets, err = world.FindFleets(ctx, phones...); err != nil {
			return nil, n.at.explain(err)
		}
	}
	b.Random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) // card numbers are no secrets, but two branches issue different ones
	return b, nil
}

func (n *newPerson) secrets(ctx context.Context, c *call, p *world.Person) error {
	var err error
	if p.PIN, err = pinSecret(n.pinFile).readOrAsk(ctx, c, true); err != nil {
		return err
	}
	if _, err := applet.ParsePIN(p.PIN); err != nil {
		return usagef("the PIN: %w", err)
	}
	id := secret{what: "identity number", file: n.idFile, flag: "id-number-file", variable: "AIRTILL_ID_NUMBER"}
	if p.ID, err = id.readOrAsk(ctx, c, false); err != nil {
		return err
	}
	if _, err := applet.ParseIdentity(applet.ResidentID, p.ID); err != nil {
		return usagef("the identity number: %w", err)
	}
	return nil
}

// refused says why a person was not enrolled. The phone is put in place first, so it is
// the handsets that refuse a second enrolment.
func (n *newPerson) refused(ctx context.Context, branch *world.Branch, p world.Person, err error) error {
	if in, ok := errors.AsType[*fleet.Problem](err); ok && in.Status == http.StatusConflict {
		who, listed := branch.Office.Phones(ctx)
		if listed != nil {
			return n.at.explain(err)
		}
		if slices.ContainsFunc(who, func(other api.Phone) bool { return other.MSISDN == p.Phone.Masked() }) {
			return hinted(fmt.Errorf("%s is enrolled already; nothing was changed", p.Phone), "see: airtill phone show %s", p.Phone)
		}
		return hinted(fmt.Errorf("the handsets have a phone %s already, which is not enrolled; nothing was changed", p.Phone),
			"take another number; which there are: airtill phone list")
	}
	if in, ok := errors.AsType[*api.Problem](err); ok && in.Code() == platform.CodeAlreadyEnrolled {
		return hinted(fmt.Errorf("%s is enrolled already: %s", p.Phone, in.Detail), "who is enrolled: airtill office phones")
	}
	return n.at.explain(err)
}
