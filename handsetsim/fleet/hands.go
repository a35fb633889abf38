package fleet

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
)

// formNone is the form of a phone without an element.
const formNone = "none"

// Add makes a phone with a blank element, and a person without a PIN. A refusal is a [*Problem].
func (f *Fleet) Add(in NewPhone) (MadePhone, error) {
	made, err := f.make(in)
	if err != nil {
		return MadePhone{}, err
	}
	if err := f.note(in); err != nil {
		return MadePhone{}, err
	}
	return made, f.sync(f.position())
}

// make makes a phone, unless the fleet has it, and answers what a branch needs to enrol it.
func (f *Fleet) make(in NewPhone) (made MadePhone, err error) {
	made.MSISDN, err = f.makeWith(in, func(e *se.Element) { made.ElementID, made.PublicKey = e.ID(), e.PublicKey() })
	return made, err
}

// makeWith makes a phone, unless the fleet has it. tell is told of its element, if it has
// one, before anybody else is.
func (f *Fleet) makeWith(in NewPhone, tell func(*se.Element)) (gateway.MSISDN, error) {
	n, err := gateway.ParseMSISDN(string(in.MSISDN))
	if err != nil {
		return "", invalid("msisdn", err.Error())
	}
	kind, err := kindOf(in.Persona)
	if err != nil {
		return "", err
	}
	if !f.config.Segment.Has(n) {
		return "", invalid("msisdn", fmt.Sprintf("is in another segment than this fleet's, %s", f.config.Segment))
	}
	making := &f.making[hash(string(n))%uint64(len(f.making))]
	making.Lock()
	defer making.Unlock()
	if f.shardOf(n).has(n) {
		return "", there()
	}
	h := &handset{person: persona.New(kind, f.pace, f.config.Seed^hash(string(n)))}
	var element handsetsim.Element // nil, not a nil *se.Element
	if in.Form != formNone {
		if h.element, err = f.element(n, in.Form); err != nil {
			return "", err
		}
		element = h.element
		tell(h.element)
	}
	h.Phone = handsetsim.NewPhone(n, element, h.person, f.settings)
	h.become(kind, f.config.Now(), &handsetsim.Effects{})
	f.shardOf(n).add(h)
	return n, nil
}

// there refuses to make a phone a second time.
func there() *Problem { return conflict("msisdn", "the fleet has this phone already") }

// kindOf reads a habit's name; none is manual.
func kindOf(name string) (persona.Kind, error) {
	if name == "" {
		return persona.Manual, nil
	}
	kind, err := persona.ParseKind(name)
	if err != nil {
		return "", invalid("persona", err.Error())
	}
	return kind, nil
}

// element makes an element with an id of its own, like an ICCID: issuer, number,
// check digit. It is blank unless the memory keeps it.
func (f *Fleet) element(n gateway.MSISDN, form string) (*se.Element, error) {
	kind, err := applet.ParseForm(form)
	if err != nil {
		return nil, invalid("form", err.Error()+", or none for a phone without an element")
	}
	id, err := elementID(n)
	if err != nil {
		return nil, invalid("msisdn", err.Error())
	}
	config := se.Config{ID: id, Form: kind, Rand: f.config.Rand}
	if f.config.Memory != nil {
		slot, err := f.config.Memory.Slot(id)
		if err != nil {
			return nil, fmt.Errorf("make element: %w", err)
		}
		config.Counters, config.Contents = slot, slot
	}
	element, err := se.New(config)
	if errors.Is(err, se.ErrContents) {
		return nil, conflict("form", "the memory keeps an element of this number that is not a "+form)
	}
	if err != nil {
		return nil, fmt.Errorf("make element: %w", err)
	}
	return element, nil
}

// elementIssuer opens the ids of elements: telecommunications, country, issuer (ITU-T E.118).
const elementIssuer = "898600"

