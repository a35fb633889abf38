package billing

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
)

// What tells of people is sealed before it is kept: phone numbers, names, what they
// named their cards, goods and the line made of them, and what they and operators wrote.
// In a hash, a phone goes by its fingerprint. States, amounts, times, ids and masks stay
// readable. A type below shadows the fields of the one it embeds: in JSON the sealed
// field takes the place of the plain one.

// Kinds of texts at rest: the same text of another kind is sealed otherwise.
const (
	phoneText   = "phone"
	nameText    = "name"
	goodsText   = "goods"
	subjectText = "subject"
	aliasText   = "alias"
	messageText = "message"
	saidText    = "said" // by a holder or an operator
)

// phoneKind is the kind of the fingerprints that phones go by.
const phoneKind = "phone"

// rest seals texts for the store and opens them, and notes the first that cannot be.
type rest struct {
	keys.Rest
	err error
}

func (r *rest) seal(kind, plain string) string {
	if plain == "" {
		return ""
	}
	return r.SealText(kind, plain)
}

func (r *rest) open(kind, sealed string) string {
	if sealed == "" || r.err != nil {
		return ""
	}
	plain, err := r.OpenText(kind, sealed)
	if err != nil {
		r.err = fmt.Errorf("open a %s: %w", kind, err)
	}
	return plain
}

// sealedBill is a bill as it is kept. Its own fields have other names than the bill's, so
// that a rule that takes a field by name takes the plain one.
type sealedBill struct {
	platform.Bill
	Masked        string `json:"payer"`
	SealedPhone   string `json:"phone"`
	SealedBuyer   string `json:"buyer_phone,omitempty"`
	SealedSubject string `json:"subject,omitempty"`
	SealedGoods   string `json:"goods,omitempty"`

	Account string `json:"card_account,omitempty"` // that paid, for refunds to go back to
}

// sealBill seals what does not change any more once a bill is made.
func sealBill(v keys.Rest, b platform.Bill) sealedBill {
	r := rest{Rest: v}
	return sealedBill{
		Bill: b, Masked: b.Phone.Masked(),
		SealedPhone: r.seal(phoneText, string(b.Phone)), SealedBuyer: r.seal(phoneText, string(b.BuyerPhone)),
		SealedSubject: r.seal(subjectText, b.Subject), SealedGoods: r.seal(goodsText, string(b.Goods)),
	}
}

// open fills in the plain fields after the bill was read.
func (b *sealedBill) open(v keys.Rest) error {
	r := rest{Rest: v}
	b.Phone = gateway.MSISDN(r.open(phoneText, b.SealedPhone))
	b.BuyerPhone = gateway.MSISDN(r.open(phoneText, b.SealedBuyer))
	b.Subject = r.open(subjectText, b.SealedSubject)
	if goods := r.open(goodsText, b.SealedGoods); goods != "" {
		b.Goods = json.RawMessage(goods)
	}
	return r.err
}

// sealedOpen is an Open as it is kept: in a claim, and in the effect that makes the bill.
type sealedOpen struct {
	Open
	Order sealedOrder `json:"order"`
}

type sealedOrder struct {
	platform.Order
	Phone, BuyerPhone, Subject, Goods string
}

func sealOpen(v keys.Rest, in Open) sealedOpen {
	r := rest{Rest: v}
	in.Looked = time.Time{}
	return sealedOpen{Open: in, Order: sealedOrder{
		Order: in.Order,
		Phone: r.seal(phoneText, string(in.Order.Phone)), BuyerPhone: r.seal(phoneText, string(in.Order.BuyerPhone)),
		Subject: r.seal(subjectText, in.Order.Subject), Goods: r.seal(goodsText, string(in.Order.Goods)),
	}}
}

func (s *sealedOpen) open(v keys.Rest) (Open, error) {
	r := rest{Rest: v}
	in, o := s.Open, s.Order.Order
	o.Phone = gateway.MSISDN(r.open(phoneText, s.Order.Phone))
	o.BuyerPhone = gateway.MSISDN(r.open(phoneText, s.Order.BuyerPhone))
	o.Subject = r.open(subjectText, s.Order.Subject)
	if goods := r.open(goodsText, s.Order.Goods); goods != "" {
		o.Goods = json.RawMessage(goods)
	}
	in.Order = o
	return in, r.err
}

// sealedRegister is a register entry as it is kept.
type sealedRegister struct {
	Register
	Masked string       `json:"masked"`
	MSISDN string       `json:"msisdn"`
	Name   string       `json:"name"`
	Cards  []sealedCard `json:"cards"`
}

type sealedCard struct {
	CardEntry
	Alias string `json:"alias"`
}

func sealRegister(v keys.Rest, reg Register) sealedRegister {
	r := rest{Rest: v}
	s := sealedRegister{
		Register: reg, Masked: reg.MSISDN.Masked(),
		MSISDN: r.seal(phoneText, string(reg.MSISDN)), Name: r.seal(nameText, reg.Name),
	}
	for _, c := range reg.Cards {
		s.Cards = append(s.Cards, sealedCard{CardEntry: c, Alias: r.seal(aliasText, c.Alias)})
	}
	return s
}

func (s *sealedRegister) open(v keys.Rest) (Register, error) {
	r := rest{Rest: v}
	reg := s.Register
	reg.MSISDN, reg.Name = gateway.MSISDN(r.open(phoneText, s.MSISDN)), r.open(nameText, s.Name)
	for _, c := range s.Cards {
		c.CardEntry.Alias = r.open(aliasText, c.Alias)
		reg.Cards = append(reg.Cards, c.CardEntry)
	}
	return reg, r.err
}

// owner is whose phone an element is in, as it is kept under the element's last digits.
type owner struct {
	Element applet.ElementID `json:"element"`
	Phone   string           `json:"phone"` // sealed
}

// sealedMessage is a PhoneMessage as it is kept.
type sealedMessage struct {
	PhoneMessage
	Phone   string `json:"phone"`
	Payload string `json:"payload,omitempty"`
}

// Seal is the message as the body of an effect.
func (m PhoneMessage) Seal(v keys.Rest) json.RawMessage {
	return m.sealed(v, v.SealText(phoneText, string(m.Phone)))
}

func (m PhoneMessage) sealed(v keys.Rest, phone string) json.RawMessage {
	r := rest{Rest: v}
	return body(sealedMessage{PhoneMessage: m, Phone: phone, Payload: r.seal(messageText, string(m.Payload))})
}

// OpenPhoneMessage reads an effect that is a message to a phone.
func OpenPhoneMessage(v keys.Rest, effect engine.Effect) (PhoneMessage, error) {
	if m, ok := effect.Value.(PhoneMessage); ok {
		return m, nil
	}
	s, err := valueOf[sealedMessage](effect)
	if err != nil {
		return PhoneMessage{}, fmt.Errorf("read a message to a phone: %w", err)
	}
	r := rest{Rest: v}
	m := s.PhoneMessage
	m.Phone, m.Payload = gateway.MSISDN(r.open(phoneText, s.Phone)), []byte(r.open(messageText, s.Payload))
	return m, r.err
}
