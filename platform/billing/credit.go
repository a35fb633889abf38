package billing

import (
	"encoding/json"
	"fmt"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// Credit brings a refund to the card that paid, in the payer's partition. It answers the
// ledger.Transfer that it came to: posted, or voided because there is no such account. Its
// source has read what is kept of it.
type Credit struct {
	Refund   platform.RefundID `json:"refund"`
	Account  string            `json:"card_account"`
	Amount   money.Amount      `json:"amount"`
	Currency money.Currency    `json:"currency"`

	Kept string `json:"kept,omitempty"` // the credit as it is kept; empty: there is none
	Seen uint64 `json:"seen,omitempty"` // the seq of the partition before that was read
}

// credited is a credit as it is kept: a field of credits:DAY, by refund.
type credited struct {
	ledger.Transfer
	Entry string `json:"entry"` // of the journal
}

// creditsKey is where the credits of a bill's refunds are: filed like the bill.
func creditsKey(id platform.RefundID) string { return "credits:" + id.Bill().Day() }

// creditID is what the payer's book knows a refund by: the merchant's may be the same book.
func creditID(id platform.RefundID) string { return "credit:" + string(id) }

func (in Credit) transfer() ledger.Transfer {
	return ledger.Transfer{
		ID: creditID(in.Refund), From: ledger.Clearing(in.Currency), To: in.Account, Amount: in.Amount,
	}
}

// credit takes a refund out of clearing to the card's account, once.
func (p *Partition) credit(tx *engine.Tx, in Credit) (any, error) {
	want := in.transfer()
	known, err := p.creditOf(want.ID, in)
	if err != nil {
		return nil, err
	}
	if known.State != "" {
		want.State = known.State
		if known != want {
			return nil, fmt.Errorf("billing: credit %s: %w", in.Refund, ledger.ErrOther)
		}
		return known, nil
	}
	made, moves, s := p.begin(want)
	p.stageBalances(tx, moves)
	tx.SetField(creditsKey(in.Refund), string(in.Refund), encode(credited{Transfer: made, Entry: tx.EntryID()}))
	tx.Record(engine.Event{Subject: want.ID, Name: "credit", To: string(made.State), Cause: CauseLedger, Data: s})
	p.restingCredits.add(want.ID, tx.Seq(), func(c change) { p.transfers.Forget(c.name) })
	return made, nil
}

// creditOf finds an earlier credit: in memory, else as its source saw it.
func (p *Partition) creditOf(id string, in Credit) (ledger.Transfer, error) {
	if known, ok := p.transfers.Find(id); ok {
		return known, nil
	}
	if p.restingCredits.missed(in.Seen) {
		return ledger.Transfer{}, ErrLookAgain
	}
	kept, err := readCredit(in.Kept)
	return kept.Transfer, err
}

func readCredit(text string) (kept credited, err error) {
	if text == "" {
		return kept, nil
	}
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return kept, fmt.Errorf("read a credit: %w", err)
	}
	return kept, nil
}

// begin posts a credit, or refuses one to an account that is not there.
func (p *Partition) begin(want ledger.Transfer) (made ledger.Transfer, moves []platform.Posting, s story) {
	var err error
	if p.book.Has(want.To) {
		made, moves, err = p.transfers.Begin(want)
	} else {
		made, err = p.transfers.Refuse(want)
		s.Reason = platform.ReasonNoAccount
	}
	if err != nil {
		panic(fmt.Sprintf("billing: a new credit cannot begin: %v", err))
	}
	s.Postings = moves
	return made, moves, s
}
