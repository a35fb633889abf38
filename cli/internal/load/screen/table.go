package screen

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// indent is how far a part of a text stands under its head.
const indent = "  "

func left(name string) terminal.Column  { return terminal.Column{Name: name} }
func right(name string) terminal.Column { return terminal.Column{Name: name, Right: true} }

// tabulate is a table under a head.
func tabulate(columns []terminal.Column, rows [][]string) string {
	return indented(terminal.Table(columns, rows))
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