// elementID is 20 digits that no other phone of the fleet has: issuer, 13 digits drawn
// from the number, which does not show in them, and a Luhn check digit.
func elementID(n gateway.MSISDN) (applet.ElementID, error) {
	const numbers = 1e13
	drawn := sha256.Sum256([]byte("element of " + n))
	body := fmt.Sprintf("%s%013d", elementIssuer, binary.BigEndian.Uint64(drawn[:])%numbers)
	return applet.ParseElementID(body + string(applet.LuhnDigit(body)))
}

// become gives the phone's holder another habit, and the phone the power that goes with it.
func (h *handset) become(kind persona.Kind, now time.Time, fx *handsetsim.Effects) {
	h.person.Become(kind)
	h.Hold(h.person, now)
	h.Power(!kind.StartsOff(), now, fx)
}

// Personalise hands a branch's answer to a phone's element, if it has one, and the PIN to
// its holder. The holder of an element that is personalised may be told the PIN alone.
func (f *Fleet) Personalise(n gateway.MSISDN, in Personalisation) error {
	if err := f.handOver(n, in); err != nil {
		return err
	}
	return f.sync(f.position())
}

// handOver is [Fleet.Personalise] before what is kept is safe.
func (f *Fleet) handOver(n gateway.MSISDN, in Personalisation) error {
	pin, err := typed(in.PIN, "pin_for_person")
	if err != nil {
		return err
	}
	return f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		switch {
		case h.element == nil && len(in.Sealed) > 0:
			return handsetsim.ErrNoElement
		case h.element == nil, len(in.Sealed) == 0 && in.PIN != "" && h.element.Personalised():
		default:
			if err := h.element.Personalise(in.Sealed); err != nil {
				return invalid("sealed", err.Error())
			}
		}
		if in.PIN != "" {
			h.person.Learn(pin)
		}
		return nil
	})
}

func typed(d Digits, field string) (applet.PIN, error) {
	if d == "" {
		return applet.PIN{}, nil
	}
	pin, err := applet.ParsePIN(string(d))
	if err != nil {
		return applet.PIN{}, invalid(field, "a PIN has 4 to 12 digits")
	}
	return pin, nil
}

// touch does something to one phone that may be refused.
func (f *Fleet) touch(n gateway.MSISDN, do func(h *handset, now time.Time, fx *handsetsim.Effects) error) error {
	var err error
	found := f.shardOf(n).with(n, func(h *handset, now time.Time, fx *handsetsim.Effects) { err = do(h, now, fx) })
	if !found {
		return unknownPhone()
	}
	return err
}

// Phone shows one phone.
func (f *Fleet) Phone(n gateway.MSISDN) (Phone, error) {
	var view Phone
	err := f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		view = h.view()
		return nil
	})
	return view, err
}

// Phones shows up to limit phones in the order of their numbers, those after one
// number, and the number that the next page is after.
func (f *Fleet) Phones(after gateway.MSISDN, limit int) ([]Phone, gateway.MSISDN) {
	all := f.numbers()
	from, found := slices.BinarySearch(all, after)
	if found {
		from++
	}
	page := all[from:]
	var next gateway.MSISDN
	if len(page) > limit {
		page, next = page[:limit], page[limit-1]
	}
	views := make([]Phone, 0, len(page))
	for _, n := range page {
		if v, err := f.Phone(n); err == nil {
			views = append(views, v)
		}
	}
	return views, next
}

// form is that of the phone's element, or none.
func (h *handset) form() string {
	if h.element == nil {
		return formNone
	}
	return h.element.Form().String()
}

func (h *handset) view() Phone {
	v := Phone{
		MSISDN: h.Number(), Form: h.form(), Persona: string(h.person.Kind()), On: h.On(), Cards: []Card{},
		OpenBills: h.OpenBills(), Messages: len(h.Inbox()), Unsent: len(h.outbox), Dropped: h.Drops(),
	}
	if h.element == nil {
		return v
	}
	v.ElementID = h.element.ID()
	if h.element.Personalised() {
		v.Suite, v.KeyVersion = h.element.Suite().String(), h.element.KeyVersion()
	}
	for _, c := range h.element.Cards() {
		v.Cards = append(v.Cards, Card{Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Expiry: c.Expiry})
	}
	return v
}

