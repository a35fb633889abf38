package radio_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/radio"
)

// watched is what an air tells of, since last asked.
type watched struct{ numbers []string }

func watch(a *radio.Air) *watched {
	w := new(watched)
	a.Watch(func(number string) { w.numbers = append(w.numbers, number) })
	return w
}

func (w *watched) told(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(w.numbers, want) {
		t.Errorf("%s: told of %v, want %v", what, w.numbers, want)
	}
	w.numbers = nil
}

func TestWatchSubscriber(t *testing.T) {
	two := radio.Plan{Cells: []radio.Cell{{Name: "dead", Outage: true}, {Name: "live"}}}
	back := func(s radio.Settings) func(*radio.Air) error {
		s.Number, s.Cell = phone, "live"
		return func(a *radio.Air) error { return a.Set(s) }
	}
	for _, test := range []struct {
		name string
		away radio.Settings
		act  func(*radio.Air) error
	}{
		{"switched on", radio.Settings{Off: true}, back(radio.Settings{})},
		{"back in coverage", radio.Settings{Coverage: radio.Out}, back(radio.Settings{Coverage: radio.In})},
		{"no longer busy", radio.Settings{Busy: true}, back(radio.Settings{})},
		{"more memory", radio.Settings{Memory: new(0)}, back(radio.Settings{Memory: new(1)})},
		{"memory cleared", radio.Settings{Memory: new(1)}, func(a *radio.Air) error { a.Clear(phone); return nil }},
		{"moved", radio.Settings{Cell: "dead"}, back(radio.Settings{})},
		{"cell restored", radio.Settings{Cell: "dead"}, func(a *radio.Air) error { return a.SetCell(radio.Cell{Name: "dead"}) }},
		{"a plan without it", radio.Settings{Off: true}, func(a *radio.Air) error { return a.SetPlan(radio.Plan{}) }},
	} {
		begin := func() (*radio.Air, *watched) {
			a := air(t, 1, radio.Profile{})
			if err := a.SetPlan(two); err != nil {
				t.Fatal(err)
			}
			test.away.Number, test.away.Cell = phone, cmp.Or(test.away.Cell, "live")
			set(t, a, test.away)
			return a, watch(a)
		}
		act := func(a *radio.Air) {
			if err := test.act(a); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		a, w := begin()
		act(a)
		w.told(t, test.name+", nothing missed")

		a, w = begin()
		for cause(a, phone) == radio.Through { // until the memory is full
		}
		w.told(t, test.name+", still away")
		act(a)
		w.told(t, test.name, phone)
		act(a)
		w.told(t, test.name+", again")
		if back := a.Returns(start, phone); !back.Equal(start) {
			t.Errorf("%s: returns %v", test.name, back)
		}
	}
}

// An act tells of those it touches, in order, and of nobody else.
func TestWatchTouches(t *testing.T) {
	a := air(t, 1, profile(t, "outage"))
	never := profile(t, "outage")
	plan := radio.Plan{Profile: never, Cells: []radio.Cell{{Name: "a", Profile: &never}, {Name: "b", Outage: true}, {Name: "c"}}}
	for i := range 9 {
		plan.Subscribers = append(plan.Subscribers, radio.Settings{Number: fmt.Sprint(9 - i), Cell: plan.Cells[i%3].Name})
	}
	if err := a.SetPlan(plan); err != nil {
		t.Fatal(err)
	}
	w := watch(a)
	for i := range 9 {
		if got := cause(a, fmt.Sprint(i+1)); got != radio.Absent {
			t.Fatal(got)
		}
	}
	_ = a.SetProfile(profile(t, "rural"))
	w.told(t, "the air's profile", "1", "4", "7") // in c; those in b are in outage yet
	_ = a.SetCell(radio.Cell{Name: "a"})
	w.told(t, "a cell's profile", "3", "6", "9")
	_ = a.SetCell(radio.Cell{Name: "b"})
	w.told(t, "a cell restored", "2", "5", "8")
}

// Who is out of coverage for a while is not told of because another comes back.
func TestWatchTellsOfNobodyElse(t *testing.T) {
	a := air(t, 3, profile(t, "coverage=1m/1m"))
	w := watch(a)
	now := start
	for a.Cross(now, phone).Cause != radio.Absent {
		now = now.Add(time.Second)
	}
	set(t, a, radio.Settings{Number: "another", Off: true})
	a.Cross(now, "another")
	set(t, a, radio.Settings{Number: "another"})
	w.told(t, "another switched on", "another")
	set(t, a, radio.Settings{Number: phone, Coverage: radio.In})
	w.told(t, "coverage by hand", phone)
}

// Who was reached meanwhile is not told of.
func TestWatchForgetsTheReached(t *testing.T) {
	a := air(t, 3, profile(t, "coverage=1m/1m"))
	w := watch(a)
	now := start
	for a.Cross(now, phone).Cause != radio.Absent {
		now = now.Add(time.Second)
	}
	if got := a.Cross(a.Returns(now, phone), phone).Cause; got != radio.Through {
		t.Fatal(got)
	}
	set(t, a, radio.Settings{Number: phone, Coverage: radio.In})
	w.told(t, "reached by itself")
}

// A watcher may call the air: nothing is locked.
func TestWatcherCallsTheAir(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	var got radio.Cause
	a.Watch(func(number string) {
		got = cause(a, number)
		a.Clear(number)
		_ = a.Set(radio.Settings{Number: number, Busy: true})
	})
	set(t, a, radio.Settings{Number: phone, Off: true})
	got = cause(a, phone)
	set(t, a, radio.Settings{Number: phone})
	if got != radio.Through || cause(a, phone) != radio.Busy {
		t.Error(got)
	}
}

// Whatever is done, Returns gives no time exactly when something set stands in the
// way, and nobody who missed a message and is no longer barred goes untold.
func TestNoAlertIsMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := radio.New(rapid.Uint64().Draw(t, "seed"), radio.Profile{})
		missed, told := make(map[string]bool), make(map[string]bool)
		a.Watch(func(number string) { told[number] = true })
		cells := []string{"a", "b"}
		for _, name := range cells {
			_ = a.SetCell(radio.Cell{Name: name})
		}
		number := rapid.SampledFrom([]string{"1", "2", "3", "4"})
		flag := rapid.Bool()
		acts := map[string]func(*rapid.T){
			"cross": func(t *rapid.T) {
				n := number.Draw(t, "number")
				c := a.Cross(start, n)
				missed[n] = c.Cause != radio.Through
				full := a.Subscriber(start, n).Cause == radio.MemoryFull // by this one, it may be
				if back := a.Returns(start, n); !full && back.IsZero() != (c.Cause != radio.Through) {
					t.Fatalf("%v, returns %v", c, back)
				}
			},
			"set": func(t *rapid.T) {
				s := radio.Settings{
					Number: number.Draw(t, "number"), Off: flag.Draw(t, "off"), Busy: flag.Draw(t, "busy"),
					Coverage: rapid.SampledFrom([]radio.Override{radio.AsProfile, radio.In, radio.Out}).Draw(t, "coverage"),
					Cell:     rapid.SampledFrom(append(cells, "")).Draw(t, "cell"),
				}
				if flag.Draw(t, "limited") {
					s.Memory = new(rapid.IntRange(0, 2).Draw(t, "memory"))
				}
				if err := a.Set(s); err != nil {
					t.Fatal(err)
				}
			},
			"cell": func(t *rapid.T) {
				_ = a.SetCell(radio.Cell{Name: rapid.SampledFrom(cells).Draw(t, "cell"), Outage: flag.Draw(t, "outage")})
			},
			"profile": func(t *rapid.T) {
				p := radio.Profile{}
				if flag.Draw(t, "never") {
					p.Coverage.Off = time.Hour
				}
				_ = a.SetProfile(p)
			},
			"clear": func(t *rapid.T) { a.Clear(number.Draw(t, "number")) },
			"": func(t *rapid.T) {
				for n := range told {
					if !missed[n] {
						t.Fatalf("told of %s, who missed nothing", n)
					}
					delete(told, n)
					delete(missed, n)
				}
				for n, is := range missed {
					if is && a.Subscriber(start, n).Cause == radio.Through {
						t.Fatalf("not told of %s", n)
					}
				}
			},
		}
		t.Repeat(acts)
	})
}

// Everything from many goroutines at once: for the race detector, and no alert is lost
// between a failure and the return.
func TestConcurrently(t *testing.T) {
	a := air(t, 1, profile(t, "urban"))
	alerts := make(chan string, 1)
	a.Watch(func(number string) {
		if number == phone {
			alerts <- number
		}
	})
	var g sync.WaitGroup
	for i := range 4 {
		g.Go(func() {
			for j := range 200 {
				number := fmt.Sprint(i, j%10)
				a.Cross(start, number)
				a.Returns(start, number)
				_ = a.Set(radio.Settings{Number: number, Off: j%3 == 0, Memory: new(j % 4)})
				_ = a.SetCell(radio.Cell{Name: fmt.Sprint(j % 3)})
				a.Subscriber(start, number)
				a.Clear(number)
				a.Plan()
			}
		})
	}
	g.Go(func() {
		for range 100 {
			_ = a.Set(radio.Settings{Number: phone, Off: true})
			a.Cross(start, phone)
			g.Go(func() { _ = a.Set(radio.Settings{Number: phone}) })
			<-alerts
		}
	})
	g.Wait()
}
