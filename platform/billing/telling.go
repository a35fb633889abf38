package billing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// telling is how far the telling of a merchant has come, as it is kept with what the
// merchant is told of: a bill, or a refund.
type telling struct {
	Reports    int       `json:"reports,omitempty"`   // callbacks made
	Reporting  bool      `json:"reporting,omitempty"` // the last one's outcome is awaited
	NextReport time.Time `json:"next_report,omitzero"`
	Trouble    *trouble  `json:"callback_trouble,omitempty"` // with them; nil: the first one did it
	listed     list      // where those are that have failed
}

// trouble is what is kept of callbacks when not the first of them did it.
type trouble struct {
	ByHand  int       `json:"by_hand,omitempty"`  // of the callbacks made
	Spent   bool      `json:"spent,omitempty"`    // no more are made but by hand
	Failure *failure  `json:"failure,omitempty"`  // of the last one that failed
	Resent  time.Time `json:"resent_at,omitzero"` // when one was made by hand last
}

// failure is why a callback was not acknowledged.
type failure struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitempty"` // of the answer; 0: there was none
	Problem string    `json:"problem"`
}

// inTrouble is the trouble to be noted in.
func (t *telling) inTrouble() *trouble {
	if t.Trouble == nil {
		t.Trouble = new(trouble)
	}
	return t.Trouble
}

// had is the trouble so far.
func (t *telling) had() (had trouble) {
	if t.Trouble != nil {
		had = *t.Trouble
	}
	return had
}

// stands is how far the telling has come. It is final when the merchant has acknowledged.
func (t *telling) stands(final bool) platform.CallbackState {
	switch {
	case final:
		return platform.CallbackDelivered
	case t.Reports > 0 && t.NextReport.IsZero():
		return platform.CallbackExhausted
	}
	return platform.CallbackPending
}

// belongs is the list that it belongs in.
func (t *telling) belongs(final bool) list {
	if t.had().Failure == nil {
		return unlisted
	}
	return listOf(t.stands(final))
}

// describe completes what is shown of a callback.
func (t *telling) describe(c platform.Callback) platform.Callback {
	c.State, c.Attempts, c.Next = t.stands(!c.Acknowledged.IsZero()), t.Reports, t.NextReport
	if f := t.had().Failure; f != nil {
		c.Failed, c.Status, c.Problem = f.At, f.Status, f.Problem
	}
	return c
}

// tell counts one more callback. The deadline stands for its outcome: an attempt that is
// lost with its process has failed by then.
func (p *Partition) tell(tx *engine.Tx, t *telling) {
	t.Reports++
	t.Reporting = true
	t.NextReport = tx.Now().Add(p.config.Timing.ReportTimeout)
}

// tellByHand counts one that is asked for, and says who asks.
func (p *Partition) tellByHand(tx *engine.Tx, t *telling, in Resend) (cause string, told story) {
	p.tell(tx, t)
	had := t.inTrouble()
	had.ByHand++
	had.Resent = tx.Now()
	told = story{Detail: fmt.Sprintf("callback %d, by hand", t.Reports), Attempt: t.Reports}
	if in.Merchant != "" {
		return CauseMerchant, told
	}
	told.By, told.Said = in.By, p.saying(in.Note)
	return CauseOperator, told
}

// noOutcome stands for the outcome of an attempt that is not heard of any more.
func (p *Partition) noOutcome(t *telling) Reported {
	return Reported{Attempt: t.Reports, Problem: "no outcome within " + p.config.Timing.ReportTimeout.String()}
}

// callbackFailed notes that the latest callback has failed, and when the next one is made of what
// has that id.
func (p *Partition) callbackFailed(tx *engine.Tx, of string, t *telling, in Reported) story {
	t.Reporting = false
	t.NextReport = p.nextAttempt(tx.Now(), of, t, in)
	had := t.inTrouble()
	had.Failure = &failure{At: tx.Now(), Status: in.Status, Problem: in.Problem}
	detail := in.Problem
	if had.Spent = t.NextReport.IsZero(); had.Spent {
		detail += "; given up"
	}
	return story{Detail: detail, Attempt: t.Reports, Status: in.Status, Next: t.NextReport}
}

