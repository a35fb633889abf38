package billing

import (
	"errors"
	"fmt"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
)

// payment is a PAY on its way through the checks.
type payment struct {
	*applet.Pay
	phone  *phone
	record *record
	packet *taken
	stale  bool   // its PIN block's key was used before
	over   string // says that it came another way than from an element
}

// verdict is what the checks say of a payment.
type verdict struct {
	answer
	event  fsm.Event // pay, decline or fail
	reason platform.Reason
	card   *CardEntry
	moves  []platform.Posting
}

// pay checks a payment against its bill and moves the money only if all is right (S8).
func (p *Partition) pay(tx *engine.Tx, pm payment) Outcome {
	r := pm.record
	if r.Attempts > 0 && pm.Transaction != 0 && r.Transaction == pm.Transaction {
		pm.answer(r.Answer)
		return p.answerAgain(tx, r, pm.phone, r.Answer)
	}
	pm.stale = pm.PINCounter <= pm.phone.counters.PIN
	pm.phone.counters.PIN = max(pm.phone.counters.PIN, pm.PINCounter)
	if closed, ok := closedAnswer(r, tx); ok {
		pm.answer(closed)
		return p.answerAgain(tx, r, pm.phone, closed)
	}
	v := p.judge(tx, pm)
	told := func() []engine.Effect { return []engine.Effect{p.resultEffect(tx, r, pm.phone, v.answer)} }
	if !p.attempt(tx, pm, v, told) {
		return p.drop(DropState)
	}
	return Outcome{Bill: r.ID}
}

// attempt does what the checks of a payment say, and has its holder told.
func (p *Partition) attempt(tx *engine.Tx, pm payment, v verdict, told func() []engine.Effect) bool {
	r := pm.record
	facts := p.facts(tx, r)
	facts.TriesLeft = v.TriesLeft
	path, err := p.path(r, v.event, facts)
	if err != nil {
		p.config.Log.Error().Err(err).Str("bill", string(r.ID)).Msg("a payment was judged but its bill cannot move")
		return false
	}
	p.settleAttempt(tx, pm, v)
	p.advance(tx, r, path, CausePhone, story{Detail: pm.over + v.detail(), Reason: v.reason, Postings: v.moves, Effects: told()})
	return true
}

// closedAnswer is the answer to a payment for a bill that takes none any more.
func closedAnswer(r *record, tx *engine.Tx) (answer, bool) {
	switch r.State {
	case bill.Paid, bill.Settled, bill.Refused, bill.Failed:
		return answer{Code: applet.CodeDuplicate}, true
	case bill.Cancelled:
		return answer{Code: applet.CodeCancelled}, true
	case bill.Expired, bill.Undelivered:
		return answer{Code: applet.CodeExpired}, true
	}
	return answer{Code: applet.CodeExpired}, !tx.Now().Before(r.Expires)
}

// judge runs the checks in order: hold, bill, card, lock, key of the PIN block, PIN,
// currency, limits, money. A PIN is tried only in a payment that is right so far.
func (p *Partition) judge(tx *engine.Tx, pm payment) verdict {
	if pm.phone.held() {
		return decline(pm, nil, applet.CodeNotPermitted, platform.ReasonElementHeld)
	}
	card := p.cardOf(pm)
	switch {
	case p.mismatch(pm):
		return decline(pm, card, applet.CodeMismatch, platform.ReasonMismatch)
	case card == nil:
		return decline(pm, nil, applet.CodeUnknownCard, platform.ReasonUnknownCard)
	case pm.phone.triesLeft(card.Slot) == 0:
		return decline(pm, card, applet.CodeNotPermitted, platform.ReasonPINLocked) // the bill stays open for another card
	case pm.stale:
		return decline(pm, card, applet.CodeMismatch, platform.ReasonMismatch)
	case !p.pinRight(pm, card):
		return wrongPIN(pm, card)
	}
	p.rightPIN(pm.phone, card)
	return p.judgeMoney(tx, pm, card)
}

func decline(pm payment, card *CardEntry, code applet.ResponseCode, reason platform.Reason) verdict {
	left := Tries
	if card != nil {
		left = pm.phone.triesLeft(card.Slot)
	}
	return verdict{answer: answer{Code: code, TriesLeft: left}, event: bill.Decline, reason: reason, card: card}
}

