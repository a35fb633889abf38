package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/reconcile"
)

var _ platform.Reconciler = (*Service)(nil)

// PayeeHome is the home partition of an account.
func (s *Service) PayeeHome(payee string) engine.Partition { return s.payeeHome(payee) }

// MerchantHome is the partition of a merchant.
func (s *Service) MerchantHome(m platform.MerchantID) engine.Partition { return s.merchantPartition(m) }

// mostRounds bounds how often a reconciliation looks again after it has repaired
// something: what was put right may show what else is not.
const mostRounds = 8

// Reconcile finds what is lost between partitions, and repairs it unless dry: by inputs
// that the partitions decide, which do nothing when they are repeated.
func (s *Service) Reconcile(ctx context.Context, dry bool) (r platform.Reconciliation, err error) {
	if !dry {
		if err := s.freshen(ctx); err != nil {
			return r, err
		}
	}
	for range mostRounds {
		repaired, left, err := s.round(ctx, dry)
		if err != nil {
			return r, err
		}
		if r.Findings = append(r.Findings, repaired...); len(repaired) == 0 {
			r.Findings = append(r.Findings, left...)
			return r, nil
		}
	}
	return r, &platform.Error{Code: platform.CodeUnavailable, Detail: "there is something new to repair after each repair; look again with airtill audit"}
}

// How often, and how long after each other, a partition is tried that is loaded anew.
const (
	mostTries  = 30
	tryAgainIn = 200 * time.Millisecond
)

// freshen makes sure that every partition's memory is what the store has.
func (s *Service) freshen(ctx context.Context) error {
	for n := range engine.Partition(s.config.Partitions) {
		for try := 1; ; try++ {
			_, err := s.do(ctx, n, Reconciling{})
			if err == nil {
				break
			}
			if !passing(err) || try == mostTries || !sleep(ctx, tryAgainIn) {
				return err
			}
		}
	}
	return nil
}

// passing says that the same may succeed in a moment.
func passing(err error) bool {
	return isCode(err, platform.CodeUnavailable) || isCode(err, platform.CodeUnknownOutcome)
}

// sleep waits; it is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// round looks once, and repairs what it finds.
func (s *Service) round(ctx context.Context, dry bool) (repaired, left []platform.Finding, err error) {
	found, err := reconcile.Find(ctx, s.store, s.config.Partitions, s)
	if err != nil {
		return nil, nil, unavailable("look at the partitions", err)
	}
	for _, f := range found {
		told := platform.Finding{Kind: f.Kind, Look: f.Look(), Detail: f.Detail, Left: "it was only looked at"}
		if !dry {
			if told, err = s.repaired(ctx, f, told); err != nil {
				return nil, nil, err
			}
		}
		if told.Repaired {
			repaired = append(repaired, told)
		} else {
			left = append(left, told)
		}
	}
	return repaired, left, nil
}

// repaired repairs a finding, and says what came of it. The error is for a partition that
// does not answer now: repeated, the reconciliation goes on.
func (s *Service) repaired(ctx context.Context, f reconcile.Finding, told platform.Finding) (platform.Finding, error) {
	err := s.repair(ctx, f)
	if passing(err) {
		return told, err
	}
	told.Repaired, told.Left = err == nil, ""
	switch refusal, refused := errors.AsType[*platform.Error](err); {
	case refused:
		told.Left = refusal.Detail
	case err != nil:
		told.Left = err.Error()
	}
	s.config.Log.Warn().Str("kind", string(told.Kind)).Str("look", told.Look).Bool("repaired", told.Repaired).Str("left", told.Left).Msg(told.Detail)
	return told, nil
}

// repair posts what puts a finding right.
func (s *Service) repair(ctx context.Context, f reconcile.Finding) error {
	sweep := ApplySweep{
		From: f.Sweep.From, Number: f.Sweep.Number, Payee: f.Sweep.Payee,
		Currency: money.Currency(f.Sweep.Currency), Amount: money.Amount(f.Sweep.Amount),
	}
	var in any
	switch f.Kind {
	case platform.SweepNotHome:
		in = RestoreSweep{Sweep: sweep, Seen: f.Seen}
	case platform.SweepUnknown:
		in = RedoSweep{Sweep: sweep}
	case platform.SweepDiffers:
		in = CorrectSweep{Sweep: sweep, Was: money.Amount(f.Was)}
	case platform.BillMissing:
		return s.reopen(ctx, f.Claim)
	case platform.ClaimMissing, platform.IndexMissing:
		return s.reclaim(ctx, f)
	}
	_, err := s.do(ctx, f.At, in)
	return err
}

// reopen makes the bill of a claim again, as a repeat of the order would.
func (s *Service) reopen(ctx context.Context, claim json.RawMessage) error {
	in, err := s.openClaim(claim)
	if err != nil {
		return err
	}
	_, err = s.opened(ctx, in)
	return err
}

// openClaim reads a claim as the journal has it.
func (s *Service) openClaim(claim json.RawMessage) (Open, error) {
	var kept sealedOpen
	if err := json.Unmarshal(claim, &kept); err != nil {
		return Open{}, fmt.Errorf("read an order's claim: %w", err)
	}
	return kept.open(s.config.Vault)
}

// reclaim claims the order of a bill again, if it is not claimed for another.
func (s *Service) reclaim(ctx context.Context, f reconcile.Finding) error {
	in, err := s.claimOf(ctx, f)
	if err != nil {
		return err
	}
	home := s.merchantPartition(in.Merchant)
	for look := 1; ; look++ {
		earlier, looked, err := s.earlierClaim(ctx, home, in.Merchant, in.Order)
		if err != nil {
			return err
		}
		switch {
		case earlier == nil:
		case earlier.Open.ID != in.ID:
			return claimedFor(earlier.Open.ID)
		case f.Kind == platform.ClaimMissing:
			return nil // it is there by now
		}
		_, err = s.do(ctx, home, RestoreClaim{Open: in, Claimed: f.Claimed, Looked: looked})
		if !again(err, look) {
			return busyStore(err)
		}
	}
}

// claimOf makes the claim of a bill: of the journal's, or of the bill itself.
func (s *Service) claimOf(ctx context.Context, f reconcile.Finding) (Open, error) {
	if f.Claimed {
		return s.openClaim(f.Claim)
	}
	kept, err := s.find(ctx, f.Bill)
	if err != nil {
		return Open{}, err
	}
	b := kept.Bill
	return Open{ID: b.ID, Merchant: b.Merchant, Made: b.Created, Order: platform.Order{
		Reference: b.Reference, Amount: b.Amount, Currency: b.Currency, Payee: b.Payee, Phone: b.Phone, BuyerPhone: b.BuyerPhone,
		ExpiresIn: b.Expires.Sub(b.Created), CallbackURL: b.CallbackURL, Subject: b.Subject, Goods: b.Goods,
	}}, nil
}