// nextAttempt is zero when the schedule is used up or the merchant wants no more. Attempts
// by hand take nothing from the schedule.
func (p *Partition) nextAttempt(now time.Time, of string, t *telling, in Reported) time.Time {
	const gone = 410 // RFC 9110 §15.5.11: the merchant wants no more
	had := t.had()
	done := t.Reports - had.ByHand
	if had.Spent || done > len(p.config.Timing.Reports) || in.Status == gone || in.Stop {
		return time.Time{}
	}
	wait := max(p.config.Timing.Reports[max(done, 1)-1], in.RetryAfter)
	return now.Add(p.config.Timing.jittered(wait, of, t.Reports))
}

// endByHand notes the outcome of a callback by hand to a merchant that had acknowledged
// before, and what the journal says of it.
func (t *telling) endByHand(in Reported) (name string, told story) {
	t.Reporting, t.NextReport = false, time.Time{}
	told = story{Detail: fmt.Sprintf("answered %d", in.Status), Attempt: in.Attempt, Status: in.Status}
	if in.Problem == "" {
		return "resent", told
	}
	told.Detail = in.Problem
	return "report_failed", told
}

// list is where a callback is listed.
type list uint8

const (
	unlisted list = iota
	listedPending
	listedExhausted
)

// The sets of bills and refunds whose callback was not acknowledged at once. One whose
// first callback does it is in none, and costs nothing.
const (
	pendingSet   = "callbacks:pending"
	exhaustedSet = "callbacks:exhausted"
)

// set is its name; none for those that are in no list of their own.
func (l list) set() string { return [...]string{"", pendingSet, exhaustedSet}[l] }

// listOf is the list of callbacks in a state.
func listOf(s platform.CallbackState) list {
	switch s {
	case platform.CallbackPending:
		return listedPending
	case platform.CallbackExhausted:
		return listedExhausted
	}
	return unlisted
}

// member is a bill in such a set.
func member(m platform.MerchantID, id platform.BillID) string { return string(m) + ":" + string(id) }

// refundMember is a refund there, in the merchant's partition: after its bill.
func refundMember(m platform.MerchantID, id platform.RefundID) string {
	return member(m, id.Bill()) + ":" + string(id)
}

// memberOf is what a callback is about, there.
func memberOf(c platform.Callback) string {
	if c.Refund != "" {
		return refundMember(c.Merchant, c.Refund)
	}
	return member(c.Merchant, c.Bill)
}

// cutMember is whose a member is, and what it names.
func cutMember(name string) (platform.MerchantID, platform.CallbackSubject) {
	m, rest, _ := strings.Cut(name, ":")
	bill, refund, _ := strings.Cut(rest, ":")
	return platform.MerchantID(m), platform.CallbackSubject{Bill: platform.BillID(bill), Refund: platform.RefundID(refund)}
}

// stageList stages that something goes from one list to another.
func (p *Partition) stageList(tx *engine.Tx, name string, from, to list) {
	if from != unlisted {
		tx.DeleteScore(from.set(), name)
	}
	if to != unlisted {
		tx.SetScore(to.set(), name, 0)
	}
}

// relist notes the list that has something.
func (p *Partition) relist(name string, ended time.Time, to list) {
	delete(p.pending, name)
	delete(p.exhausted, name)
	switch to {
	case listedPending:
		p.pending[name] = ended
	case listedExhausted:
		p.exhausted[name] = struct{}{}
	}
}

// loadCallbacks counts what is in the sets; most of the bills are asleep, and the refunds
// that are exhausted rest.
func (p *Partition) loadCallbacks(ctx context.Context, r engine.Reader) error {
	pending, err := r.Members(ctx, pendingSet, engine.Range{})
	if err != nil {
		return err
	}
	for _, name := range pending {
		_, of := cutMember(name)
		p.pending[name] = of.Bill.Time()
	}
	exhausted, err := r.Members(ctx, exhaustedSet, engine.Range{})
	for _, name := range exhausted {
		p.exhausted[name] = struct{}{}
	}
	return err
}
