package platform

import (
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// Enrolment is a branch act (S1): a person, a phone, a secure element, cards and a PIN.
type Enrolment struct {
	Phone     gateway.MSISDN
	Name      string
	Form      string           // of the element: standalone, sim, sdtf (S2)
	ElementID applet.ElementID // of the blank element
	PublicKey []byte           // of the blank element
	Secrets   applet.Sealed    // PIN, identity number and card numbers, sealed to the branch key
	Accounts  []Opening        // one for each card in Secrets, in their order
}

// Opening is the bank account behind a card as it is opened.
type Opening struct {
	Balance  money.Amount
	Currency money.Currency
}

// Phone is an enrolled phone as operators see it.
type Phone struct {
	MSISDN    gateway.MSISDN
	Name      string
	ElementID applet.ElementID
	Form      string
	Cards     []Card
}

// Card is a bank card bound to an element: no number, only its mask.
type Card struct {
	Slot     int
	Alias    string
	Masked   string // first 6 and last 4 digits
	Balance  money.Amount
	Currency money.Currency
	Locked   bool // three wrong PINs
}

// Merchant is a shop that may send orders.
type Merchant struct {
	ID          MerchantID
	Name        string
	Payees      []string // accounts it may be paid to; the first is the default
	CallbackURL string   // where results go when the order names no other place
	// Balances of its accounts by currency, what is still on its way included.
	Balances map[money.Currency]money.Amount
}

// MerchantKeys are a merchant's secrets, answered once when it is opened.
type MerchantKeys struct {
	ID            MerchantID
	APIKey        string // in the Authorization header of its orders
	WebhookSecret string // that signs the callbacks it gets: whsec_ and base64
}
