package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

const doing, doneAct = "act_01KA4X5E000000000000000001", "act_01KA4X5E000000000000000002"

// logs is the office's log: an act that was begun, and one that was done.
func (s *till) logs() *till {
	write := func(id, name, outcome string) {
		s.enter(1, engine.Batch{
			Puts: []engine.Put{{Key: "act:" + id, Value: raw(m{"id": id, "outcome": outcome})}}, Scores: []engine.Score{{Set: "acts", Member: id}},
		}, engine.Event{Subject: id, Name: name, To: outcome})
	}
	write(doing, "begin", "begun")
	write(doneAct, "begin", "begun")
	write(doneAct, "end", "done")
	return s
}

func TestActs(t *testing.T) {
	if r := run(t, newTill(t).logs()); !r.OK() || r.Logged != 2 {
		t.Errorf("%+v", r)
	}
	tests := map[string]struct {
		plant func(s *till)
		want  string
	}{
		"its record is gone": {func(s *till) { delete(s.Partition(1).Records, "act:"+doing) }, "act " + doing + " has no readable record; look at {p01}:act:" + doing},
		"another outcome": {func(s *till) {
			s.Partition(1).Records["act:"+doneAct] = string(raw(m{"id": doneAct, "outcome": "refused"}))
		}, `is said to be "refused", the journal says "done"`},
		"not listed":          {func(s *till) { delete(s.Partition(1).Sets["acts"], doing) }, "act " + doing + " is not in the list; look at {p01}:acts"},
		"listed, never begun": {func(s *till) { s.Partition(1).Sets["acts"]["act_x"] = 0 }, "act act_x is in the list, but never began"},
		"ended, never begun":  {func(s *till) { s.event(1, doing, "begin").Name = "end" }, "act " + doing + " ended, but it never began"},
		"begun twice":         {func(s *till) { s.event(1, doneAct, "end").Name = "begin" }, "act " + doneAct + " began twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t).logs()
			tt.plant(s)
			if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}
