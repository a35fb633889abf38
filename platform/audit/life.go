package audit

import (
	"strings"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
)

func isBill(id string) bool { return strings.HasPrefix(id, "bill_") }

// step is one that a bill can take.
type step struct{ event, from, to string }

// steps is the bill's table. Events that are not in it tell of something that leaves
// the bill where it is.
func steps() map[step]bool {
	all := map[step]bool{{event: "create", to: string(bill.Created)}: true}
	for _, t := range bill.Definition().Transitions {
		for _, from := range t.From {
			to := t.To
			if to == fsm.Stay {
				to = from
			}
			all[step{string(t.Event), string(from), string(to)}] = true
			all[step{event: string(t.Event)}] = true
		}
	}
	return all
}

// live follows a bill's life through one event.
func (j *journal) live(entry string, event engine.Event) {
	if !isBill(event.Subject) {
		return
	}
	m := j.lives[event.Subject]
	if len(m) == 0 && event.Name != "create" && j.forgotten(event.Subject) {
		m = m.then(life{state: event.From, entry: event.Prev, partial: true}, false)
	}
	was := m.now()
	j.judge(entry, event, was, len(m) > 0)
	l := was
	l.state = event.To
	if l.entry != entry {
		l.before, l.entry = l.entry, entry
	}
	switch event.Name {
	case "create":
		j.report.Bills++
		j.made[event.Subject] = j.looking
	case string(bill.Pay):
		j.report.Paid++
	case string(bill.Acknowledge):
		l.final = true
	}
	if was.entry == entry {
		m[len(m)-1] = l // an entry is kept whole or not at all
		return
	}
	j.lives[event.Subject] = m.then(l, j.looking)
}

// judge says what is wrong with a bill's next step.
func (j *journal) judge(entry string, event engine.Event, was life, known bool) {
	before := was.entry
	if before == entry {
		before = was.before
	}
	switch {
	case event.Name == "create" && known:
		j.wrong(entry, "%s was made twice", event.Subject)
		return
	case event.Name != "create" && !known:
		j.wrong(entry, "%s %s, but it was never made", event.Subject, event.Name)
		return
	case event.From != was.state:
		j.wrong(entry, "%s %s from %q, but it was %q", event.Subject, event.Name, event.From, was.state)
	case event.Prev != before:
		j.wrong(entry, "%s %s says that entry %q came before, it was %q", event.Subject, event.Name, event.Prev, before)
	}
	if !j.allowed(step{event.Name, event.From, event.To}) {
		j.wrong(entry, "%s went from %q to %q by %s", event.Subject, event.From, event.To, event.Name)
	}
}

func (j *journal) allowed(s step) bool {
	if s.event == "create" || j.steps[step{event: s.event}] {
		return j.steps[s]
	}
	return s.from == s.to
}
