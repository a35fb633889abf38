package webhook

import (
	"time"

	"github.com/airtill/airtill/platform/billing"
)

// Stats count what became of attempts since the Deliverer was made.
type Stats struct {
	Delivered uint64
	Failed    uint64
	Skipped   uint64 // not made: their turn did not come in time
	Refused   uint64 // not made: too many waited
	Took      time.Duration

	Waiting int // at present
	Active  int
	Paused  int // endpoints
}

func (s *Stats) add(o billing.Reported, took time.Duration) {
	s.Took += took
	if o.Problem == "" {
		s.Delivered++
	} else {
		s.Failed++
	}
}

// Stats answers what became of attempts, and what waits.
func (d *Deliverer) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, now := d.stats, time.Now()
	for _, l := range d.lines {
		s.Waiting += len(l.waiting)
		s.Active += l.active
		for _, e := range l.endpoints {
			if now.Before(e.until) {
				s.Paused++
			}
		}
	}
	return s
}
