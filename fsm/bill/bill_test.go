package bill_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
)

var update = flag.Bool("update", false, "write the golden files")

func machine(t interface{ Fatal(...any) }) *fsm.Machine[bill.Facts] {
	m, err := bill.NewMachine()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// table is the life of a bill as architecture.md section 4 tells it: for each event,
// the states it is legal in and where it leads from each.
const table = `
push: created>pushed pushed>pushed
deliver: created>delivered pushed>delivered
open: delivered>opened deferred>opened
defer: delivered>deferred opened>deferred
remind: delivered>delivered opened>opened deferred>deferred
decline: opened>opened
pay: opened>paid
settle: paid>settled
refuse: delivered>refused opened>refused deferred>refused
fail: opened>failed
expire: delivered>expired opened>expired deferred>expired
miss: created>undelivered pushed>undelivered
cancel: created>cancelled pushed>cancelled delivered>cancelled opened>cancelled deferred>cancelled
report: settled>settled refused>refused expired>expired cancelled>cancelled failed>failed undelivered>undelivered
acknowledge: settled>settled refused>refused expired>expired cancelled>cancelled failed>failed undelivered>undelivered
`

// allowing are facts that no guard of the event minds.
func allowing(e fsm.Event) bill.Facts {
	now := time.Unix(1_700_000_000, 0)
	f := bill.Facts{Now: now, Expires: now.Add(time.Second)}
	if e == bill.Expire || e == bill.Miss {
		f.Expires = now
	}
	return f
}

func TestEveryPair(t *testing.T) {
	want := make(map[string]string)
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		event, steps, _ := strings.Cut(line, ": ")
		for _, step := range strings.Fields(steps) {
			from, to, _ := strings.Cut(step, ">")
			want[from+" "+event] = to
		}
	}
	m := machine(t)
	if len(m.States()) != 12 || len(m.Events()) != 15 {
		t.Errorf("%d states and %d events", len(m.States()), len(m.Events()))
	}
	for _, from := range m.States() {
		for _, e := range m.Events() {
			to, legal := want[string(from)+" "+string(e)]
			got, err := m.Fire(from, e, allowing(e))
			switch {
			case legal && (err != nil || string(got) != to):
				t.Errorf("%s from %s: %s, %v; want %s", e, from, got, err, to)
			case !legal && (!errors.Is(err, fsm.ErrIllegal) || got != from):
				t.Errorf("%s from %s: %s, %v; want it illegal", e, from, got, err)
			}
		}
	}
}

func TestStatesAreTheTables(t *testing.T) {
	listed, table := slices.Clone(bill.States()), machine(t).States()
	slices.Sort(listed)
	slices.Sort(table)
	if !slices.Equal(listed, table) {
		t.Errorf("States lists %q, the table has %q", listed, table)
	}
}

func TestGuards(t *testing.T) {
	m := machine(t)
	now := time.Unix(1_700_000_000, 0)
	mismatch := errors.New("another amount")
	fresh := bill.Facts{Now: now, Expires: now.Add(1)}
	over := bill.Facts{Now: now, Expires: now}
	for _, test := range []struct {
		event fsm.Event
		facts bill.Facts
		want  error
	}{
		{bill.Deliver, over, bill.ErrExpired},
		{bill.Open, over, bill.ErrExpired},
		{bill.Defer, over, bill.ErrExpired},
		{bill.Remind, over, bill.ErrExpired},
		{bill.Decline, over, bill.ErrExpired},
		{bill.Pay, over, bill.ErrExpired},
		{bill.Refuse, over, bill.ErrExpired},
		{bill.Push, over, nil},
		{bill.Cancel, over, nil},
		{bill.Settle, over, nil},
		{bill.Expire, fresh, bill.ErrTooEarly},
		{bill.Miss, fresh, bill.ErrTooEarly},
		{bill.Pay, bill.Facts{Now: now, Expires: now.Add(1), Mismatch: mismatch}, mismatch},
		{bill.Fail, bill.Facts{Now: now, Expires: now.Add(1), TriesLeft: 1}, bill.ErrTries},
		{bill.Fail, fresh, nil},
		{bill.Report, bill.Facts{Acknowledged: true}, bill.ErrClosed},
		{bill.Acknowledge, bill.Facts{Acknowledged: true}, bill.ErrClosed},
	} {
		asked := 0
		for _, from := range m.States() {
			if !m.Can(from, test.event) {
				continue
			}
			asked++
			if _, err := m.Fire(from, test.event, test.facts); !errors.Is(err, test.want) {
				t.Errorf("%s from %s: %v, want %v", test.event, from, err, test.want)
			}
		}
		if asked == 0 {
			t.Errorf("%s is legal nowhere", test.event)
		}
	}
}

