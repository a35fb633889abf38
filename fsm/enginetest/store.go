package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// TestStore is the conformance suite of engine.Store. start makes an empty backend.
func TestStore(t *testing.T, start func(t testing.TB) Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b Backend)
	}{
		{"everything in a batch can be read", testWritten},
		{"what a batch deletes is gone", testDeleted},
		{"members come in order", testMembers},
		{"the journal has ranges", testJournal},
		{"a large batch", testLarge},
		{"takeover goes on where the last owner was", testTakeover},
		{"a stale owner writes nothing", testFence},
		{"a store does not take back what it lost", testNoTakeBack},
		{"a lease is taken only as it was seen", testLease},
		{"who shares the store is listed", testWhoShares},
		{"batches out of turn are refused", testTurn},
		{"a lost reply is resolved", testLostReply},
		{"a lost request is sent again", testLostRequest},
		{"a late copy writes nothing", testLateCopy},
		{"a lost reply and a new owner are a doubt", testLostAndFenced},
		{"without a server nothing is written and it says so", testUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, start(t)) })
	}
}

func take(t *testing.T, s engine.Store) engine.Hold {
	t.Helper()
	h, err := s.Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() }) // its connection may be gone
	return h
}

func commit(t *testing.T, h engine.Hold, b engine.Batch) {
	t.Helper()
	b.Seq = h.Seq() + 1
	if err := h.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if h.Seq() != b.Seq {
		t.Fatalf("after batch %d Seq is %d", b.Seq, h.Seq())
	}
}

func get(t *testing.T, r engine.Reader, key string) string {
	t.Helper()
	texts, err := r.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return texts[0]
}

