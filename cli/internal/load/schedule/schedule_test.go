package schedule_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/cli/internal/load/schedule"
)

func made(t rapid.TB, c schedule.Config) *schedule.Schedule {
	t.Helper()
	s, err := schedule.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rest takes what is left of a schedule.
func rest(s *schedule.Schedule) []schedule.Due {
	var all []schedule.Due
	for d, ok := s.Next(); ok; d, ok = s.Next() {
		all = append(all, d)
	}
	return all
}

func TestUniform(t *testing.T) {
	all := rest(made(t, schedule.Config{Rate: 200, Duration: 30 * time.Second}))
	if len(all) != 6000 {
		t.Fatalf("%d bills in 30 s at 200/s", len(all))
	}
	for i, d := range all {
		want := time.Duration(2*i+1) * 2500 * time.Microsecond
		if d.Bill != int64(i) || (d.At-want).Abs() > time.Microsecond || d.Rung != -1 {
			t.Fatalf("bill %d: %+v, want it at %v", i, d, want)
		}
	}
}

func TestPoisson(t *testing.T) {
	all := rest(made(t, schedule.Config{Rate: 1000, Duration: 20 * time.Second, Arrivals: schedule.Poisson, Seed: 3}))
	if n := float64(len(all)); math.Abs(n-20000) > 4*math.Sqrt(20000) {
		t.Errorf("%v bills, about 20000 wanted", n)
	}
	short := 0
	for i := 1; i < len(all); i++ {
		if all[i].At-all[i-1].At < 693*time.Microsecond { // the median of exponential gaps of 1 ms
			short++
		}
	}
	if share := float64(short) / float64(len(all)); math.Abs(share-0.5) > 0.02 {
		t.Errorf("%.3f of the gaps are under the median", share)
	}
}

func TestStages(t *testing.T) {
	s := made(t, schedule.Config{Warmup: 10 * time.Second, Stages: []schedule.Stage{{20 * time.Second, 100}, {0, 50}, {10 * time.Second, 50}, {4 * time.Second, 0}}})
	for _, c := range []struct {
		at    time.Duration
		asked float64
		stage string
	}{
		{0, 100, "warm-up"}, {10 * time.Second, 0, "stage 1/4 to 100/s"}, {20 * time.Second, 50, "stage 1/4 to 100/s"},
		{30 * time.Second, 50, "stage 3/4 to 50/s"}, {42 * time.Second, 25, "stage 4/4 to 0/s"}, {44 * time.Second, 0, "stage 4/4 to 0/s"}, {50 * time.Second, 0, "stage 4/4 to 0/s"},
	} {
		if got := s.Asked(c.at); math.Abs(got-c.asked) > 1e-9 || s.Stage(c.at) != c.stage {
			t.Errorf("at %v: %v/s in %q", c.at, got, s.Stage(c.at))
		}
	}
	if s.End() != 44*time.Second || s.Over(43*time.Second) || !s.Over(44*time.Second) {
		t.Errorf("ends at %v, over %v", s.End(), s.Over(44*time.Second))
	}
	if n := len(rest(s)); n != 1000+1000+500+100 {
		t.Errorf("%d bills", n)
	}
}

func TestClimb(t *testing.T) {
	s := made(t, schedule.Config{Rate: 100, Climb: schedule.Climb{Step: 50, Every: 2 * time.Second, Max: 250}, Warmup: time.Second})
	count := map[int]int{}
	for _, d := range rest(s) {
		count[d.Rung]++
		if rung, _ := s.Rung(d.At); rung != d.Rung {
			t.Fatalf("%+v is on rung %d", d, rung)
		}
	}
	for rung, want := range map[int]int{-1: 100, 0: 200, 1: 300, 2: 400, 3: 500} {
		if count[rung] != want {
			t.Errorf("rung %d: %d bills, want %d", rung, count[rung], want)
		}
	}
	if len(count) != 5 || s.End() != 9*time.Second || s.Stage(8*time.Second) != "rung 4 at 250/s" {
		t.Errorf("%v, ends at %v, %q", count, s.End(), s.Stage(8*time.Second))
	}
}

func TestBills(t *testing.T) {
	s := made(t, schedule.Config{Rate: 100, Warmup: time.Second, Bills: 50})
	all := rest(s)
	if len(all) != 150 || s.End() != 0 || !s.Over(2*time.Second) {
		t.Errorf("%d bills, end %v, over %v", len(all), s.End(), s.Over(2*time.Second))
	}
}

// TestSetRate: what was due after the change is due anew, at the new rate.
func TestSetRate(t *testing.T) {
	s := made(t, schedule.Config{Rate: 0.1, Duration: time.Minute})
	first, ok := s.Next()
	if !ok || first.At != 5*time.Second {
		t.Fatal(first, ok)
	}
	s.SetRate(time.Second, 100)
	second, ok := s.Next()
	if !ok || second.Bill != 0 || second.At != time.Second+4*time.Millisecond { // 0.4 bills are still to wait for, at 100/s
		t.Fatal(second, ok)
	}
	s.SetRate(1500*time.Millisecond, 0)
	if n := len(rest(s)); n != 49 {
		t.Errorf("%d more until the rate is 0", n)
	}
	if s.Over(2*time.Second) || s.Asked(2*time.Second) != 0 || s.Asked(1200*time.Millisecond) != 100 || s.End() != time.Minute {
		t.Errorf("over %v, %v/s, ends at %v", s.Over(2*time.Second), s.Asked(2*time.Second), s.End())
	}
	s.SetRate(50*time.Second, 10)
	if all := rest(s); len(all) != 100 || all[0].At <= 50*time.Second || s.Stage(55*time.Second) != "at 10/s" {
		t.Errorf("%d more, %q", len(all), s.Stage(55*time.Second))
	}
	s.SetRate(2*time.Minute, 10)
	if all := rest(s); len(all) != 0 {
		t.Errorf("%d more after the end", len(all))
	}
}

func TestPause(t *testing.T) {
	s := made(t, schedule.Config{Rate: 10, Duration: 10 * time.Second})
	for range 10 {
		s.Next()
	}
	next, _ := s.Next()
	if next.At != 1050*time.Millisecond {
		t.Fatal(next)
	}
	s.Pause(time.Second)
	s.Pause(2 * time.Second) // changes nothing
	if d, ok := s.Next(); ok || s.Asked(3*time.Second) != 0 || s.Over(time.Hour) {
		t.Fatalf("%v while paused, %v/s", d, s.Asked(3*time.Second))
	}
	s.Resume(6 * time.Second)
	all := rest(s)
	if len(all) != 90 || all[0].Bill != next.Bill || all[0].At != next.At+5*time.Second || s.End() != 15*time.Second {
		t.Errorf("%d bills from %+v, ends at %v", len(all), all[0], s.End())
	}
}

func TestConfigErrors(t *testing.T) {
	ok := schedule.Config{Rate: 1}
	for part, change := range map[string]func(*schedule.Config){
		"no --rate, --stages or --step":     func(c *schedule.Config) { c.Rate = 0 },
		"--rate: write it":                  func(c *schedule.Config) { c.Rate = math.NaN() },
		"two plans":                         func(c *schedule.Config) { c.Stages = []schedule.Stage{{1, 1}}; c.Climb.Step = 1 },
		"leave out --duration":              func(c *schedule.Config) { c.Stages = []schedule.Stage{{1, 1}}; c.Duration = 1 },
		"--stages takes no time":            func(c *schedule.Config) { c.Stages = []schedule.Stage{{0, 1}} },
		"--step: write it":                  func(c *schedule.Config) { c.Climb.Every = 1 },
		"--max is below the first rate":     func(c *schedule.Config) { c.Climb = schedule.Climb{Step: 1, Max: 0.5} },
		"--warmup, --duration and --bills ": func(c *schedule.Config) { c.Bills = -1 },
	} {
		c := ok
		change(&c)
		if _, err := schedule.New(c); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%+v: %v, want %q", c, err, part)
		}
	}
}

