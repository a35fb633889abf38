package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// A settlement pays out what a merchant's accounts hold at home. Before it, the merchant's
// money that is on its way is brought home, so that it covers all that was paid before it
// was asked for. It is one transfer in the merchant's partition, kept under its id for good.

// Settle pays a merchant out, in its partition. It answers a platform.Settlement. Its source
// has looked for an earlier one of the id in the store, as of the batch Looked.
type Settle struct {
	platform.Settle
	Looked uint64
}

// Drain sends a merchant's money home at once. It answers a Drained.
type Drain struct{ Merchant platform.MerchantID }

// Drained are the merchant's sweeps that are on their way from one partition.
type Drained struct{ Sweeps []ApplySweep }

func (p *Partition) drain(tx *engine.Tx, in Drain) Drained {
	var d Drained
	for _, sub := range p.subsOf(in.Merchant) {
		pl := p.pools[sub]
		if !pl.Open && p.book.Balance(sub) > 0 {
			p.sweep(tx, sub)
		}
		if pl.Open {
			d.Sweeps = append(d.Sweeps, p.sweptOf(pl))
		}
	}
	return d
}

// subsOf lists the sub-accounts of a merchant.
func (p *Partition) subsOf(m platform.MerchantID) (subs []string) {
	for sub, pl := range p.pools {
		if payeeMerchant(pl.Payee) == m {
			subs = append(subs, sub)
		}
	}
	slices.Sort(subs)
	return subs
}

// sweptOf is a sub-account's last sweep as its home takes it in.
func (p *Partition) sweptOf(pl *pool) ApplySweep {
	return ApplySweep{From: p.number, Number: pl.Number, Payee: pl.Payee, Currency: pl.Currency, Amount: pl.Amount}
}

// settled remembers the settlements that a source may not have seen in the store.
type settled struct {
	since uint64 // settlements of this batch and before are not remembered
	known map[string]knownSettlement
}

type knownSettlement struct {
	platform.Settlement
	seq uint64 // the batch that it is in
}

func (s *settled) forget(before time.Time) {
	for key, one := range s.known {
		if one.At.Before(before) {
			delete(s.known, key)
			s.since = max(s.since, one.seq)
		}
	}
}

func settlementKey(m platform.MerchantID, id string) string {
	return "settlement:" + string(m) + ":" + id
}

func settlementsSet(m platform.MerchantID) string { return "settlements:" + string(m) }

// settle pays out what the merchant's accounts hold, once for an id.
func (p *Partition) settle(tx *engine.Tx, in Settle) (any, error) {
	contract, ok := p.merchants[in.Merchant]
	if !ok {
		return nil, noMerchant()
	}
	p.settled.forget(tx.Now().Add(-claimsKept))
	if in.Looked < p.settled.since {
		return nil, ErrLookAgain
	}
	key := settlementKey(in.Merchant, in.ID)
	if earlier, ok := p.settled.known[key]; ok {
		return settledAgain(earlier.Settlement, in.Settle)
	}
	s := platform.Settlement{ID: in.ID, Merchant: in.Merchant, Day: in.Day, At: tx.Now(), By: in.By, Payouts: p.payouts(contract)}
	if len(s.Payouts) == 0 {
		return s, nil
	}
	p.payOut(tx, key, s)
	return s, nil
}

// payouts is what each of a merchant's accounts holds at home.
func (p *Partition) payouts(c *Contract) []platform.Payout {
	var all []platform.Payout
	for _, payee := range c.Payees {
		for _, currency := range money.Currencies() {
			if held := p.book.Balance(ledger.Home(payee, currency)); held > 0 {
				total := p.book.Balance(ledger.Payout(payee, currency)) + held
				all = append(all, platform.Payout{Payee: payee, Currency: currency, Amount: held, Total: total})
			}
		}
	}
	return all
}

