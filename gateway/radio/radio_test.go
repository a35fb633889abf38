package radio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/radio"
)

const phone = "8613800000001"

// start is when tests begin. The air has no clock of its own.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func air(t testing.TB, seed uint64, p radio.Profile) *radio.Air {
	t.Helper()
	a, err := radio.New(seed, p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func profile(t testing.TB, text string) radio.Profile {
	t.Helper()
	p, err := radio.ParseProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func set(t testing.TB, a *radio.Air, s radio.Settings) {
	t.Helper()
	if err := a.Set(s); err != nil {
		t.Fatal(err)
	}
}

func TestIdeal(t *testing.T) {
	var none *radio.Air
	for _, a := range []*radio.Air{none, air(t, 1, radio.Profile{})} {
		if got := a.Cross(start, phone); got != (radio.Crossing{}) {
			t.Errorf("%+v", got)
		}
		if got := a.Returns(start, phone); !got.Equal(start) {
			t.Errorf("returns %v", got)
		}
	}
}

// All that may happen to a message happens as often as the profile says.
func TestProfileHolds(t *testing.T) {
	a := air(t, 7, profile(t, "latency=uniform(1s,2s) loss=0.2 duplication=0.1 reordering=0.3 late=4s busy=0.1 failure=0.05"))
	const n = 50000
	var causes [radio.Failed + 1]float64
	var twice, late, lateness float64
	for range n {
		c := a.Cross(start, phone)
		causes[c.Cause]++
		if c.Delay < time.Second || c.Delay > 2*time.Second || c.Late < 0 || c.Late > 4*time.Second {
			t.Fatalf("%+v", c)
		}
		if c.Cause != radio.Through && (c.Twice || c.Late != 0) {
			t.Fatalf("not through, and %+v", c)
		}
		if c.Twice {
			twice++
		}
		if c.Late > 0 {
			late++
			lateness += c.Late.Seconds()
		}
	}
	through := 0.95 * 0.9 * 0.8
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"failed", causes[radio.Failed] / n, 0.05},
		{"busy", causes[radio.Busy] / n, 0.95 * 0.1},
		{"lost", causes[radio.Lost] / n, 0.95 * 0.9 * 0.2},
		{"through", causes[radio.Through] / n, through},
		{"twice", twice / n, through * 0.1},
		{"late", late / n, through * 0.3},
		{"how late", lateness / late, 2},
	} {
		if test.got < test.want*0.95 || test.got > test.want*1.05 {
			t.Errorf("%s: %.4f, want %.4f", test.name, test.got, test.want)
		}
	}
}

// One message more on one link changes nothing on another.
func TestLinksAreIndependent(t *testing.T) {
	alone, busy := air(t, 3, profile(t, "rural")), air(t, 3, profile(t, "rural"))
	for i := range 100 {
		now := start.Add(time.Duration(i) * time.Minute)
		for j := range 3 {
			busy.Cross(now, fmt.Sprint("other", i, j))
		}
		if a, b := alone.Cross(now, phone), busy.Cross(now, phone); a != b {
			t.Fatalf("message %d: %+v alone, %+v beside others", i, a, b)
		}
	}
	if air(t, 3, profile(t, "urban")).Cross(start, phone) == air(t, 4, profile(t, "urban")).Cross(start, phone) {
		t.Error("another seed, the same crossing")
	}
}

// What becomes of one message says nothing of the next one.
func TestMessagesAreIndependent(t *testing.T) {
	a := air(t, 8, profile(t, "latency=uniform(0s,2s) failure=0.5"))
	const n = 20000
	var sum [2]float64
	var count [2]int
	before := 0
	for range n {
		c := a.Cross(start, phone)
		sum[before] += c.Delay.Seconds()
		count[before]++
		before = 0
		if c.Cause == radio.Failed {
			before = 1
		}
	}
	for i, what := range []string{"delivery", "failure"} {
		if mean := sum[i] / float64(count[i]); mean < 0.98 || mean > 1.02 {
			t.Errorf("after a %s the next takes %.3f s, want 1 s", what, mean)
		}
	}
}
