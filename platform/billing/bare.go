package billing

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/menu"
	"github.com/airtill/airtill/platform/money"
)

// A phone without a secure element is bare: its cards are bound to its number, and its
// holder opens, defers, refuses and pays bills through a menu. What is typed there comes
// as an input of its own and drives the same table, the same book and the same PIN tries
// as a packet from an element. The carrier sees the PIN, so Config.USSDCap says how much
// may be paid so, and nothing may unless it says so.

// Bare says whether the phone has no secure element.
func (r Register) Bare() bool { return r.Element == "" }

// FindBills asks what a bare phone may pay. It answers a [menu.Wallet], which is empty
// for any other phone.
type FindBills struct{ Phone gateway.MSISDN }

// Chosen is what the holder of a bare phone did with a bill: bill.Deliver, saw it;
// bill.Open, bill.Defer or bill.Refuse. It answers a [menu.Result].
type Chosen struct {
	Phone gateway.MSISDN
	Bill  platform.BillID
	Event fsm.Event
}

// Typed is a payment through a menu (S7). It answers a [menu.Result]. A repeat has the
// same transaction number, which is not zero.
type Typed struct {
	Phone       gateway.MSISDN
	Bill        platform.BillID
	Slot        int
	PIN         applet.PIN
	Transaction applet.TransactionNumber
}

// overUSSD says in the journal how a step came.
const overUSSD = "over USSD: "

// findBills answers the open bills of a bare phone, and its cards.
func (p *Partition) findBills(tx *engine.Tx, in FindBills) (w menu.Wallet) {
	ph, ok := p.phones[in.Phone]
	if !ok || !ph.Bare() {
		return w
	}
	for _, r := range ph.bills {
		if bill.Live(r.State) && tx.Now().Before(r.Expires) {
			w.Bills = append(w.Bills, menu.Bill{
				ID: r.ID, Merchant: r.MerchantName, Subject: r.Subject, Sum: money.Money{Amount: r.Amount, Currency: r.Currency},
			})
		}
	}
	for _, c := range ph.Cards {
		w.Cards = append(w.Cards, menu.Card{
			Slot: c.Slot, Alias: c.Alias, Tail: tail(c.Masked), Currency: c.Currency, Locked: ph.triesLeft(c.Slot) == 0,
		})
	}
	return w
}

// owed finds a bill of a bare phone; nil when there is none.
func (p *Partition) owed(number gateway.MSISDN, id platform.BillID) (*phone, *record) {
	ph, ok := p.phones[number]
	if !ok || !ph.Bare() {
		return nil, nil
	}
	return ph, p.billOf(ph, id.Ref())
}

// chosen moves a bill as its holder wants. A bill that is past it stays as it is.
func (p *Partition) chosen(tx *engine.Tx, in Chosen) menu.Result {
	_, r := p.owed(in.Phone, in.Bill)
	if r == nil {
		return menu.Result{Code: applet.CodeExpired}
	}
	if closed, ok := closedAnswer(r, tx); ok {
		return menu.Result{Code: closed.Code}
	}
	path, err := p.path(r, in.Event, p.facts(tx, r))
	if err != nil {
		return menu.Result{Code: applet.CodeApproved}
	}
	s := story{Detail: overUSSD + string(in.Event)}
	if in.Event == bill.Refuse {
		r.Reason, s.Reason = platform.ReasonRefused, platform.ReasonRefused
	}
	p.advance(tx, r, path, CausePhone, s)
	return menu.Result{Code: applet.CodeApproved}
}

// typed checks a payment against its bill and moves the money only if all is right (S8).
func (p *Partition) typed(tx *engine.Tx, in Typed) menu.Result {
	ph, r := p.owed(in.Phone, in.Bill)
	if r == nil {
		return menu.Result{Code: applet.CodeExpired}
	}
	if r.Attempts > 0 && r.Transaction == in.Transaction {
		return r.result(r.Answer)
	}
	if closed, ok := closedAnswer(r, tx); ok {
		return r.result(closed)
	}
	pm := payment{
		Pay:   &applet.Pay{Ref: r.ID.Ref(), Transaction: in.Transaction},
		phone: ph, record: r, packet: new(taken), over: overUSSD,
	}
	v := p.judgeTyped(tx, pm, in)
	if !p.attempt(tx, pm, v, func() []engine.Effect { return nil }) {
		return menu.Result{}
	}
	if v.Code == applet.CodeWrongPIN || v.Code == applet.CodePINLocked {
		p.keepCounters(ph)
	}
	return r.result(v.answer)
}

// result is an answer as a menu has it.
func (r *record) result(a answer) menu.Result {
	ref := r.ID.Ref()
	return menu.Result{
		Code: a.Code, TriesLeft: a.TriesLeft,
		Approval: approval(binary.BigEndian.Uint64(ref[:]), r.Attempts, a.Code),
	}
}

// judgeTyped runs the checks in order: cap, card, lock, PIN, currency, limits, money.
func (p *Partition) judgeTyped(tx *engine.Tx, pm payment, in Typed) verdict {
	r, card := pm.record, pm.phone.card(in.Slot)
	switch {
	case p.config.capped(r.Amount, r.Currency) != nil:
		return decline(pm, card, applet.CodeOverLimit, platform.ReasonOverLimit)
	case card == nil:
		return decline(pm, nil, applet.CodeUnknownCard, platform.ReasonUnknownCard)
	case pm.phone.triesLeft(card.Slot) == 0:
		return decline(pm, card, applet.CodeNotPermitted, platform.ReasonPINLocked)
	case !p.config.Vault.VerifyPIN(card.PIN, card.Token, in.PIN):
		return wrongPIN(pm, card)
	}
	p.rightPIN(pm.phone, card)
	return p.judgeMoney(tx, pm, card)
}

// admits says whether a phone can be sent the bill of an order.
func (c Config) admits(payer Register, o platform.Order) error {
	switch {
	case payer.Bare():
		return c.capped(o.Amount, o.Currency)
	case !c.allowed(payer.Suite):
		return legacyOff("phone")
	}
	return nil
}

// capped says why so much cannot be paid over USSD, if it cannot.
func (c Config) capped(a money.Amount, currency money.Currency) error {
	most, on := c.USSDCap[currency]
	switch {
	case !on:
		return invalid("phone", fmt.Sprintf(
			"this phone has no secure element, and no bill in %s may be paid over USSD; start the platform with --ussd-cap %s=AMOUNT", currency, currency))
	case a > most:
		return invalid("amount", fmt.Sprintf(
			"this phone has no secure element, and pays bills of up to %s over USSD; start the platform with a higher --ussd-cap", money.Money{Amount: most, Currency: currency}))
	}
	return nil
}

func validateCap(most map[money.Currency]money.Amount) error {
	for currency, a := range most {
		if _, err := money.ParseCurrency(string(currency)); err != nil {
			return fmt.Errorf("billing: cap of USSD: %w", err)
		}
		if !a.Payable() {
			return errors.New("billing: cap of USSD: not an amount that can be paid")
		}
	}
	return nil
}