func journal(t *testing.T, r engine.Reader, from, to string, limit int) []engine.Entry {
	t.Helper()
	entries, err := r.Journal(t.Context(), from, to, limit)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func put(key, value string) engine.Put { return engine.Put{Key: key, Value: []byte(value)} }

func testWritten(t *testing.T, b Backend) {
	s := b.Open(t, nil)
	h := take(t, s)
	at := time.UnixMilli(1_700_000_000_123).UTC()
	event := engine.Event{
		Subject: "bill_1", Name: "pay", From: "opened", To: "paid", Cause: "phone \"é\n", Prev: "1-1", At: at,
		Data:    json.RawMessage(`{"amount":12}`),
		Effects: []engine.Effect{{ID: "e1", Kind: "sms", Lane: "l", Body: json.RawMessage(`{"to":"x"}`)}, {ID: "e2", Kind: "call"}},
	}
	twin := engine.Event{Subject: "bill_2", Name: "pay", At: at}
	commit(t, h, engine.Batch{
		Puts: []engine.Put{put("a", `{"n":1}`), put("b", "text")},
		Fields: []engine.Field{
			{Hash: "h1", Name: "f", Value: "1"}, {Hash: "h2", Name: "f", Value: "2"}, {Hash: "h1", Name: "g", Value: "-3"},
		},
		Scores:  []engine.Score{{Set: "z", Member: "m", Score: 1.5}},
		Wakes:   []engine.Due{{ID: "w1", At: at}, {ID: "w0", At: at.Add(time.Second)}},
		Journal: []engine.Event{event, twin},
		Cursor:  "0-0",
	})
	r := s.Read(1)
	equal(t, "a", get(t, r, "a"), `{"n":1}`)
	equal(t, "b", get(t, r, "b"), "text")
	equal(t, "absent", get(t, r, "absent"), "")
	fields, err := r.Fields(t.Context(), "h1")
	equal(t, "h1", fields, map[string]string{"f": "1", "g": "-3"})
	equal(t, "error", err, nil)
	value, ok, err := r.Field(t.Context(), "h2", "f")
	equal(t, "h2 f", []any{value, ok, err}, []any{"2", true, nil})
	value, ok, err = r.Field(t.Context(), "h2", "none")
	equal(t, "h2 none", []any{value, ok, err}, []any{"", false, nil})
	empty, err := r.Fields(t.Context(), "none")
	equal(t, "absent hash", []any{len(empty), err}, []any{0, nil})
	due, err := h.Wakes(t.Context())
	equal(t, "wakes", due, []engine.Due{{ID: "w1", At: at}, {ID: "w0", At: at.Add(time.Second)}})
	equal(t, "error", err, nil)
	want := []engine.Entry{{ID: fmt.Sprintf("%d-1", h.Epoch()), Events: []engine.Event{event, twin}}}
	equal(t, "journal", journal(t, r, "-", "+", 0), want)
	equal(t, "another partition's a", get(t, s.Read(2), "a"), "")
	equal(t, "cursor", h.Cursor(), "0-0")
}

func testDeleted(t *testing.T, b Backend) {
	s := b.Open(t, nil)
	h := take(t, s)
	at := time.UnixMilli(1_700_000_000_000).UTC()
	commit(t, h, engine.Batch{
		Puts:   []engine.Put{put("a", "1"), put("b", "2")},
		Fields: []engine.Field{{Hash: "h", Name: "f", Value: "1"}, {Hash: "h", Name: "g", Value: "2"}},
		Scores: []engine.Score{{Set: "z", Member: "m"}, {Set: "z", Member: "n"}},
		Wakes:  []engine.Due{{ID: "w", At: at}, {ID: "v", At: at}},
	})
	commit(t, h, engine.Batch{
		Deletes:      []string{"a", "never"},
		FieldDeletes: []engine.Field{{Hash: "h", Name: "f"}},
		ScoreDeletes: []engine.Score{{Set: "z", Member: "m"}},
		NoWakes:      []string{"w"},
	})
	r := s.Read(1)
	equal(t, "a, b", get(t, r, "a")+get(t, r, "b"), "2")
	fields, _ := r.Fields(t.Context(), "h")
	equal(t, "h", fields, map[string]string{"g": "2"})
	members, _ := r.Members(t.Context(), "z", engine.Range{})
	equal(t, "z", members, []string{"n"})
	due, _ := h.Wakes(t.Context())
	equal(t, "wakes", due, []engine.Due{{ID: "v", At: at}})
}

func testMembers(t *testing.T, b Backend) {
	s := b.Open(t, nil)
	h := take(t, s)
	var all engine.Batch
	for i, name := range []string{"c", "a", "e", "b", "d"} {
		all.Scores = append(all.Scores, engine.Score{Set: "names", Member: name}, engine.Score{Set: "times", Member: name, Score: float64(i)})
	}
	commit(t, h, all)
	for _, test := range []struct {
		set  string
		q    engine.Range
		want string
	}{
		{"names", engine.Range{}, "[a b c d e]"},
		{"names", engine.Range{Limit: 2}, "[a b]"},
		{"names", engine.Range{After: "b"}, "[c d e]"},
		{"names", engine.Range{After: "b", Limit: 2}, "[c d]"},
		{"names", engine.Range{Reverse: true}, "[e d c b a]"},
		{"names", engine.Range{Reverse: true, Limit: 3}, "[e d c]"},
		{"names", engine.Range{After: "c", Reverse: true}, "[b a]"},
		{"names", engine.Range{After: "d", Reverse: true, Limit: 2}, "[c b]"},
		{"times", engine.Range{}, "[c a e b d]"},
		{"times", engine.Range{ByScore: true, Min: 1, Max: 3}, "[a e b]"},
		{"times", engine.Range{ByScore: true, Min: 1, Max: 3, Reverse: true, Limit: 2}, "[b e]"},
		{"none", engine.Range{}, "[]"},
	} {
		got, err := s.Read(1).Members(t.Context(), test.set, test.q)
		if err != nil {
			t.Errorf("%s %+v: %v", test.set, test.q, err)
		}
		equal(t, fmt.Sprintf("%s %+v", test.set, test.q), fmt.Sprint(got), test.want)
	}
}

func testJournal(t *testing.T, b Backend) {
	s := b.Open(t, nil)
	h := take(t, s)
	for i := range 5 {
		commit(t, h, engine.Batch{Journal: []engine.Event{{Subject: strconv.Itoa(i + 1), Name: "step"}}})
	}
	id := func(n int) string { return fmt.Sprintf("%d-%d", h.Epoch(), n) }
	for _, test := range []struct {
		from, to string
		limit    int
		want     string
	}{
		{"-", "+", 0, "12345"},
		{"-", "+", 2, "12"},
		{"(" + id(2), "+", 0, "345"},
		{id(2), "(" + id(4), 0, "23"},
		{id(3), id(3), 1, "3"},
		{"(" + id(5), "+", 0, ""},
	} {
		var got string
		for _, entry := range journal(t, s.Read(1), test.from, test.to, test.limit) {
			got += entry.Events[0].Subject
		}
		equal(t, test.from+" to "+test.to, got, test.want)
	}
}

func testLarge(t *testing.T, b Backend) {
	s := b.Open(t, nil)
	h := take(t, s)
	const n = 5000
	var large engine.Batch
	at := time.UnixMilli(1_700_000_000_000).UTC()
	for i := range n {
		name := strconv.Itoa(i)
		large.Puts = append(large.Puts, put("k"+name, name))
		large.Fields = append(large.Fields, engine.Field{Hash: "h" + strconv.Itoa(i%7), Name: name, Value: name})
		large.Wakes = append(large.Wakes, engine.Due{ID: name, At: at.Add(time.Duration(i) * time.Millisecond)})
		large.Journal = append(large.Journal, engine.Event{Subject: name, Name: "step"})
	}
	commit(t, h, large)
	commit(t, h, engine.Batch{Puts: []engine.Put{put("k0", "again")}})
	equal(t, "k0", get(t, s.Read(1), "k0"), "again")
	equal(t, "k4999", get(t, s.Read(1), "k4999"), "4999")
	due, err := h.Wakes(t.Context())
	equal(t, "wakes", []any{len(due), err}, []any{n, nil})
	equal(t, "events", len(journal(t, s.Read(1), "-", "+", 0)[0].Events), n)
}

func testTakeover(t *testing.T, b Backend) {
	first := take(t, b.Open(t, nil))
	commit(t, first, engine.Batch{Puts: []engine.Put{put("a", "1")}, Journal: []engine.Event{{Subject: "x", Name: "e"}}, Cursor: "1-1"})
	second := take(t, b.Open(t, nil))
	if second.Epoch() <= first.Epoch() {
		t.Errorf("epoch %d after %d", second.Epoch(), first.Epoch())
	}
	equal(t, "seq", second.Seq(), first.Seq())
	equal(t, "cursor", second.Cursor(), "1-1")
	commit(t, second, engine.Batch{Puts: []engine.Put{put("a", "2")}, Journal: []engine.Event{{Subject: "y", Name: "e"}}})
	equal(t, "a", get(t, second, "a"), "2")
	equal(t, "entries", len(journal(t, second, "-", "+", 0)), 2)
}

func testFence(t *testing.T, b Backend) {
	stale := take(t, b.Open(t, nil))
	commit(t, stale, engine.Batch{Puts: []engine.Put{put("a", "1")}})
	owner := take(t, b.Open(t, nil))
	err := stale.Commit(t.Context(), &engine.Batch{
		Seq: stale.Seq() + 1, Puts: []engine.Put{put("a", "stale")}, Journal: []engine.Event{{Subject: "x", Name: "stale"}},
	})
	if !errors.Is(err, engine.ErrFenced) || errors.Is(err, engine.ErrDoubt) {
		t.Errorf("a stale commit answered %v", err)
	}
	equal(t, "a", get(t, owner, "a"), "1")
	equal(t, "entries", len(journal(t, owner, "-", "+", 0)), 0)
	commit(t, owner, engine.Batch{Puts: []engine.Put{put("a", "2")}})
}

func testNoTakeBack(t *testing.T, b Backend) {
	mine, others := b.Open(t, nil), b.Open(t, nil)
	take(t, mine)
	take(t, mine) // again, because nobody else has
	owner := take(t, others)
	if _, err := mine.Take(t.Context(), 1); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("taking it back answered %v", err)
	}
	commit(t, owner, engine.Batch{Puts: []engine.Put{put("a", "1")}})
}

