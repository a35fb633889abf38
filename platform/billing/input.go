package billing

import (
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// The inputs of a partition. Each can be repeated by its source: what is already
// done is answered from the record and writes nothing.

// Claim binds an order's reference to a bill id, in the merchant's partition (S4).
// It answers a Claimed. Its source has looked for an earlier claim in the store, as of
// the partition's batch Looked; the partition remembers only claims younger than that.
// It is no time: the source may be another process, with another clock.
type Claim struct {
	Merchant platform.MerchantID
	Order    platform.Order
	Looked   uint64
}

// Claimed is the bill id an order got, now or when it was first sent.
type Claimed struct {
	Open   Open
	Repeat bool
}

// Open makes the bill of a claimed order, in the payer's partition (S5). It answers
// a platform.Bill. Its source knows, as of Looked, that the store has no such bill.
type Open struct {
	ID           platform.BillID     `json:"id"`
	Merchant     platform.MerchantID `json:"merchant"`
	MerchantName string              `json:"merchant_name"`
	Order        platform.Order      `json:"order"`
	Made         time.Time           `json:"made"`
	Looked       time.Time           `json:"looked,omitzero"` // not kept
}

// Submitted is what the carrier answered to a push. With neither an id nor a refusal it
// is a menu that began: no receipt will come.
type Submitted struct {
	Bill      platform.BillID
	MessageID gateway.MessageID
	Refused   string // why, in words
}

// Receipt is the carrier's word on a push. One that comes before the carrier's answer
// to the push itself is kept for it; one about nothing that is awaited is dropped.
type Receipt struct {
	Phone     gateway.MSISDN
	MessageID gateway.MessageID
	State     gateway.MessageState
}

// Message is a secured packet from a phone. It answers an [Outcome], never an error.
type Message struct {
	Phone  gateway.MSISDN
	Packet []byte
}

// Cancel withdraws a merchant's bill. It answers a platform.Bill.
type Cancel struct {
	Merchant platform.MerchantID
	Bill     platform.BillID
}

// Reported is the outcome of a callback to the merchant.
type Reported struct {
	Bill       platform.BillID
	Refund     platform.RefundID // of the bill, when the callback was about that
	Attempt    int
	Status     int    // of the merchant's answer; 0 when there was none
	Problem    string // in words; empty when the merchant acknowledged
	RetryAfter time.Duration
	Stop       bool // the endpoint takes no more: the schedule has ended
}

// Resend asks for a callback by hand: about a bill in the payer's partition, about a refund
// in the merchant's. It answers a platform.Callback. Its source has read the bill's record
// as of Looked, and of one that is filed it brings the text; or what is kept of the bill's
// refunds.
type Resend struct {
	Merchant platform.MerchantID // empty: an operator asks
	Bill     platform.BillID
	By, Note string
	Filed    string
	Looked   time.Time

	Refund platform.RefundID // of the bill, when the callback is about that
	Kept   string            // the bill's refunds, as they are kept; empty: it has none
	Seen   uint64            // the seq of the partition before that was read
}

// EndpointFailed notes that an endpoint did not take a callback, in the merchant's partition.
type EndpointFailed struct {
	Merchant platform.MerchantID
	URL      string // without its query
	Status   int
	Problem  string
}

// EndpointWorks notes that an endpoint that had failed took a callback.
type EndpointWorks struct {
	Merchant platform.MerchantID
	URL      string
}

// Tally answers a Tallied.
type Tally struct{}

// ApplySweep is the second half of a sweep, in the merchant's home partition.
type ApplySweep struct {
	From     engine.Partition `json:"from"`
	Number   uint64           `json:"number"` // rising by payee, currency and origin
	Payee    string           `json:"payee"`
	Currency money.Currency   `json:"currency"`
	Amount   money.Amount     `json:"amount"`
}

// Swept tells the origin that its sweep was applied at home: its bills are settled.
type Swept struct {
	Sub    string // the sub-account
	Number uint64
}

// ClaimElement binds an element to one phone, in the element's partition.
type ClaimElement struct {
	Element applet.ElementID
	Phone   gateway.MSISDN
}

// Enrol opens mobile payment for a phone, in the phone's partition (S1).
type Enrol struct {
	Phone    Register
	Version  uint8 // of the packet keys that its element is given
	Accounts []platform.Opening
}

// AddMerchant opens a merchant in its partition. It answers a platform.Merchant.
type AddMerchant struct{ Merchant Contract }

// FindMerchant answers a Contract.
type FindMerchant struct{ ID platform.MerchantID }

// FindPhone answers a Found.
type FindPhone struct{ Phone gateway.MSISDN }

// Found is an enrolled phone and the version of the packet keys that its element has.
type Found struct {
	Register
	Version uint8
}
