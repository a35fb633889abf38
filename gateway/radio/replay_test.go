package radio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/radio"
)

// The same seed gives the same fates, delays and alerts, twice, through all that is
// done to the air meanwhile; another seed gives others.
func TestReplays(t *testing.T) {
	run := func(seed uint64, began time.Time) (trace string) {
		a := laid(t, "stadium", nil)
		if seed != a.Seed() {
			a = air(t, seed, profile(t, "stadium"))
			_ = a.SetPlan(laid(t, "stadium", nil).Plan())
		}
		a.Watch(func(number string) { trace += fmt.Sprintln("back", number) })
		all := numbers(50)
		for i := range 4000 {
			now, number := began.Add(time.Duration(i)*time.Second), all[i*7%len(all)]
			c := a.Cross(now, number)
			trace += fmt.Sprintln(number, c, a.Returns(now, number).Sub(began))
			switch i % 500 {
			case 100:
				_ = a.SetCell(radio.Cell{Name: "cell-3", Outage: i%1000 < 500})
			case 200:
				_ = a.SetProfile(profile(t, radio.Profiles()[i/500%5]))
			case 300:
				_ = a.Set(radio.Settings{Number: number, Off: true, Memory: new(2)})
			case 400:
				_ = a.SetCell(radio.Cell{Name: "cell-3"})
				_ = a.SetPlan(a.Plan())
			}
		}
		return trace
	}
	first := run(1, start)
	if second := run(1, start); first != second {
		t.Error("two runs differ")
	}
	if later := run(1, start.Add(12345*time.Hour)); first != later {
		t.Error("another day, another run")
	}
	if other := run(2, start); first == other {
		t.Error("another seed, the same run")
	}
}

// A profile that was different for a while shifts nothing that comes after.
func TestProfileShiftsNothing(t *testing.T) {
	for _, between := range append(radio.Profiles(), "latency=normal(3s,1s)", "loss=1", "coverage=never") {
		steady, changed := air(t, 6, profile(t, "stadium")), air(t, 6, profile(t, "stadium"))
		for i := range 300 {
			if i == 100 {
				_ = changed.SetProfile(profile(t, between))
			}
			if i == 200 {
				_ = changed.SetProfile(profile(t, "stadium"))
			}
			now := start.Add(time.Duration(i) * time.Minute)
			if x, y := steady.Cross(now, phone), changed.Cross(now, phone); (i < 100 || i >= 200) && x != y {
				t.Fatalf("%s between: message %d: %+v, not %+v", between, i, y, x)
			}
		}
	}
}

// A crossing of a number that is known allocates nothing.
func TestCrossAllocatesNothing(t *testing.T) {
	for _, name := range radio.Profiles() {
		a := laid(t, name, []string{phone})
		if n := testing.AllocsPerRun(100, func() { a.Cross(start, phone) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
