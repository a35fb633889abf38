package app

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printer writes a command's data to stdout: for people, or for programs in the form
// that was asked for. A command hands it values and how they look, once.
type printer struct {
	w    io.Writer
	json bool // for programs, not for people: what a table leaves out belongs in it too
	form form // with json: jsonl unless said

	header    []string // of CSV that has begun
	documents int      // of YAML so far
}

// column is how one property of a T looks in a table.
type column[T any] struct {
	name  string
	right bool // numbers and amounts
	cell  func(T) string
}

// printRows prints a list: a table for people, a line each for programs.
func printRows[T any](p *printer, rows []T, columns ...column[T]) error {
	switch {
	case p.form == formCSV && len(columns) > 0:
		return p.csvRows(texts(rows, columns))
	case p.form == formYAML || p.form == formJSON:
		if rows == nil {
			rows = []T{}
		}
		return p.document(rows)
	case !p.json && p.form != formCSV:
		return write(p.w, renderTable(rows, columns))
	}
	for _, row := range rows {
		if err := p.object(row); err != nil {
			return err
		}
	}
	return nil
}

// printWide prints a list that has more columns where there is room for them: with -o
// wide, and in CSV.
func printWide[T any](p *printer, rows []T, columns, more []column[T]) error {
	if p.form == formWide || p.form == formCSV {
		columns = slices.Concat(columns, more)
	}
	return printRows(p, rows, columns...)
}

// texts are the rows of a table with its header before them, as CSV has them.
func texts[T any](rows []T, columns []column[T]) [][]string {
	all := [][]string{nil}
	for _, c := range columns {
		all[0] = append(all[0], c.name)
	}
	for _, r := range rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c.cell(r))
		}
		all = append(all, cells)
	}
	return all
}

// field is one line of the display of a single thing.
type field struct{ name, value string }

// one prints a single thing: name and value in two columns, or v as JSON.
// Fields without a value are left out.
func (p *printer) one(v any, fields ...field) error {
	if p.json || p.form == formCSV {
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
	if p.json || p.form == formCSV {
		return p.object(v)
	}
	return write(p.w, text+"\n")
}

// object prints v for programs: as one line of JSON unless another form was asked for.
func (p *printer) object(v any) error {
	switch p.form {
	case formCSV:
		return p.csvLine(v)
	case formJSON, formYAML:
		return p.document(v)
	}
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
