package fleet

import "sync/atomic"

// counts are kept by the fleet for all its phones.
type counts struct {
	received, missed, unknown, unreadable, dropped, sent, retried, failed atomic.Uint64
}

// Counts is what a fleet has counted since it was made.
type Counts struct {
	Segment    string `json:"segment,omitempty"` // of the numbers, 2/4; empty: all
	Phones     int    `json:"phones"`
	Received   uint64 `json:"received"`    // short messages taken, each part for itself
	Missed     uint64 `json:"missed"`      // came while the phone was off
	Unknown    uint64 `json:"unknown"`     // for numbers without a phone
	Unreadable uint64 `json:"unreadable"`  // user data that is no user data
	Dropped    uint64 `json:"dropped"`     // secured packets that no element accepted
	Sent       uint64 `json:"sent"`        // short messages the carrier took
	Retried    uint64 `json:"retried"`     // sent again: throttled, unbound or unanswered
	Failed     uint64 `json:"failed"`      // given up or refused
	LostEvents uint64 `json:"lost_events"` // that the observer was too slow for
}

// Counts answers what the fleet has counted.
func (f *Fleet) Counts() Counts {
	c := &f.counts
	phones := 0
	for _, s := range f.shards {
		s.mu.Lock()
		phones += len(s.phones)
		s.mu.Unlock()
	}
	return Counts{
		Segment: f.config.Segment.String(), Phones: phones, Received: c.received.Load(), Missed: c.missed.Load(), Unknown: c.unknown.Load(),
		Unreadable: c.unreadable.Load(), Dropped: c.dropped.Load(), Sent: c.sent.Load(), Retried: c.retried.Load(),
		Failed: c.failed.Load(), LostEvents: f.teller.missed(),
	}
}
