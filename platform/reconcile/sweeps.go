package reconcile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// sweeps holds those that have left against those that have arrived.
func (l *look) sweeps() (all []Finding) {
	for _, origin := range l.sides {
		for name, d := range origin.left {
			if f, ok := l.gone(origin, name, d); ok {
				all = append(all, f)
			}
		}
	}
	for _, home := range l.sides {
		for name, a := range home.arrived {
			if f, ok := l.unknown(name, a); ok {
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Sweep.origin(), b.Sweep.origin()), cmp.Compare(a.Sweep.Number, b.Sweep.Number), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

func (l *look) side(n engine.Partition) *side {
	if n < 0 || int(n) >= len(l.sides) {
		return newSide(n, nil)
	}
	return l.sides[n]
}

// gone is a sweep that is closed where it left, and not at home, or there with another sum.
func (l *look) gone(origin *side, name string, d departure) (Finding, bool) {
	home := l.side(l.homes.PayeeHome(d.Payee))
	a, arrived := home.arrived[name]
	closed := origin.closed[d.sub]
	switch {
	case d.Number > closed.Number || d.Number == closed.Number && closed.Open:
		return Finding{}, false // on its way
	case !arrived && home.covers(d.at):
		return Finding{
			Kind: platform.SweepNotHome, At: home.number, Key: "swept", Sweep: d.Sweep, Seen: home.swept[d.origin()],
			Detail: fmt.Sprintf("sweep %s left with %d, and home has not applied it", name, d.Amount),
		}, true
	case arrived && a.Amount != d.Amount:
		f := Finding{Kind: platform.SweepDiffers, At: origin.number, Key: "sweeps", Sweep: a.Sweep, Was: d.Amount}
		f.Detail = fmt.Sprintf("home has applied sweep %s with %d, and its origin has it with %d", name, a.Amount, d.Amount)
		return f, true
	}
	return Finding{}, false
}

// unknown is a sweep that home has applied and that is not known where it left.
func (l *look) unknown(name string, a arrival) (Finding, bool) {
	origin := l.side(a.From)
	_, left := origin.left[name]
	known := origin.sweeps["sub:"+a.Payee+":"+a.Currency].Number
	if left || a.Number <= known || a.round > 0 { // known, though its journal is trimmed; or seen too late to tell
		return Finding{}, false
	}
	return Finding{
		Kind: platform.SweepUnknown, At: origin.number, Key: "sweeps", Sweep: a.Sweep,
		Detail: fmt.Sprintf("home has applied sweep %s with %d, and its origin does not know it", name, a.Amount),
	}, true
}
