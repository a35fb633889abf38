package radio_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/radio"
)

func cause(a *radio.Air, number string) radio.Cause { return a.Cross(start, number).Cause }

func TestSubscriber(t *testing.T) {
	outage := profile(t, "outage")
	for _, test := range []struct {
		name  string
		air   string // profile
		set   radio.Settings
		want  radio.Cause
		lasts bool // until an act
	}{
		{"nothing set", "ideal", radio.Settings{}, radio.Through, false},
		{"switched off", "ideal", radio.Settings{Off: true}, radio.Absent, true},
		{"off and busy", "ideal", radio.Settings{Off: true, Busy: true}, radio.Absent, true},
		{"busy", "ideal", radio.Settings{Busy: true}, radio.Busy, true},
		{"busy and full", "ideal", radio.Settings{Busy: true, Memory: new(0)}, radio.Busy, true},
		{"full", "ideal", radio.Settings{Memory: new(0)}, radio.MemoryFull, true},
		{"room for two", "ideal", radio.Settings{Memory: new(2)}, radio.Through, false},
		{"out of coverage", "ideal", radio.Settings{Coverage: radio.Out}, radio.Absent, true},
		{"in coverage by hand", "outage", radio.Settings{Coverage: radio.In}, radio.Through, false},
		{"never in coverage", "outage", radio.Settings{}, radio.Absent, true},
		{"a profile of its own", "ideal", radio.Settings{Profile: &outage}, radio.Absent, true},
		{"nobody answers", "loss=1", radio.Settings{}, radio.Lost, false},
		{"the full do not answer either", "loss=1", radio.Settings{Memory: new(0)}, radio.Lost, true},
		{"the network fails", "failure=1 busy=1 loss=1", radio.Settings{}, radio.Failed, false},
		{"the network does not look for long", "failure=1", radio.Settings{Off: true}, radio.Absent, true},
		{"takes another", "busy=1 loss=1", radio.Settings{}, radio.Busy, false},
	} {
		a := air(t, 1, profile(t, test.air))
		test.set.Number = phone
		set(t, a, test.set)
		if got := cause(a, phone); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		want := start
		if test.lasts {
			want = time.Time{}
		}
		if back := a.Returns(start, phone); !back.Equal(want) {
			t.Errorf("%s: returns %v", test.name, back)
		}
		set(t, a, radio.Settings{Number: phone})
		if got := a.Plan().Subscribers; len(got) != 0 {
			t.Errorf("%s: nothing of its own is kept as %+v", test.name, got)
		}
	}
}

// A phone takes as many as its memory holds, doubles counted, until it is cleared.
func TestMemory(t *testing.T) {
	a := air(t, 1, profile(t, "duplication=1"))
	for range 5 {
		a.Cross(start, phone) // before there is a limit, nothing counts
	}
	set(t, a, radio.Settings{Number: phone, Memory: new(3)})
	for i, want := range []radio.Crossing{{Twice: true}, {}, {Cause: radio.MemoryFull}, {Cause: radio.MemoryFull}} {
		if got := a.Cross(start, phone); got != want {
			t.Errorf("message %d: %+v", i, got)
		}
	}
	if s := a.Subscriber(start, phone); s.Held != 3 || s.Cause != radio.MemoryFull || !s.Returns.IsZero() {
		t.Errorf("%+v", s)
	}
	set(t, a, radio.Settings{Number: phone, Memory: new(4)})
	if got := a.Cross(start, phone); got != (radio.Crossing{}) {
		t.Errorf("with room for one more: %+v", got)
	}
	if err := a.SetPlan(a.Plan()); err != nil || a.Subscriber(start, phone).Held != 4 {
		t.Errorf("after a plan: %v, %+v", err, a.Subscriber(start, phone))
	}
	set(t, a, radio.Settings{Number: phone, Off: true})
	set(t, a, radio.Settings{Number: phone, Memory: new(4)})
	if s := a.Subscriber(start, phone); s.Held != 0 {
		t.Errorf("with a limit again: %+v", s)
	}
	a.Cross(start, phone)
	a.Clear(phone)
	a.Clear("another")
	if got := a.Cross(start, phone); got != (radio.Crossing{Twice: true}) || a.Subscriber(start, phone).Held != 2 {
		t.Errorf("cleared: %+v", got)
	}
}

