package screen

import (
	"slices"
	"strings"
)

// gridColumn is a column of a table in a picture. It has the same width whatever is in it, so
// that a picture stands still while its numbers change.
type gridColumn struct {
	name  string
	width int
	left  bool // text; numbers are at the right
	rank  int  // the columns with the lowest are shown where not all of them fit
}

// cell is what is in one field.
type cell struct {
	text  string
	paint paint // nil leaves it
}

// grid lays rows out in the columns that fit, under their names. cells are by column.
func (l Look) grid(columns []gridColumn, rows [][]cell) []string {
	shown := fitting(columns, l.Width)
	head := make([]cell, len(columns))
	for i, c := range columns {
		head[i] = cell{c.name, l.paint(faint)}
	}
	lines := []string{l.gridLine(columns, shown, head)}
	for _, row := range rows {
		lines = append(lines, l.gridLine(columns, shown, row))
	}
	return lines
}

// fitting picks columns by rank until there is no room for the next, and leaves their order.
func fitting(columns []gridColumn, width int) []int {
	byRank := make([]int, len(columns))
	for i := range columns {
		byRank[i] = i
	}
	slices.SortStableFunc(byRank, func(a, b int) int { return columns[a].rank - columns[b].rank })
	var shown []int
	used := -1 // no blank before the first
	for _, i := range byRank {
		if used += 1 + columns[i].width; used > width && len(shown) > 0 {
			break
		}
		shown = append(shown, i)
	}
	slices.Sort(shown)
	return shown
}

func (l Look) gridLine(columns []gridColumn, shown []int, row []cell) string {
	fields := make([]string, 0, len(shown))
	for _, i := range shown {
		text := pad(l.cut(row[i].text, columns[i].width), columns[i].width, !columns[i].left)
		if row[i].paint != nil && strings.TrimSpace(text) != "" {
			text = row[i].paint(text)
		}
		fields = append(fields, text)
	}
	return strings.TrimRight(strings.Join(fields, " "), " ")
}
