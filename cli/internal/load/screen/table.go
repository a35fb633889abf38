package screen

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// indent is how far a part of a text stands under its head.
const indent = "  "

// tableColumn is one of a table in a text. What is a number stands at the right.
type tableColumn struct {
	name  string
	right bool
}

func left(name string) tableColumn  { return tableColumn{name: name} }
func right(name string) tableColumn { return tableColumn{name: name, right: true} }

// tabulate lays rows out in columns without rules, as the commands' tables are.
func tabulate(columns []tableColumn, rows [][]string) string {
	tw := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatUpper
	tw.SetStyle(style)
	tw.SuppressTrailingSpaces()
	var header table.Row
	var configs []table.ColumnConfig
	for i, c := range columns {
		header = append(header, c.name)
		if c.right {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	tw.AppendHeader(header)
	tw.SetColumnConfigs(configs)
	for _, row := range rows {
		var cells table.Row
		for _, c := range row {
			cells = append(cells, c)
		}
		tw.AppendRow(cells)
	}
	return indented(tw.Render())
}

// fields lays names and values out in two columns. Those without a value are left out.
func fields(pairs ...[2]string) string {
	width := 0
	for _, p := range pairs {
		if p[1] != "" {
			width = max(width, ansi.StringWidth(p[0]))
		}
	}
	var b strings.Builder
	for _, p := range pairs {
		if p[1] != "" {
			fmt.Fprintf(&b, "%s%s  %s\n", indent, pad(p[0], width, false), p[1])
		}
	}
	return b.String()
}

func indented(block string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(block, "\n") + "\n") {
		b.WriteString(indent + line)
	}
	return b.String()
}
