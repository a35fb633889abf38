package ussd

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Record is a session as an operator sees it.
type Record struct {
	ID          string    `json:"id"`
	Phone       string    `json:"phone"`
	Code        string    `json:"code"`
	Dialled     string    `json:"dialled,omitempty"` // empty if the application began
	Application string    `json:"application"`       // system_id, URL, ...
	Opened      Kind      `json:"opened"`            // dial, ask or notify
	State       State     `json:"state"`
	Result      Result    `json:"result"`           // "open" while it is
	Detail      string    `json:"detail,omitempty"` // what went wrong, in words
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended,omitzero"`
	Steps       []Step    `json:"steps"`
	Left        int       `json:"left,omitempty"` // steps beyond the first 100, which are not kept
}

// Duration is how long the session took, or has taken by now.
func (r *Record) Duration(now time.Time) time.Duration {
	if !r.Ended.IsZero() {
		now = r.Ended
	}
	return now.Sub(r.Began)
}

// Step is one message of a session.
type Step struct {
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	Text string    `json:"text,omitempty"` // of a user only how long it was, unless Config.ShowTexts
}

// mostSteps is how many steps of a session are kept.
const mostSteps = 100

// say records a step.
func (se *session) say(s *Switch, m Message, now time.Time) {
	if len(se.record.Steps) >= mostSteps {
		se.record.Left++
		return
	}
	text := m.Text
	switch {
	case m.Kind == Abort:
		text = m.Reason
	case m.Kind.Up() && !s.config.ShowTexts:
		text = masked(text)
	}
	se.record.Steps = append(se.record.Steps, Step{At: now, Kind: m.Kind, Text: text})
	if m.Kind == Dial {
		se.record.Dialled = se.dialled
		if !s.config.ShowTexts && m.Text != "" {
			se.record.Dialled = se.code + " " + text
		}
	}
}

func masked(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("[%d characters]", utf8.RuneCountInString(text))
}

// snapshot is the session's record as it is now.
func (se *session) snapshot() Record {
	r := se.record
	r.ID, r.Phone, r.Code, r.Application = se.id, se.phone, se.code, se.application.name()
	r.Opened, r.State = se.Opened, se.State
	r.Steps = slices.Clone(r.Steps)
	return r
}

// Filter chooses sessions. What is zero chooses all.
type Filter struct {
	Phone, Code, Application string
	Result                   Result
	OpenOnly                 bool
	Limit                    int // the newest so many
}

func (f *Filter) match(r *Record) bool {
	return (f.Phone == "" || f.Phone == r.Phone) && (f.Code == "" || f.Code == r.Code) &&
		(f.Application == "" || f.Application == r.Application) && (f.Result == 0 || f.Result == r.Result) &&
		(!f.OpenOnly || r.Result == 0)
}

// Sessions lists the sessions that are open and those that are remembered, the last to
// begin first.
func (s *Switch) Sessions(f Filter) []Record {
	found := s.find(&f)
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(b.order, a.order) })
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	list := make([]Record, len(found))
	for i := range found {
		list[i] = found[i].Record
	}
	return list
}

func (s *Switch) find(f *Filter) (found []entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, se := range s.sessions {
		if r := se.snapshot(); f.match(&r) {
			found = append(found, entry{r, se.Order})
		}
	}
	if f.OpenOnly {
		return found
	}
	for i := range s.finished.entries {
		if e := &s.finished.entries[i]; f.match(&e.Record) {
			found = append(found, *e)
		}
	}
	return found
}

// Open is how many sessions are open.
func (s *Switch) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// entry is a record with its place among all: sessions may begin at one instant.
type entry struct {
	Record
	order uint64
}

// ring remembers the last records.
type ring struct {
	most    int
	entries []entry
	oldest  int
}

func (r *ring) add(e entry) {
	if len(r.entries) < r.most {
		r.entries = append(r.entries, e)
		return
	}
	r.entries[r.oldest] = e
	r.oldest = (r.oldest + 1) % r.most
}
