package billing

import (
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// A merchant is told how a refund ended as it is told how a bill did, by the same schedule.

// reportRefund tells the merchant of a refund that has ended. One that nobody is to be
// told of is acknowledged at once.
func (p *Partition) reportRefund(tx *engine.Tx, kept *refunds, r *refund, cause string) {
	if kept.CallbackURL == "" {
		p.acknowledgeRefund(tx, r, noAddress)
		return
	}
	r.Reports++
	r.Reporting = true
	r.NextReport = tx.Now().Add(p.config.Timing.ReportTimeout)
	effect := engine.Effect{
		ID: fmt.Sprintf("%s/callback/%d", r.ID, r.Reports), Kind: EffectCallback,
		Body: body(Callback{
			URL: kept.CallbackURL, Merchant: kept.Merchant, Bill: r.Bill, Refund: r.ID, Attempt: r.Reports,
			Event: body(api.RefundCallbackOf(kept.Result, r.Refund, r.Total)),
		}),
	}
	state := string(r.State)
	p.tellRefund(tx, r, engine.Event{Name: "report", From: state, To: state, Cause: cause, Effects: []engine.Effect{effect}},
		story{Detail: fmt.Sprintf("callback %d", r.Reports)})
}

// refundReported takes the outcome of a callback about a refund.
func (p *Partition) refundReported(tx *engine.Tx, in Reported) {
	kept, r := p.refundOf(in.Refund)
	switch {
	case r == nil || !r.Acknowledged.IsZero() || in.Attempt < 1 || in.Attempt > r.Reports:
	case in.Problem == "":
		p.acknowledgeRefund(tx, r, fmt.Sprintf("answered %d", in.Status))
		p.keepRefunds(tx, kept, r)
	case r.Reporting && in.Attempt == r.Reports:
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
	case r.Reporting:
		p.refundReportFailed(tx, kept, r, CauseClock, Reported{Problem: "no outcome within " + p.config.Timing.ReportTimeout.String()})
	default:
		p.reportRefund(tx, kept, r, CauseClock)
		p.keepRefunds(tx, kept, r)
	}
}

func (p *Partition) refundReportFailed(tx *engine.Tx, kept *refunds, r *refund, cause string, in Reported) {
	r.Reporting = false
	r.NextReport = p.nextAttempt(tx.Now(), attempts{of: string(r.ID), made: r.Reports, done: r.Reports}, in)
	detail := in.Problem
	if r.NextReport.IsZero() {
		detail += "; given up"
	}
	state := string(r.State)
	p.tellRefund(tx, r, engine.Event{Name: "report_failed", From: state, To: state, Cause: cause}, story{Detail: detail})
	p.keepRefunds(tx, kept, r)
}

func (p *Partition) acknowledgeRefund(tx *engine.Tx, r *refund, detail string) {
	r.Acknowledged, r.NextReport, r.Reporting = tx.Now(), time.Time{}, false
	state := string(r.State)
	p.tellRefund(tx, r, engine.Event{Name: "acknowledge", From: state, To: state, Cause: CauseMerchant}, story{Detail: detail})
}
