package archive_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/archive"
)

var noon = time.Date(2026, 10, 28, 12, 0, 0, 0, time.UTC)

func open(t testing.TB) (*archive.Archive, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	a, err := archive.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func billID(n int) platform.BillID {
	return platform.FirstBillID(noon.Add(time.Duration(n) * time.Millisecond))
}

// TestBills: each is found, in whichever file it is, and none that is not there.
func TestBills(t *testing.T) {
	a, dir := open(t)
	kept := map[string]string{}
	for range 2 { // the second time all is known
		for part := range 3 {
			bills := map[string]string{}
			for n := part; n < 300; n += 3 {
				bills[string(billID(2*n))] = fmt.Sprintf(`{"n":%d,"text":"<&>"}`, n)
				kept[string(billID(2*n))] = bills[string(billID(2*n))]
			}
			if err := a.AddBills(3, "2026-10-28", bills); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 600 {
		text, ok, err := a.Bill(3, billID(n))
		if want := kept[string(billID(n))]; err != nil || text != want || ok != (want != "") {
			t.Fatalf("bill %d is %s, %t, %v, want %s", n, text, ok, err, want)
		}
	}
	if _, ok, err := a.Bill(2, billID(0)); ok || err != nil {
		t.Errorf("another partition has it: %v", err)
	}
	all, err := a.Bills(3, "2026-10-28")
	if err != nil || !reflect.DeepEqual(all, kept) {
		t.Errorf("%d bills of %d, %v", len(all), len(kept), err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "p03", "*"))
	if len(files) != 3 {
		t.Errorf("the files are %q", files)
	}
	if day, ok, err := a.FirstDay(3); !ok || err != nil || day != noon.Truncate(24*time.Hour) {
		t.Errorf("the first day is %s, %t, %v", day, ok, err)
	}
}

func entry(epoch, seq int) engine.Entry {
	return engine.Entry{
		ID: fmt.Sprintf("%d-%d", epoch, seq), Chain: fmt.Sprintf("%064x", seq),
		Events: []engine.Event{{Subject: "bill_1", Name: "pay", From: "opened", To: "paid", At: noon.Add(time.Duration(epoch*1000+seq) * time.Hour), Data: json.RawMessage(`{"detail":"<&>"}`)}},
		Texts: []string{fmt.Sprintf(`{"subject":"bill_1","from":"opened","to":"paid","at":%q,"data":{"detail":"<&>"}}`,
			noon.Add(time.Duration(epoch*1000+seq)*time.Hour).Format(time.RFC3339Nano))},
	}
}

// TestEntries holds ranges against a list, whatever was added again, and whatever a crash
// left of the last line.
func TestEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "archive")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		a, err := archive.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var all []engine.Entry
		for epoch := range 3 {
			for seq := range rapid.IntRange(0, 12).Draw(t, "entries") {
				all = append(all, entry(epoch+1, 9+seq))
			}
		}
		for added := 0; added < len(all); {
			next := rapid.IntRange(added+1, len(all)).Draw(t, "add")
			again := rapid.IntRange(0, added).Draw(t, "from")
			if rapid.Bool().Draw(t, "torn") {
				tear(t, dir)
			}
			if err := a.AddEntries(1, all[again:next]); err != nil {
				t.Fatal(err)
			}
			added = next
		}
		from, to := bound(t, all, "-"), bound(t, all, "+")
		limit := rapid.IntRange(0, 9).Draw(t, "limit")
		got, err := a.Entries(1, from, to, limit)
		if want := choose(all, from, to, limit); err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("from %s to %s: %v, %v\nwant %v", from, to, got, err, want)
		}
	})
}

// tear leaves a part of a line at the end of the last file.
func tear(t *rapid.T, dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "p01", "journal-*"))
	if len(files) == 0 {
		return
	}
	f, err := os.OpenFile(files[len(files)-1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"id":"9-9","events":[`)
	_ = f.Close()
}

func bound(t *rapid.T, all []engine.Entry, open string) string {
	if len(all) == 0 || rapid.Bool().Draw(t, "open end") {
		return open
	}
	id := rapid.SampledFrom(all).Draw(t, "bound").ID
	if rapid.Bool().Draw(t, "without") {
		return "(" + id
	}
	return id
}

func choose(all []engine.Entry, from, to string, limit int) (chosen []engine.Entry) {
	at := func(bound string) (int, bool) {
		for i, e := range all {
			if e.ID == bound {
				return i, false
			}
			if "("+e.ID == bound {
				return i, true
			}
		}
		return -1, false
	}
	first, last := 0, len(all)-1
	if i, without := at(from); i >= 0 {
		first = i
		if without {
			first++
		}
	}
	if i, without := at(to); i >= 0 {
		last = i
		if without {
			last--
		}
	}
	for i := first; i <= last && (limit == 0 || len(chosen) < limit); i++ {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// FuzzFile: whatever a file holds, looking into it ends, with an answer or an error.
func FuzzFile(f *testing.F) {
	f.Add([]byte("{\"id\":\"bill_1\",\"bill\":{}}\n"), []byte("{\"id\":\"1-1\",\"events\":[]}\n"))
	f.Add([]byte("\n\n\n{\"id\":"), []byte("{\"id\":\"1-1\n\n"))
	f.Fuzz(func(t *testing.T, bills, journal []byte) {
		a, dir := open(t)
		if err := os.MkdirAll(filepath.Join(dir, "p00"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"bills-2026-10-28.jsonl": bills, "journal-2026-10-28.jsonl": journal} {
			if err := os.WriteFile(filepath.Join(dir, "p00", name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 3 {
			if text, ok, err := a.Bill(0, billID(n)); ok && (err != nil || !json.Valid([]byte(text))) {
				t.Errorf("found %q, %v", text, err)
			}
		}
		_, _ = a.Bills(0, "2026-10-28")
		entries, err := a.Entries(0, "1-1", "+", 2)
		if err == nil && len(entries) > 2 {
			t.Errorf("%d entries", len(entries))
		}
		_ = a.AddEntries(0, []engine.Entry{entry(1, 5)})
	})
}
