package schedule_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/cli/internal/load/schedule"
)

// system is one to be searched: it carries so much, more or less each time, and now and
// then something comes between.
type system struct {
	carries float64
	noise   float64 // standard deviation of what it carries, of that
	hiccups float64 // how often a rate breaks that it carries
	random  *rand.Rand
	trials  int
	seconds float64 // as a climb that holds each rate for a second
}

func (s *system) try(rate float64, longer bool) schedule.Trial {
	s.trials++
	s.seconds++
	noise := s.noise
	if longer {
		s.seconds++
		noise /= math.Sqrt2
	}
	if rate > s.carries*(1+noise*s.random.NormFloat64()) || s.random.Float64() < s.hiccups {
		return schedule.Broke
	}
	return schedule.Held
}

// find searches a system.
func (s *system) find(c schedule.SearchConfig) float64 {
	search := schedule.NewSearch(c)
	for {
		rate, longer := search.Rate()
		if rate == 0 {
			return search.Best()
		}
		search.Tried(s.try(rate, longer))
	}
}

func noisy(seed uint64) *system {
	return &system{carries: 1300, noise: 0.03, hiccups: 0.05, random: rand.New(rand.NewPCG(seed, 0))}
}

// TestSearchIsSteady: three searches of a noisy system find the same to within a tenth,
// whichever three they are.
func TestSearchIsSteady(t *testing.T) {
	var all []float64
	most := 0.0
	for seed := range uint64(300) {
		s := noisy(seed)
		all = append(all, s.find(schedule.SearchConfig{From: 100}))
		most = max(most, s.seconds)
	}
	apart := 0
	for i := 0; i+3 <= len(all); i += 3 {
		three := all[i : i+3]
		if slices.Max(three)-slices.Min(three) > 0.10*slices.Max(three) {
			t.Logf("seeds %d to %d: %.0f", i, i+2, three)
			apart++
		}
	}
	slices.Sort(all)
	t.Logf("of 1300/s with 3 %% of noise and 5 %% of hiccups: from %.0f to %.0f, median %.0f, in at most %.0f times a rate's holding", all[0], all[len(all)-1], all[len(all)/2], most)
	if apart > 0 {
		t.Errorf("%d of %d times three searches are over 10 %% apart", apart, len(all)/3)
	}
	if median := all[len(all)/2]; math.Abs(median-1300) > 0.03*1300 {
		t.Errorf("the median is %.0f, of a system that carries 1300", median)
	}
}

// TestSearch: without noise it is found to within a fiftieth, whatever it is.
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &system{carries: rapid.Float64Range(0.5, 1e6).Draw(t, "carries"), random: rand.New(rand.NewPCG(1, 1))}
		from := rapid.Float64Range(0.5, 5000).Draw(t, "from")
		best := s.find(schedule.SearchConfig{From: from})
		if best > s.carries || best < s.carries*(1-0.0201) {
			t.Fatalf("found %v of %v, from %v", best, s.carries, from)
		}
		if s.trials > 60 {
			t.Fatalf("%d trials", s.trials)
		}
	})
}

// TestSearchEnds: it ends whatever it is told, at no more than its most, and what it found
// was said to hold.
func TestSearchEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := schedule.SearchConfig{
			From: rapid.Float64Range(1, 100).Draw(t, "from"), Step: rapid.SampledFrom([]float64{0, 7}).Draw(t, "step"),
			Max: rapid.SampledFrom([]float64{0, 150}).Draw(t, "max"), Through: rapid.Bool().Draw(t, "through"),
		}
		s := schedule.NewSearch(c)
		held := make(map[float64]bool)
		for n := 0; ; n++ {
			rate, _ := s.Rate()
			if rate == 0 {
				break
			}
			if n > 80 || c.Max > 0 && rate > c.Max {
				t.Fatalf("trial %d at %v", n, rate)
			}
			trial := schedule.Trial(rapid.IntRange(0, 2).Draw(t, "trial"))
			held[rate] = held[rate] || trial == schedule.Held
			s.Tried(trial)
		}
		if best := s.Best(); best > 0 && !held[best] {
			t.Fatalf("%v never held", best)
		}
	})
}

// TestSearchSteps: the rates that are tried, one by one.
func TestSearchSteps(t *testing.T) {
	const h, b, d = schedule.Held, schedule.Broke, schedule.Disturbed
	for name, c := range map[string]struct {
		config schedule.SearchConfig
		told   []schedule.Trial
		rates  []float64
		best   float64
	}{
		"one break is none":         {schedule.SearchConfig{From: 10, Max: 20}, []schedule.Trial{h, b, h, h}, []float64{10, 20, 20, 20}, 20},
		"disturbed twice":           {schedule.SearchConfig{From: 10, Max: 10}, []schedule.Trial{d, d, h, h}, []float64{10, 10, 10, 10}, 10},
		"disturbed for ever":        {schedule.SearchConfig{From: 10, Step: 1}, []schedule.Trial{d, d, d, d}, []float64{10, 10, 10, 10}, 0},
		"a step, until two break":   {schedule.SearchConfig{From: 10, Step: 5}, []schedule.Trial{h, b, h, b, b}, []float64{10, 15, 15, 20, 20}, 15},
		"a step, to the most":       {schedule.SearchConfig{From: 10, Step: 5, Max: 15}, []schedule.Trial{h, h}, []float64{10, 15}, 15},
		"through":                   {schedule.SearchConfig{From: 10, Step: 5, Max: 20, Through: true}, []schedule.Trial{h, b, h}, []float64{10, 15, 20}, 20},
		"what held does so no more": {schedule.SearchConfig{From: 10, Max: 20}, []schedule.Trial{h, h, b, b, h}, []float64{10, 20, 20, 20, 15}, 15},
	} {
		s := schedule.NewSearch(c.config)
		var rates []float64
		for _, trial := range c.told {
			rate, _ := s.Rate()
			rates = append(rates, rate)
			s.Tried(trial)
		}
		if !slices.Equal(rates, c.rates) || s.Best() != c.best {
			t.Errorf("%s: tried %v, best %v; want %v, %v", name, rates, s.Best(), c.rates, c.best)
		}
	}
}
