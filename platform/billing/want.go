package billing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// need answers what must be read before an input can be decided, as an engine.Missing.
func (p *Partition) need(in any) error {
	w := want{p: p}
	w.input(in)
	return w.missing()
}

// input wants what an input is about. Every input has its line here.
func (w *want) input(in any) {
	switch in := in.(type) {
	case Open:
		w.phone(in.Order.Phone)
	case Submitted:
		w.bill(in.Bill.Ref())
	case Cancel:
		w.bill(in.Bill.Ref())
	case Reported:
		w.bill(in.Bill.Ref())
	case Receipt:
		w.phone(in.Phone)
	case Message:
		w.phone(in.Phone)
	case FindBills:
		w.phone(in.Phone)
	case Chosen:
		w.phone(in.Phone)
	case Typed:
		w.phone(in.Phone)
	case FindPhone:
		w.newcomer(in.Phone)
	case Enrol:
		w.newcomer(in.Phone.MSISDN)
	case platform.Unlock:
		w.phone(in.Phone)
	case platform.Release:
		w.phone(in.Phone)
	case ClaimElement:
		w.element(in.Element)
	case Alarms:
		w.heldPhones()
	case Swept, Drain, FindTakings, RedoSweep, CorrectSweep:
		w.paid()
	case Resend:
		w.resend(in)
	case engine.Due:
		w.due(in)
	case Refund, Credit, Credited, Claim, ApplySweep, AddMerchant, FindMerchant, ChangeKeys, KeepIdentity, Settle, BeginAct, EndAct,
		EndpointFailed, EndpointWorks, platform.EnableEndpoint, Tally, FindCheckpoint, Retire, Trim,
		Reconciling, RestoreSweep, RestoreClaim: // what they are about is in memory
	default:
		w.err = fmt.Errorf("billing: nothing says what an input of type %T is about", in)
	}
}

// want gathers what an input needs.
type want struct {
	p    *Partition
	keys []engine.Key
	err  error
}

func (w *want) missing() error {
	if w.err != nil {
		return w.err
	}
	if len(w.keys) > 0 {
		return &engine.Missing{Keys: w.keys}
	}
	return nil
}

// resend wants the bill that a callback is about. Refunds are in memory, or brought.
func (w *want) resend(in Resend) {
	if in.Refund == "" {
		w.bill(in.Bill.Ref())
		w.filed(in)
	}
}

// key adds what is to be read, unless it was read and is no good.
func (w *want) key(k engine.Key) {
	if err := w.p.asleep.spoiled[k]; err != nil {
		w.err = err
		return
	}
	w.keys = append(w.keys, k)
}

// bill wants a bill that is live, and its phone.
func (w *want) bill(ref applet.BillRef) {
	w.nameless()
	a := &w.p.asleep
	if name, ok := a.bills[ref]; ok {
		w.key(billKey(name))
	} else if r, ok := a.orphans[ref]; ok {
		w.phoneFields(w.p.phoneID(r.Phone))
	}
}

// phone wants a phone and its bills.
func (w *want) phone(number gateway.MSISDN) {
	w.nameless()
	a := &w.p.asleep
	ph, awake := w.p.phones[number]
	if awake && len(a.byPhone) == 0 {
		return
	}
	var id string
	if awake {
		id = ph.id
	} else {
		id = w.p.phoneID(number)
		w.phoneFields(id)
	}
	for _, s := range a.billsOf(id) {
		w.bill(s.bill)
	}
}

// billsOf are the sleeping bills of the phones whose fingerprints begin as this one does.
func (a *asleep) billsOf(id string) []sleeper {
	short, _ := shortPhone(id)
	from, _ := slices.BinarySearchFunc(a.byPhone, short, func(s sleeper, phone uint32) int { return cmp.Compare(s.phone, phone) })
	to := from
	for to < len(a.byPhone) && a.byPhone[to].phone == short {
		to++
	}
	return a.byPhone[from:to]
}

// newcomer wants a phone that is hardly ever there yet: its register alone, and the rest
// when there is one. Of a phone with bills all is wanted at once, as ever.
func (w *want) newcomer(number gateway.MSISDN) {
	a := &w.p.asleep
	if w.p.phones[number] == nil {
		id := w.p.phoneID(number)
		if k := registerKey(id); !a.absent[k] && a.registers[id] == "" && len(a.billsOf(id)) == 0 {
			w.nameless()
			w.key(k)
			return
		}
	}
	w.phone(number)
}

// phoneFields wants all that is kept of a phone, unless there is nothing, but the register
// if that was read.
func (w *want) phoneFields(id string) {
	if w.p.asleep.absent[registerKey(id)] {
		return
	}
	fields := phoneKeys(id)
	if w.p.asleep.registers[id] != "" {
		fields = fields[1:]
	}
	for _, k := range fields {
		w.key(k)
	}
}

// nameless wants the bills of an older store.
func (w *want) nameless() { w.some(&w.p.asleep.nameless) }

// paid wants the bills that may be paid.
func (w *want) paid() {
	w.nameless()
	w.some(&w.p.asleep.near)
}

// some wants bills of a list, and takes those out that are awake.
func (w *want) some(refs *[]applet.BillRef) {
	a := &w.p.asleep
	if len(*refs) == 0 {
		return
	}
	*refs = slices.DeleteFunc(*refs, func(ref applet.BillRef) bool { return a.bills[ref] == "" && a.orphans[ref] == nil })
	for _, ref := range *refs {
		if len(w.keys) >= mostWanted {
			break
		}
		k, of := billKey(a.bills[ref]), ""
		if r := a.orphans[ref]; r != nil {
			of = w.p.phoneID(r.Phone)
			k = registerKey(of)
		}
		switch {
		case a.spoiled[k] != nil: // the others are none the worse
		case of != "":
			w.phoneFields(of)
		default:
			w.key(k)
		}
	}
}

func (w *want) element(id applet.ElementID) {
	k := engine.Key{Hash: "elements", Name: elementTail(id)}
	if _, awake := w.p.elements[k.Name]; !awake && !w.p.asleep.absent[k] {
		w.key(k)
	}
}

func (w *want) heldPhones() {
	for id := range w.p.asleep.held {
		w.phoneFields(id)
	}
}

func (w *want) due(in engine.Due) {
	if in.ID == resumeID || strings.HasPrefix(in.ID, sweepPrefix) {
		w.paid()
		return
	}
	name, _, _ := strings.Cut(in.ID, ":")
	if id, err := platform.ParseBillID(name); err == nil { // else a refund's
		w.bill(id.Ref())
	}
}