// payOut moves the money and keeps the settlement.
func (p *Partition) payOut(tx *engine.Tx, key string, s platform.Settlement) {
	var moves []platform.Posting
	for _, o := range s.Payouts {
		moves = append(moves, ledger.Move(ledger.Home(o.Payee, o.Currency), ledger.Payout(o.Payee, o.Currency), o.Amount)...)
	}
	p.post(tx, moves)
	p.settled.known[key] = knownSettlement{s, tx.Seq()}
	tx.Put(key, s)
	tx.SetScore(settlementsSet(s.Merchant), s.ID, float64(s.At.UnixMilli()))
	tx.Record(engine.Event{
		Subject: key, Name: "pay_out", Cause: CauseOperator,
		Data: story{Detail: "for " + s.Day, By: s.By, Postings: moves},
	})
}

// settledAgain answers a settlement that is asked for again.
func settledAgain(earlier platform.Settlement, in platform.Settle) (platform.Settlement, error) {
	if earlier.Day != in.Day {
		return platform.Settlement{}, &platform.Error{
			Code: platform.CodeIdempotencyMismatch, Field: "id",
			Detail: fmt.Sprintf("the settlement of this id is for %s; take another id", earlier.Day),
		}
	}
	earlier.Repeated = true
	return earlier, nil
}

// Settle pays a merchant's home balance out, at most once for an id.
func (s *Service) Settle(ctx context.Context, in platform.Settle) (platform.Settlement, error) {
	if err := s.checkSettle(in); err != nil {
		return platform.Settlement{}, err
	}
	if _, err := s.contract(ctx, in.Merchant); err != nil {
		return platform.Settlement{}, err
	}
	home := s.merchantPartition(in.Merchant)
	for look := 1; ; look++ {
		looked, err := seqOf(ctx, s.store.Read(home))
		if err != nil {
			return platform.Settlement{}, unavailable("look for the settlement", err)
		}
		earlier, ok, err := s.settlement(ctx, in.Merchant, in.ID)
		if err != nil {
			return platform.Settlement{}, err
		}
		if ok {
			return settledAgain(earlier, in)
		}
		if err := s.drain(ctx, in.Merchant); err != nil {
			return platform.Settlement{}, err
		}
		reply, err := s.do(ctx, home, Settle{Settle: in, Looked: looked})
		if again(err, look) {
			continue
		}
		if err != nil {
			return platform.Settlement{}, busyStore(err)
		}
		return reply.(platform.Settlement), nil
	}
}

func (s *Service) checkSettle(in platform.Settle) error {
	if !platform.ValidSettlementID(in.ID) {
		return invalid("id", "1 to 64 letters, digits, dots, hyphens and underscores")
	}
	if !said(in.By, mostBy) {
		return invalid("by", fmt.Sprintf("who does it, in 1 to %d characters", mostBy))
	}
	day, err := platform.ParseDay(in.Day)
	if err == nil && day.After(s.config.Clock.Now()) {
		err = invalid("day", "this day has not begun (days are UTC)")
	}
	return err
}

// settlement reads a settlement that is kept.
func (s *Service) settlement(ctx context.Context, m platform.MerchantID, id string) (kept platform.Settlement, ok bool, err error) {
	texts, err := s.store.Read(s.merchantPartition(m)).Get(ctx, settlementKey(m, id))
	if err != nil {
		return kept, false, unavailable("look for the settlement", err)
	}
	if texts[0] == "" {
		return kept, false, nil
	}
	if err := json.Unmarshal([]byte(texts[0]), &kept); err != nil {
		return kept, false, fmt.Errorf("read settlement %s: %w", id, err)
	}
	return kept, true, nil
}

// drains is how often a merchant's money is called home: what was paid while a sweep was
// on its way leaves with the next.
const drains = 2

// drain brings a merchant's money home that was paid before it was called.
func (s *Service) drain(ctx context.Context, m platform.MerchantID) error {
	for n := range s.config.Partitions {
		for range drains {
			reply, err := s.do(ctx, engine.Partition(n), Drain{Merchant: m})
			if err != nil {
				return err
			}
			sweeps := reply.(Drained).Sweeps
			for _, sweep := range sweeps {
				if err := s.carrySweep(ctx, sweep); err != nil {
					return unavailable("bring the merchant's money home", err)
				}
			}
			if len(sweeps) == 0 {
				break
			}
		}
	}
	return nil
}
