package audit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// standing is what a phone's history has come to, by its fingerprint: whether its
// payments are held, the version of its packet keys if that was ever changed, and what it
// paid on the day of its last payment.
type standing struct {
	held  bool
	keys  string
	spent string
}

// acted is what this package reads of an operator's act.
type acted struct {
	By   string `json:"by"`
	Said string `json:"said"`
	Slot int    `json:"slot"`
}

// phone follows a phone's history through one event.
func (j *journal) phone(entry string, event engine.Event) {
	id, ok := strings.CutPrefix(event.Subject, "phone:")
	if !ok {
		return
	}
	m := j.standings[id]
	was := m.now()
	if len(m) == 0 && event.Name != "enrol" && j.cut {
		was.held = event.Name == "release" || event.From == "held"
	} else if known := len(m) > 0; known == (event.Name == "enrol") {
		j.wrong(entry, "%s of phone %s, which was enrolled: %t", event.Name, id, known)
	}
	now := was
	switch event.Name {
	case "enrol":
		j.made[event.Subject] = j.looking
		j.open(id, event)
	case "hold", "release":
		now.held = event.Name == "hold"
		if was.held == now.held {
			j.wrong(entry, "%s of phone %s, which was held: %t", event.Name, id, was.held)
		}
	case "rekey":
		now.keys = event.To
		if was.keys != "" && was.keys != event.From {
			j.wrong(entry, "phone %s went from %s to %s, but it had %s", id, event.From, event.To, was.keys)
		}
	}
	if event.Name == "release" || event.Name == "unlock" {
		j.judgeAct(entry, id, event)
	}
	j.standings[id] = m.then(now, j.looking)
}

// judgeAct says what an operator's act leaves open: who, why, and which card.
func (j *journal) judgeAct(entry, id string, event engine.Event) {
	j.report.Acts++
	var a acted
	if err := event.Decode(&a); err != nil || a.By == "" || a.Said == "" || a.Slot == 0 && event.Name == "unlock" {
		j.wrong(entry, "%s of phone %s does not say who did it, why and to what", event.Name, id)
	}
}

// compareStandings holds the phones' counters against their histories.
func (b *books) compareStandings() {
	for id, m := range b.journal.standings {
		if b.journal.made["phone:"+id] { // while the rest was read
			continue
		}
		if b.phones[id] == "" {
			b.differ("phones", "phone %s was enrolled and is not in the register", id)
		}
		var kept struct {
			Held struct {
				Since string `json:"since"`
			} `json:"held"`
			Keys  json.Number `json:"key_version"`
			Spent spent       `json:"spent"`
		}
		if err := json.Unmarshal([]byte(b.counters[id]), &kept); err != nil {
			b.differ("counters", "phone %s has no readable counters", id)
			continue
		}
		if !m.was(func(s standing) bool { return s.held == (kept.Held.Since != "") }) {
			b.differ("counters", "phone %s is held: %t, its history says %t", id, kept.Held.Since != "", m.now().held)
		}
		if keys := fmt.Sprintf("keys %s", kept.Keys); !m.was(func(s standing) bool { return s.keys == "" || s.keys == keys }) {
			b.differ("counters", "phone %s has %s, its history says %s", id, keys, m.now().keys)
		}
		if paid := kept.Spent.String(); !b.cut && !m.was(func(s standing) bool { return s.spent == paid }) {
			b.differ("counters", "phone %s has paid %q, its history says %q", id, paid, m.now().spent)
		}
	}
	for id := range b.counters {
		if len(b.journal.standings[id]) == 0 && !b.cut {
			b.differ("counters", "phone %s has counters but no history", id)
		}
	}
	for id := range b.phones {
		if len(b.journal.standings[id]) == 0 && !b.cut {
			b.differ("phones", "phone %s is in the register but has no history", id)
		}
	}
}
