package reconcile

import (
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

func TestParseName(t *testing.T) {
	for _, s := range []Sweep{
		{From: 0, Payee: "acct_10000001", Currency: "CNY", Number: 1},
		{From: 15, Payee: "acct_10000001_books", Currency: "USD", Number: 1 << 40},
		{From: 3, Payee: "a:b:", Currency: "JPY", Number: 7},
	} {
		if got, ok := parseName(s.name()); !ok || got != s {
			t.Errorf("%s is read as %+v, %t", s.name(), got, ok)
		}
	}
	for _, name := range []string{"", ":", "1:2", "x:acct:CNY:1", "1:acct:CNY:x", "1:acct:CNY:-1", "1::CNY:1", "1:acct::1", "order:bill_1"} {
		if got, ok := parseName(name); ok {
			t.Errorf("%q is read as %+v", name, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("0:acct_10000001:CNY:1")
	f.Add("::::")
	f.Fuzz(func(t *testing.T, name string) {
		s, ok := parseName(name)
		if !ok {
			return
		}
		if again, ok := parseName(s.name()); !ok || again != s {
			t.Errorf("%q is %+v, and that is %+v", name, s, again)
		}
	})
}

// Journals are trimmed from their beginning: of what is older nothing can be said.
func TestCovers(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	s := newSide(0, nil)
	if s.covers(noon) {
		t.Error("a journal that is gone tells something")
	}
	s.fresh = true
	if !s.covers(noon) {
		t.Error("of a partition that never had a batch all is known")
	}
	s.fresh = false
	s.enter("1-5", engine.Event{Name: "create", Subject: "bill_1", At: noon})
	for at, want := range map[time.Time]bool{noon.Add(-time.Second): false, noon: true, noon.Add(time.Second): true} {
		if s.covers(at) != want {
			t.Errorf("covers %s: %t", at, !want)
		}
	}
}
