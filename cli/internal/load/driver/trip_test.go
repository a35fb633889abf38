package driver

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// oneBill is a book with one bill, whose phone is to pay.
func oneBill() (*book, *trip) {
	k := newBook(1)
	t := &trip{record: load.NewRecorder(load.Recording{}).Due(0), habit: persona.Pays}
	t.reference = k.begin(t)
	return k, t
}

var billID = platform.BillID("bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ")

// TestSubmitCauses: a bill that ran out, since the carrier did not take its phone's
// payment, has the carrier's reason for its cause.
func TestSubmitCauses(t *testing.T) {
	for status, want := range map[smpp.Status]load.Cause{
		smpp.RTHROTTLED: load.SubmitThrottled, smpp.RSYSERR: load.SubmitSysfail, smpp.RINVDSTADR: load.Expired,
	} {
		k, one := oneBill()
		k.answered(one, api.Bill{ID: billID}, nil, time.Now())
		why := (&smpp.StatusError{Status: status}).Error()
		k.onPhone(handsetsim.Event{Kind: handsetsim.SendFailed, Bill: billID.Ref(), Detail: "PAY: " + why})
		one.state = bill.Expired
		if got := one.why(); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
		if one.state = bill.Settled; one.why() != "" {
			t.Errorf("%s, and paid all the same: %q", why, one.why())
		}
	}
}

// TestLateCallback: a callback that the platform gave up before it could be answered is
// not written down; it is the cause unless another comes in time.
func TestLateCallback(t *testing.T) {
	k, one := oneBill()
	s := &shops{book: k}
	told := api.Callback{Data: api.Result{ID: billID, Reference: one.reference, State: bill.Settled}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.write(gone, 0, told)
	if got := one.why(); got != load.CallbackTimeout || one.is(acknowledged) {
		t.Errorf("cause %q, acknowledged %v", got, one.is(acknowledged))
	}
	if status := s.write(t.Context(), 0, told); status != http.StatusNoContent || one.why() != "" {
		t.Errorf("the next one: status %d, cause %q", status, one.why())
	}
}
