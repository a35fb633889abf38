package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPartitionOf: keys stay where they are for ever, and spread.
func TestPartitionOf(t *testing.T) {
	for key, want := range map[string]Partition{"phone:8613800000001": 0, "phone:8613800000002": 2, "merchant:10000001": 2, "": 2} {
		if got := PartitionOf(key, 16); got != want {
			t.Errorf("PartitionOf(%q, 16) is %d, want %d", key, got, want)
		}
	}
	counts := make([]int, 16)
	for i := range 16000 {
		counts[PartitionOf(fmt.Sprintf("phone:86138%08d", i), 16)]++
	}
	if slices.Min(counts) < 850 || slices.Max(counts) > 1150 {
		t.Errorf("16000 phones spread as %v", counts)
	}
	if Partition(3).String() != "p03" || Partition(255).String() != "p255" {
		t.Error("a partition has another name")
	}
}

func eventGen() *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		e := Event{
			Subject: rapid.String().Draw(t, "subject"), Name: rapid.StringMatching(`[a-z_]{1,9}`).Draw(t, "name"),
			From: rapid.String().Draw(t, "from"), To: rapid.String().Draw(t, "to"),
			Cause: rapid.String().Draw(t, "cause"), Prev: rapid.StringMatching(`([0-9]-[0-9])?`).Draw(t, "prev"),
			At: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC(),
		}
		if rapid.Bool().Draw(t, "with data") {
			e.Data = json.RawMessage(`{"n":` + fmt.Sprint(rapid.Int().Draw(t, "n")) + `}`)
		}
		for range rapid.IntRange(0, 3).Draw(t, "effects") {
			effect := Effect{ID: rapid.String().Draw(t, "id"), Kind: rapid.String().Draw(t, "kind"), Lane: rapid.String().Draw(t, "lane")}
			if rapid.Bool().Draw(t, "with body") {
				effect.Body = json.RawMessage(`["x"]`)
			}
			e.Effects = append(e.Effects, effect)
		}
		return e
	})
}

// TestEventText: what is written by hand is JSON, and reads back as it was.
func TestEventText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := eventGen().Draw(t, "event")
		text, err := e.AppendText(nil)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", text, err)
		}
		back, err := ParseEvent(e.Name, string(text))
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%s\nreads %#v, %v\nwant  %#v", text, back, err, e)
		}
	})
}

