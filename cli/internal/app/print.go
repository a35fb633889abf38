package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printer writes a command's data to stdout: for people, or with --json one
// object a line. A command hands it values and how they look, once.
type printer struct {
	w    io.Writer
	json bool
}

// column is how one property of a T looks in a table.
type column[T any] struct {
	name  string
	right bool // numbers and amounts
	cell  func(T) string
}

// printRows prints a list: a table for people, a line each for programs.
func printRows[T any](p *printer, rows []T, columns ...column[T]) error {
	if !p.json {
		return write(p.w, renderTable(rows, columns))
	}
	for _, row := range rows {
		if err := p.object(row); err != nil {
			return err
		}
	}
	return nil
}

// field is one line of the display of a single thing.
type field struct{ name, value string }

// one prints a single thing: name and value in two columns, or v as JSON.
// Fields without a value are left out.
func (p *printer) one(v any, fields ...field) error {
	if p.json {
		return p.object(v)
	}
	width := 0
	for _, f := range fields {
		width = max(width, text.StringWidthWithoutEscSequences(f.name))
	}
	var b strings.Builder
	for _, f := range fields {
		if f.value != "" {
			fmt.Fprintf(&b, "%-*s  %s\n", width, f.name, f.value)
		}
	}
	return write(p.w, b.String())
}

// line prints one event of a running story: text for people, v for programs.
func (p *printer) line(v any, text string) error {
	if p.json {
		return p.object(v)
	}
	return write(p.w, text+"\n")
}

// object prints v as one line of JSON.
func (p *printer) object(v any) error {
	enc := json.NewEncoder(p.w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	return nil
}

// renderTable lays rows out in columns without rules, so that it reads well and
// splits well.
func renderTable[T any](rows []T, columns []column[T]) string {
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
	for _, r := range rows {
		var cells table.Row
		for _, c := range columns {
			cells = append(cells, c.cell(r))
		}
		tw.AppendRow(cells)
	}
	return tw.Render() + "\n"
}
