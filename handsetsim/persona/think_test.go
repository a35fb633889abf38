package persona_test

import (
	"slices"
	"testing"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
)

// TestParseThink: think times read back, and what is none is refused.
func TestParseThink(t *testing.T) {
	for text, want := range map[string]persona.Think{
		"0s": {}, "250ms": {Median: 250 * time.Millisecond}, "3s~lognormal(0.6)": {Median: 3 * time.Second, Sigma: 0.6},
		"3s~lognormal(0)": {Median: 3 * time.Second},
	} {
		got, err := persona.ParseThink(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if again, err := persona.ParseThink(got.String()); err != nil || again != want {
			t.Errorf("%q is written %q, and reads back as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "3", "-1s", "2h", "3s~", "3s~normal(1)", "3s~lognormal(1", "3s~lognormal()", "3s~lognormal(-1)", "3s~lognormal(NaN)", "3s~lognormal(9)"} {
		if got, err := persona.ParseThink(text); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

// TestThink: a person with a think time takes it once over a bill, half of them less
// than the median, and the same seed takes the same times.
func TestThink(t *testing.T) {
	pace := persona.NewPace(persona.Pace{Think: &persona.Think{Median: time.Second, Sigma: 0.6}})
	times := func(seed uint64) []time.Duration {
		p := persona.New(persona.Pays, pace, seed)
		var all []time.Duration
		for range 1001 {
			all = append(all, p.Decide(handsetsim.Screen{Prompt: handsetsim.AskConfirm}).After)
		}
		return all
	}
	all := times(1)
	if !slices.Equal(all, times(1)) || slices.Equal(all, times(2)) {
		t.Error("times do not follow from the seed")
	}
	slices.Sort(all)
	if median := all[len(all)/2]; median < 900*time.Millisecond || median > 1100*time.Millisecond {
		t.Errorf("the median is %v", median)
	}
	if p90 := all[len(all)*9/10]; p90 < 1900*time.Millisecond || p90 > 2500*time.Millisecond {
		t.Errorf("a tenth takes longer than %v; exp(0.6 x 1.28) s is 2.16 s", p90)
	}
	p := persona.New(persona.Pays, pace, 1)
	p.Learn(pinOf(t, "2580"))
	if d := p.Decide(handsetsim.Screen{Prompt: handsetsim.AskPIN, Slot: 1}); d.Act != handsetsim.Pay || d.After != 0 {
		t.Errorf("whose mind is made up types the PIN after %v, act %v", d.After, d.Act)
	}
}
