package billing

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// A refund is a transfer of its own on a settled bill, in two partitions. The merchant's
// keeps it, with all others of the bill, and decides: their sum is held against the payment
// in the same batch that takes the money out of the merchant's account into clearing. The
// payer's takes it out of clearing to the card that paid, once, and remembers the refund's
// id. Then the merchant's posts the refund, or voids it if the payer's had no such account.
//
//	merchant's                         payer's
//	home -> clearing   pending
//	                   ── Credit ──▶   clearing -> card
//	posted             ◀─ Credited ──
//
// Each step is an effect of the one before it, is done at least once, and is answered from
// the record when it comes again.

// Refund asks for money of a settled bill back, in the merchant's partition. It answers a
// Refunding. Its source has read what is kept of the bill's refunds.
type Refund struct {
	Merchant platform.MerchantID
	Order    platform.RefundOrder
	Bill     Refundable
	Kept     string // the bill's refunds, as they are kept; empty: it has none
	Seen     uint64 // the seq of the partition before that was read
}

// Refunding is the refund that a request came to, now or when it was first sent.
type Refunding struct {
	Refund platform.Refund
	Repeat bool
}

// Refundable is what the merchant's partition has to know of a settled bill.
type Refundable struct {
	Result      api.Result `json:"bill"`
	CallbackURL string     `json:"callback_url,omitempty"`
	Account     string     `json:"card_account"` // that paid
}

// Credited is what became of a refund in the payer's partition.
type Credited struct {
	Refund platform.RefundID
	State  ledger.TransferState // posted or voided
}

// refunds are those of a bill, as they are kept: refunds:BILL.
type refunds struct {
	Refundable
	Merchant platform.MerchantID `json:"merchant"`
	Refunds  []*refund           `json:"refunds"`

	changed uint64 // seq of the last change
}

// refund is one of them.
type refund struct {
	platform.Refund
	SealedReason string `json:"reason,omitempty"`
	Key          string `json:"key,omitempty"` // of the request
	Fingerprint  string `json:"fingerprint"`   // of its content

	Total money.Amount `json:"refunded,omitempty"` // of the bill, when this one ended

	telling
	thread
}

func refundsKey(id platform.BillID) string { return "refunds:" + string(id) }

// refundingSet is the index of bills about whose refunds something is still to be done.
const refundingSet = "refunding"

func refundedSet(m platform.MerchantID) string { return "refunded:" + string(m) }

// live says whether something is still to be done about the bill's refunds.
func (k *refunds) live() bool { return slices.ContainsFunc(k.Refunds, (*refund).live) }

func (r *refund) final() bool { return !r.Acknowledged.IsZero() }

func (r *refund) live() bool { return !r.State.Ended() || !r.NextReport.IsZero() }

// left is what can still be given back.
func (k *refunds) left() (left money.Amount) {
	left = k.Result.Amount
	for _, r := range k.Refunds {
		if r.State != platform.RefundVoided {
			left -= r.Amount
		}
	}
	return left
}

// refunded is what the payer was given back.
func (k *refunds) refunded() (sum money.Amount) {
	for _, r := range k.Refunds {
		if r.State == platform.RefundPosted {
			sum += r.Amount
		}
	}
	return sum
}

// find answers an earlier refund with the reference or the idempotency key of an order.
func (k *refunds) find(o platform.RefundOrder) *refund {
	for _, r := range k.Refunds {
		if o.IdempotencyKey != "" && r.Key == o.IdempotencyKey || o.Reference != "" && r.Reference == o.Reference {
			return r
		}
	}
	return nil
}

// repeated judges an order against the earlier one with its key or reference.
func (r *refund) repeated(o platform.RefundOrder) (any, error) {
	switch {
	case r.Fingerprint == o.Fingerprint:
		return Refunding{Refund: r.Refund, Repeat: true}, nil
	case o.IdempotencyKey != "" && r.Key == o.IdempotencyKey:
		return nil, &platform.Error{
			Code: platform.CodeIdempotencyMismatch, Field: "Idempotency-Key",
			Detail: "this key came with another refund of this bill; use a new key for a new refund",
		}
	}
	return nil, &platform.Error{
		Code: platform.CodeReferenceTaken, Field: "reference",
		Detail: "another refund of this bill has this reference; use a new one, or repeat that refund unchanged",
	}
}

