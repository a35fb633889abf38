package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

func isAct(subject string) bool { return strings.HasPrefix(subject, "act_") }

// act follows the office's log: each act begins once, and ends at most once after that.
func (j *journal) act(entry string, event engine.Event) {
	if !isAct(event.Subject) {
		return
	}
	m := j.logged[event.Subject]
	switch {
	case event.Name == "begin" && len(m) > 0:
		j.wrong(entry, "act %s began twice", event.Subject)
	case event.Name == "end" && len(m) == 0:
		j.wrong(entry, "act %s ended, but it never began", event.Subject)
	case event.Name == "begin":
		j.report.Logged++
		j.made[event.Subject] = j.looking
	}
	j.logged[event.Subject] = m.then(event.To, j.looking)
}

// compareActs holds the records of the office's log, and its list, against the journal.
func (b *books) compareActs(ctx context.Context) error {
	if b.cut {
		return nil
	}
	ids := slices.Sorted(maps.Keys(b.journal.logged))
	for chunk := range slices.Chunk(ids, pageSize) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = "act:" + id
		}
		texts, err := b.reader.Get(ctx, names...)
		if err != nil {
			return err
		}
		for i, text := range texts {
			b.compareAct(chunk[i], text)
		}
	}
	members, err := b.reader.Members(ctx, "acts", engine.Range{})
	if err != nil {
		return err
	}
	listed := make(map[string]bool, len(members))
	for _, id := range members {
		listed[id] = true
	}
	if err := b.journal.follow(ctx); err != nil { // what is listed has been told by now
		return err
	}
	for _, id := range ids {
		if !b.journal.made[id] && !listed[id] {
			b.differ("acts", "act %s is not in the list", id)
		}
	}
	for id := range listed {
		if len(b.journal.logged[id]) == 0 {
			b.differ("acts", "act %s is in the list, but never began", id)
		}
	}
	return nil
}

func (b *books) compareAct(id, text string) {
	var kept struct {
		ID      string `json:"id"`
		Outcome string `json:"outcome"`
	}
	m := b.journal.logged[id]
	switch err := json.Unmarshal([]byte(text), &kept); {
	case b.journal.made[id]: // while the rest was read
	case err != nil || kept.ID != id:
		b.differ("act:"+id, "act %s has no readable record", id)
	case !slices.Contains(m, kept.Outcome):
		b.differ("act:"+id, "act %s is said to be %q, the journal says %q", id, kept.Outcome, m.now())
	}
}
