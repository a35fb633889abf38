package billing

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// The kinds of effects, and what their bodies are.
const (
	EffectOpen     = "open"     // an Open, for the payer's partition
	EffectPush     = "push"     // a PhoneMessage: BILL
	EffectResult   = "result"   // a PhoneMessage: RESULT
	EffectKeys     = "keys"     // a PhoneMessage: KEYS
	EffectCallback = "callback" // a webhook call
	EffectSweep    = "sweep"    // an ApplySweep, for the home partition
	EffectRefund   = "refund"   // a Credit, for the payer's partition
)

// resultKept is how long a result is worth sending at least: it may come after the bill's end.
const resultKept = 10 * time.Minute

// resultEffect answers the phone with a response code.
func (p *Partition) resultEffect(tx *engine.Tx, r *record, ph *phone, a answer) engine.Effect {
	expires := later(r.Expires, tx.Now().Add(resultKept))
	ref := r.ID.Ref()
	number := binary.BigEndian.Uint64(ref[:])
	return p.phoneEffect(r, ph, EffectResult, &applet.Result{
		Ref:       ref,
		Code:      a.Code,
		Approval:  approval(number, r.Attempts, a.Code),
		Number:    number % 1e12,
		Amount:    r.Amount,
		Currency:  r.Currency,
		CardTail:  tail(r.Card),
		Time:      tx.Now(),
		TriesLeft: a.TriesLeft,
		Text:      resultText(r, a),
	}, expires)
}

// approval is the 6 digits that stand for an approved payment, the same each time it is told.
func approval(number uint64, attempt int, code applet.ResponseCode) string {
	if code != applet.CodeApproved {
		return ""
	}
	return fmt.Sprintf("%06d", (number/1e12+uint64(attempt))%1e6)
}

func tail(masked string) string {
	if len(masked) < 4 {
		return ""
	}
	return masked[len(masked)-4:]
}

func resultText(r *record, a answer) string {
	sum := money.Money{Amount: r.Amount, Currency: r.Currency}
	switch a.Code {
	case applet.CodeApproved:
		return fmt.Sprintf("Paid %s to %s", sum, r.MerchantName)
	case applet.CodeFunds:
		return "Not enough money; choose another card"
	case applet.CodeOverLimit:
		return "Over the limit; choose another card"
	case applet.CodeWrongPIN:
		return fmt.Sprintf("Wrong PIN, %d left", a.TriesLeft)
	case applet.CodePINLocked:
		return "Card locked; see your branch"
	case applet.CodeExpired:
		return "This bill has expired"
	case applet.CodeCancelled:
		return r.MerchantName + " withdrew this bill"
	case applet.CodeDuplicate:
		return "This bill is closed"
	case applet.CodeNotPermitted:
		if r.Reason == platform.ReasonElementHeld {
			return "Payments are held; see your branch"
		}
	}
	return "Payment refused; choose another card"
}

// Callback is the body of EffectCallback: what a merchant is to be told, and where.
type Callback struct {
	URL      string              `json:"url"`
	Merchant platform.MerchantID `json:"merchant"`
	Bill     platform.BillID     `json:"bill"`
	Refund   platform.RefundID   `json:"refund,omitempty"` // of the bill, when it is about that
	Attempt  int                 `json:"attempt"`
	ByHand   bool                `json:"by_hand,omitempty"` // asked for: it is made whatever became of others
	Event    json.RawMessage     `json:"event"`             // sent as it is

	what string // type of the event; empty: it is not read yet
}

// OpenCallback reads an effect that is a callback.
func OpenCallback(effect engine.Effect) (Callback, error) { return valueOf[Callback](effect) }

// ID names what is told, not the attempt: it is the webhook-id.
func (c Callback) ID() platform.CallbackID {
	told := c.told()
	if what, ok := strings.CutPrefix(told, "refund."); ok && c.Refund != "" {
		return platform.Refund{ID: c.Refund, State: platform.RefundState(what)}.CallbackID()
	}
	return platform.Bill{ID: c.Bill, State: fsm.State(strings.TrimPrefix(told, "bill."))}.CallbackID()
}

