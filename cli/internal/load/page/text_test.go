package page

import (
	"math"
	"testing"
)

func TestText(t *testing.T) {
	tests := []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "-1,234,567"},
		{decimal(0), "0"}, {decimal(0.123), "0.12"}, {decimal(1.236), "1.24"}, {decimal(9.996), "10.0"}, {decimal(12.34), "12.3"},
		{decimal(99.96), "100"}, {decimal(1234.5), "1,235"}, {decimal(500), "500"}, {decimal(math.NaN()), dash}, {decimal(math.Inf(1)), dash},
		{latency(0), dash}, {latency(4.5), "4.50"},
		{took(0.25), "0.25 ms"}, {took(999), "999 ms"}, {took(1980), "1.98 s"},
		{percent(0.0123), "1.23 %"}, {percent(1), "100 %"},
		{list(nil), ""}, {list([]string{"a"}), "a"}, {list([]string{"a", "b"}), "a and b"}, {list([]string{"a", "b", "c"}), "a, b and c"},
		{inUnit(1500, "ms"), "1.50 s"}, {inUnit(0.5, "%"), "50 %"}, {inUnit(990, "/s"), "990 /s"}, {inUnit(3, ""), "3"},
		{fileName("rate 1/2"), "rate-1-2.json"}, {fileName(""), "load.json"}, {fileName("../../x"), "------x.json"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
