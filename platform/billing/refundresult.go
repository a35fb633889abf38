package billing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// A merchant is told how a refund ended as it is told how a bill did: by the same schedule,
// listed when it does not take it, and by hand. All of it is in the merchant's partition.

// reportRefund tells the merchant of a refund that has ended. One that nobody is to be
// told of is acknowledged at once.
func (p *Partition) reportRefund(tx *engine.Tx, kept *refunds, r *refund, cause string) {
	if kept.CallbackURL == "" {
		p.acknowledgeRefund(tx, r, Reported{}, noAddress)
		return
	}
	p.tell(tx, &r.telling)
	told := story{Detail: fmt.Sprintf("callback %d", r.Reports), Attempt: r.Reports}
	p.noteRefund(tx, r, engine.Event{Name: "report", Cause: cause, Effects: kept.callbackEffect(r, false)}, told)
}

// callbackEffect is the latest callback about a refund.
func (k *refunds) callbackEffect(r *refund, byHand bool) []engine.Effect {
	event := api.RefundCallbackOf(k.Result, r.Refund, r.Total)
	return []engine.Effect{callbackEffect(string(r.ID), Callback{
		URL: k.CallbackURL, Merchant: k.Merchant, Bill: r.Bill, Refund: r.ID, Attempt: r.Reports, ByHand: byHand,
		Event: body(event), what: event.Type,
	})}
}

// noteRefund tells an event that leaves a refund where it is.
func (p *Partition) noteRefund(tx *engine.Tx, r *refund, e engine.Event, told story) {
	e.From, e.To = string(r.State), string(r.State)
	p.tellRefund(tx, r, e, told)
}

// refundReported takes the outcome of a callback about a refund.
func (p *Partition) refundReported(tx *engine.Tx, in Reported) {
	kept, r := p.refundOf(in.Refund)
	switch latest := r != nil && r.Reporting && in.Attempt == r.Reports; {
	case r == nil || in.Attempt < 1 || in.Attempt > r.Reports:
	case r.final() && latest:
		p.refundResent(tx, kept, r, CauseMerchant, in)
	case r.final():
	case in.Problem == "":
		p.acknowledgeRefund(tx, r, in, fmt.Sprintf("answered %d", in.Status))
		p.keepRefunds(tx, kept, r)
	case latest:
		p.refundReportFailed(tx, kept, r, CauseMerchant, in)
	}
}

// refundDue makes the next callback about a refund, or gives up waiting for the outcome of
// the last. One that is on its way to the payer is looked at again later.
func (p *Partition) refundDue(tx *engine.Tx, id platform.RefundID) {
	kept, r := p.refundOf(id)
	switch {
	case r == nil:
		tx.NoWake(string(id))
	case r.NextReport.IsZero() || r.NextReport.After(tx.Now()):
		p.keepRefunds(tx, kept, r)
	case r.Reporting && r.final():
		p.refundResent(tx, kept, r, CauseClock, p.noOutcome(&r.telling))
	case r.Reporting:
		p.refundReportFailed(tx, kept, r, CauseClock, p.noOutcome(&r.telling))
	default:
		p.reportRefund(tx, kept, r, CauseClock)
		p.keepRefunds(tx, kept, r)
	}
}

func (p *Partition) refundReportFailed(tx *engine.Tx, kept *refunds, r *refund, cause string, in Reported) {
	told := p.callbackFailed(tx, string(r.ID), &r.telling, in)
	p.noteRefund(tx, r, engine.Event{Name: "report_failed", Cause: cause}, told)
	p.keepRefunds(tx, kept, r)
}

// refundResent takes the outcome of a callback by hand to a merchant that had it already.
func (p *Partition) refundResent(tx *engine.Tx, kept *refunds, r *refund, cause string, in Reported) {
	name, told := r.endByHand(in)
	p.noteRefund(tx, r, engine.Event{Name: name, Cause: cause}, told)
	p.keepRefunds(tx, kept, r)
}

func (p *Partition) acknowledgeRefund(tx *engine.Tx, r *refund, in Reported, detail string) {
	r.Acknowledged, r.NextReport, r.Reporting = tx.Now(), time.Time{}, false
	p.noteRefund(tx, r, engine.Event{Name: "acknowledge", Cause: CauseMerchant}, story{Detail: detail, Attempt: in.Attempt, Status: in.Status})
}

// listRefund stages that a refund is in the list where it belongs, and in no other.
func (p *Partition) listRefund(tx *engine.Tx, kept *refunds, r *refund) {
	to := r.belongs(r.final())
	if to == r.listed {
		return
	}
	name := refundMember(kept.Merchant, r.ID)
	p.stageList(tx, name, r.listed, to)
	r.listed = to
	p.relist(name, r.Ended, to)
}

// callback is what is known of the telling of the merchant of a refund.
func (k *refunds) callback(r *refund) platform.Callback {
	return r.describe(platform.Callback{
		ID: r.CallbackID(), Bill: r.Bill, Refund: r.ID, Merchant: k.Merchant, URL: k.CallbackURL, Ended: r.Ended, Acknowledged: r.Acknowledged,
	})
}

// of finds one of the bill's refunds.
func (k *refunds) of(id platform.RefundID) *refund {
	if i := slices.IndexFunc(k.Refunds, func(r *refund) bool { return r.ID == id }); i >= 0 {
		return k.Refunds[i]
	}
	return nil
}

// resendRefund makes a callback about a refund by hand, as resend does one about a bill.
func (p *Partition) resendRefund(tx *engine.Tx, in Resend) (any, error) {
	kept, err := p.seenRefunds(in.Bill, in.Kept, in.Seen)
	switch {
	case err != nil:
		return nil, err
	case kept == nil || in.Merchant != "" && in.Merchant != kept.Merchant:
		return nil, noRefund()
	}
	r := kept.of(in.Refund)
	switch {
	case r == nil:
		return nil, noRefund()
	case !r.State.Ended():
		return nil, illegal("the refund is " + string(r.State) + ": its merchant is told when it has ended")
	case kept.CallbackURL == "":
		return nil, illegal("the bill has no callback address; read the refund with GET /v1/refunds/{id}")
	case r.Reporting:
		return kept.callback(r), nil
	}
	if _, awake := p.refunds[in.Bill]; !awake {
		p.remember(kept)
	}
	cause, told := p.tellByHand(tx, &r.telling, in)
	p.noteRefund(tx, r, engine.Event{Name: "resend", Cause: cause, Effects: kept.callbackEffect(r, true)}, told)
	p.keepRefunds(tx, kept, r)
	return kept.callback(r), nil
}

func noRefund() error {
	return &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such refund"}
}

// resumeRefunds makes the callbacks about refunds again that were under way, as resume does
// those about bills.
func (p *Partition) resumeRefunds(tx *engine.Tx) {
	made := 0
	for _, id := range slices.Sorted(maps.Keys(p.refunds)) {
		kept := p.refunds[id]
		for _, r := range kept.Refunds {
			if !r.Reporting || made == mostResumed {
				continue
			}
			made++
			r.NextReport = tx.Now().Add(p.config.Timing.ReportTimeout)
			told := story{Detail: fmt.Sprintf("callback %d, whose outcome is not known", r.Reports), Attempt: r.Reports}
			p.noteRefund(tx, r, engine.Event{Name: "report_again", Cause: CauseClock, Effects: kept.callbackEffect(r, false)}, told)
			p.keepRefunds(tx, kept, r)
		}
	}
}
