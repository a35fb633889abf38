package page

import (
	"math"
	"strconv"
	"strings"
)

// dash stands where there is no value.
const dash = "–"

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// decimal writes three digits of a number, or all those before its point: 0.12, 1.23, 12.3,
// 1,234.
func decimal(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dash
	}
	places := 0
	switch size := math.Abs(v); {
	case v == math.Trunc(v):
	case size < 9.995:
		places = 2
	case size < 99.95:
		places = 1
	}
	if places == 0 {
		return count(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', places, 64)
}

// latency is a cell of a table of milliseconds.
func latency(ms float64) string {
	if ms == 0 {
		return dash
	}
	return decimal(ms)
}

// took writes milliseconds with a unit that a person reads at once: 0.25 ms, 180 ms, 1.98 s.
func took(ms float64) string {
	if ms >= 1000 {
		return decimal(ms/1000) + " s"
	}
	return decimal(ms) + " ms"
}

// percent writes a share.
func percent(share float64) string { return decimal(100*share) + " %" }

// list writes a, b and c.
func list(of []string) string {
	if len(of) < 2 {
		return strings.Join(of, "")
	}
	return strings.Join(of[:len(of)-1], ", ") + " and " + of[len(of)-1]
}

// inUnit writes a figure in a unit of load's: ms, % of a share, /s, or none.
func inUnit(v float64, unit string) string {
	switch unit {
	case "ms":
		return took(v)
	case "%":
		return percent(v)
	case "":
		return decimal(v)
	}
	return decimal(v) + " " + unit
}