// TestPlainEvent: events as they mostly are, are read the quick way; others are left to
// package json.
func TestPlainEvent(t *testing.T) {
	at := time.Date(2026, 11, 23, 22, 30, 0, 5_000_000, time.UTC)
	for name, test := range map[string]struct {
		event Event
		plain bool
	}{
		"a step":         {Event{Subject: "bill_1", From: "opened", To: "paid", Cause: "phone", Prev: "1-2", At: at, Data: json.RawMessage(`{"postings":[{"account":"a","amount":-5}]}`)}, true},
		"bare":           {Event{At: at}, true},
		"effects":        {Event{Subject: "s", At: at, Effects: []Effect{{ID: "e", Kind: "k", Lane: "l", Body: json.RawMessage(`{"b":[]}`)}, {ID: "f"}}}, true},
		"another tongue": {Event{Subject: "账单", At: at}, false},
		"a fraction":     {Event{Subject: "s", At: at, Data: json.RawMessage(`{"n":0.5}`)}, false},
	} {
		text, err := test.event.AppendText(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := plainEvent("", string(text))
		if ok != test.plain || ok && !reflect.DeepEqual(got, test.event) {
			t.Errorf("%s: %s reads %#v, %t", name, text, got, ok)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(`{"subject":"bill_1","from":"a","to":"b","at":"2026-11-23T22:30:00Z","data":{"n":1},"effects":[{"id":"e","kind":"sms","body":{}}]}`)
	f.Add(`{"at":"0001-01-01T00:00:00Z"}`)
	f.Add(`{"data":null,"effects":[{}]}`)
	f.Add(`{"subject":"bill_1","at":"2026-11-23T22:30:00.5Z","effects":[{"id":"e","kind":"sms","lane":"l","body":[{"a":-1}]},{"id":"f"}]}`)
	f.Add(`{"subject":"","at":"2026-11-23T22:30:00+08:00","data":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEvent("name", text)
		if quick, ok := plainEvent("name", text); ok {
			slow, err := parseEvent("name", text)
			if err != nil || !reflect.DeepEqual(quick, slow) {
				t.Fatalf("%s\nreads quickly %#v\nand slowly    %#v, %v", text, quick, slow, err)
			}
		}
		if err != nil {
			return
		}
		once, err := e.AppendText(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseEvent("name", string(once))
		if err != nil {
			t.Fatalf("%s became %s: %v", text, once, err)
		}
		if twice, _ := again.AppendText(nil); string(twice) != string(once) {
			t.Fatalf("%s became %s, then %s", text, once, twice)
		}
	})
}

// script is an actor that does what its input says.
type script func(tx *Tx) (any, error)

type scripted struct{}

func (scripted) Load(context.Context, Reader) error { return nil }

func (scripted) Handle(tx *Tx, in any) (any, error) { return in.(script)(tx) }

func decide(t *testing.T, s script) *Batch {
	t.Helper()
	_, b, err := Decide(scripted{}, 2, 7, time.Unix(1_700_000_000, 5_000_000), s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBatch: values are absolute, the last one counts, and no name comes twice.
func TestBatch(t *testing.T) {
	type rec struct{ N int }
	kept := &rec{1}
	b := decide(t, func(tx *Tx) (any, error) {
		tx.Put("a", kept)
		kept.N = 2 // encoded as it is in the end
		tx.Put("b", "text")
		tx.Put("c", 1)
		tx.Delete("c")
		tx.Delete("d")
		tx.Put("d", json.RawMessage(`[]`))
		tx.SetField("h", "f", "1")
		tx.SetField("h", "f", "2")
		tx.SetField("h", "g", "1")
		tx.DeleteField("h", "g")
		tx.SetScore("z", "m", 1)
		tx.DeleteScore("z", "m")
		tx.SetScore("z", "n", 2)
		tx.Wake("w", tx.Now().Add(1500*time.Microsecond))
		tx.Wake("v", tx.Now())
		tx.NoWake("v")
		tx.Record(Event{Subject: "s", Name: "e", Prev: tx.EntryID(), Data: rec{3}})
		return nil, nil
	})
	at := time.UnixMilli(1_700_000_000_005).UTC()
	want := Batch{
		Seq:     7,
		Puts:    []Put{{"a", []byte(`{"N":2}`)}, {"b", []byte("text")}, {"d", []byte("[]")}},
		Deletes: []string{"c"},
		Fields:  []Field{{"h", "f", "2"}}, FieldDeletes: []Field{{"h", "g", ""}},
		Scores: []Score{{"z", "n", 2}}, ScoreDeletes: []Score{{"z", "m", 0}},
		Wakes: []Due{{"w", at.Add(2 * time.Millisecond)}}, NoWakes: []string{"v"},
		Journal: []Event{{Subject: "s", Name: "e", Prev: "1-7", At: at, Data: json.RawMessage(`{"N":3}`)}},
	}
	if !reflect.DeepEqual(*b, want) {
		t.Errorf("the batch is\n%+v, want\n%+v", *b, want)
	}
}

func TestTxPanics(t *testing.T) {
	for name, s := range map[string]script{
		"the engine's own": func(tx *Tx) (any, error) { tx.Put("seq", 1); return nil, nil },
		"is not JSON": func(tx *Tx) (any, error) {
			tx.Record(Event{Effects: []Effect{{ID: "e", Body: json.RawMessage("{")}}})
			return nil, nil
		},
		"encode chan int": func(tx *Tx) (any, error) { tx.Put("a", make(chan int)); return nil, nil },
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, name) {
					t.Errorf("want a panic over %q: %s", name, said)
				}
			}()
			decide(t, s)
		}()
	}
}

// TestRuleBreakers: an actor that stages and refuses, or that panics, crashes the engine
// with the partition and the input.
func TestRuleBreakers(t *testing.T) {
	for want, s := range map[string]script{
		"staged something and then refused: no": func(tx *Tx) (any, error) { tx.Put("a", 1); return nil, errors.New("no") },
		"index out of range":                    func(*Tx) (any, error) { var none []int; return none[len(none)], nil },
	} {
		p := newPartition(3, Config{}.withDefaults(), nil, nil, nil)
		st := newStage()
		st.reset(1, 7)
		session := &session{partition: p, actor: scripted{}, open: st}
		func() {
			defer func() {
				said := fmt.Sprint(recover())
				if !strings.Contains(said, want) || !strings.Contains(said, "partition p03, entry 1-7, handling engine.script") {
					t.Errorf("want a panic over %q: %s", want, said)
				}
			}()
			_, _ = session.decide(s)
		}()
	}
}

// TestWakes holds the heap against a map.
func TestWakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := make(map[string]time.Time)
		w := newWakes(nil)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "id")
			at := time.Unix(int64(rapid.IntRange(0, 9).Draw(t, "at")), 0)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				w.set(id, at)
				model[id] = at
			case 2:
				w.remove(id)
				delete(model, id)
			case 3:
				got, ok := w.pop(at)
				var want Due
				for id, due := range model {
					if !due.After(at) && (want.ID == "" || due.Before(want.At) || due.Equal(want.At) && id < want.ID) {
						want = Due{id, due}
					}
				}
				if ok != (want.ID != "") || got != want {
					t.Fatalf("popped %v, want %v", got, want)
				}
				delete(model, want.ID)
			}
			if len(w.heap) != len(model) || len(w.byID) != len(model) {
				t.Fatalf("%d in the heap, %d by id, want %d", len(w.heap), len(w.byID), len(model))
			}
		}
	})
}

// TestCursor: it is never behind an entry that has effects to come.
func TestCursor(t *testing.T) {
	c := newCursor("1-1")
	a, b := c.add("1-2", 2), c.add("1-3", 1)
	c.add("1-4", 0)
	for _, step := range []struct {
		entry *openEntry
		want  string
	}{{a, "1-1"}, {b, "1-1"}, {a, "1-4"}} {
		c.done(step.entry)
		if got := c.position(); got != step.want {
			t.Errorf("the cursor is at %s, want %s", got, step.want)
		}
	}
	c.add("1-5", 0)
	if c.position() != "1-5" || len(c.moved) != 1 {
		t.Errorf("the cursor is at %s", c.position())
	}
}

// TestTrim: what has effects to come stays in the journal.
func TestTrim(t *testing.T) {
	c := newCursor("1-7")
	for before, want := range map[string]bool{"1-7": true, "1-2": true, "1-8": false, "2-1": false, "": false, "x": false} {
		st := newStage()
		st.reset(2, 1)
		tx := &Tx{stage: st, cursor: c}
		if got := tx.Trim(before); got != want || st.staged() != want || st.seal("").Trim != map[bool]string{true: before}[want] {
			t.Errorf("trimming before %q: %t", before, got)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Partitions: -1}, {Partitions: 1 << 17}, {MaxBatch: -1}, {CommitTimeout: -1}} {
		if _, err := New(c, nil, nil, nil); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// member is what an Object can write, with a struct's tags.
type member struct {
	Text string    `json:"text"`
	Some string    `json:"some,omitempty"`
	Int  int64     `json:"int"`
	At   time.Time `json:"at"`
	Raw  []int     `json:"raw"`
	More *more     `json:"more,omitempty"`
}

// more are the members that may be left out.
type more struct {
	Some int64     `json:"some,omitempty"`
	Uint uint64    `json:"uint"`
	Few  uint64    `json:"few,omitempty"`
	Bool bool      `json:"bool"`
	True bool      `json:"true,omitempty"`
	At   time.Time `json:"at,omitzero"`
	All  []string  `json:"all"`
}

func (m *more) value(dst []byte) Object {
	o := NewObject(dst).SomeInt("some", m.Some).Uint("uint", m.Uint).SomeUint("few", m.Few).Bool("bool", m.Bool).
		SomeTrue("true", m.True).SomeTime("at", m.At)
	return Array(o, "all", m.All, AppendString).End()
}

func (m member) AppendJSON(dst []byte) ([]byte, error) {
	raw, err := json.Marshal(m.Raw)
	o := NewObject(dst).Text("text", m.Text).Some("some", m.Some).Int("int", m.Int).Time("at", m.At).JSON("raw", raw)
	if m.More != nil {
		o = m.More.value(o.Name("more"))
	}
	return o.End(), err
}

// TestObject: an object reads as what was written.
func TestObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := member{
			Text: rapid.String().Draw(t, "text"), Some: rapid.String().Draw(t, "some"), Int: rapid.Int64().Draw(t, "int"),
			At: time.Unix(rapid.Int64Range(-6e10, 2e11).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(), Raw: []int{1, 2},
		}
		if rapid.Bool().Draw(t, "more") {
			m.More = &more{
				Some: rapid.Int64().Draw(t, "some"), Uint: rapid.Uint64().Draw(t, "uint"), Few: rapid.Uint64().Draw(t, "few"),
				Bool: rapid.Bool().Draw(t, "bool"), True: rapid.Bool().Draw(t, "true"), All: rapid.SliceOf(rapid.String()).Draw(t, "all"),
			}
			if rapid.Bool().Draw(t, "at") {
				m.More.At = m.At
			}
		}
		text, err := m.AppendJSON([]byte("{"))
		if err != nil {
			t.Fatal(err)
		}
		var back member
		if err := json.Unmarshal(text[1:], &back); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%s\nreads %#v, %v\nwant  %#v", text[1:], back, err, m)
		}
	})
}

func TestPutAppender(t *testing.T) {
	b := decide(t, func(tx *Tx) (any, error) {
		tx.Put("a", member{Text: "x"})
		tx.Put("b", struct{ N int }{1})
		tx.Record(Event{Subject: "s", Name: "n", Data: member{Text: "y"}})
		return nil, nil
	})
	for i, want := range []string{`{"text":"x","int":0,"at":"0001-01-01T00:00:00Z","raw":null}`, `{"N":1}`} {
		if got := string(b.Puts[i].Value); got != want {
			t.Errorf("record %d is %s, want %s", i, got, want)
		}
	}
	if got := string(b.Journal[0].Data.(json.RawMessage)); got != `{"text":"y","int":0,"at":"0001-01-01T00:00:00Z","raw":null}` {
		t.Errorf("the data is %s", got)
	}
}

// TestQueueTells: whenever something waits, there is a token.
func TestQueueTells(t *testing.T) {
	q := newQueue(3)
	told := func() bool {
		select {
		case <-q.signal:
			return true
		default:
			return false
		}
	}
	for range 3 {
		if err := q.push(input{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.push(input{}); !errors.Is(err, ErrBusy) {
		t.Errorf("a full queue said %v", err)
	}
	for _, step := range []struct{ most, want int }{{2, 2}, {2, 1}} {
		if !told() {
			t.Error("something waits, and nobody is told")
		}
		if got := len(q.take(nil, step.most)); got != step.want {
			t.Errorf("%d were taken, want %d", got, step.want)
		}
	}
	if told() {
		t.Error("nothing waits, and somebody is told")
	}
}
