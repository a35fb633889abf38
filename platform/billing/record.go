package billing

import (
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// record is a live bill as it is kept: what its merchant sees, and what the platform needs besides.
type record struct {
	sealedBill
	MerchantName string `json:"merchant_name"`

	Pushes   int                 `json:"pushes"`
	Answered int                 `json:"answered,omitempty"` // of them, by the carrier: accepted or refused
	Messages []gateway.MessageID `json:"messages,omitempty"` // of pushes whose receipt is awaited, oldest first
	// Early are receipts that came while the carrier's answer to a push was on its way:
	// one of them may be about it.
	Early map[gateway.MessageID]gateway.MessageState `json:"early,omitempty"`

	Texted bool `json:"texted,omitempty"` // an SMS has told a holder without a client how to pay it

	NextPush     time.Time `json:"next_push,omitzero"`
	NextReminder time.Time `json:"next_reminder,omitzero"`

	Transaction applet.TransactionNumber `json:"transaction,omitzero"` // of the last payment tried
	Answer      answer                   `json:"answer,omitzero"`      // to it
	Packet      uint64                   `json:"packet,omitempty"`     // counter of the one that brought the last payment
	// Known is the highest packet counter that was taken from the phone before it could
	// know the bill: no packet about the bill has one as low.
	Known uint64 `json:"known,omitempty"`

	Sweep uint64 `json:"sweep,omitempty"` // the sweep that took the money home

	telling
	thread
	deadline string // what it goes by among the deadlines
}

// thread finds the story of something in the journal.
type thread struct {
	First string `json:"first_entry"` // of the story
	Last  string `json:"last_entry"`  // and its latest; each entry names the one before
	prev  string // what Last was before the entry being written
}

// answer is what a payment was answered with.
type answer struct {
	Code      applet.ResponseCode `json:"code,omitempty"`
	TriesLeft int                 `json:"tries_left,omitempty"`
}

func recordKey(id platform.BillID) string { return "bill:" + string(id) }

func finishedKey(id platform.BillID) string { return "finished:" + id.Day() }

// chain notes that the story goes on in entry and answers the entry before it.
func (t *thread) chain(entry string) string {
	if t.First == "" {
		t.First = entry
	}
	if t.Last != entry {
		t.prev, t.Last = t.Last, entry
	}
	return t.prev
}

func (r *record) timetable() bill.Timetable {
	return bill.Timetable{Expires: r.Expires, NextPush: r.NextPush, NextReminder: r.NextReminder, NextReport: r.NextReport}
}

func (r *record) final() bool { return !r.Acknowledged.IsZero() }

// Register is an enrolled phone as it is kept. It holds no PIN, no card number and
// no key: only references that the vault can compare with.
type Register struct {
	MSISDN   gateway.MSISDN   `json:"msisdn"`
	Name     string           `json:"name"`
	Element  applet.ElementID `json:"element,omitempty"` // none: bills are paid through a menu
	Form     applet.Form      `json:"form,omitzero"`
	Suite    scp80.Suite      `json:"suite,omitzero"` // bound to the element: nothing on the wire changes it
	Identity string           `json:"identity"`       // fingerprint of the identity number
	Cards    []CardEntry      `json:"cards"`
	Enrolled time.Time        `json:"enrolled_at"`
}

// CardEntry is a card bound to an element (S3).
type CardEntry struct {
	Slot     int             `json:"slot"`
	Alias    string          `json:"alias"`
	Masked   string          `json:"masked"`
	Token    applet.TokenPAN `json:"token"`
	Number   string          `json:"number"` // fingerprint of the card number
	PIN      string          `json:"pin"`    // the PIN's verification reference
	Account  string          `json:"account"`
	Currency money.Currency  `json:"currency"`
}

// Tries is how many wrong PINs lock a card entry.
const Tries = 3

// phone is a register entry with its counters and its live bills.
type phone struct {
	Register
	counters counters
	recent   recent
	bills    []*record // in the order they came
	moved    bool      // the counters are to be kept
	suspect  suspect   // what came in its name and was not authentic
	signs    int       // of a second element, while it is held
	lastSign time.Time

	id     string // fingerprint that the store knows it by
	sealed string // number
}

// newPhone makes a phone of its register entry.
func newPhone(v keys.Module, reg Register) *phone {
	return &phone{
		Register: reg, id: v.Fingerprint(phoneKind, string(reg.MSISDN)), sealed: v.SealText(phoneText, string(reg.MSISDN)),
	}
}

// subject is what the journal knows a phone by.
func (ph *phone) subject() string { return "phone:" + ph.id }

// counters are what a phone's messages move; they are kept with the effect that moved them.
type counters struct {
	Out   uint64      `json:"out"`             // last packet counter used to the phone
	In    uint64      `json:"in"`              // highest packet counter taken from it
	PIN   uint32      `json:"pin"`             // highest DUKPT counter taken from it
	Wrong map[int]int `json:"wrong,omitempty"` // wrong PINs in a row, by slot

	Version uint8 `json:"key_version"`                   // of the packet keys that its element has shown to have
	Pending uint8 `json:"key_version_pending,omitempty"` // that it was offered and has not shown to have

	Taken    uint64    `json:"taken,omitempty"`   // how many packets were taken from it
	Held     hold      `json:"held,omitzero"`     // its payments are declined
	Spent    spent     `json:"spent,omitzero"`    // in a day
	Settled  uint64    `json:"settled,omitempty"` // highest packet counter when it was released last
	Released time.Time `json:"released,omitzero"` // and when that was
}

func (ph *phone) triesLeft(slot int) int { return max(0, Tries-ph.counters.Wrong[slot]) }

func (ph *phone) card(slot int) *CardEntry {
	for i := range ph.Cards {
		if ph.Cards[i].Slot == slot {
			return &ph.Cards[i]
		}
	}
	return nil
}

// claimed is an order's claim: it is kept under its reference and, when it came with
// one, under its idempotency key.
type claimed struct {
	Open        Open
	Fingerprint string
	At          time.Time

	seq uint64 // the batch that it is in
}

// sealedClaim is a claim as it is kept.
type sealedClaim struct {
	Open        sealedOpen `json:"open"`
	Fingerprint string     `json:"fingerprint"`
	At          time.Time  `json:"at"`
}

// pool is what a payee earned here: its sub-account on the way home.
type pool struct {
	Payee    string                     `json:"payee"`
	Currency money.Currency             `json:"currency"`
	Number   uint64                     `json:"number"` // of the last sweep
	Amount   money.Amount               `json:"amount"` // of the last sweep
	Open     bool                       `json:"open"`   // not applied at home yet
	At       time.Time                  `json:"at"`     // when it left
	Taken    takings                    `json:"taken,omitzero"`
	waiting  map[applet.BillRef]*record // paid bills, not settled yet
}

const sweepPrefix = "sweep:"

func sweepID(sub string) string { return sweepPrefix + sub }

func originKey(from int, payee string, c money.Currency) string {
	return strconv.Itoa(from) + ":" + payee + ":" + string(c)
}