var update = flag.Bool("update", false, "write testdata/seed.golden")

// TestGolden: the first 20 bills and people of a seed. They change only when it is meant:
// somebody's seed would no longer repeat their run.
func TestGolden(t *testing.T) {
	var got strings.Builder
	s, traffic := seeded(t)
	for range 20 {
		d, _ := s.Next()
		b := traffic.Bill(d.Bill)
		fmt.Fprintf(&got, "bill %d at %v: handset %d, %d, %s, %d parts, ucs2 %v, row %d\n", d.Bill, d.At.Round(time.Microsecond), b.Handset, b.Amount, b.Channel, b.Parts, b.UCS2, b.Row)
	}
	for h := range 20 {
		p := traffic.Person(h)
		fmt.Fprintf(&got, "handset %d: %s, seed %d, reads %v, types %v\n", h, p.Kind, p.Seed, p.Pace.Read.Round(time.Microsecond), p.Pace.Type.Round(time.Microsecond))
	}
	golden := filepath.Join("testdata", "seed.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the seed has other traffic:\n%s\nwant\n%s", got.String(), want)
	}
}

func seeded(t *testing.T) (*schedule.Schedule, *schedule.Traffic) {
	t.Helper()
	mix, _ := schedule.ParseMix("pay=60,ignore=20,decline=10,badpin=10")
	think, _ := schedule.ParseThink("3s~lognormal(0.6)")
	traffic, err := schedule.NewTraffic(schedule.TrafficConfig{
		Seed: 42, Handsets: 1000, Mix: mix, Think: think, Channel: schedule.Both,
		Parts: schedule.Range{Min: 1, Max: 3}, UCS2: 0.2, Rows: 50,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made(t, schedule.Config{Rate: 200, Arrivals: schedule.Poisson, Seed: 42}), traffic
}

// TestRateKeepsGaps: whatever the rate does, the seed's bills come in the same gaps,
// counted in bills.
func TestRateKeepsGaps(t *testing.T) {
	slow := made(t, schedule.Config{Rate: 1, Arrivals: schedule.Poisson, Seed: 9})
	fast := made(t, schedule.Config{Rate: 8, Arrivals: schedule.Poisson, Seed: 9})
	for range 1000 {
		a, _ := slow.Next()
		b, _ := fast.Next()
		if (a.At - 8*b.At).Abs() > time.Microsecond {
			t.Fatalf("%+v and %+v", a, b)
		}
	}
}

// TestSegments: the segments of a run together are the run, bills and handsets, also
// when its rate is changed and it is paused on the way.
func TestSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := schedule.Config{
			Seed: rapid.Uint64().Draw(t, "seed"), Rate: rapid.Float64Range(1, 500).Draw(t, "rate"),
			Arrivals: rapid.SampledFrom([]schedule.Arrivals{schedule.Uniform, schedule.Poisson}).Draw(t, "arrivals"),
			Warmup:   time.Duration(rapid.Int64Range(0, 2e9).Draw(t, "warmup")),
			Duration: time.Duration(rapid.Int64Range(1e9, 4e9).Draw(t, "duration")),
			Bills:    rapid.Int64Range(0, 300).Draw(t, "bills"),
		}
		if rapid.Bool().Draw(t, "stages") {
			c.Duration, c.Stages = 0, []schedule.Stage{{time.Second, 100}, {time.Second, 0}}
		}
		tc := schedule.TrafficConfig{Seed: c.Seed, Handsets: rapid.IntRange(8, 300).Draw(t, "handsets")}
		if rapid.Bool().Draw(t, "rows") {
			tc.Rows = 20
			tc.Payers = rapid.SliceOfN(rapid.IntRange(0, tc.Handsets-1), 20, 20).Draw(t, "payers")
		}
		change := c.Warmup + time.Duration(rapid.Int64Range(0, 2e9).Draw(t, "change"))
		rate := rapid.Float64Range(0, 500).Draw(t, "new rate")
		whole, all := walk(t, c, tc, change, rate)
		n := rapid.IntRange(1, 5).Draw(t, "segments")
		var parts []schedule.Due
		var handsets []int
		for k := 1; k <= n; k++ {
			tc.Segment = schedule.Segment{K: k, N: n}
			if tc.Payers != nil && !slices.ContainsFunc(tc.Payers, func(h int) bool { return h%n == k-1 }) {
				continue // nobody there, which NewTraffic says
			}
			due, held := walk(t, c, tc, change, rate)
			parts, handsets = append(parts, due...), append(handsets, held...)
		}
		slices.SortFunc(parts, func(a, b schedule.Due) int { return cmp.Compare(a.Bill, b.Bill) })
		slices.Sort(handsets)
		if !slices.Equal(parts, whole) {
			t.Errorf("%d bills in all segments, %d in the run", len(parts), len(whole))
		}
		if tc.Payers == nil && !slices.Equal(handsets, all) {
			t.Errorf("handsets %v", handsets)
		}
	})
}

// walk begins the bills of a run, changes its rate once, pauses and goes on.
func walk(t *rapid.T, c schedule.Config, tc schedule.TrafficConfig, change time.Duration, rate float64) (begun []schedule.Due, handsets []int) {
	traffic, err := schedule.NewTraffic(tc)
	if err != nil {
		t.Fatal(err)
	}
	c.Owns = traffic.Owns
	s := made(t, c)
	changed, last := false, time.Duration(-1)
	for {
		d, ok := s.Next()
		if !changed && (!ok || d.At > change) {
			changed = true
			s.SetRate(change, rate)
			s.Pause(change)
			s.Resume(change + time.Second)
			continue
		}
		if !ok {
			return begun, traffic.Handsets()
		}
		if d.At < last || changed && d.At > change && d.At < change+time.Second {
			t.Fatalf("%+v after %v", d, last)
		}
		last = d.At
		if h := traffic.Bill(d.Bill).Handset; !traffic.Holds(h) {
			t.Fatalf("bill %d is of handset %d, of another segment", d.Bill, h)
		}
		begun = append(begun, d)
	}
}