// Power switches a phone on or off.
func (f *Fleet) Power(n gateway.MSISDN, on bool) error {
	return f.touch(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		h.Power(on, now, fx)
		return nil
	})
}

// SetPersona gives a phone's holder another habit; they keep their PIN. The phone of
// a person who is away is off from now on, that of any other is on.
func (f *Fleet) SetPersona(n gateway.MSISDN, kind persona.Kind) error {
	var form string
	err := f.touch(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		h.become(kind, now, fx)
		form = h.form()
		return nil
	})
	if err != nil {
		return err
	}
	return f.note(NewPhone{MSISDN: n, Form: form, Persona: string(kind)})
}

// do does something to one bill of a phone and shows the bill as it is then. An
// empty ref means the only open bill.
func (f *Fleet) do(n gateway.MSISDN, ref string, act func(b hand) error) (Bill, error) {
	var bill Bill
	err := f.touch(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		at, err := h.refOf(ref)
		if err != nil {
			return err
		}
		if err := act(hand{handset: h, ref: at, now: now, fx: fx}); err != nil {
			return err
		}
		v, _ := h.Bill(at)
		bill = billOf(v)
		return nil
	})
	return bill, err
}

// refOf finds the bill that is meant.
func (h *handset) refOf(s string) (applet.BillRef, error) {
	if s != "" {
		var ref applet.BillRef
		if err := ref.UnmarshalText([]byte(s)); err != nil {
			return ref, invalid("bill", err.Error())
		}
		return ref, nil
	}
	var open []applet.BillRef
	for _, v := range h.Bills() {
		if v.Open() {
			open = append(open, v.Bill.Ref)
		}
	}
	switch len(open) {
	case 0:
		return applet.BillRef{}, &Problem{Status: http.StatusNotFound, Field: "bill", Detail: "the phone has no open bill"}
	case 1:
		return open[0], nil
	}
	return applet.BillRef{}, conflict("bill", fmt.Sprintf("the phone has %d open bills; name one", len(open)))
}

// hand is a hand on one bill of one phone, for the time of [Fleet.do].
type hand struct {
	handset *handset
	ref     applet.BillRef
	now     time.Time
	fx      *handsetsim.Effects
}

// confirm goes on to the cards.
func (b hand) confirm() error { return b.handset.Confirm(b.ref, b.now, b.fx) }

// deferBill puts the bill off.
func (b hand) deferBill() error { return b.handset.Defer(b.ref, b.now, b.fx) }

// refuse says no.
func (b hand) refuse(r handsetsim.Refusal) error { return b.handset.Refuse(b.ref, r, b.now, b.fx) }

// pay pays with a card. Without a PIN the holder types their own.
func (b hand) pay(slot int, pin Digits) error {
	choice := handsetsim.Choice{Slot: slot}
	var err error
	if choice.PIN, err = typed(pin, "pin"); err != nil {
		return err
	}
	if pin == "" {
		if !b.handset.person.Knows() {
			return invalid("pin", "the holder of this phone knows no PIN; say one")
		}
		choice.PIN = b.handset.person.PIN()
	}
	err = b.handset.Pay(b.ref, choice, b.now, b.fx)
	if errors.Is(err, se.ErrNoCard) {
		return invalid("slot", err.Error())
	}
	return err
}

// SendText sends a text from a phone and says how many short messages it takes.
func (f *Fleet) SendText(n gateway.MSISDN, t Text) (int, error) {
	switch {
	case t.To == "" || len(t.To) > 20 || strings.Trim(string(t.To), "0123456789") != "":
		return 0, invalid("to", "is a number or a short code: digits")
	case t.Text == "" || utf8.RuneCountInString(t.Text) > maxText:
		return 0, invalid("text", "has 1 to 2000 characters")
	}
	parts := 0
	err := f.touch(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		if err := h.SendText(t.To, t.Text, fx); err != nil {
			return err
		}
		parts = countParts(t.Text)
		return nil
	})
	return parts, err
}
