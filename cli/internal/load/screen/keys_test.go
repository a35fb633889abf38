package screen

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/cli/internal/load"
)

func asking(rate float64) load.Snapshot {
	return load.Snapshot{Model: load.Open, Phase: "run", Last: load.Interval{Asked: rate}}
}

func TestKeys(t *testing.T) {
	closed := asking(10)
	closed.Model = load.Closed
	paused := asking(10)
	paused.Paused = true
	tests := []struct {
		name string
		step float64
		s    load.Snapshot
		keys []string
		want []load.Order
	}{
		{"a tenth", 0, asking(100), []string{"+"}, []load.Order{{Kind: "rate+", Rate: 10}}},
		{"two tenths in one interval", 0, asking(100), []string{"+", "+"}, []load.Order{{Kind: "rate+", Rate: 10}, {Kind: "rate+", Rate: 11}}},
		{"ten tenths", 0, asking(100), []string{"*", "/"}, []load.Order{{Kind: "rate+", Rate: 159.374}, {Kind: "rate+", Rate: -159.374}}},
		{"a step", 50, asking(100), []string{"+", "-"}, []load.Order{{Kind: "rate+", Rate: 50}, {Kind: "rate+", Rate: -50}}},
		{"ten steps, but not below 0", 50, asking(100), []string{"*", "/", "/", "/"}, []load.Order{{Kind: "rate+", Rate: 500}, {Kind: "rate+", Rate: -500}, {Kind: "rate+", Rate: -100}}},
		{"no rate yet", 0, asking(0), []string{"+", "-"}, nil},
		{"a closed model", 0, closed, []string{"+", "/"}, nil},
		{"pause and resume", 0, asking(10), []string{"p", "p"}, []load.Order{{Kind: "pause"}, {Kind: "resume"}}},
		{"resume what is paused", 0, paused, []string{"p"}, []load.Order{{Kind: "resume"}}},
		{"drain, twice", 0, asking(10), []string{"q", "q"}, []load.Order{{Kind: "stop"}, {Kind: "stop"}}},
		{"stop", 0, asking(10), []string{"Q"}, []load.Order{{Kind: "kill"}}},
		{"Ctrl-C", 0, asking(10), []string{"ctrl+c", "ctrl+c"}, []load.Order{{Kind: "stop"}, {Kind: "kill"}}},
		{"Ctrl-C while it drains", 0, asking(10), []string{"q", "ctrl+c"}, []load.Order{{Kind: "stop"}, {Kind: "kill"}}},
		{"other keys", 0, asking(10), []string{"x", "enter", "esc", "ctrl+z", "1"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := keys{step: tt.step}
			k.see(tt.s)
			var got []load.Order
			for _, key := range tt.keys {
				order, notice := k.order(key, tt.s)
				if order != nil {
					got = append(got, *order)
				}
				if (order != nil || strokes[key] != 0) && notice == "" {
					t.Errorf("nothing is said of key %q", key)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("order %d is %+v, want %+v", i, got[i], tt.want[i])
				}
			}
		})
	}
}

// Whatever is pressed, the rate that was asked for is never below nothing.
func TestKeysNeverBelowNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keys{step: rapid.SampledFrom([]float64{0, 1, 50, 7.5}).Draw(t, "step")}
		s := asking(rapid.Float64Range(0, 1e6).Draw(t, "asked"))
		k.see(s)
		asked := s.Last.Asked
		for _, key := range rapid.SliceOf(rapid.SampledFrom([]string{"+", "-", "*", "/"})).Draw(t, "keys") {
			if order, _ := k.order(key, s); order != nil {
				asked += order.Rate
			}
			if asked < -0.01 || math.IsNaN(asked) {
				t.Fatalf("%v bills a second", asked)
			}
		}
	})
}

// The view keeps what its keys have to do with the picture.
func TestModelKeys(t *testing.T) {
	var given []load.Order
	m := Live{}.model(nil)
	m.give = func(o load.Order) bool { given = append(given, o); return len(given) < 3 }
	m.see(asking(10))
	for _, key := range []string{"4", "?", "3", "?", "q"} { // help, and what takes it away
		m.press(key)
	}
	if m.state.Page != LadderPage || m.state.Help || len(given) != 1 {
		t.Errorf("page %v, help %v, orders %v", m.state.Page, m.state.Help, given)
	}
	m.press("p")
	m.press("p")
	if want := "the run takes no more keys for the moment"; m.state.Notice != want {
		t.Errorf("the notice is %q, want %q", m.state.Notice, want)
	}
	m.press("x")
	if m.state.Notice != "" {
		t.Errorf("a notice stays: %q", m.state.Notice)
	}
	for i := range 3 * pastKept {
		s := asking(10)
		s.Last.At = float64(i/2 + 1) // each twice
		m.see(s)
	}
	if past := m.state.Past; len(past) != pastKept || past[pastKept-1].At != 1.5*pastKept {
		t.Errorf("%d intervals are kept, not %d, the last of %v", len(past), pastKept, past[len(past)-1].At)
	}
}