// told is the type of the event.
func (c Callback) told() string {
	if c.what != "" {
		return c.what
	}
	var event struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.Event, &event) // a type that is missing still leaves one id a bill
	return event.Type
}

// report tells the merchant how the bill ended (S8, S9, S11, S18). A bill nobody is
// to be told of is acknowledged at once.
func (p *Partition) report(tx *engine.Tx, r *record, cause string) {
	if r.CallbackURL == "" {
		p.acknowledge(tx, r, Reported{}, noAddress)
		return
	}
	path, err := p.path(r, bill.Report, p.facts(tx, r))
	if err != nil {
		return // acknowledged already
	}
	p.tell(tx, &r.telling)
	p.journal(tx, r, engine.Event{
		Name: string(path[0].event), From: string(r.State), To: string(r.State), Cause: cause,
		Effects: []engine.Effect{r.callbackEffect(false)},
	}, story{Detail: fmt.Sprintf("callback %d", r.Reports), Attempt: r.Reports})
}

// callbackEffect is the latest callback.
func (r *record) callbackEffect(byHand bool) engine.Effect {
	event := api.CallbackOf(r.Bill)
	return callbackEffect(string(r.ID), Callback{
		URL: r.CallbackURL, Merchant: r.Merchant, Bill: r.ID, Attempt: r.Reports, ByHand: byHand, Event: body(event), what: event.Type,
	})
}

// callbackEffect makes a callback about a bill or a refund.
func callbackEffect(of string, c Callback) engine.Effect {
	return engine.Effect{
		ID: of + "/callback/" + strconv.Itoa(c.Attempt), Kind: EffectCallback, Body: body(c), Value: c,
	}
}

// reported takes the outcome of a callback: the bill is final, or the next attempt is
// set. That the merchant has the result counts from any attempt, also a late one.
func (p *Partition) reported(tx *engine.Tx, in Reported) {
	if in.Refund != "" {
		p.refundReported(tx, in)
		return
	}
	r, ok := p.bills[in.Bill.Ref()]
	switch latest := ok && r.Reporting && in.Attempt == r.Reports; {
	case !ok || in.Attempt < 1 || in.Attempt > r.Reports:
	case r.final() && latest:
		p.resent(tx, r, CauseMerchant, in)
	case r.final():
	case in.Problem == "":
		p.acknowledge(tx, r, in, fmt.Sprintf("answered %d", in.Status))
		p.keep(tx, r)
	case latest:
		p.reportFailed(tx, r, CauseMerchant, in)
	}
}

// reportDue makes the next callback, or gives up waiting for the outcome of the last.
func (p *Partition) reportDue(tx *engine.Tx, r *record) {
	if r.Reporting {
		p.reportFailed(tx, r, CauseClock, p.noOutcome(&r.telling))
		return
	}
	p.report(tx, r, CauseClock)
	p.keep(tx, r)
}

func (p *Partition) reportFailed(tx *engine.Tx, r *record, cause string, in Reported) {
	told, state := p.callbackFailed(tx, string(r.ID), &r.telling, in), string(r.State)
	p.journal(tx, r, engine.Event{Name: "report_failed", From: state, To: state, Cause: cause}, told)
	p.keep(tx, r)
}

// acknowledge makes an ended bill final.
func (p *Partition) acknowledge(tx *engine.Tx, r *record, in Reported, detail string) {
	path, err := p.path(r, bill.Acknowledge, p.facts(tx, r))
	if err != nil {
		return
	}
	r.Acknowledged, r.NextReport, r.Reporting = tx.Now(), time.Time{}, false
	p.journal(tx, r, engine.Event{
		Name: string(path[0].event), From: string(r.State), To: string(r.State), Cause: CauseMerchant,
	}, story{Detail: detail, Attempt: in.Attempt, Status: in.Status})
}
