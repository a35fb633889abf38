package persona_test

import (
	"slices"
	"testing"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
)

// TestThink: a person with a think time takes it once over a bill, half of them less
// than the median, and the same seed takes the same times.
func TestThink(t *testing.T) {
	pace := persona.NewPace(persona.Pace{Think: &persona.Think{Median: time.Second, Sigma: 0.6}})
	times := func(seed uint64) []time.Duration { return think(persona.New(persona.Pays, pace, seed)) }
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
	for _, d := range timesOf(t, persona.Think{Median: time.Second, Either: 0.25}) {
		if d < 750*time.Millisecond || d > 1250*time.Millisecond {
			t.Errorf("a quarter either way of a second is %v", d)
		}
	}
	for _, d := range timesOf(t, persona.Think{}) {
		if d != 0 {
			t.Errorf("who takes no time took %v", d)
		}
	}
	p := persona.New(persona.Pays, pace, 1)
	p.Learn(pinOf(t, "2580"))
	if d := p.Decide(handsetsim.Screen{Prompt: handsetsim.AskPIN, Slot: 1}); d.Act != handsetsim.Pay || d.After != 0 {
		t.Errorf("whose mind is made up types the PIN after %v, act %v", d.After, d.Act)
	}
}

func timesOf(t *testing.T, how persona.Think) []time.Duration {
	t.Helper()
	return think(persona.New(persona.Pays, persona.NewPace(persona.Pace{Think: &how}), 1))
}

func think(p *persona.Person) (all []time.Duration) {
	for range 1001 {
		all = append(all, p.Decide(handsetsim.Screen{Prompt: handsetsim.AskConfirm}).After)
	}
	return all
}
