package driver

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
)

// book has all bills of a run, by what those who speak of them know them by: shops by the
// reference, phones by the reference on the wire. A phone can speak of a bill before the
// answer to its order is here; what it says is kept until then.
type book struct {
	mu       sync.Mutex
	trips    []*trip // the reference is the place
	refs     map[applet.BillRef]*trip
	early    map[applet.BillRef][]handsetsim.Event
	receipts receipts
	open     []int32 // bills before each handset
	active   int     // handsets that have one
	over     func()  // a bill has ended; may be nil
	menus    menus
	deafened bool          // phones are not heard of any more
	ahead    time.Duration // the platform's clock, of this process's
}

func newBook(handsets int) *book {
	return &book{
		refs: make(map[applet.BillRef]*trip), early: make(map[applet.BillRef][]handsetsim.Event),
		receipts: newReceipts(), open: make([]int32, handsets), menus: make(menus),
	}
}

// begin writes down that a bill is begun, and answers its reference.
func (k *book) begin(t *trip) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trips = append(k.trips, t)
	t.blind = t.blind || k.deafened
	if t.menu {
		k.menus.begin(t)
	}
	if k.open[t.handset]++; k.open[t.handset] == 1 {
		k.active++
	}
	return reference(len(k.trips) - 1)
}

// whenOver has f called when a bill is over; it must not block.
func (k *book) whenOver(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = f
}

// reference is the order's of the n-th bill that was begun.
func reference(n int) string { return "b" + strconv.Itoa(n) }

// find is the bill of a reference. The lock is held.
func (k *book) find(reference string) *trip {
	digits, ok := strings.CutPrefix(reference, "b")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n >= len(k.trips) {
		return nil
	}
	return k.trips[n]
}

// handsets is how many have a bill before them.
func (k *book) handsets() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.active
}

// answered takes the platform's answer to an order.
func (k *book) answered(t *trip, b api.Bill, err error, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t.record.Step(load.Create, t.since(at), err == nil)
	switch {
	case err == nil:
		k.named(t, b)
	case t.is(created): // a callback was quicker than the answer that was lost
	default:
		t.cause = refusal(err)
		if !unknown(err) {
			k.end(t)
			return
		}
		t.cause = "" // it may be made all the same: then a callback will say so
	}
	k.settle(t)
}

// named takes the id of a bill, and what its phone said of it before.
func (k *book) named(t *trip, b api.Bill) {
	if !t.once(created) {
		return
	}
	t.id = b.ID
	ref := b.ID.Ref()
	k.refs[ref] = t
	for _, e := range k.early[ref] {
		k.happened(t, e)
	}
	delete(k.early, ref)
}

// unknown says whether an order may have been taken all the same.
func unknown(err error) bool {
	problem, ok := errors.AsType[*api.Problem](err)
	return errors.Is(err, api.ErrUnknown) && !notSent(err) || ok && problem.Unknown()
}

// notSent says whether nobody was there to ask.
func notSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// refusal is the cause of an order that was not taken.
func refusal(err error) load.Cause {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case ok && timeout.Timeout():
		return load.OrderTimeout
	case unknown(err):
		return load.OrderUnknown
	}
	return load.OrderRefused
}

// onPhone takes what happened on a phone.
func (k *book) onPhone(e handsetsim.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.Bill == (applet.BillRef{}) {
		k.onMenu(e)
		return
	}
	t := k.refs[e.Bill]
	if t == nil {
		k.early[e.Bill] = append(k.early[e.Bill], e)
		return
	}
	k.happened(t, e)
	k.settle(t)
}

// happened takes an event of a bill's phone. The lock is held.
func (k *book) happened(t *trip, e handsetsim.Event) {
	t.took += e.Took
	switch e.Kind {
	case handsetsim.Received:
		if e.Detail == "BILL" && t.once(pushed) {
			t.record.Step(load.Push, t.since(e.At), true)
			k.receipts.arrived(t, e.Phone, e.At)
		}
	case handsetsim.Refused:
		t.once(decided)
	case handsetsim.Sent:
		if e.Detail == "PAY" {
			t.pays++
		}
	case handsetsim.Accepted:
		if e.Detail == "PAY" && t.once(replied) {
			t.record.Step(load.Reply, t.system(e.At), true)
		}
	case handsetsim.ResultShown:
		if !strings.HasPrefix(e.Detail, string(applet.CodeApproved)) {
			t.once(declined)
		}
	case handsetsim.SendFailed:
		t.record.Step(load.Reply, 0, false)
		t.submit = cmp.Or(submission(e.Detail), t.submit)
	}
}