func testTurn(t *testing.T, b Backend) {
	h := take(t, b.Open(t, nil))
	commit(t, h, engine.Batch{Puts: []engine.Put{put("a", "1")}})
	for _, seq := range []uint64{0, h.Seq(), h.Seq() + 2} {
		if err := h.Commit(t.Context(), &engine.Batch{Seq: seq, Puts: []engine.Put{put("a", "2")}}); err == nil {
			t.Errorf("batch %d after %d was taken", seq, h.Seq())
		}
	}
	equal(t, "a", get(t, h, "a"), "1")
}

// once commits batches with a fault on one of them, and expects each to be in once.
func once(t *testing.T, b Backend, faults ...Fault) (*Link, engine.Hold) {
	t.Helper()
	link := new(Link)
	h := take(t, b.Open(t, link))
	step := func(n string) engine.Batch {
		return engine.Batch{
			Puts: []engine.Put{put("a", n)}, Fields: []engine.Field{{Hash: "h", Name: n, Value: n}},
			Journal: []engine.Event{{Subject: n, Name: "step"}},
		}
	}
	commit(t, h, step("1"))
	link.Fail(faults...)
	commit(t, h, step("2"))
	commit(t, h, step("3"))
	entries := journal(t, h, "-", "+", 0)
	equal(t, "entries", len(entries), 3)
	equal(t, "a", get(t, h, "a"), "3")
	return link, h
}