// What a subscriber has of its own comes before its cell's, and that before the air's.
func TestProfileInForce(t *testing.T) {
	a := air(t, 1, profile(t, "urban"))
	rural, roaming := profile(t, "rural"), profile(t, "roaming")
	if err := a.SetCell(radio.Cell{Name: "valley", Profile: &rural}); err != nil {
		t.Fatal(err)
	}
	if err := a.SetCell(radio.Cell{Name: "street"}); err != nil {
		t.Fatal(err)
	}
	set(t, a, radio.Settings{Number: "1", Cell: "street"})
	set(t, a, radio.Settings{Number: "2", Cell: "valley"})
	set(t, a, radio.Settings{Number: "3", Cell: "valley", Profile: &roaming})
	rural.Loss = 1 // the air has its own copies
	for number, want := range map[string][2]string{"1": {"street", "urban"}, "2": {"valley", "rural"}, "3": {"valley", "roaming"}} {
		if s := a.Subscriber(start, number); s.StandsIn != want[0] || s.InForce.Name() != want[1] {
			t.Errorf("%s: %s, %s", number, s.StandsIn, s.InForce)
		}
	}
}

func TestCells(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	for i := range 10 {
		if err := a.SetCell(radio.Cell{Name: fmt.Sprint("cell-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	const n = 10000
	counts, stood := make(map[string]int), make([]string, n)
	for i, number := range numbers(n) {
		stood[i] = a.Subscriber(start, number).StandsIn
		counts[stood[i]]++
	}
	if len(counts) != 10 {
		t.Errorf("%d cells", len(counts))
	}
	for cell, count := range counts {
		if count < 900 || count > 1100 {
			t.Errorf("%d of %d stand in %s", count, n, cell)
		}
	}
	// A new cell takes its share, and nobody else moves.
	if err := a.SetCell(radio.Cell{Name: "new"}); err != nil {
		t.Fatal(err)
	}
	moved := 0
	for i, number := range numbers(n) {
		switch now := a.Subscriber(start, number).StandsIn; now {
		case stood[i]:
		case "new":
			moved++
		default:
			t.Fatalf("%s moved from %s to %s", number, stood[i], now)
		}
	}
	if moved < n/11*8/10 || moved > n/11*12/10 {
		t.Errorf("%d moved to the new cell", moved)
	}
}

func TestOutage(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	for _, name := range []string{"north", "south"} {
		if err := a.SetCell(radio.Cell{Name: name, Outage: name == "north"}); err != nil {
			t.Fatal(err)
		}
	}
	set(t, a, radio.Settings{Number: phone, Cell: "north", Coverage: radio.In})
	if got := cause(a, phone); got != radio.Absent {
		t.Errorf("in a cell in outage: %v", got)
	}
	set(t, a, radio.Settings{Number: phone, Cell: "south"})
	if got := cause(a, phone); got != radio.Through {
		t.Errorf("moved out of it: %v", got)
	}
	if err := a.Set(radio.Settings{Number: phone, Cell: "west"}); err == nil || !strings.Contains(err.Error(), `there is no "west"`) {
		t.Errorf("moved nowhere: %v", err)
	}
	if c, ok := a.Cell("north"); !ok || !c.Outage {
		t.Errorf("%+v, %v", c, ok)
	}
	if c, ok := a.Cell("west"); ok {
		t.Errorf("%+v", c)
	}
}

const planJSON = `{
	"profile": "urban",
	"cells": [{"name": "north", "profile": "rural"}, {"name": "south", "outage": true}],
	"subscribers": [
		{"number": "2", "cell": "south", "off": true, "busy": true, "coverage": "in", "memory": 0},
		{"number": "1", "profile": {"name": "stadium", "loss": 0.5}}
	]
}`

func TestPlan(t *testing.T) {
	var plan radio.Plan
	if err := radio.Decode([]byte(planJSON), &plan); err != nil {
		t.Fatal(err)
	}
	a := air(t, 1, radio.Profile{})
	set(t, a, radio.Settings{Number: "3", Off: true})
	if err := a.SetPlan(plan); err != nil {
		t.Fatal(err)
	}
	got := a.Plan()
	plan.Subscribers[0], plan.Subscribers[1] = plan.Subscribers[1], plan.Subscribers[0] // by number
	law := cmp.Comparer(func(x, y radio.Law) bool { return x == y })
	if diff := cmp.Diff(plan, got, law); diff != "" {
		t.Error(diff)
	}
	data, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var again radio.Plan
	if err := radio.Decode(data, &again); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	if diff := cmp.Diff(got, again, law); diff != "" {
		t.Error(diff)
	}
	got.Cells[0].Profile.Loss, *got.Subscribers[1].Memory = 1, 7 // a copy
	*plan.Subscribers[1].Memory = 8
	if diff := cmp.Diff(again, a.Plan(), law); diff != "" {
		t.Error(diff)
	}
}

// A change reads what it gives and leaves the rest.
func TestDecodeChanges(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	urban := profile(t, "urban")
	set(t, a, radio.Settings{Number: phone, Profile: &urban, Busy: true, Memory: new(3)})
	change := func(text string) error {
		return a.Update(phone, func(s *radio.Settings) error { return radio.Decode([]byte(text), s) })
	}
	if err := change(`{"off": true, "memory": null, "profile": {"loss": 0.25}}`); err != nil {
		t.Fatal(err)
	}
	lossy := urban
	lossy.Loss = 0.25
	got := a.Subscriber(start, phone)
	if !got.Off || !got.Busy || got.Memory != nil || *got.Profile != lossy || urban.Loss == 0.25 {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{
		`{"off": false, "profile": {"loss": 5}}`: "radio: profile: loss: 5 is outside 0 to 1",
		`{"off": false, "coverage": "some"}`:     `coverage: "some"; give in, out or nothing`,
		`{"off": false, "memory": -1}`:           "memory: -1 is negative",
		`{"off": false, "cell": "west"}`:         `cell: there is no "west"`,
		`{"off": false, "number": "7"}`:          `number: it cannot become "7"`,
	} {
		if err := change(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if again := a.Subscriber(start, phone); again.Off != got.Off || *again.Profile != lossy {
		t.Errorf("refused changes left %+v", again)
	}
	plan := radio.Plan{Cells: []radio.Cell{{Name: "north", Outage: true}}, Subscribers: []radio.Settings{{Number: "1", Off: true}}}
	if err := radio.Decode([]byte(`{"cells": [{"name": "south"}]}`), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Cells) != 1 || plan.Cells[0] != (radio.Cell{Name: "south"}) || len(plan.Subscribers) != 1 {
		t.Errorf("%+v", plan)
	}
}

func TestDecodeNamesTheField(t *testing.T) {
	for text, want := range map[string]string{
		`{"profil": "urban"}`:                         `unknown field "profil"`,
		`{"cells": 3}`:                                "radio: cells: a JSON number, not a slice",
		`{"cells": [{"name": 3}]}`:                    "radio: cells.name: a JSON number, not a string",
		`{"subscribers": [{"off": "yes"}]}`:           "radio: subscribers.off: a JSON string, not a bool",
		`{"subscribers": [{"memory": 1.5}]}`:          "radio: subscribers.memory: a JSON number 1.5, not a int",
		`{"cells": [{"name": "a", "outtage": true}]}`: `unknown field "outtage"`,
		`[]`:                    "radio: value: a JSON array, not a struct",
		``:                      "radio: EOF",
		`{"profile": "urban"}}`: "something follows",
	} {
		var p radio.Plan
		if err := radio.Decode([]byte(text), &p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"profile": "urban", "cells": [{"name": ""}]}`:                             "cell: name: empty",
		`{"cells": [{"name": "a"}, {"name": "a"}]}`:                                 `cell "a": name: twice`,
		`{"subscribers": [{"number": ""}]}`:                                         "number: give 1 to 20",
		`{"subscribers": [{"number": "123456789012345678901"}]}`:                    "number: give 1 to 20",
		`{"subscribers": [{"number": "1"}, {"number": "1"}]}`:                       "subscriber 1: number: twice",
		`{"cells": [{"name": "a"}], "subscribers": [{"number": "1", "cell": "b"}]}`: `subscriber 1: cell: there is no "b"`,
	} {
		var p radio.Plan
		if err := radio.Decode([]byte(text), &p); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := air(t, 1, radio.Profile{}).SetPlan(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestStatusJSON(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	set(t, a, radio.Settings{Number: phone, Memory: new(2)})
	a.Cross(start, phone)
	data, err := json.Marshal(a.Subscriber(start, phone))
	const want = `{"number":"8613800000001","memory":2,"in_force":{"name":"ideal","latency":"constant(0s)","loss":0,` +
		`"duplication":0,"reordering":0,"late":"0s","busy":0,"failure":0,"coverage":"always"},"cause":"through",` +
		`"returns":"2026-01-01T00:00:00Z","held":1,"crossings":1}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
}

func TestNilAir(t *testing.T) {
	var a *radio.Air
	a.Begin(start)
	a.Watch(func(string) {})
	a.Clear(phone)
	if a.Seed() != 0 || len(a.Plan().Cells) != 0 {
		t.Error("there is something in it")
	}
	if s := a.Subscriber(start, phone); s.Cause != radio.Through || !s.Returns.Equal(start) || s.Number != phone {
		t.Errorf("%+v", s)
	}
	if _, ok := a.Cell("x"); ok {
		t.Error("it has a cell")
	}
	for i, err := range []error{
		a.Set(radio.Settings{Number: phone}), a.SetCell(radio.Cell{Name: "x"}), a.SetProfile(radio.Profile{}), a.SetPlan(radio.Plan{}),
	} {
		if err == nil {
			t.Errorf("%d: set", i)
		}
	}
}

// Causes are named as 3GPP TS 29.002 names the errors of mt-ForwardSM, with its codes.
func TestCauses(t *testing.T) {
	for _, test := range []struct {
		cause    radio.Cause
		name     string
		mapError string
		code     uint16
	}{
		{radio.Through, "through", "", 0},
		{radio.Absent, "absent", "AbsentSubscriberSM", 6},
		{radio.Busy, "busy", "SubscriberBusyForMT-SMS", 31},
		{radio.MemoryFull, "memory full", "MemoryCapacityExceeded", 32},
		{radio.Lost, "lost", "", 0},
		{radio.Failed, "failed", "SystemFailure", 34},
		{radio.Failed + 1, "cause 6", "", 0},
	} {
		if test.cause.String() != test.name || test.cause.MAPError() != test.mapError || test.cause.Code() != test.code {
			t.Errorf("%v: %s, %d", test.cause, test.cause.MAPError(), test.cause.Code())
		}
		var got radio.Cause
		text, _ := test.cause.MarshalText()
		if err := got.UnmarshalText(text); test.cause <= radio.Failed && (err != nil || got != test.cause) {
			t.Errorf("%s read as %v, %v", text, got, err)
		}
	}
	if err := new(radio.Cause).UnmarshalText([]byte("away")); err == nil || !strings.Contains(err.Error(), "give through, absent, busy, memory full, lost, failed") {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{planJSON, `{}`, `{"profile":{"loss":1}}`, `{"subscribers":[{"number":"1","profile":null}]}`, `{"cells":null}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var plan radio.Plan
		if radio.Decode(data, &plan) != nil {
			return
		}
		a, _ := radio.New(1, radio.Profile{})
		if a.SetPlan(plan) != nil {
			return
		}
		a.Cross(start, phone)
		data, err := json.Marshal(a.Plan())
		if err != nil {
			t.Fatal(err)
		}
		var again radio.Plan
		if err := radio.Decode(data, &again); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if err := a.SetPlan(again); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	})
}
