package billing

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// callbackState is how far the telling of the merchant has come.
func (r *record) callbackState() platform.CallbackState { return r.stands(r.final()) }

// index is the list that the bill belongs in.
func (r *record) index() list { return r.belongs(r.final()) }

// list stages that the bill is in the list where it belongs, and in no other.
func (p *Partition) list(tx *engine.Tx, r *record) {
	if to := r.index(); to != r.listed {
		p.stageList(tx, member(r.Merchant, r.ID), r.listed, to)
		p.relistBill(r, to)
	}
}

// relistBill notes the list that has the bill.
func (p *Partition) relistBill(r *record, to list) {
	if r.listed == to && to == unlisted {
		return
	}
	r.listed = to
	p.relist(member(r.Merchant, r.ID), r.Ended, to)
}

// callback is what is known of the telling of the merchant.
func (r *record) callback() platform.Callback {
	return r.describe(platform.Callback{
		ID: r.CallbackID(), Bill: r.ID, Merchant: r.Merchant, URL: r.CallbackURL, Ended: r.Ended, Acknowledged: r.Acknowledged,
	})
}

// resend makes a callback by hand: also of a result that is acknowledged, or after the
// schedule's end. While one is under way it is answered with that, so that a request
// that comes twice makes one.
func (p *Partition) resend(tx *engine.Tx, in Resend) (any, error) {
	if in.Refund != "" {
		return p.resendRefund(tx, in)
	}
	r, ok := p.bills[in.Bill.Ref()]
	if !ok {
		var err error
		if r, err = p.filedRecord(tx, in); err != nil {
			return nil, err
		}
	}
	switch {
	case in.Merchant != "" && r.Merchant != in.Merchant:
		return nil, notFound()
	case !bill.Ended(r.State):
		return nil, &platform.Error{
			Code: platform.CodeIllegalState, Field: "id", Detail: "the bill is " + string(r.State) + ": its merchant is told when it has ended",
		}
	case r.CallbackURL == "":
		return nil, &platform.Error{Code: platform.CodeIllegalState, Field: "id", Detail: "the bill has no callback address; read it with GET /v1/bills/{id}"}
	case r.Reporting:
		return r.callback(), nil
	}
	if !ok {
		if err := p.revive(tx, r); err != nil {
			return nil, err
		}
	}
	cause, told := p.tellByHand(tx, &r.telling, in)
	p.journal(tx, r, engine.Event{
		Name: "resend", From: string(r.State), To: string(r.State), Cause: cause, Effects: []engine.Effect{r.callbackEffect(true)},
	}, told)
	p.keep(tx, r)
	return r.callback(), nil
}

// filedRecord is the record of a bill that was filed, as its source has read it.
func (p *Partition) filedRecord(tx *engine.Tx, in Resend) (*record, error) {
	if in.Filed == "" || tx.Now().Sub(in.Looked) > p.config.Timing.Linger/2 {
		return nil, ErrLookAgain // it may have been revived and filed again by now
	}
	kept, err := p.readFiled(in)
	if err != nil {
		return nil, err
	}
	return &record{sealedBill: kept.sealedBill, thread: thread{First: kept.First, Last: kept.Last}, telling: telling{Reports: max(1, kept.Reports)}}, nil
}

func (p *Partition) readFiled(in Resend) (kept finished, err error) {
	if err = json.Unmarshal([]byte(in.Filed), &kept); err == nil {
		err = kept.open(p.config.Vault)
	}
	if err != nil {
		err = fmt.Errorf("read the filed bill %s: %w", in.Bill, err)
	}
	return kept, err
}

// filed wants the phone of a bill that was filed.
func (w *want) filed(in Resend) {
	if in.Filed == "" {
		return
	}
	if kept, err := w.p.readFiled(in); err == nil { // else the rule says so
		w.phone(kept.Phone)
	}
}

// revive makes a filed bill a live one again, until it has lingered. No packet that its
// phone has sent so far is about it.
func (p *Partition) revive(tx *engine.Tx, r *record) error {
	ph, ok := p.phones[r.Phone]
	if !ok {
		return fmt.Errorf("bill %s is for a phone that is not enrolled here", r.ID)
	}
	r.Known, r.deadline = ph.counters.In, deadlineName(r.ID, ph.id)
	p.adopt(r, ph)
	tx.DeleteField(finishedKey(r.ID), string(r.ID))
	return nil
}

// resent takes the outcome of a callback by hand to a merchant that had the result already.
func (p *Partition) resent(tx *engine.Tx, r *record, cause string, in Reported) {
	name, told := r.endByHand(in)
	state := string(r.State)
	p.journal(tx, r, engine.Event{Name: name, From: state, To: state, Cause: cause}, told)
	p.keep(tx, r)
}

// jittered spreads what would come at once: by the bill's id, which is random, and the
// attempt, so that the same one always waits as long.
func (t Timing) jittered(wait time.Duration, id string, attempt int) time.Duration {
	if t.ReportJitter <= 0 {
		return wait
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", id, attempt)
	part := float64(h.Sum64()>>11) / (1 << 53)
	return wait + time.Duration(part*t.ReportJitter*float64(wait))
}

// resumeID names the deadline that comes when the partition is taken.
const resumeID = "resume"

// Resumes implements [engine.Resumer].
func (p *Partition) Resumes() string { return resumeID }

// mostResumed is how many callbacks are made again at once after a takeover; the others
// wait for their deadlines.
const mostResumed = 1000

// resume makes the callbacks again that were under way when another process, or this one
// with another memory, had the partition: they are the same attempts, and whoever makes
// them knows those that it is making already.
func (p *Partition) resume(tx *engine.Tx) {
	for _, r := range p.reporting() {
		r.NextReport = tx.Now().Add(p.config.Timing.ReportTimeout)
		state := string(r.State)
		p.journal(tx, r, engine.Event{
			Name: "report_again", From: state, To: state, Cause: CauseClock, Effects: []engine.Effect{r.callbackEffect(false)},
		}, story{Detail: fmt.Sprintf("callback %d, whose outcome is not known", r.Reports), Attempt: r.Reports})
		p.keep(tx, r)
	}
	p.resumeRefunds(tx)
}

// reporting are the bills whose callback is under way, in the order of their ids.
func (p *Partition) reporting() (all []*record) {
	for _, r := range p.bills {
		if r.Reporting {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all[:min(len(all), mostResumed)]
}
