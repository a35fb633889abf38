package handsetsim

import (
	"slices"
	"time"

	"github.com/airtill/airtill/platform/applet"
)

// BillView is one bill of the client's list as it may be shown.
type BillView struct {
	Bill      applet.Bill
	State     State
	Since     time.Time           // when it arrived first
	Card      int                 // slot of the card picked last; 0: none
	Declined  []int               // slots of the cards declined for this bill
	WrongPINs int                 // typed for this bill
	TriesLeft int                 // of the PIN, as the last result said
	Code      applet.ResponseCode // of the last result; empty: none yet
	Text      string              // what it said
}

// Open says whether the bill still waits for its holder.
func (v BillView) Open() bool {
	return v.State == StateShown || v.State == StateOpened || v.State == StateDeferred
}

// Bills is the client's list, oldest first.
func (p *Phone) Bills() []BillView {
	all := make([]BillView, 0, len(p.bills))
	for _, e := range p.bills {
		all = append(all, e.view())
	}
	return all
}

// Bill is one bill of the list.
func (p *Phone) Bill(ref applet.BillRef) (BillView, bool) {
	e := p.find(ref)
	if e == nil {
		return BillView{}, false
	}
	return e.view(), true
}

// OpenBills counts the bills that wait for their holder or for a result.
func (p *Phone) OpenBills() int {
	n := 0
	for _, e := range p.bills {
		if !e.closed() {
			n++
		}
	}
	return n
}

func (e *entry) view() BillView {
	return BillView{
		Bill: e.bill, State: e.state, Since: e.since, Card: e.attempt.slot, Declined: slices.Clone(e.declined),
		WrongPINs: e.wrongPINs, TriesLeft: e.result.triesLeft, Code: e.result.code, Text: e.text,
	}
}
