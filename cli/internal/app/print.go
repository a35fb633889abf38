package app

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/airtill/airtill/cli/internal/terminal"
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
		return p.csvRows(append([][]string{names(columns)}, cells(rows, columns)...))
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

func names[T any](columns []column[T]) (all []string) {
	for _, c := range columns {
		all = append(all, c.name)
	}
	return all
}

// cells are the rows of a table, or of CSV.
func cells[T any](rows []T, columns []column[T]) (all [][]string) {
	for _, r := range rows {
		var row []string
		for _, c := range columns {
			row = append(row, c.cell(r))
		}
		all = append(all, row)
	}
	return all
}

// renderTable lays rows out for people.
func renderTable[T any](rows []T, columns []column[T]) string {
	var heads []terminal.Column
	for _, c := range columns {
		heads = append(heads, terminal.Column{Name: c.name, Right: c.right})
	}
	return terminal.Table(heads, cells(rows, columns))
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
