package api

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// BranchKey is the answer to GET /v1/office/branch-key.
type BranchKey struct {
	PublicKey []byte `json:"public_key"` // of HPKE: P-256, HKDF-SHA256, AES-256-GCM
}

// Enrolment is the body of POST /v1/office/enrolments (S1). PIN, identity number and
// card numbers are in Secrets, sealed to the branch key.
type Enrolment struct {
	Phone     gateway.MSISDN   `json:"phone"`
	Name      string           `json:"name"`
	Form      string           `json:"form"`            // standalone, sim, sdtf (S2), none: no element, and none of the next three
	Suite     string           `json:"suite,omitempty"` // modern, legacy; empty is modern
	ElementID applet.ElementID `json:"element_id,omitempty"`
	PublicKey []byte           `json:"public_key,omitempty"`
	Secrets   applet.Sealed    `json:"secrets,omitempty"`
	Accounts  []Opening        `json:"accounts"`     // one for each card in Secrets, in their order
	By        string           `json:"by,omitempty"` // who does it, for the office's log
}

// Opening is the bank account behind a card as it is opened.
type Opening struct {
	Balance  money.Amount   `json:"balance"`
	Currency money.Currency `json:"currency"`
}

// Enrolled is the answer: what makes the blank element this person's, sealed to it, if
// there is one.
type Enrolled struct {
	Phone           gateway.MSISDN `json:"phone"`
	Personalisation applet.Sealed  `json:"personalisation,omitempty"`
}

// Phone is an enrolled phone as operators see it.
type Phone struct {
	MSISDN    string           `json:"msisdn"` // masked
	Name      string           `json:"name"`
	ElementID applet.ElementID `json:"element_id,omitempty"`
	Form      string           `json:"form"`
	Suite     string           `json:"suite"`
	Keys      int              `json:"key_version"` // of the packet keys that the element has shown to have
	Held      bool             `json:"held"`        // payments are declined until the phone is released
	Cards     []Card           `json:"cards"`
}

// Card is a bank card bound to an element; its number is masked.
type Card struct {
	Slot     int            `json:"slot"`
	Alias    string         `json:"alias"`
	Masked   string         `json:"number"`
	Balance  money.Amount   `json:"balance"`
	Currency money.Currency `json:"currency"`
	Locked   bool           `json:"locked"`
}

// Phones is the answer to GET /v1/office/phones.
type Phones struct {
	Phones []Phone `json:"phones"`
}

func phonesOf(phones []platform.Phone) Phones {
	all := Phones{Phones: make([]Phone, 0, len(phones))}
	for _, p := range phones {
		cards := make([]Card, 0, len(p.Cards))
		for _, c := range p.Cards {
			cards = append(cards, Card(c))
		}
		all.Phones = append(all.Phones, Phone{
			MSISDN: masked(p.MSISDN), Name: p.Name, ElementID: p.ElementID, Form: p.Form,
			Suite: p.Suite.String(), Keys: int(p.Keys), Held: p.Held, Cards: cards,
		})
	}
	return all
}

// Unlock is the body of POST /v1/office/phones/{msisdn}/unlock: a card entry that
// wrong PINs have locked takes PINs again.
type Unlock struct {
	Slot int    `json:"slot"`
	By   string `json:"by"`   // who does it
	Note string `json:"note"` // why
}

// Release is the body of POST /v1/office/phones/{msisdn}/release: a phone whose element
// seemed to be there twice can pay again.
type Release struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

// Alarm is something that an operator should look at.
type Alarm struct {
	Phone  string             `json:"phone"` // masked
	Kind   platform.AlarmKind `json:"kind"`
	Since  time.Time          `json:"since"`
	Last   time.Time          `json:"last"`
	Count  int                `json:"count"`
	Detail string             `json:"detail"`
}

// Alarms is the answer to GET /v1/office/alarms: what to look at, and how many packets
// from phones were dropped without an answer since the platform started, by reason.
type Alarms struct {
	Alarms []Alarm        `json:"alarms"`
	Drops  map[string]int `json:"drops"`
}

func alarmsOf(alarms []platform.Alarm, drops map[string]int) Alarms {
	all := Alarms{Alarms: make([]Alarm, 0, len(alarms)), Drops: drops}
	for _, a := range alarms {
		all.Alarms = append(all.Alarms, Alarm(a))
	}
	return all
}
