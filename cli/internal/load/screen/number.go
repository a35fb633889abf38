package screen

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// latency writes milliseconds in six columns at most, three digits of them telling.
func latency(ms float64) string {
	switch {
	case ms < 0 || math.IsNaN(ms) || math.IsInf(ms, 0):
		return "-"
	case ms < 9.995:
		return strconv.FormatFloat(ms+0, 'f', 2, 64) + "ms" // -0 is 0
	case ms < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + "ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + "ms"
	case ms < 9_995:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + "s"
	case ms < 99_950:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + "s"
	case ms < 9_999_500:
		return strconv.FormatFloat(ms/1000, 'f', 0, 64) + "s"
	}
	return strconv.FormatFloat(math.Min(ms/3_600_000, 9999), 'f', 0, 64) + "h"
}

// counted is the latency of something, which must be.
func counted(n int64, ms float64) string {
	if n == 0 {
		return "-"
	}
	return latency(ms)
}

// count writes a number in seven columns at most.
func count(n int64) string {
	for _, unit := range []string{"", "k", "M", "G"} {
		if n > -1_000_000 && n < 10_000_000 {
			return strconv.FormatInt(n, 10) + unit
		}
		n /= 1000
	}
	return "many"
}

// rate writes what there is of in a second.
func rate(perSecond float64) string {
	switch {
	case math.IsNaN(perSecond) || math.IsInf(perSecond, 0):
		return "-"
	case perSecond == math.Trunc(perSecond) || math.Abs(perSecond) >= 999.95:
		return count(int64(math.Round(perSecond)))
	}
	return strconv.FormatFloat(perSecond, 'f', 1, 64)
}

// cores writes how many processors were busy.
func cores(n float64) string { return strconv.FormatFloat(n, 'f', 2, 64) }

// clock writes a time since the start: 1:02:03, or 2:03.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// share writes a part of a whole, in per cent. What there is of is never written as none.
func share(n, whole int64) string {
	if whole == 0 {
		return "-"
	}
	switch percent := 100 * float64(n) / float64(whole); {
	case n > 0 && percent < 0.01:
		return "<0.01%"
	case percent < 10:
		return strconv.FormatFloat(percent, 'f', 2, 64) + "%"
	default:
		return strconv.FormatFloat(percent, 'f', 1, 64) + "%"
	}
}