// amount is what an order comes to, if so much can be given back.
func (k *refunds) amount(o platform.RefundOrder) (money.Amount, error) {
	left := k.left()
	switch {
	case len(k.Refunds) >= platform.MostRefunds:
		return 0, illegal(fmt.Sprintf("a bill has at most %d refunds", platform.MostRefunds))
	case left == 0:
		return 0, illegal("all of the bill is given back, or on its way back")
	case o.Amount > left:
		return 0, invalid("amount", fmt.Sprintf("at most %d of the bill are left to give back", left))
	case o.Amount == 0:
		return left, nil
	}
	return o.Amount, nil
}

func illegal(detail string) error {
	return &platform.Error{Code: platform.CodeIllegalState, Field: "id", Detail: detail}
}

// refund decides about a refund, and reserves its money.
func (p *Partition) refund(tx *engine.Tx, in Refund) (any, error) {
	kept, err := p.refundsOf(in)
	if err != nil {
		return nil, err
	}
	if earlier := kept.find(in.Order); earlier != nil {
		return earlier.repeated(in.Order)
	}
	amount, err := kept.amount(in.Order)
	if err != nil {
		return nil, err
	}
	p.remember(kept)
	r := p.newRefund(tx, kept, in.Order, amount)
	p.reserve(tx, kept, r)
	return Refunding{Refund: r.Refund}, nil
}

// refundsOf finds the refunds of a bill: those in memory, else those that its source saw.
func (p *Partition) refundsOf(in Refund) (*refunds, error) {
	kept, err := p.seenRefunds(in.Bill.Result.ID, in.Kept, in.Seen)
	if kept == nil && err == nil {
		kept = &refunds{Refundable: in.Bill, Merchant: in.Merchant}
	}
	return kept, err
}

// seenRefunds are those in memory, else those that a source saw: nil when it has none.
func (p *Partition) seenRefunds(id platform.BillID, text string, seen uint64) (*refunds, error) {
	switch kept, ok := p.refunds[id]; {
	case ok:
		return kept, nil
	case p.restingRefunds.missed(seen):
		return nil, ErrLookAgain
	case text == "":
		return nil, nil
	}
	return readRefunds(p.config.Vault, text)
}

// remember takes a bill's refunds into memory, as they are kept.
func (p *Partition) remember(kept *refunds) {
	p.refunds[kept.Result.ID] = kept
	for _, r := range kept.Refunds {
		p.transfers.Know(kept.transfer(r))
		r.listed = r.belongs(r.final())
		p.relist(refundMember(kept.Merchant, r.ID), r.Ended, r.listed)
	}
}

func (p *Partition) newRefund(tx *engine.Tx, kept *refunds, o platform.RefundOrder, amount money.Amount) *refund {
	sealing := rest{Rest: p.config.Vault}
	r := &refund{
		Refund: platform.Refund{
			ID: platform.NewRefundID(kept.Result.ID, len(kept.Refunds)+1), Bill: kept.Result.ID,
			Amount: amount, Currency: kept.Result.Currency, Reason: o.Reason, Reference: o.Reference, Created: tx.Now(),
		},
		SealedReason: sealing.seal(saidText, o.Reason), Key: o.IdempotencyKey, Fingerprint: o.Fingerprint,
	}
	kept.Refunds = append(kept.Refunds, r)
	return r
}

// transfer is what a refund is to the merchant's book.
func (k *refunds) transfer(r *refund) ledger.Transfer {
	clearing := ledger.Clearing(r.Currency)
	return ledger.Transfer{
		ID: string(r.ID), From: ledger.Home(k.Result.Payee, r.Currency), Via: clearing, To: clearing,
		Amount: r.Amount, State: ledger.TransferState(r.State),
	}
}

// reserve takes a refund's money out of the merchant's account and sends it on its way. A
// merchant that has not enough of it has a refund that is voided at once.
func (p *Partition) reserve(tx *engine.Tx, kept *refunds, r *refund) {
	want := kept.transfer(r)
	made, moves, err := p.transfers.Begin(want)
	s := story{Detail: r.inWords(), Postings: moves}
	switch {
	case errors.Is(err, ledger.ErrShort):
		if made, err = p.transfers.Refuse(want); err != nil {
			panic(fmt.Sprintf("billing: a refund cannot be refused: %v", err))
		}
		r.Failure, s.Reason = platform.ReasonFunds, platform.ReasonFunds
	case err != nil:
		panic(fmt.Sprintf("billing: a refund that was checked cannot begin: %v", err))
	default:
		s.Effects = []engine.Effect{kept.credit(r)}
		p.bookReturn(tx, kept, r, r.Amount)
	}
	p.stageBalances(tx, moves)
	tx.SetScore(refundedSet(kept.Merchant), string(kept.Result.ID), 0)
	p.moveRefund(tx, kept, r, engine.Event{Name: "refund", To: string(made.State), Cause: CauseMerchant}, s)
}