// TestImplied: what a message implies makes it possible, one step after the other, and
// is nothing when it is possible already or never will be (wire.md section 5).
func TestImplied(t *testing.T) {
	m := machine(t)
	for _, from := range m.States() {
		for _, e := range m.Events() {
			implied := bill.Implied(from, e)
			if m.Can(from, e) && implied != nil {
				t.Errorf("%s from %s is possible and implies %v", e, from, implied)
			}
			state := from
			for _, step := range implied {
				to, err := m.Fire(state, step, allowing(step))
				if err != nil {
					t.Errorf("%s from %s implies %v: %v", e, from, implied, err)
				}
				state = to
			}
			if implied != nil && !m.Can(state, e) {
				t.Errorf("%s from %s is still not possible after %v", e, from, implied)
			}
		}
	}
	for _, test := range []struct {
		from fsm.State
		e    fsm.Event
		want string
	}{
		{bill.Created, bill.Refuse, "[deliver]"},
		{bill.Created, bill.Defer, "[deliver]"},
		{bill.Pushed, bill.Open, "[deliver]"},
		{bill.Pushed, bill.Pay, "[deliver open]"},
		{bill.Created, bill.Fail, "[deliver open]"},
		{bill.Delivered, bill.Pay, "[open]"},
		{bill.Deferred, bill.Pay, "[open]"},
		{bill.Deferred, bill.Decline, "[open]"},
		{bill.Delivered, bill.Settle, "[]"},
		{bill.Paid, bill.Pay, "[]"},
	} {
		if got := fmt.Sprint(bill.Implied(test.from, test.e)); got != test.want {
			t.Errorf("%s from %s implies %s, want %s", test.e, test.from, got, test.want)
		}
	}
}

func TestNext(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	all := bill.Timetable{Expires: at(50), NextPush: at(10), NextReminder: at(20), NextReport: at(30)}
	late := bill.Timetable{Expires: at(5), NextPush: at(10), NextReminder: at(20)}
	tie := bill.Timetable{Expires: at(5), NextPush: at(5), NextReminder: at(5)}
	for _, test := range []struct {
		state fsm.State
		t     bill.Timetable
		event fsm.Event
		at    time.Time
	}{
		{bill.Created, all, bill.Push, at(10)},
		{bill.Pushed, all, bill.Push, at(10)},
		{bill.Pushed, late, bill.Miss, at(5)},
		{bill.Pushed, tie, bill.Miss, at(5)},
		{bill.Pushed, bill.Timetable{Expires: at(50)}, bill.Miss, at(50)},
		{bill.Delivered, all, bill.Remind, at(20)},
		{bill.Opened, late, bill.Expire, at(5)},
		{bill.Deferred, tie, bill.Expire, at(5)},
		{bill.Paid, all, "", time.Time{}},
		{bill.Settled, all, bill.Report, at(30)},
		{bill.Undelivered, all, bill.Report, at(30)},
		{bill.Refused, bill.Timetable{Expires: at(1)}, "", time.Time{}},
		{bill.Created, bill.Timetable{}, "", time.Time{}},
	} {
		if event, when := bill.Next(test.state, test.t); event != test.event || !when.Equal(test.at) {
			t.Errorf("from %s, %+v: %q at %v, want %q at %v", test.state, test.t, event, when, test.event, test.at)
		}
	}
	m := machine(t)
	for _, s := range m.States() {
		if event, _ := bill.Next(s, all); event != "" && !m.Can(s, event) {
			t.Errorf("the clock brings %s to %s, where it is illegal", event, s)
		}
	}
}

func TestEndedAndLive(t *testing.T) {
	m := machine(t)
	for _, s := range m.States() {
		if bill.Ended(s) != m.Can(s, bill.Acknowledge) {
			t.Errorf("Ended(%s) is %v", s, bill.Ended(s))
		}
		if bill.Live(s) != m.Can(s, bill.Cancel) {
			t.Errorf("Live(%s) is %v", s, bill.Live(s))
		}
		if bill.Ended(s) && bill.Live(s) || !bill.Ended(s) && !bill.Live(s) && s != bill.Paid {
			t.Errorf("%s: ended %v, live %v", s, bill.Ended(s), bill.Live(s))
		}
	}
}

// TestEveryPathEnds walks at random, with the clock running: no bill stays alive for ever.
func TestEveryPathEnds(t *testing.T) {
	m := machine(t)
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		facts := bill.Facts{Expires: now.Add(time.Minute), TriesLeft: 3}
		state := fsm.State(bill.Created)
		for step := 0; !bill.Ended(state); step++ {
			if step > 200 {
				t.Fatalf("still %s after %d steps", state, step)
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "pause")) * time.Second)
			facts.Now = now
			e := rapid.SampledFrom(m.Events()).Draw(t, "event")
			if e == bill.Decline && facts.TriesLeft > 0 {
				facts.TriesLeft--
			}
			if state == bill.Paid {
				e = bill.Settle // the sweep comes by itself
			} else if !now.Before(facts.Expires) {
				e, _ = bill.Next(state, bill.Timetable{Expires: facts.Expires})
			}
			if to, err := m.Fire(state, e, facts); err == nil {
				state = to
			}
		}
	})
}

func TestChart(t *testing.T) {
	const golden = "testdata/bill.mmd"
	if *update {
		if err := os.WriteFile(golden, []byte(bill.Chart()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := bill.Chart(); got != string(want) {
		t.Errorf("the chart differs from %s; -update writes it:\n%s", golden, got)
	}
}

func BenchmarkFire(b *testing.B) {
	m := machine(b)
	facts := allowing(bill.Pay)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Fire(bill.Opened, bill.Pay, facts); err != nil {
			b.Fatal(err)
		}
	}
}
