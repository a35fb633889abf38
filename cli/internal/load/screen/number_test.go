package screen

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		latency(0): "0.00ms", latency(9.994): "9.99ms", latency(9.996): "10.0ms", latency(99.94): "99.9ms", latency(99.96): "100ms",
		latency(999.4): "999ms", latency(999.6): "1.00s", latency(59_990): "60.0s", latency(600_000): "600s", latency(2e7): "6h", latency(math.NaN()): "-",
		counted(0, 3): "-", counted(1, 3): "3.00ms",
		count(0): "0", count(9_999_999): "9999999", count(10_000_000): "10000k", count(math.MaxInt64): "many", count(-999_999): "-999999",
		rate(200): "200", rate(199.96): "200.0", rate(1234.56): "1235", rate(0.25): "0.2", rate(math.Inf(1)): "-",
		clock(0): "0:00", clock(75 * time.Second): "1:15", clock(3599600 * time.Millisecond): "1:00:00",
		share(0, 0): "-", share(0, 5): "0.00%", share(1, 1_000_000): "<0.01%", share(1, 3): "33.3%", share(3, 3): "100.0%",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Numbers stay in their columns.
func TestNumbersFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if s := latency(rapid.Float64().Draw(t, "ms")); len(s) > 6 {
			t.Fatalf("latency %q", s)
		}
		if s := count(rapid.Int64().Draw(t, "n")); len(s) > 8 {
			t.Fatalf("count %q", s)
		}
		if s := rate(rapid.Float64().Draw(t, "rate")); len(s) > 8 {
			t.Fatalf("rate %q", s)
		}
	})
}

func TestChart(t *testing.T) {
	plain, ascii := Look{}, Look{ASCII: true}
	for _, tt := range []struct {
		look    Look
		values  []float64
		columns int
		want    string
	}{
		{plain, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9, " ▁▂▃▄▅▆▇█"},
		{ascii, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9, " .:-=+*#@"},
		{plain, []float64{1, 1000}, 4, "  ▁█"},
		{plain, []float64{9, 9, 9, 1, 2}, 2, "▄█"},
		{plain, nil, 3, "   "},
		{plain, []float64{0, 0}, 2, "  "},
		{plain, []float64{math.NaN(), -1, 1}, 3, "  █"},
	} {
		if got := tt.look.sparkline(tt.values, tt.columns); got != tt.want {
			t.Errorf("%v in %d: %q, want %q", tt.values, tt.columns, got, tt.want)
		}
	}
	if got := plain.chart([]float64{4, 12, 16}, 3, 2); got[0] != " ▄█" || got[1] != "▄██" {
		t.Errorf("two rows: %q", got)
	}
}
