package billing

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// Watch is when packets that are not authentic raise an alarm (wire.md 5: alarm, do
// not lock). The zero value is for real use. Anybody can send in another's name, so
// they are counted by number and that is all: nothing is locked, moved or kept.
type Watch struct {
	PerMinute int           // 0 is 5
	PerDay    int           // 0 is 20
	Quiet     time.Duration // without any, after which there may be another alarm; 0 is an hour
}

func (w Watch) withDefaults() Watch {
	w.PerMinute = cmp.Or(w.PerMinute, 5)
	w.PerDay = cmp.Or(w.PerDay, 20)
	w.Quiet = cmp.Or(w.Quiet, time.Hour)
	return w
}

// suspect counts the packets in the name of a number that were not authentic.
type suspect struct {
	since, last time.Time // since is the first of this day, or of this alarm's
	count       int       // since then
	minute      time.Time // the first of this minute
	inMinute    int
	alarmed     bool
	why         Drop // the last
}

// note counts one more, and says whether it is the one that raises the alarm. After an
// alarm they are only counted, until it was quiet for a while.
func (s *suspect) note(now time.Time, why Drop, w Watch) (raised bool) {
	if s.alarmed && now.Sub(s.last) >= w.Quiet || !s.alarmed && now.Sub(s.since) >= 24*time.Hour {
		*s = suspect{since: now}
	}
	if now.Sub(s.minute) >= time.Minute {
		s.minute, s.inMinute = now, 0
	}
	s.count++
	s.inMinute++
	s.last, s.why = now, why
	if s.alarmed || s.count < w.PerDay && s.inMinute < w.PerMinute {
		return false
	}
	s.alarmed = true
	return true
}

// mostStrangers bounds the numbers that are watched without being enrolled here.
const mostStrangers = 2048

// strangers are the suspects that nobody has enrolled, in two generations: when the
// young one is full the old one is forgotten.
type strangers struct{ young, old map[gateway.MSISDN]*suspect }

func (s *strangers) of(number gateway.MSISDN) *suspect {
	if known, ok := s.young[number]; ok {
		return known
	}
	known, ok := s.old[number]
	if !ok {
		known = new(suspect)
	}
	if s.young == nil || len(s.young) >= mostStrangers/2 {
		s.old, s.young = s.young, make(map[gateway.MSISDN]*suspect)
	}
	delete(s.old, number)
	s.young[number] = known
	return known
}

// each calls f for every stranger.
func (s *strangers) each(f func(gateway.MSISDN, *suspect)) {
	for _, generation := range []map[gateway.MSISDN]*suspect{s.young, s.old} {
		for number, known := range generation {
			f(number, known)
		}
	}
}

// Alarms is what a partition has to say to operators. It answers a [Watched].
type Alarms struct{}

// Watched is the answer to Alarms.
type Watched struct {
	Alarms []platform.Alarm
	Drops  map[Drop]int // packets dropped without an answer, by reason
}

func (p *Partition) watched() Watched {
	w := Watched{Drops: maps.Clone(p.drops)}
	note := func(number gateway.MSISDN, s *suspect) {
		if s.alarmed {
			w.Alarms = append(w.Alarms, platform.Alarm{
				Phone: number.Masked(), Kind: platform.AlarmForged, Since: s.since, Last: s.last, Count: s.count, Detail: string(s.why),
			})
		}
	}
	p.strangers.each(note)
	for number, ph := range p.phones {
		note(number, &ph.suspect)
		if ph.held() {
			w.Alarms = append(w.Alarms, ph.alarm())
		}
	}
	slices.SortFunc(w.Alarms, newestFirst)
	return w
}

func newestFirst(a, b platform.Alarm) int {
	return cmp.Or(b.Since.Compare(a.Since), strings.Compare(a.Phone, b.Phone), strings.Compare(string(a.Kind), string(b.Kind)))
}

// suspect is what is held against a number.
func (p *Partition) suspect(number gateway.MSISDN) *suspect {
	if ph, ok := p.phones[number]; ok {
		return &ph.suspect
	}
	return p.strangers.of(number)
}

// fail drops a packet that is not authentic, and watches the number it came from.
func (p *Partition) fail(now time.Time, number gateway.MSISDN, why Drop) Outcome {
	s := p.suspect(number)
	if s.note(now, why, p.config.Watch) {
		p.config.Log.Warn().Str("msisdn", number.Masked()).Str("why", string(why)).Int("count", s.count).
			Msg("alarm: packets that are not authentic; nothing is locked")
	}
	return p.drop(why)
}
