package screen

import (
	"math"
	"strings"
)

// The heights of a column of a chart, from nothing to a whole row.
var (
	blocks = []rune(" ▁▂▃▄▅▆▇█")
	dots   = []rune(" .:-=+*#@")
)

// chart draws values as columns, the newest at the right, in so many rows and columns.
// The highest fills its column; one that is not 0 is never drawn as nothing.
func (l Look) chart(values []float64, columns, rows int) []string {
	values = values[max(len(values)-columns, 0):]
	top := 0.0
	for _, v := range values {
		if v > top { // NaN is not
			top = v
		}
	}
	drawn := make([]string, rows)
	for row := range rows {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", max(columns-len(values), 0)))
		for _, v := range values {
			b.WriteRune(l.block(height(v, top, rows) - 8*(rows-1-row)))
		}
		drawn[row] = b.String()
	}
	return drawn
}

// sparkline is a chart of one row.
func (l Look) sparkline(values []float64, columns int) string { return l.chart(values, columns, 1)[0] }

// height is a value's in eighths of a row.
func height(v, top float64, rows int) int {
	if v <= 0 || top <= 0 || math.IsNaN(v) {
		return 0
	}
	return max(int(math.Round(v/top*float64(8*rows))), 1)
}

func (l Look) block(eighths int) rune {
	eighths = min(max(eighths, 0), 8)
	if l.ASCII {
		return dots[eighths]
	}
	return blocks[eighths]
}

// bar draws a part of a whole, at most so many columns long.
func (l Look) bar(part, whole int64, columns int) string {
	if part <= 0 || whole <= 0 {
		return ""
	}
	n := int(math.Round(float64(part) / float64(whole) * float64(columns)))
	return strings.Repeat(l.or("█", "#"), min(max(n, 1), columns))
}
