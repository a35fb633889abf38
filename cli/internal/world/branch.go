package world

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// Person is somebody who comes to a branch to open mobile payment (S1).
type Person struct {
	Name    string
	Phone   gateway.MSISDN
	Form    string      // of the element: standalone, sim, sdtf (S2); none: bills are paid over USSD
	Suite   scp80.Suite // that the element is bound to; 0 is modern, in a World its own
	Persona string      // how the phone is answered; empty is manual
	PIN     string
	ID      string // identity number: 18 digits, the last may be X
	Cards   []BankCard
	By      string // who enrols them, for the office's log
}

// BankCard is a card with the account behind it.
type BankCard struct {
	Alias    string
	PAN      string // empty: the branch issues one
	Balance  money.Amount
	Currency money.Currency
}

// Branch enrols people: it puts a blank element into a phone, tells the platform who
// holds it, and writes the personalisation that comes back into the element. PIN,
// identity number and card numbers leave it sealed to the platform's branch key. A phone
// of form none has no element: its cards are bound to its number.
type Branch struct {
	Office *api.OfficeClient
	Phones *fleet.Client
	Fleets *Fleets    // that the phones are in when they are several; nil: all are in Phones
	Random *rand.Rand // for the card numbers it issues
}

// Enrol opens mobile payment for one person.
func (b *Branch) Enrol(ctx context.Context, p Person) error {
	secrets, err := b.secrets(p)
	if err != nil {
		return fmt.Errorf("enrol %s: %w", p.Phone.Masked(), err)
	}
	key, err := b.Office.BranchKey(ctx)
	if err != nil {
		return fmt.Errorf("enrol %s: %w", p.Phone.Masked(), err)
	}
	sealed, err := applet.SealEnrolment(key, secrets)
	if err != nil {
		return fmt.Errorf("enrol %s: %w", p.Phone.Masked(), err)
	}
	phones := b.phonesOf(p.Phone)
	made, err := phones.Add(ctx, fleet.NewPhone{MSISDN: p.Phone, Form: p.Form, Persona: p.Persona})
	if err != nil {
		return fmt.Errorf("enrol %s: put the element into the phone: %w", p.Phone.Masked(), err)
	}
	enrolled, err := b.Office.Enrol(ctx, enrolmentOf(p, made, sealed))
	if err != nil {
		return fmt.Errorf("enrol %s: %w", p.Phone.Masked(), err)
	}
	_, err = phones.Personalise(ctx, p.Phone, fleet.Personalisation{Sealed: enrolled.Personalisation, PIN: fleet.Digits(p.PIN)})
	if err != nil {
		return fmt.Errorf("enrol %s: personalise the element: %w", p.Phone.Masked(), err)
	}
	return nil
}

// phonesOf is the fleet that a number belongs to.
func (b *Branch) phonesOf(n gateway.MSISDN) *fleet.Client {
	if b.Fleets == nil {
		return b.Phones
	}
	return b.Fleets.Of(n)
}

// Shown is a phone as its fleet shows it.
func (b *Branch) Shown(ctx context.Context, n gateway.MSISDN) (fleet.Phone, error) {
	return b.phonesOf(n).Phone(ctx, n)
}

// enrolmentOf is what the platform is told of a person: no secret that is not sealed.
func enrolmentOf(p Person, made fleet.MadePhone, sealed applet.Sealed) api.Enrolment {
	e := api.Enrolment{Phone: p.Phone, Name: p.Name, Form: p.Form, Secrets: sealed, Accounts: openings(p.Cards), By: p.By}
	if p.Form != platform.FormNone {
		e.Suite = cmp.Or(p.Suite, scp80.Modern).String()
		e.ElementID, e.PublicKey = made.ElementID, made.PublicKey
	}
	return e
}

func openings(cards []BankCard) []api.Opening {
	var all []api.Opening
	for _, c := range cards {
		all = append(all, api.Opening{Balance: c.Balance, Currency: c.Currency})
	}
	return all
}

func (b *Branch) secrets(p Person) (s applet.EnrolmentSecrets, err error) {
	if s.PIN, err = applet.ParsePIN(p.PIN); err != nil {
		return s, err
	}
	if s.Identity, err = applet.ParseIdentity(applet.ResidentID, p.ID); err != nil {
		return s, err
	}
	for _, c := range p.Cards {
		card := applet.CardSecrets{Alias: c.Alias, Expiry: expiry(time.Now())}
		if c.PAN == "" {
			c.PAN = b.issue()
		}
		if card.PAN, err = applet.ParsePAN(c.PAN); err != nil {
			return s, err
		}
		s.Cards = append(s.Cards, card)
	}
	return s, nil
}

// issuerPrefix begins the numbers of the cards that branches issue.
const issuerPrefix = "621234"

// issue makes a card number of 16 digits.
func (b *Branch) issue() string {
	digits := fmt.Sprintf("%s%09d", issuerPrefix, b.Random.IntN(1_000_000_000))
	return digits + string(applet.LuhnDigit(digits))
}

// validYears is how long a card that is issued today can be used.
const validYears = 5

func expiry(now time.Time) applet.Expiry {
	return applet.Expiry((now.Year()+validYears)%100*100 + int(now.Month()))
}
