package applet

import (
	"crypto/sha256"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// Type is the first octet of a message.
type Type uint8

// The messages of wire.md 6, and the two that change an element's packet keys.
const (
	TypeBill    Type = 0x01 // to the handset
	TypeOpen    Type = 0x02 // from the handset
	TypePay     Type = 0x03 // from the handset
	TypeRefuse  Type = 0x04 // from the handset
	TypeResult  Type = 0x05 // to the handset
	TypeReceipt Type = 0x06 // from the handset
	TypeKeys    Type = 0x07 // to the handset
	TypeKeyed   Type = 0x08 // from the handset, under the new keys
)

// String is the message's name.
func (t Type) String() string {
	switch t {
	case TypeBill:
		return "BILL"
	case TypeOpen:
		return "OPEN"
	case TypePay:
		return "PAY"
	case TypeRefuse:
		return "REFUSE"
	case TypeResult:
		return "RESULT"
	case TypeReceipt:
		return "RECEIPT"
	case TypeKeys:
		return "KEYS"
	case TypeKeyed:
		return "KEYED"
	}
	return "unknown"
}

// Message is one of *[Bill], *[Open], *[Pay], *[Refuse], *[Result], *[Receipt], *[Keys]
// and *[Keyed].
type Message interface {
	Type() Type
	Reference() BillRef
	append(w *writer)
}

// Most octets of the texts; a longer text is cut at a rune when it is encoded.
const (
	MaxName    = 24 // of a bill's merchant
	MaxSubject = 40 // of a bill
	MaxRemark  = 24 // of a refusal
	MaxText    = 40 // of a result
)

// Bill pushes a bill to the phone (S5).
type Bill struct {
	Ref      BillRef
	Amount   money.Amount
	Currency money.Currency
	Expires  time.Time // to the second, like all times here
	Merchant MerchantNumber
	Name     string // of the merchant
	Subject  string // what is bought, in a line
}

// OpenStatus is what has happened to a bill on the phone.
type OpenStatus uint8

// The statuses of an OPEN.
const (
	Delivered OpenStatus = 0 // it has shown itself
	Opened    OpenStatus = 1 // the holder has confirmed it
	Deferred  OpenStatus = 2 // the holder will pay later (S16)
)

// String is the status in one word.
func (s OpenStatus) String() string {
	switch s {
	case Delivered:
		return "delivered"
	case Opened:
		return "opened"
	case Deferred:
		return "deferred"
	}
	return "unknown"
}

// Open tells the platform where a bill is on the phone.
type Open struct {
	Ref     BillRef
	Status  OpenStatus
	Time    time.Time
	Slots   uint8 // cards that the element holds
	Version uint8 // of the client
}

// Pay pays a bill (S7). Payee and Transaction are its tail of 12 octets: both or
// neither; without them it is the message of wire.md 6.
type Pay struct {
	Ref         BillRef
	Amount      money.Amount
	Currency    money.Currency
	Time        time.Time
	Phone       gateway.MSISDN
	Identity    Identity
	Blob        CardBlob // the card as the element keeps it, encrypted (S13)
	PINCounter  uint32   // of the DUKPT key that the PIN block is under
	PINBlock    PINBlock
	Payee       MerchantNumber    // empty: the message has no tail
	Transaction TransactionNumber // the same in a repeat of this payment
}

// RefuseReason is why the holder refuses (S11).
type RefuseReason uint8

// The reasons of a REFUSE. Others are carried as they are.
const (
	RefuseUnspecified RefuseReason = 0
	RefuseNotMine     RefuseReason = 1 // did not order it
	RefuseAmount      RefuseReason = 2 // the amount is wrong
	RefuseNoFunds     RefuseReason = 3 // no card with enough money
	RefuseChangedMind RefuseReason = 4
)

// Refuse refuses a bill.
type Refuse struct {
	Ref    BillRef
	Reason RefuseReason
	Time   time.Time
	Text   string // in the holder's words
}

// ResponseCode is the platform's answer to a payment: two characters in the manner
// of ISO 8583 field 39.
type ResponseCode string

// The response codes.
const (
	CodeApproved     ResponseCode = "00"
	CodeMismatch     ResponseCode = "12" // the payment is not what the bill asks for
	CodeUnknownCard  ResponseCode = "14"
	CodeFunds        ResponseCode = "51" // not enough money (S10)
	CodeExpired      ResponseCode = "54" // the bill has expired
	CodeWrongPIN     ResponseCode = "55"
	CodeNotPermitted ResponseCode = "57" // not with this card
	CodeOverLimit    ResponseCode = "61"
	CodePINLocked    ResponseCode = "75" // PIN tries used up
	CodeDuplicate    ResponseCode = "94" // paid or closed already
	CodeCancelled    ResponseCode = "CN" // withdrawn by the merchant
)

// Result answers a payment, or closes a bill on the phone.
type Result struct {
	Ref       BillRef
	Code      ResponseCode
	Approval  string // up to 6 letters and digits; empty when not approved
	Number    uint64 // of the payment, the platform's: up to 12 digits
	Amount    money.Amount
	Currency  money.Currency
	CardTail  string // last 4 digits of the card, or empty
	Time      time.Time
	TriesLeft int // of the PIN, 0 to 255
	Text      string
}

// Receipt tells the platform that a result was shown.
type Receipt struct {
	Ref    BillRef
	Digest [8]byte // first octets of SHA-256 of the RESULT's payload
	Time   time.Time
}

// ReceiptOf makes the receipt of a result as it was decoded.
func ReceiptOf(s scp80.Suite, r *Result, now time.Time) *Receipt {
	return &Receipt{Ref: r.Ref, Digest: r.Digest(s), Time: now}
}

// Digest is what a receipt names the result by.
func (r *Result) Digest(s scp80.Suite) [8]byte {
	sum := sha256.Sum256(Encode(s, r))
	return [8]byte(sum[:8])
}

// Type is TypeBill.
func (*Bill) Type() Type { return TypeBill }

// Type is TypeOpen.
func (*Open) Type() Type { return TypeOpen }

// Type is TypePay.
func (*Pay) Type() Type { return TypePay }

// Type is TypeRefuse.
func (*Refuse) Type() Type { return TypeRefuse }

// Type is TypeResult.
func (*Result) Type() Type { return TypeResult }

// Type is TypeReceipt.
func (*Receipt) Type() Type { return TypeReceipt }

// Reference is the bill's.
func (m *Bill) Reference() BillRef { return m.Ref }

// Reference is the bill's.
func (m *Open) Reference() BillRef { return m.Ref }

// Reference is the bill's.
func (m *Pay) Reference() BillRef { return m.Ref }

// Reference is the bill's.
func (m *Refuse) Reference() BillRef { return m.Ref }

// Reference is the bill's.
func (m *Result) Reference() BillRef { return m.Ref }

// Reference is the bill's.
func (m *Receipt) Reference() BillRef { return m.Ref }
