package api

import (
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
	Form      string           `json:"form"` // standalone, sim, sdtf (S2)
	ElementID applet.ElementID `json:"element_id"`
	PublicKey []byte           `json:"public_key"`
	Secrets   applet.Sealed    `json:"secrets"`
	Accounts  []Opening        `json:"accounts"` // one for each card in Secrets, in their order
}

// Opening is the bank account behind a card as it is opened.
type Opening struct {
	Balance  money.Amount   `json:"balance"`
	Currency money.Currency `json:"currency"`
}

// Enrolled is the answer: what makes the blank element this person's, sealed to it.
type Enrolled struct {
	Phone           gateway.MSISDN `json:"phone"`
	Personalisation applet.Sealed  `json:"personalisation"`
}

// Phone is an enrolled phone as operators see it.
type Phone struct {
	MSISDN    gateway.MSISDN   `json:"msisdn"`
	Name      string           `json:"name"`
	ElementID applet.ElementID `json:"element_id"`
	Form      string           `json:"form"`
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
		all.Phones = append(all.Phones, Phone{MSISDN: p.MSISDN, Name: p.Name, ElementID: p.ElementID, Form: p.Form, Cards: cards})
	}
	return all
}

// Merchant is a shop that may send orders. In POST /v1/office/merchants the
// balances are left out.
type Merchant struct {
	ID          platform.MerchantID             `json:"id"`
	Name        string                          `json:"name"`
	Payees      []string                        `json:"payees,omitempty"` // the first is the default
	CallbackURL string                          `json:"callback_url,omitempty"`
	Balances    map[money.Currency]money.Amount `json:"balances,omitempty"`
}

// Merchants is the answer to GET /v1/office/merchants.
type Merchants struct {
	Merchants []Merchant `json:"merchants"`
}

func merchantsOf(merchants []platform.Merchant) Merchants {
	all := Merchants{Merchants: make([]Merchant, 0, len(merchants))}
	for _, m := range merchants {
		all.Merchants = append(all.Merchants, Merchant(m))
	}
	return all
}

// MerchantKeys are a merchant's secrets, in clear: they are answered once, when it is opened.
type MerchantKeys struct {
	ID            platform.MerchantID `json:"id"`
	APIKey        string              `json:"api_key"`
	WebhookSecret string              `json:"webhook_secret"`
}
