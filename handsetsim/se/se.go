// Package se is the secure element: the chip that holds a person's cards and keys,
// opens and makes secured packets (ETSI TS 102 225) and makes PIN blocks (ISO
// 9564-1 format 4). It is a card of its own, part of the SIM, or part of an SD or TF
// card (S2); the forms differ in how packets reach them and in how many cards fit.
//
// A blank element has a number and a key pair of its own. The branch seals its
// personalisation to the public key (S1): packet keys for each direction, PIN keys,
// and cards as blobs encrypted under a symmetric key (S3). The element hands a blob
// on as it is; neither the phone nor its client ever sees a card number (S13).
//
// Counters are kept before they are used, so that no packet counter and no PIN key
// serves twice, and an authentic packet is opened once. A packet that is not
// authentic is refused with one error that does not say why.
//
// Left out: PIN verification and try counter inside the element (PINs are verified
// by the platform), the card's own commands (APDUs), the legacy suite, and keys that
// outlive the process: only counters have a store.
package se

import (
	"crypto/hpke"
	"errors"
	"fmt"
	"io"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrBlank is a blank element that was asked for what only a personalised one can do.
	ErrBlank = errors.New("the secure element is blank")
	// ErrPersonalisation is a personalisation that is not for this element.
	ErrPersonalisation = errors.New("not a personalisation of this secure element")
	// ErrCapacity is a personalisation with more cards than the element's form holds.
	ErrCapacity = errors.New("more cards than fit in the secure element")
	// ErrRefused is a packet that is not authentic. Nothing may be answered.
	ErrRefused = errors.New("packet refused by the secure element")
	// ErrReplay is an authentic packet that is not newer than the last one.
	ErrReplay = errors.New("packet repeated or overtaken")
	// ErrNoCard is a slot without a card.
	ErrNoCard = errors.New("no card in this slot")
)

// Config is what makes a blank element.
type Config struct {
	ID   applet.ElementID
	Form applet.Form
	// Rand is where the key pair and the fill of PIN blocks come from.
	Rand io.Reader
	// Counters is the store of the element's counters; nil keeps them in memory.
	Counters Counters
}

// Validate names what is missing.
func (c Config) Validate() error {
	switch {
	case c.Form.Capacity() == 0:
		return errors.New("secure element: no form")
	case c.Rand == nil:
		return errors.New("secure element: no source of randomness")
	}
	if _, err := applet.ParseElementID(string(c.ID)); err != nil {
		return fmt.Errorf("secure element: %w", err)
	}
	return nil
}

// Element is one secure element. It belongs to one owner at a time and is not safe
// for concurrent use. It prints its number and form only.
type Element struct {
	id       applet.ElementID
	form     applet.Form
	random   io.Reader
	key      hpke.PrivateKey
	counters Counters
	state    State // as kept
	mo, mt   *scp80.Channel
	pins     *applet.PINKeys
	identity applet.Identity
	cards    []applet.CardEntry // in the order of their slots
}

// New makes a blank element with its own key pair.
func New(c Config) (*Element, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Counters == nil {
		c.Counters = new(memory)
	}
	key, err := applet.NewKeyPair(c.Rand)
	if err != nil {
		return nil, fmt.Errorf("secure element: %w", err)
	}
	state, err := c.Counters.Load()
	if err != nil {
		return nil, fmt.Errorf("secure element: load counters: %w", err)
	}
	return &Element{id: c.ID, form: c.Form, random: c.Rand, key: key, counters: c.Counters, state: state}, nil
}

// ID is the element's number.
func (e *Element) ID() applet.ElementID { return e.id }

// Form is how the element is built.
func (e *Element) Form() applet.Form { return e.form }

// PublicKey is what the element's personalisation is sealed to.
func (e *Element) PublicKey() []byte { return e.key.PublicKey().Bytes() }

// Personalised tells whether the element is not blank.
func (e *Element) Personalised() bool { return e.mo != nil }

// Format prints no key and no card.
func (e *Element) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "se.Element{%s %s}", e.id, e.form)
}

// Personalise takes the keys and cards that the branch has sealed to this element.
// A repeat replaces them; counters go on from where they are.
func (e *Element) Personalise(sealed applet.Sealed) error {
	p, err := applet.OpenPersonalisation(e.key, sealed)
	if err != nil || p.Element != e.id || p.TAR != scp80.TARPayment {
		return ErrPersonalisation
	}
	if err := e.check(p); err != nil {
		return err
	}
	mo, err := scp80.NewChannel(scp80.Modern.Profile(scp80.MO, 1), p.MO)
	if err != nil {
		return ErrPersonalisation
	}
	mt, err := scp80.NewChannel(scp80.Modern.Profile(scp80.MT, 1), p.MT)
	if err != nil {
		return ErrPersonalisation
	}
	pins, err := applet.NewPINKeys(scp80.Modern, p.Initial, p.KeyID)
	if err != nil {
		return ErrPersonalisation
	}
	if err := pins.Skip(e.state.PIN + 1); err != nil {
		return ErrPersonalisation
	}
	e.mo, e.mt, e.pins, e.cards, e.identity = mo, mt, pins, p.Cards, p.Identity
	return nil
}

// check refuses cards that do not fit or whose blobs are not what they say.
func (e *Element) check(p applet.Personalisation) error {
	if len(p.Cards) > e.form.Capacity() {
		return ErrCapacity
	}
	last := 0
	for _, c := range p.Cards {
		r, err := applet.OpenCard(scp80.Modern, p.CardData, c.Blob)
		if err != nil || r.Slot != c.Slot || r.PAN.Masked() != c.Masked || c.Slot <= last {
			return ErrPersonalisation
		}
		last = c.Slot
	}
	return nil
}

// Card is a card as it may be shown.
type Card struct {
	Slot   int
	Alias  string
	Masked string // first 6 and last 4 digits
	Expiry applet.Expiry
}

// Cards lists the bound cards by slot.
func (e *Element) Cards() []Card {
	cards := make([]Card, 0, len(e.cards))
	for _, c := range e.cards {
		cards = append(cards, Card{Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Expiry: c.Expiry})
	}
	return cards
}
