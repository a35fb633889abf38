package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Retire takes bills out of the store that were finished, and are in the archive. It
// answers nothing. A repeat changes nothing.
type Retire struct {
	Day    string            `json:"day"` // that the bills were made on
	Bills  []platform.BillID `json:"bills"`
	Before string            `json:"before"` // bills of the days before this one are in the archive, or will be
}

// Trim takes the beginning of the journal out of the store, which is in the archive, and
// puts a checkpoint in its place. It answers the checkpoint that is there then: another
// one if somebody was faster, or if effects of what was to go are not done.
type Trim struct {
	After      string                  `json:"after"`      // entry of the checkpoint that this one follows; "" is none
	Checkpoint Checkpoint              `json:"checkpoint"` // the new one
	Balances   map[string]money.Amount `json:"balances"`   // at the checkpoint, of accounts that moved since the one before
	Claims     []ShortClaim            `json:"claims"`     // that the entries told of
}

// FindCheckpoint answers a Checkpoint, the zero one when there is none.
type FindCheckpoint struct{}

// Checkpoint is what the journal came to where it begins now. What all accounts held then
// is in the hash opening.
type Checkpoint struct {
	Entry   string    `json:"entry"`   // the last one that is gone
	Chain   string    `json:"chain"`   // its chain
	Before  string    `json:"before"`  // bills of the days before this one may be in the archive
	At      time.Time `json:"at"`      // of the entry
	Entries int       `json:"entries"` // that are gone
	Bills   int       `json:"bills"`   // that they made
	Paid    int       `json:"paid"`    // that they paid
}

// ShortClaim is what remains of an order's claim: that its reference is taken, and by
// what. Its idempotency key is free again.
type ShortClaim struct {
	Merchant       platform.MerchantID `json:"merchant"`
	Reference      string              `json:"reference"`
	IdempotencyKey string              `json:"idempotency_key,omitempty"`
	Bill           platform.BillID     `json:"bill"`
	Fingerprint    string              `json:"fingerprint"`
	At             time.Time           `json:"at"`
}

// The record that has the Checkpoint, and the hash with the balances at it.
const (
	CheckpointKey = "checkpoint"
	OpeningHash   = "opening"
)

// Shorten makes a claim short, as the store has it. One that is short stays as it is.
func Shorten(text string) (ShortClaim, error) {
	var kept struct {
		Open struct {
			ID       platform.BillID     `json:"id"`
			Merchant platform.MerchantID `json:"merchant"`
			Order    struct{ Reference, IdempotencyKey string }
		}
		Fingerprint string
		At          time.Time
	}
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return ShortClaim{}, fmt.Errorf("read an order's claim: %w", err)
	}
	o := kept.Open
	return ShortClaim{
		Merchant: o.Merchant, Reference: o.Order.Reference, IdempotencyKey: o.Order.IdempotencyKey,
		Bill: o.ID, Fingerprint: kept.Fingerprint, At: kept.At,
	}, nil
}

// text is the claim as the store has it: like a whole one, as far as it goes.
func (c ShortClaim) text() string {
	type order struct{ Reference string }
	type open struct {
		ID       platform.BillID     `json:"id"`
		Merchant platform.MerchantID `json:"merchant"`
		Order    order               `json:"order"`
	}
	return encode(struct {
		Open        open      `json:"open"`
		Fingerprint string    `json:"fingerprint"`
		At          time.Time `json:"at"`
	}{open{c.Bill, c.Merchant, order{c.Reference}}, c.Fingerprint, c.At})
}

func (p *Partition) loadCheckpoint(ctx context.Context, r engine.Reader) error {
	texts, err := r.Get(ctx, CheckpointKey)
	if err != nil || texts[0] == "" {
		return err
	}
	if err := json.Unmarshal([]byte(texts[0]), &p.checkpoint); err != nil {
		return fmt.Errorf("%s: %w", CheckpointKey, err)
	}
	return nil
}

func (p *Partition) retire(tx *engine.Tx, in Retire) {
	for _, id := range in.Bills {
		tx.DeleteField("finished:"+in.Day, string(id))
	}
	if in.Before > p.checkpoint.Before {
		p.checkpoint.Before = in.Before
		tx.Put(CheckpointKey, encode(p.checkpoint))
	}
}

func (p *Partition) trim(tx *engine.Tx, in Trim) Checkpoint {
	if in.After != p.checkpoint.Entry || !tx.Trim(in.Checkpoint.Entry) {
		return p.checkpoint
	}
	p.checkpoint = in.Checkpoint
	tx.Put(CheckpointKey, encode(p.checkpoint))
	for account, balance := range in.Balances {
		tx.SetField(OpeningHash, account, fmt.Sprint(int64(balance)))
	}
	for _, c := range in.Claims {
		tx.Put(orderKey(c.Merchant, c.Reference), c.text())
		if c.IdempotencyKey != "" {
			tx.Delete(idempotencyKey(c.Merchant, c.IdempotencyKey))
		}
	}
	tx.Record(engine.Event{Subject: "journal", Name: "trim", Cause: CauseClock, Data: story{Detail: "up to entry " + p.checkpoint.Entry}})
	return p.checkpoint
}
