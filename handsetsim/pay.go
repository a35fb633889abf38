package handsetsim

import (
	"fmt"
	"slices"
	"time"

	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// Choice is a card and the PIN typed for it. The PIN goes straight into the element.
type Choice struct {
	Slot int
	PIN  applet.PIN
}

// attempt is a payment on its way. The payload holds the card as the element keeps
// it and the PIN block, both encrypted, so it can be sent again without the person.
type attempt struct {
	slot     int
	tail     string // last four digits of the card, to know its results by
	payload  []byte
	sends    int
	answerBy time.Time
}

// verdict is what a result said, as far as telling a repeat of it needs.
type verdict struct {
	code      applet.ResponseCode
	tail      string
	triesLeft int
}

func (e *entry) sum() string {
	return money.Money{Amount: e.bill.Amount, Currency: e.bill.Currency}.String()
}

// Pay pays a bill with a card (S7). A bill that was not confirmed yet is confirmed
// by paying it.
func (p *Phone) Pay(ref applet.BillRef, c Choice, now time.Time, fx *Effects) error {
	e, err := p.actOn(ref, now)
	if err != nil {
		return err
	}
	if p.paying() {
		return ErrBusy
	}
	return p.pay(e, c, now, fx)
}

// paying says whether a payment is on its way. There is one at a time: the platform
// takes PIN counters of an element in rising order only.
func (p *Phone) paying() bool {
	return slices.ContainsFunc(p.bills, func(e *entry) bool { return e.state == StatePaying })
}

func (p *Phone) pay(e *entry, c Choice, now time.Time, fx *Effects) error {
	card, err := p.card(c.Slot)
	if err != nil {
		return err
	}
	payload, err := p.element.Pay(se.PayRequest{
		Bill: e.bill, Slot: c.Slot, PIN: c.PIN, Phone: p.number, Time: now, Transaction: p.transaction(now),
	})
	if err != nil {
		return fmt.Errorf("pay with card %d: %w", c.Slot, err)
	}
	if e.state != StateOpened {
		e.state = StateOpened
		p.tell(fx, e.event(Confirmed, now, e.sum()))
	}
	p.tell(fx, e.event(CardPicked, now, fmt.Sprintf("%s %s", card.Alias, card.Masked)))
	p.tell(fx, e.event(PINTyped, now, ""))
	e.state, e.actAt = StatePaying, time.Time{}
	e.attempt = attempt{slot: c.Slot, tail: tail(card.Masked), payload: payload}
	p.sendPay(e, now, fx)
	return nil
}

func (p *Phone) card(slot int) (se.Card, error) {
	for _, c := range p.element.Cards() {
		if c.Slot == slot {
			return c, nil
		}
	}
	return se.Card{}, fmt.Errorf("pay with card %d: %w", slot, se.ErrNoCard)
}

func tail(masked string) string { return masked[max(len(masked)-4, 0):] }

// transaction is a number that this phone has not used before; a repeated payment keeps its own.
func (p *Phone) transaction(now time.Time) uint64 {
	p.last = max(p.last+1, uint64(now.UnixNano()))
	return p.last
}

// sendPay sends the payment under the next packet counter, and waits twice as long
// for its result as the time before.
func (p *Phone) sendPay(e *entry, now time.Time, fx *Effects) {
	e.attempt.answerBy = now.Add(p.settings.AnswerWithin << e.attempt.sends)
	e.attempt.sends++
	e.unanswered++
	p.sayPayload(e.attempt.payload, "PAY", e.bill.Ref, now, fx)
}

// unanswered repeats a payment whose result did not come: the same transaction
// number in a new packet, so that it is paid once however many arrive. When that
// has been done often enough the bill is open again.
func (p *Phone) unanswered(e *entry, now time.Time, fx *Effects) {
	if e.attempt.sends <= p.settings.Repeats {
		p.tell(fx, e.event(Repeated, now, fmt.Sprintf("no result yet, repeat %d of %d", e.attempt.sends, p.settings.Repeats)))
		p.sendPay(e, now, fx)
		return
	}
	e.state, e.attempt.payload = StateOpened, nil
	e.text = "no answer to the payment"
	p.tell(fx, e.event(NoAnswer, now, e.text))
	p.ask(e, AskAgain, now)
}

// answered takes a RESULT.
func (p *Phone) answered(r *applet.Result, now time.Time, fx *Effects) {
	e := p.find(r.Ref)
	if e == nil {
		p.drops++
		p.tell(fx, Event{At: now, Kind: Dropped, Bill: r.Ref, Detail: "a result for no bill of this phone"})
		return
	}
	again := e.stray(r)
	e.unanswered = max(e.unanswered-1, 0)
	switch {
	case r.Code == applet.CodeApproved:
		p.approved(e, r, now, fx)
	case again || e.state == StatePaid:
	case r.Code == applet.CodeWrongPIN:
		p.show(e, r, now, fx)
		e.wrongPINs++
		p.back(e, AskPIN, now)
	case anotherCard(r.Code):
		p.show(e, r, now, fx)
		if e.attempt.slot != 0 && !slices.Contains(e.declined, e.attempt.slot) {
			e.declined = append(e.declined, e.attempt.slot)
		}
		p.back(e, AskOther, now)
	default:
		p.show(e, r, now, fx)
		p.end(e, StateClosed)
	}
}

// anotherCard says whether a decline is about the card, so that another one may do.
func anotherCard(c applet.ResponseCode) bool {
	switch c {
	case applet.CodeFunds, applet.CodeUnknownCard, applet.CodeNotPermitted, applet.CodeOverLimit:
		return true
	}
	return false
}

// stray says whether a decline answers an attempt that is over: a payment that was
// repeated can bring its result more than once, and late.
func (e *entry) stray(r *applet.Result) bool {
	if r.Code != applet.CodeWrongPIN && !anotherCard(r.Code) {
		return false
	}
	if e.state != StatePaying {
		return e.result == verdictOf(r)
	}
	if e.unanswered <= e.attempt.sends {
		return false
	}
	return e.result == verdictOf(r) || r.CardTail != "" && r.CardTail != e.attempt.tail
}

func verdictOf(r *applet.Result) verdict {
	return verdict{code: r.Code, tail: r.CardTail, triesLeft: r.TriesLeft}
}

// approved closes a bill as paid, once, and says so to the platform each time it is told.
func (p *Phone) approved(e *entry, r *applet.Result, now time.Time, fx *Effects) {
	if e.state != StatePaid {
		p.show(e, r, now, fx)
		p.end(e, StatePaid)
	}
	p.say(applet.ReceiptOf(p.element.Suite(), r, now), "RECEIPT", now, fx)
}

func (p *Phone) show(e *entry, r *applet.Result, now time.Time, fx *Effects) {
	e.result, e.text = verdictOf(r), r.Text
	p.tell(fx, e.event(ResultShown, now, string(r.Code)+" "+r.Text))
}

// back leads to the same bill again, for another card or another PIN (S10). A bill
// whose time ran out meanwhile expires when it is woken.
func (p *Phone) back(e *entry, prompt Prompt, now time.Time) {
	e.state, e.attempt.payload = StateOpened, nil
	p.ask(e, prompt, now)
}

// end closes a bill and drops what only an open one needs.
func (p *Phone) end(e *entry, s State) {
	e.state, e.actAt, e.decision = s, time.Time{}, Decision{}
	e.attempt, e.declined = attempt{slot: e.attempt.slot}, nil
	p.forget()
}
