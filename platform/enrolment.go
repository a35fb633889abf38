package platform

import (
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// FormNone is the form of a phone without a secure element: there is no payment client
// in it, and its bills are paid over USSD.
const FormNone = "none"

// Enrolment is a branch act (S1): a person, a phone, a secure element, cards and a PIN.
type Enrolment struct {
	Phone     gateway.MSISDN
	Name      string
	Form      string           // of the element: standalone, sim, sdtf (S2); or FormNone
	Suite     scp80.Suite      // that the element works with from now on; zero is modern
	ElementID applet.ElementID // of the blank element, if there is one
	PublicKey []byte           // of the blank element, if there is one
	Secrets   applet.Sealed    // PIN, identity number and card numbers, sealed to the branch key
	Accounts  []Opening        // one for each card in Secrets, in their order
}

// EnrolmentBatch are several enrolments at once, each without Secrets of its own. One
// without a Phone is passed over.
type EnrolmentBatch struct {
	Enrolments []Enrolment
	Secrets    applet.Sealed // of all, in their order, sealed to the branch key together
}

// EnrolmentOutcome is what became of one of a batch.
type EnrolmentOutcome struct {
	Personalisation applet.Sealed
	Err             error
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
	Suite     scp80.Suite
	Keys      uint8 // version of the packet keys that the element has shown to have
	Held      bool  // its payments are declined until an operator releases it
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
