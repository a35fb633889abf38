package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// outputVersion is the version of the JSON that commands print: members may be added to
// what there is within a version, and none goes or changes.
const outputVersion = 1

// form is how data is printed.
type form string

const (
	formTable form = "table" // for people
	formWide  form = "wide"  // with the columns that are left out of a table
	formJSON  form = "json"  // a list as one array, indented
	formJSONL form = "jsonl" // one object a line: --json
	formYAML  form = "yaml"
	formCSV   form = "csv" // the columns of wide, RFC 4180
)

func forms() []string {
	return []string{string(formTable), string(formWide), string(formJSON), string(formJSONL), string(formYAML), string(formCSV)}
}

// outputValue reads a form from the command line.
type outputValue form

// Set implements [cli.Generic].
func (v *outputValue) Set(text string) error {
	if !slices.Contains(forms(), text) {
		return errors.New("choose one of table, wide, json, jsonl, yaml, csv")
	}
	*v = outputValue(text)
	return nil
}

// String implements [cli.Generic].
func (v *outputValue) String() string { return string(*v) }

// errShapes is for events of different shapes, which do not go in one table.
var errShapes = errors.New("these do not go into one table of CSV: say -o jsonl")

// csvLine prints an object as a row of CSV, after its names if they were not printed yet.
func (p *printer) csvLine(v any) error {
	n, err := tree(v)
	if err != nil {
		return err
	}
	var names, cells []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		names = append(names, n.Content[i].Value)
		cells = append(cells, cell(n.Content[i+1]))
	}
	if n.Kind != yaml.MappingNode {
		names, cells = []string{"value"}, []string{cell(n)}
	}
	switch {
	case p.header == nil:
		p.header = names
		return p.csvRows([][]string{names, cells})
	case !slices.Equal(p.header, names):
		return errShapes
	}
	return p.csvRows([][]string{cells})
}

// cell is a value as a cell of a table: a list and an object stay JSON.
func cell(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		if n.Tag == "!!null" {
			return ""
		}
		return n.Value
	}
	return jsonText(n)
}

// jsonText writes a tree back as JSON.
func jsonText(n *yaml.Node) string {
	var v any
	if err := n.Decode(&v); err != nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

func (p *printer) csvRows(rows [][]string) error {
	w := csv.NewWriter(p.w)
	w.UseCRLF = true
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("print as CSV: %w", err)
	}
	return nil
}

// document prints v as a whole document: indented JSON, or YAML.
func (p *printer) document(v any) error {
	if p.form == formJSON {
		enc := json.NewEncoder(p.w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("print as JSON: %w", err)
		}
		return nil
	}
	n, err := tree(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if p.documents++; p.documents > 1 {
		b.WriteString("---\n")
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return fmt.Errorf("print as YAML: %w", err)
	}
	return write(p.w, b.String())
}

// tree reads v's JSON into nodes of YAML, so that both have the same names in the same order.
func tree(v any) (*yaml.Node, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("print: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return node(decoder)
}

// node reads one value.
func node(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("print: %w", err)
	}
	switch v := token.(type) {
	case json.Delim:
		return inside(d, v)
	case string:
		n := new(yaml.Node)
		return n, n.Encode(v) // with the quotes that older readers want: "yes", "12:30"
	case json.Number:
		tag := "!!int"
		if _, err := v.Int64(); err != nil {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

// inside reads the members of an object or the items of a list, up to its end.
func inside(d *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if open == '[' {
		n.Kind = yaml.SequenceNode
	}
	for d.More() {
		below, err := node(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, below)
	}
	_, err := d.Token()
	return n, err
}
