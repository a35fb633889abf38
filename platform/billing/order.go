package billing

import (
	"errors"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// ErrLookAgain refuses a Claim or an Open whose source looked at the store too long ago.
var ErrLookAgain = errors.New("the store was looked at too long ago: look again")

// claimsKept is how long a claim is remembered; a source must claim sooner after looking.
const claimsKept = 5 * time.Minute

// recentClaims remembers the claims that a source may not have seen in the store.
type recentClaims struct {
	since  uint64 // claims of this batch and before are not remembered
	claims map[string]claimed
	queue  []string // keys by age
}

func (r *recentClaims) add(key string, c claimed) {
	r.claims[key] = c
	r.queue = append(r.queue, key)
}

func (r *recentClaims) forget(before time.Time) {
	for len(r.queue) > 0 && r.claims[r.queue[0]].At.Before(before) {
		r.since = r.claims[r.queue[0]].seq
		delete(r.claims, r.queue[0])
		r.queue = r.queue[1:]
	}
}

// restored says that the claim was put back from its bill: what the order said word for
// word is not known any more.
func (c claimed) restored() bool { return c.Fingerprint == "" }

// about says whether an order is for what the claim's bill is.
func (c claimed) about(o platform.Order) bool {
	had := c.Open.Order
	return had.Reference == o.Reference && had.Amount == o.Amount && had.Currency == o.Currency && had.Phone == o.Phone
}

func orderKey(m platform.MerchantID, reference string) string {
	return "order:" + string(m) + ":" + reference
}

func idempotencyKey(m platform.MerchantID, key string) string { return "key:" + string(m) + ":" + key }

// claimKeys are the records that an order claims.
func claimKeys(m platform.MerchantID, o platform.Order) []string {
	names := []string{orderKey(m, o.Reference)}
	if o.IdempotencyKey != "" {
		names = append(names, idempotencyKey(m, o.IdempotencyKey))
	}
	return names
}

// repeated judges an order against an earlier claim of its reference or its
// idempotency key: the same content is a repeat, other content a conflict.
func repeated(earlier claimed, o platform.Order) (Claimed, error) {
	switch {
	case earlier.Fingerprint == o.Fingerprint && earlier.Open.Order.Reference == o.Reference, earlier.restored() && earlier.about(o):
		return Claimed{Open: earlier.Open, Repeat: true}, nil
	case o.IdempotencyKey != "" && earlier.Open.Order.IdempotencyKey == o.IdempotencyKey:
		return Claimed{}, &platform.Error{
			Code: platform.CodeIdempotencyMismatch, Field: "Idempotency-Key",
			Detail: "this key came with another order; use a new key for a new order",
		}
	}
	return Claimed{}, &platform.Error{
		Code: platform.CodeReferenceTaken, Field: "reference",
		Detail: "another order has this reference; use a new one, or repeat that order unchanged",
	}
}

// claim gives an order its bill id. The effect it stages makes the bill even when
// the platform dies before it could.
func (p *Partition) claim(tx *engine.Tx, in Claim) (any, error) {
	contract, ok := p.merchants[in.Merchant]
	if !ok {
		return nil, &platform.Error{Code: platform.CodeUnauthorised, Detail: "no such merchant"}
	}
	p.recent.forget(tx.Now().Add(-claimsKept))
	if in.Looked < p.recent.since {
		return nil, ErrLookAgain
	}
	names := claimKeys(in.Merchant, in.Order)
	for _, name := range names {
		if earlier, ok := p.recent.claims[name]; ok {
			return repeated(earlier, in.Order)
		}
	}
	open, err := p.newOpen(tx, contract, in.Order)
	if err != nil {
		return nil, err
	}
	p.stageClaim(tx, names, open)
	return Claimed{Open: open}, nil
}

func (p *Partition) newOpen(tx *engine.Tx, contract *Contract, o platform.Order) (Open, error) {
	home := engine.PartitionOf(phoneHome(o.Phone), p.config.Partitions)
	id, err := platform.NewBillID(tx.Now(), int(home), p.config.Random)
	if err != nil {
		return Open{}, err
	}
	if o.CallbackURL == "" {
		o.CallbackURL = contract.CallbackURL
	}
	return Open{ID: id, Merchant: contract.ID, MerchantName: contract.Name, Order: o, Made: tx.Now(), Looked: tx.Now()}, nil
}

func (p *Partition) stageClaim(tx *engine.Tx, names []string, open Open) {
	sealed := p.keepClaim(tx, names, open)
	tx.Record(engine.Event{
		Subject: "order:" + string(open.ID), Name: "claim", Cause: CauseOrder,
		Effects: []engine.Effect{{ID: string(open.ID) + "/open", Kind: EffectOpen, Body: body(sealed), Value: open}},
	})
}

// keepClaim stages the records of a claim, and the bill's place in its merchant's list.
func (p *Partition) keepClaim(tx *engine.Tx, names []string, open Open) sealedOpen {
	c := claimed{Open: open, Fingerprint: open.Order.Fingerprint, At: tx.Now(), seq: tx.Seq()}
	sealed := sealOpen(p.config.Vault, open)
	for _, name := range names {
		if fault.Planted(fault.LostClaim) {
			break
		}
		tx.Put(name, sealedClaim{Open: sealed, Fingerprint: c.Fingerprint, At: c.At})
		p.recent.add(name, c)
	}
	tx.SetScore("bills:"+string(open.Merchant), string(open.ID), 0)
	return sealed
}

// open makes the bill and sends it to the phone (S5).
func (p *Partition) open(tx *engine.Tx, in Open) (any, error) {
	if r, ok := p.bills[in.ID.Ref()]; ok {
		return r.Bill, nil
	}
	if tx.Now().Sub(in.Looked) > p.config.Timing.Linger/2 {
		return nil, ErrLookAgain // it may be finished and filed by now
	}
	ph, ok := p.phones[in.Order.Phone]
	if !ok {
		return nil, unknownPhone()
	}
	r := p.newRecord(in, tx.Now())
	r.Known, r.deadline = ph.counters.In, deadlineName(r.ID, ph.id)
	p.adopt(r, ph)
	var push []engine.Effect
	if tx.Now().Before(r.Expires) { // else its merchant is told at once that its time is over
		push = p.pushEffect(tx, r, ph)
	}
	p.journal(tx, r, engine.Event{Name: "create", To: string(r.State), Cause: CauseOrder, Effects: push},
		story{Detail: "order " + r.Reference})
	p.keep(tx, r)
	return r.Bill, nil
}

func (p *Partition) newRecord(in Open, now time.Time) *record {
	o := in.Order
	payee := o.Payee
	if payee == "" {
		payee = in.Merchant.DefaultPayee()
	}
	return &record{
		MerchantName: in.MerchantName,
		sealedBill: sealBill(p.config.Vault, platform.Bill{
			ID: in.ID, Merchant: in.Merchant, Reference: o.Reference, State: bill.Created,
			Amount: o.Amount, Currency: o.Currency, Payee: payee,
			Phone: o.Phone, BuyerPhone: o.BuyerPhone,
			Subject: o.Subject, Goods: o.Goods, CallbackURL: o.CallbackURL,
			Created: in.Made, Expires: in.Made.Add(o.ExpiresIn), Updated: now,
		}),
	}
}

func unknownPhone() error {
	return &platform.Error{
		Code: platform.CodeUnknownPhone, Field: "phone",
		Detail: "this phone is not enrolled for mobile payment; enrol it first (airtill enrol)",
	}
}

// cancel withdraws a bill that is not paid yet.
func (p *Partition) cancel(tx *engine.Tx, in Cancel) (any, error) {
	r, ok := p.bills[in.Bill.Ref()]
	if !ok || r.Merchant != in.Merchant {
		return nil, notFound()
	}
	if r.State == bill.Cancelled {
		return r.Bill, nil
	}
	path, err := p.path(r, bill.Cancel, p.facts(tx, r))
	if err != nil {
		return nil, tooLateToCancel(r.State)
	}
	r.Reason = platform.ReasonCancelled
	var closed []engine.Effect
	if ph := p.phones[r.Phone]; !ph.Bare() { // a menu asks anew each time
		closed = append(closed, p.resultEffect(tx, r, ph, answer{Code: applet.CodeCancelled}))
	}
	p.advance(tx, r, path, CauseMerchant, story{Reason: r.Reason, Effects: closed})
	return r.Bill, nil
}
