package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

// chained gives the entries of a partition, from the one at first on, their chain, by the
// words of its definition.
func (s *till) chained(p engine.Partition, first int) *till {
	s.t.Helper()
	before := make([]byte, 32)
	entries := s.Partition(p).Entries
	for i := first; i < len(entries); i++ {
		octets := append(slices.Clone(before), entries[i].ID+"\n"...)
		entries[i].Texts = nil
		for _, e := range entries[i].Events {
			text, err := e.AppendText(nil)
			if err != nil {
				s.t.Fatal(err)
			}
			entries[i].Texts = append(entries[i].Texts, string(text))
			octets = append(octets, e.Name+"\x00"+string(text)+"\n"...)
		}
		sum := sha256.Sum256(octets)
		before = sum[:]
		entries[i].Chain = hex.EncodeToString(before)
	}
	s.Partition(p).Records["chain"] = hex.EncodeToString(before)
	return s
}

func TestChain(t *testing.T) {
	entries := func(s *till) []engine.Entry { return s.Partition(0).Entries }
	tests := map[string]struct {
		first int
		plant func(s *till)
		want  string // nothing is well
	}{
		"all":                 {0, func(*till) {}, ""},
		"from the middle on":  {2, func(*till) {}, ""},
		"the text is changed": {0, func(s *till) { entries(s)[2].Texts[0] += " " }, "entry 1-3 does not fit to the journal before it: it was changed, or one was left out or put in; look at {p00}:journal"},
		"the name is changed": {0, func(s *till) { entries(s)[3].Events[0].Name = "note" }, "entry 1-4 does not fit"},
		"the id is changed":   {0, func(s *till) { entries(s)[5].ID = "1-7" }, "entry 1-7 does not fit"},
		"an event is gone":    {0, func(s *till) { e := &entries(s)[2]; e.Events, e.Texts = e.Events[1:], e.Texts[1:] }, "entry 1-3 does not fit"},
		"an entry is gone":    {0, func(s *till) { s.Partition(0).Entries = slices.Delete(entries(s), 2, 3) }, "entry 1-4 does not fit"},
		"the first is gone":   {0, func(s *till) { s.Partition(0).Entries = entries(s)[1:] }, "entry 1-2 does not fit"},
		"the last is gone":    {0, func(s *till) { s.Partition(0).Entries = entries(s)[:5] }, "entries were left out or put in at the end; look at {p00}:chain"},
		"one is put in": {0, func(s *till) {
			s.Partition(0).Entries = slices.Insert(entries(s), 2, engine.Entry{ID: "1-2", Events: []engine.Event{{Subject: "x", Name: "y"}}})
		}, "entry 1-2 has no chain, but one before it has"},
		"one is put in, with the chain before it": {0, func(s *till) {
			s.Partition(0).Entries = slices.Insert(entries(s), 2, engine.Entry{ID: "1-2", Chain: entries(s)[1].Chain})
		}, "entry 1-2 does not fit"},
		"a chain is taken off": {0, func(s *till) { entries(s)[2].Chain = "" }, "entry 1-3 has no chain, but one before it has; 1 more do not fit"},
		"all are taken off": {0, func(s *till) {
			for i := range entries(s) {
				entries(s)[i].Chain = ""
			}
		}, "the journal's chain ends in \"\""},
		"a chain is no chain":      {0, func(s *till) { entries(s)[2].Chain = "abc" }, "entry 1-3 does not fit"},
		"the head is another":      {0, func(s *till) { s.Partition(0).Records["chain"] = strings.Repeat("0", 64) }, "the head that is kept is"},
		"the head is gone":         {0, func(s *till) { delete(s.Partition(0).Records, "chain") }, "the head that is kept is \"\""},
		"changed, and made to fit": {0, func(s *till) { entries(s)[2].Texts[0] += " "; s.forge(2) }, "entry 1-4 does not fit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t).chained(0, tt.first).chained(1, 0)
			tt.plant(s)
			r := run(t, s)
			switch {
			case tt.want == "" && (!r.OK() || r.Unchained != tt.first):
				t.Errorf("%+v", r)
			case tt.want != "" && !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }):
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}

// forge makes one entry's chain right after it was changed.
func (s *till) forge(at int) {
	e := &s.Partition(0).Entries[at]
	before, _ := hex.DecodeString(s.Partition(0).Entries[at-1].Chain)
	octets := append(before, e.ID+"\n"...)
	for i, event := range e.Events {
		octets = append(octets, event.Name+"\x00"+e.Texts[i]+"\n"...)
	}
	sum := sha256.Sum256(octets)
	e.Chain = hex.EncodeToString(sum[:])
}

// What is written while the audit looks is chained too.
func TestChainOfALiveStore(t *testing.T) {
	s := newTill(t).chained(0, 0).chained(1, 0)
	moves := map[int]func(){}
	for step := range 40 {
		moves[step] = func() {
			s.enter(0, engine.Batch{}, engine.Event{Subject: phone, Name: "note"})
			s.chained(0, 0)
		}
	}
	if r := run(t, &moving{till: s, moves: moves}); !r.OK() || r.Unchained != 0 {
		t.Errorf("%+v", r)
	}
}