// onCarrier takes what happened to a message at the carrier.
func (k *book) onCarrier(e smsc.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.receipts.onCarrier(e)
}

// callback takes a callback, and answers the status for it.
func (k *book) callback(shop int, c api.Callback, turnAway func(attempt int) int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.called(shop, c)
	if t == nil {
		return http.StatusNotFound // not ours: it comes again, and is found missing in the end
	}
	t.calls++
	if status := turnAway(t.calls); status/100 != 2 {
		t.turned++
		t.record.Step(load.Callback, 0, false)
		return status
	}
	k.taken(t, c.Data, time.Now())
	return http.StatusNoContent
}

// late takes a callback that came to be answered when the platform had given it up.
func (k *book) late(shop int, c api.Callback) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.called(shop, c); t != nil {
		t.late++
		t.record.Step(load.Callback, 0, false)
	}
}

// called is the bill that a shop is called about; nil: it has none of it. The lock is held.
func (k *book) called(shop int, c api.Callback) *trip {
	t := k.find(c.Data.Reference)
	if t == nil || t.shop != shop || c.Data.Refund != nil {
		return nil
	}
	k.named(t, api.Bill{ID: c.Data.ID})
	return t
}

// submission is why the carrier did not take a phone's message, as far as it has a name.
func submission(detail string) load.Cause {
	switch {
	case strings.Contains(detail, smpp.RTHROTTLED.String()):
		return load.SubmitThrottled
	case strings.Contains(detail, smpp.RSYSERR.String()):
		return load.SubmitSysfail
	}
	return ""
}

// taken writes down what a shop was told. The lock is held.
func (k *book) taken(t *trip, r api.Result, at time.Time) {
	if t.is(acknowledged) {
		if t.state != r.State {
			t.cause = load.IllegalTransition // it was told two ends; the judge will see which is right
		}
		return
	}
	t.once(acknowledged)
	r.Paid, r.Ended = k.here(r.Paid), k.here(r.Ended)
	t.told(r, at)
	from := r.Paid
	if from.IsZero() {
		from = r.Ended
	}
	t.record.Step(load.Callback, max(at.Sub(from), 1), true)
	k.settle(t)
}

// settle ends a bill when all is known of it. The lock is held.
func (k *book) settle(t *trip) {
	if t.is(acknowledged) && t.heard() {
		k.end(t)
	}
}

// end counts a bill as over. The lock is held.
func (k *book) end(t *trip) {
	if !t.once(ended) {
		return
	}
	o := t.outcome()
	if o.E2E > 0 && !t.blind {
		t.record.Step(load.System, t.system(t.toldAt), o.Cause == "")
	}
	t.record.Ended(o)
	if t.menu {
		k.menus.end(t, o.Pay > 0)
	}
	if k.open[t.handset]--; k.open[t.handset] == 0 {
		k.active--
	}
	if k.over != nil {
		k.over()
	}
}

// here is a moment of the platform's clock by the clock of this process.
func (k *book) here(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(-k.ahead)
}

// deafen ends the waiting for what phones do.
func (k *book) deafen() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deafened = true
	for _, t := range k.trips {
		if !t.is(ended) {
			t.blind = true
			k.settle(t)
		}
	}
}

// rest ends what is not over when the run is: callbacks that came without all that the
// phone did, and bills that have not ended. It answers how many did not.
func (k *book) rest() (unfinished int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.trips {
		if t.is(ended) {
			continue
		}
		if !t.is(acknowledged) {
			unfinished++
		}
		k.end(t)
	}
	return unfinished
}

// waiting is how many bills are begun and not over.
func (k *book) waiting() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, open := range k.open {
		n += int(open)
	}
	return n
}
