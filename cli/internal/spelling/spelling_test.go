package spelling

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"rate", "max-in-flight", "abort-on-fail", "list", "show", "settled"}
	for word, want := range map[string]string{
		"rate": "rate", "Rate": "rate", "ratee": "rate", "rte": "rate",
		"max_inflight": "max-in-flight", "abort_on_fail": "abort-on-fail",
		"lst": "list", "setled": "settled", "colour": "", "": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got := distance(tt.a, tt.b); got != tt.want || distance(tt.b, tt.a) != got {
			t.Errorf("%q, %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