func testLostReply(t *testing.T, b Backend) {
	link, _ := once(t, b, LoseReply)
	equal(t, "commits sent", link.Commits(), 3)
}

func testLostRequest(t *testing.T, b Backend) {
	link, _ := once(t, b, LoseRequest, LoseRequest, LoseReply)
	equal(t, "commits sent", link.Commits(), 5)
}

// testLateCopy holds a commit back until the next one is in. Run then, it would put
// old values over new ones.
func testLateCopy(t *testing.T, b Backend) {
	link, h := once(t, b, HoldRequest, HoldRequest) // the second on a connection that was made to find out
	if err := link.Release(); err != nil {
		t.Fatal(err)
	}
	equal(t, "a", get(t, h, "a"), "3")
	equal(t, "entries", len(journal(t, h, "-", "+", 0)), 3)
	commit(t, h, engine.Batch{Puts: []engine.Put{put("a", "4")}})
}

// testLostAndFenced has somebody else take the partition while a reply is lost: then
// nobody can tell any more whose batches seq counts.
func testLostAndFenced(t *testing.T, b Backend) {
	link := new(Link)
	stale := take(t, b.Open(t, link))
	commit(t, stale, engine.Batch{Puts: []engine.Put{put("a", "1")}})
	others := b.Open(t, nil)
	var owner engine.Hold
	link.Fail(LoseReply)
	link.Meanwhile(func() { owner = take(t, others) })
	err := stale.Commit(t.Context(), &engine.Batch{Seq: stale.Seq() + 1, Puts: []engine.Put{put("a", "2")}})
	if !errors.Is(err, engine.ErrDoubt) || !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the commit said %v", err)
	}
	equal(t, "a", get(t, owner, "a"), "2")
	commit(t, owner, engine.Batch{Puts: []engine.Put{put("a", "3")}})
}

func testUnavailable(t *testing.T, b Backend) {
	link := new(Link)
	s := b.Open(t, link)
	h := take(t, s)
	commit(t, h, engine.Batch{Puts: []engine.Put{put("a", "1")}})
	link.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := h.Commit(ctx, &engine.Batch{Seq: h.Seq() + 1, Puts: []engine.Put{put("a", "2")}})
	if !errors.Is(err, engine.ErrDoubt) && !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("without a server the commit said %v", err)
	}
	link.Mend()
	again := take(t, s)
	equal(t, "a", get(t, again, "a"), "1")
}
