// Package se is the secure element: the chip that holds a person's cards and keys,
// opens and makes secured packets (ETSI TS 102 225) and makes PIN blocks (ISO
// 9564-1). It is a card of its own, part of the SIM, or part of an SD or TF card
// (S2); the forms differ in how packets reach them (wire.md 1.7) and in how many
// cards fit.
//
// A blank element has a number and a key pair of its own. The branch seals its
// personalisation to the public key (S1): the suite, packet keys for each direction,
// PIN keys, and cards as blobs encrypted under a symmetric key (S3). The element
// hands a blob on as it is; neither the phone nor its client ever sees a card number
// (S13).
//
// # One suite
//
// The suite is bound to the element for good and nothing is negotiated: AES with
// PIN block format 4 under AES-DUKPT, or 3DES with format 0 under 3DES-DUKPT. A
// packet that names another algorithm, key set, application or SPI than the
// element's is refused, and so is whatever else is not authentic, with one error
// that does not say why. Nothing is answered.
//
// # Counters
//
// Counters are kept before they are used ([Counters]), so that no packet counter
// and no PIN key serves twice, and an authentic packet is opened once. They never go
// back, whoever personalises the element again.
//
// # New packet keys
//
// A KEYS message brings the packet keys of a later version, wrapped for this element.
// From then on it makes packets under them. It still opens packets under the version
// before, until the first one arrives under the new. The same KEYS again changes
// nothing; a damaged one, one for another element and one of an earlier version are
// [ErrKeys]. Packet counters go on through all versions.
//
// Left out: PIN verification and try counter inside the element (PINs are verified
// by the platform), the card's own commands (APDUs), rotation of other keys than the
// packets' (that takes a new personalisation), and proof of who personalises: the
// branch is trusted to be the one who has the element in hand.
package se

import (
	"bytes"
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
	// ErrKeys is an authentic KEYS message whose keys are not for this element, or of
	// a version that it has left.
	ErrKeys = errors.New("new packet keys refused by the secure element")
	// ErrNoCard is a slot without a card.
	ErrNoCard = errors.New("no card in this slot")
	// ErrContents is kept contents that no element of this number and form had.
	ErrContents = errors.New("not the contents of this secure element")
)

// Config is what makes an element: a blank one, or one that goes on with its contents.
type Config struct {
	ID   applet.ElementID
	Form applet.Form
	// Rand is where the key pair and the fill of PIN blocks come from.
	Rand io.Reader
	// Counters is the store of the element's counters; nil keeps them in memory.
	Counters Counters
	// Contents is the store of all else; nil: a new element is blank, and what it is
	// given ends with it.
	Contents Contents
}

// Validate names what is missing.
func (c Config) Validate() error {
	switch {
	case c.Form.Capacity() == 0:
		return errors.New("secure element: no form")
	case c.Rand == nil:
		return errors.New("secure element: no source of randomness")
	case c.Contents != nil && c.Counters == nil:
		return errors.New("secure element: contents are kept but counters are not")
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
	seed     pairSeed
	pair     hpke.PrivateKey // made of the seed, of an element that was made blank and is so still; else nil
	counters Counters
	contents Contents // nil: not kept
	state    State    // as kept
	held     *holding // nil: blank
}

// pairSeed is what the element's key pair is made of.
type (
	pairSeed   = scp80.Key[forKeyPair]
	forKeyPair struct{}
)

const lenSeed = 32

// New makes an element with its own key pair: a blank one, unless its contents were kept.
func New(c Config) (*Element, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Counters == nil {
		c.Counters = new(memory)
	}
	state, err := c.Counters.Load()
	if err != nil {
		return nil, fmt.Errorf("secure element: load counters: %w", err)
	}
	e := &Element{id: c.ID, form: c.Form, random: c.Rand, counters: c.Counters, contents: c.Contents, state: state}
	if err := e.begin(); err != nil {
		return nil, fmt.Errorf("secure element: %w", err)
	}
	return e, nil
}

// begin takes up what was kept, or makes a key pair and keeps it.
func (e *Element) begin() error {
	was, err := e.load()
	switch {
	case err != nil:
		return err
	case was != nil:
		return e.resume(was)
	}
	seed := make([]byte, lenSeed)
	if _, err := io.ReadFull(e.random, seed); err != nil {
		return fmt.Errorf("make a key pair: %w", err)
	}
	e.seed = scp80.NewKey[pairSeed](seed)
	pair, err := e.keyPair()
	if err != nil {
		return err
	}
	e.pair = pair // it is asked for at once, and when the element is personalised
	return e.write(e.fresh())
}

func (e *Element) keyPair() (hpke.PrivateKey, error) {
	if e.pair != nil {
		return e.pair, nil
	}
	return applet.NewKeyPair(bytes.NewReader(e.seed.Reveal()))
}

// ID is the element's number.
func (e *Element) ID() applet.ElementID { return e.id }

// Form is how the element is built.
func (e *Element) Form() applet.Form { return e.form }

// Suite is what the element works with; none when it is blank.
func (e *Element) Suite() scp80.Suite {
	if e.held == nil {
		return 0
	}
	return e.held.suite
}

// KeyVersion is the version of the packet keys that the element uses; 0 when it is blank.
func (e *Element) KeyVersion() uint8 {
	if e.held == nil {
		return 0
	}
	return e.held.now.version
}

// PublicKey is what the element's personalisation is sealed to.
func (e *Element) PublicKey() []byte {
	key, err := e.keyPair()
	if err != nil { // it could be made of this seed before
		panic("se: " + err.Error())
	}
	return key.PublicKey().Bytes()
}

// Personalised tells whether the element is not blank.
func (e *Element) Personalised() bool { return e.held != nil }

// Format prints no key and no card.
func (e *Element) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "se.Element{%s %s}", e.id, e.form)
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
	if e.held == nil {
		return nil
	}
	cards := make([]Card, 0, len(e.held.cards))
	for _, c := range e.held.cards {
		cards = append(cards, Card{Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Expiry: c.Expiry})
	}
	return cards
}
