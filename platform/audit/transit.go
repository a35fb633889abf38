package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// transit follows sweeps from the partition they leave to the one they come home to.
type transit struct {
	left    map[string]int64 // by origin, payee, currency and number
	arrived map[string]int64
	times   map[string]int // that a sweep arrived
}

func newTransit() *transit {
	return &transit{left: map[string]int64{}, arrived: map[string]int64{}, times: map[string]int{}}
}

// see notes one clearing posting: into clearing where a sweep leaves, out of it where it arrives.
func (t *transit) see(b *books, entry string, event engine.Event, amount int64) {
	switch {
	case event.Name == "sweep_out" && len(event.Effects) == 1 && amount > 0:
		// sub:PAYEE:CUR, and the number is in the effect sweep:sub:PAYEE:CUR:NUMBER
		id := event.Effects[0].ID
		t.left[fmt.Sprintf("%d:%s:%s", b.partition, strings.TrimPrefix(event.Subject, "sub:"), id[strings.LastIndexByte(id, ':')+1:])] += amount
	case event.Name == "sweep_in" && amount < 0:
		t.arrived[event.Subject] -= amount
		t.times[event.Subject]++
	default:
		b.differ("entry %s: %s of %s moves %d through clearing", entry, event.Name, event.Subject, amount)
	}
}

// unexplained says that a sweep was seen to arrive that was not seen to leave.
func (t *transit) unexplained() bool {
	for sweep := range t.arrived {
		if _, ok := t.left[sweep]; !ok {
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
		report.Clearing[sweepCurrency(sweep)] -= amount
		left, ok := t.left[sweep]
		switch {
		case !ok:
			report.differ("sweep %s arrived with %d, but never left", sweep, amount)
		case t.times[sweep] > 1:
			report.differ("sweep %s arrived %d times", sweep, t.times[sweep])
		case left != amount:
			report.differ("sweep %s left with %d and arrived with %d", sweep, left, amount)
		}
	}
}

// sweepCurrency is the last part but one of PARTITION:PAYEE:CUR:NUMBER.
func sweepCurrency(sweep string) string {
	return currency(sweep[:max(strings.LastIndexByte(sweep, ':'), 0)])
}