// credit is the effect that brings a refund to the payer.
func (k *refunds) credit(r *refund) engine.Effect {
	return engine.Effect{
		ID: string(r.ID) + "/credit", Kind: EffectRefund,
		Body: body(Credit{Refund: r.ID, Account: k.Account, Amount: r.Amount, Currency: r.Currency}),
	}
}

func (r *refund) inWords() string {
	if r.Reference == "" {
		return fmt.Sprintf("%s, %d", r.ID, r.Amount)
	}
	return fmt.Sprintf("%s, %d, reference %s", r.ID, r.Amount, r.Reference)
}

// credited ends a refund as the payer's partition has it. One that has ended stays as it is.
func (p *Partition) credited(tx *engine.Tx, in Credited) {
	kept, r := p.refundOf(in.Refund)
	if r == nil || r.State.Ended() {
		return
	}
	end, name := p.transfers.Post, "post"
	if in.State == ledger.Voided {
		end, name = p.transfers.Void, "void"
		p.bookReturn(tx, kept, r, -r.Amount)
		r.Failure = platform.ReasonNoAccount
	}
	made, moves, err := end(string(r.ID))
	if err != nil {
		panic(fmt.Sprintf("billing: a pending refund cannot end: %v", err))
	}
	p.stageBalances(tx, moves)
	p.moveRefund(tx, kept, r, engine.Event{Name: name, To: string(made.State), Cause: CauseLedger},
		story{Detail: r.inWords(), Postings: moves, Reason: r.Failure})
}

// moveRefund brings a refund into its next state, tells it, and has the merchant told of
// the last one.
func (p *Partition) moveRefund(tx *engine.Tx, kept *refunds, r *refund, e engine.Event, s story) {
	e.From, e.Effects = string(r.State), s.Effects
	p.tellRefund(tx, r, e, s)
	r.State = platform.RefundState(e.To)
	if r.State.Ended() {
		r.Ended, r.Total = tx.Now(), kept.refunded()
		p.reportRefund(tx, kept, r, e.Cause)
	}
	p.keepRefunds(tx, kept, r)
}

// tellRefund tells one event of a refund's story.
func (p *Partition) tellRefund(tx *engine.Tx, r *refund, e engine.Event, s story) {
	e.Subject, e.Prev, e.Data = string(r.ID), r.chain(tx.EntryID()), s
	tx.Record(e)
}

// keepRefunds stages the bill's refunds and the deadline of one of them.
func (p *Partition) keepRefunds(tx *engine.Tx, kept *refunds, r *refund) {
	tx.Put(refundsKey(kept.Result.ID), kept)
	p.listRefund(tx, kept, r)
	switch {
	case !r.live():
		tx.NoWake(string(r.ID))
	case r.NextReport.IsZero():
		tx.Wake(string(r.ID), tx.Now().Add(lookAgain))
	default:
		tx.Wake(string(r.ID), r.NextReport)
	}
	kept.changed = tx.Seq()
	if kept.live() {
		tx.SetScore(refundingSet, string(kept.Result.ID), 0)
	} else {
		tx.DeleteScore(refundingSet, string(kept.Result.ID))
		p.restingRefunds.add(string(kept.Result.ID), kept.changed, p.forgetRefunds)
	}
}

// forgetRefunds drops a bill's refunds from memory, unless they have changed since.
func (p *Partition) forgetRefunds(c change) {
	id := platform.BillID(c.name)
	kept, ok := p.refunds[id]
	if !ok || kept.live() || kept.changed != c.seq {
		return
	}
	delete(p.refunds, id)
	for _, r := range kept.Refunds {
		p.transfers.Forget(string(r.ID))
	}
}

// refundOf finds a refund in memory, where all are that something is still to be done about.
func (p *Partition) refundOf(id platform.RefundID) (*refunds, *refund) {
	kept, ok := p.refunds[id.Bill()]
	if !ok {
		return nil, nil
	}
	return kept, kept.of(id)
}

// readRefunds reads what is kept of a bill's refunds.
func readRefunds(v keys.Rest, text string) (*refunds, error) {
	var kept refunds
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return nil, fmt.Errorf("read the refunds of a bill: %w", err)
	}
	for _, r := range kept.Refunds {
		if r.SealedReason == "" {
			continue
		}
		var err error
		if r.Refund.Reason, err = v.OpenText(saidText, r.SealedReason); err != nil {
			return nil, fmt.Errorf("read the reason of %s: %w", r.ID, err)
		}
	}
	return &kept, nil
}
