package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// transit follows sweeps and refunds from the partition they leave to the one they come to.
type transit struct {
	left    map[string]int64 // by origin, payee, currency and number
	arrived map[string]int64
	times   map[string]int // that a sweep arrived
	homes   map[string]int // the partition it arrived in
	cuts    cuts
	frozen  map[string]bool // what had arrived when the journals were read on to see it leave
	refunds map[string]*passage
}

func newTransit() *transit {
	return &transit{left: map[string]int64{}, arrived: map[string]int64{}, times: map[string]int{}, homes: map[string]int{}, refunds: map[string]*passage{}}
}

// see notes one clearing posting: into clearing where a sweep leaves, out of it where it arrives.
func (t *transit) see(b *books, entry string, event engine.Event, amount int64) {
	switch {
	case event.Name == "sweep_out" && len(event.Effects) == 1 && amount > 0:
		// sub:PAYEE:CUR, and the number is in the effect sweep:sub:PAYEE:CUR:NUMBER
		id := event.Effects[0].ID
		t.left[fmt.Sprintf("%d:%s:%s", b.partition, strings.TrimPrefix(event.Subject, "sub:"), id[strings.LastIndexByte(id, ':')+1:])] += amount
	case event.Name == "sweep_corrected":
		t.left[fmt.Sprintf("%d:%s", b.partition, strings.TrimPrefix(event.Subject, "sub:"))] += amount
	case (event.Name == "sweep_in" || event.Name == "sweep_late") && amount < 0:
		t.arrived[event.Subject] -= amount
		t.times[event.Subject]++
		t.homes[event.Subject] = b.partition
	default:
		b.journal.wrong(entry, "%s of %s moves %d through clearing", event.Name, event.Subject, amount)
	}
}

// freeze bounds what must have left to what has arrived by now.
func (t *transit) freeze() {
	t.frozen = make(map[string]bool, len(t.arrived))
	for sweep := range t.arrived {
		t.frozen[sweep] = true
	}
	for _, p := range t.refunds {
		p.frozen = true
	}
}

// unexplained says that a sweep or a refund was seen to arrive that was not seen to leave,
// or a refund to be posted that was not seen to arrive.
func (t *transit) unexplained() bool {
	for _, p := range t.refunds {
		if p.wanting() {
			return true
		}
	}
	for sweep := range t.arrived {
		if _, ok := t.left[sweep]; !ok && !t.cuts.from(sweep) {
			return true
		}
	}
	return false
}

// compare checks that each sweep arrived once and whole, and sums up those on their way.
func (t *transit) compare(report *Report) {
	for sweep, amount := range t.left {
		report.Clearing[sweepCurrency(sweep)] += amount
	}
	for _, sweep := range slices.Sorted(maps.Keys(t.arrived)) {
		amount := t.arrived[sweep]
		if _, ok := t.left[sweep]; !ok && (!t.frozen[sweep] || t.cuts.from(sweep)) {
			continue
		}
		report.Clearing[sweepCurrency(sweep)] -= amount
		left, ok := t.left[sweep]
		look := "{" + engine.Partition(t.homes[sweep]).String() + "}:journal"
		switch {
		case !ok:
			report.differ("sweep %s arrived with %d, but never left; look at %s", sweep, amount, look)
		case t.times[sweep] > 1:
			report.differ("sweep %s arrived %d times; look at %s", sweep, t.times[sweep], look)
		case left != amount:
			report.differ("sweep %s left with %d and arrived with %d; look at %s", sweep, left, amount, look)
		}
	}
	t.compareRefunds(report)
}

// sweepCurrency is the last part but one of PARTITION:PAYEE:CUR:NUMBER.
func sweepCurrency(sweep string) string {
	return currency(sweep[:max(strings.LastIndexByte(sweep, ':'), 0)])
}
