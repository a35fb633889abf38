package radio_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/radio"
)

// covered asks by a message, which an air that is otherwise ideal delivers.
func covered(a *radio.Air, now time.Time, number string) bool {
	return a.Cross(now, number).Cause == radio.Through
}

// Coverage is there for On/(On+Off) of the time, in spells that are On and Off long
// on average, whichever is shorter.
func TestCoverageHasDuration(t *testing.T) {
	for _, c := range []radio.Coverage{{On: 10 * time.Minute, Off: time.Minute}, {On: time.Minute, Off: 4 * time.Minute}, {On: time.Minute, Off: time.Minute}} {
		a := air(t, 11, radio.Profile{Coverage: c})
		a.Begin(start)
		const step = time.Second
		const steps = 500_000
		var in, spells int
		was := covered(a, start, phone)
		for i := range steps {
			is := covered(a, start.Add(time.Duration(i)*step), phone)
			if is {
				in++
			}
			if is && !was {
				spells++
			}
			was = is
		}
		part := float64(in) / steps
		if want := float64(c.On) / float64(c.On+c.Off); math.Abs(part-want) > 0.01 {
			t.Errorf("%v: in coverage %.3f of the time, want %.3f", c, part, want)
		}
		on := time.Duration(in) * step / time.Duration(spells)
		off := time.Duration(steps-in) * step / time.Duration(spells)
		if ratio(on, c.On) > 0.05 || ratio(off, c.Off) > 0.05 {
			t.Errorf("%v: spells of %v and %v", c, on, off)
		}
	}
}

func ratio(got, want time.Duration) float64 { return math.Abs(float64(got)/float64(want) - 1) }

// At any time as many subscribers are in coverage as the profile says: they do not
// come and go together.
func TestCoverageIsNotInStep(t *testing.T) {
	a := air(t, 2, profile(t, "coverage=3m/1m"))
	for minute := range 10 {
		in := 0
		for i := range 2000 {
			if covered(a, start.Add(time.Duration(minute)*time.Minute), fmt.Sprint("25470", i)) {
				in++
			}
		}
		if in < 1400 || in > 1600 {
			t.Errorf("minute %d: %d of 2000 in coverage", minute, in)
		}
	}
}

// Returns tells the very nanosecond, and asking changes nothing.
func TestReturns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Int64Range(int64(time.Millisecond), int64(24*time.Hour))
		c := radio.Coverage{On: time.Duration(length.Draw(t, "on")), Off: time.Duration(length.Draw(t, "off"))}
		a, err := radio.New(rapid.Uint64().Draw(t, "seed"), radio.Profile{Coverage: c})
		if err != nil {
			t.Fatal(err)
		}
		a.Begin(start)
		now := start.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "elapsed")))
		number := rapid.StringMatching(`[0-9]{5,15}`).Draw(t, "number")
		back := a.Returns(now, number)
		if in := covered(a, now, number); in != back.Equal(now) {
			t.Fatalf("in coverage %v, returns %v after", in, back.Sub(now))
		}
		if back.After(now) && covered(a, back.Add(-1), number) {
			t.Fatal("in coverage before it returns")
		}
		if back.Before(now) || !covered(a, back, number) {
			t.Fatalf("not in coverage when it returns, %v after", back.Sub(now))
		}
		if back.Sub(now) > 3*(c.On+c.Off) {
			t.Fatalf("%v without coverage", back.Sub(now))
		}
	})
}

// The history depends on the time since the air began, not on the date.
func TestCoverageFromTheBeginning(t *testing.T) {
	early, late := air(t, 9, profile(t, "coverage=2m/1m")), air(t, 9, profile(t, "coverage=2m/1m"))
	other := start.Add(987654321 * time.Second)
	for i := range 200 {
		after := time.Duration(i) * 17 * time.Second
		if a, b := covered(early, start.Add(after), phone), covered(late, other.Add(after), phone); a != b {
			t.Fatalf("%v after the first crossing: %v and %v", after, a, b)
		}
	}
	early.Begin(start.Add(time.Hour))
	if a, b := early.Returns(start.Add(time.Hour), phone), late.Returns(other, phone); a.Sub(start.Add(time.Hour)) != b.Sub(other) {
		t.Error("Begin does not begin")
	}
}

func TestCoverageTexts(t *testing.T) {
	for text, want := range map[string]radio.Coverage{
		"always":  {},
		"never":   {Off: time.Hour},
		"10m/20s": {On: 10 * time.Minute, Off: 20 * time.Second},
		"10m/0s":  {},
		"0s/1m":   {Off: time.Hour},
	} {
		got, err := radio.ParseCoverage(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := radio.ParseCoverage(got.String()); err != nil || again != got {
			t.Errorf("%v: read again %v, %v", got, again, err)
		}
	}
	for text, want := range map[string]string{
		"":           "always, never, or times",
		"98%":        "always, never, or times",
		"10m":        "always, never, or times",
		"10m/":       "not a time",
		"x/1s":       "not a time",
		"-1s/1s":     "negative",
		"1s/1us":     "under 1ms",
		"1s/100000h": "over 8784h",
	} {
		if _, err := radio.ParseCoverage(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