// mismatch compares what the phone says it pays with what the bill asks for (S7, S8).
func (p *Partition) mismatch(pm payment) bool {
	r := pm.record
	return pm.Amount != r.Amount || pm.Currency != r.Currency ||
		pm.Phone != r.Phone ||
		pm.Payee != applet.MerchantNumber(r.Merchant) ||
		p.config.Vault.Fingerprint(identityKind, pm.Identity.Reveal()) != pm.phone.Identity
}

// cardOf opens the card blob as the element stored it and finds the entry it belongs to (S13).
func (p *Partition) cardOf(pm payment) *CardEntry {
	rec, err := p.config.Vault.CardRecord(pm.phone.binding(), pm.Blob)
	if err != nil {
		return nil
	}
	card := pm.phone.card(rec.Slot)
	if card == nil || p.config.Vault.Fingerprint(cardKind, rec.PAN.Reveal()) != card.Number {
		return nil
	}
	return card
}

func (p *Partition) pinRight(pm payment, card *CardEntry) bool {
	pin, err := p.config.Vault.PIN(pm.phone.binding(), pm.PINCounter, card.Token, pm.PINBlock)
	return err == nil && p.config.Vault.VerifyPIN(card.PIN, card.Token, pin)
}

// rightPIN forgets the wrong ones before it.
func (p *Partition) rightPIN(ph *phone, card *CardEntry) {
	delete(ph.counters.Wrong, card.Slot)
	p.keepCounters(ph)
}

// wrongPIN counts a try; the third locks the card entry and the bill fails.
func wrongPIN(pm payment, card *CardEntry) verdict {
	c := &pm.phone.counters
	if c.Wrong == nil {
		c.Wrong = make(map[int]int)
	}
	c.Wrong[card.Slot]++
	if pm.phone.triesLeft(card.Slot) > 0 {
		return decline(pm, card, applet.CodeWrongPIN, platform.ReasonWrongPIN)
	}
	v := decline(pm, card, applet.CodePINLocked, platform.ReasonPINLocked)
	v.event = bill.Fail
	return v
}

// judgeMoney holds a payment against the limits, and asks the book whether the card's
// account can pay (S10).
func (p *Partition) judgeMoney(tx *engine.Tx, pm payment, card *CardEntry) verdict {
	r := pm.record
	switch {
	case card.Currency != r.Currency:
		return decline(pm, card, applet.CodeNotPermitted, platform.ReasonCardCurrency)
	case p.config.Limits.overLimit(pm.phone, card, r.Amount, dayOf(tx.Now())):
		return decline(pm, card, applet.CodeOverLimit, platform.ReasonOverLimit)
	}
	moves := ledger.Move(card.Account, ledger.Sub(r.Payee, r.Currency), r.Amount)
	switch err := p.book.Check(moves); {
	case errors.Is(err, ledger.ErrShort):
		return decline(pm, card, applet.CodeFunds, platform.ReasonFunds)
	case err != nil:
		panic(fmt.Sprintf("billing: a payment does not balance: %v", err))
	}
	return verdict{answer: answer{Code: applet.CodeApproved, TriesLeft: Tries}, event: bill.Pay, card: card, moves: moves}
}

func (v verdict) detail() string {
	if v.card == nil {
		return "answered " + string(v.Code)
	}
	return fmt.Sprintf("card %s, answered %s", v.card.Masked, v.Code)
}

// settleAttempt writes down what the payment moved: money, counters, the bill's own account of it.
func (p *Partition) settleAttempt(tx *engine.Tx, pm payment, v verdict) {
	r := pm.record
	r.Attempts++
	r.Transaction, r.Answer, r.Reason = pm.Transaction, v.answer, v.reason
	pm.answer(v.answer)
	if v.card != nil {
		r.Card = v.card.Masked
	}
	if v.event == bill.Pay {
		p.post(tx, v.moves)
		p.spend(tx, pm.phone, v.card, r.Amount)
		r.Paid, r.Account = tx.Now(), v.card.Account
		p.earn(tx, r)
	}
}

// post applies a transfer that was checked and stages the balances it changed.
func (p *Partition) post(tx *engine.Tx, moves []platform.Posting) {
	if err := p.book.Post(moves); err != nil {
		panic(fmt.Sprintf("billing: a checked transfer was refused: %v", err))
	}
	p.stageBalances(tx, moves)
}

// stageBalances stages the balances that postings have changed.
func (p *Partition) stageBalances(tx *engine.Tx, moves []platform.Posting) {
	for _, m := range moves {
		tx.SetField("balances", m.Account, fmt.Sprint(int64(p.book.Balance(m.Account))))
	}
}
