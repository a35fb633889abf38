// Package scenario reads what a load test can be told in files: scenarios in YAML, whose
// keys are the flags of airtill load that are not about one call, and rows of data in CSV.
package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/airtill/airtill/cli/internal/config"
	"github.com/airtill/airtill/cli/internal/spelling"
)

// Scenario is what a file says, in its order.
type Scenario struct {
	Name        string // of the file, or of the built-in
	Description string
	Settings    []Setting
}

// Setting is one key of a scenario: a flag of airtill load, without its dashes.
type Setting struct {
	Key    string
	Values []string // texts as the flag takes them; several of a flag that may be given several times
	Line   int
}

// Read reads a scenario and checks it: unknown keys, and texts that their flags would
// refuse, are errors that name the file's line. All that is wrong is told at once.
func Read(name string, text []byte) (*Scenario, error) {
	entries, err := entriesOf(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &Scenario{Name: name}
	var wrong []error
	for _, e := range entries {
		if err := s.take(e); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: line %d: %w", name, e.key.Line, err))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return s, nil
}

// entry is a key with its value.
type entry struct{ key, value *yaml.Node }

// entriesOf lists the keys and values of a file.
func entriesOf(text []byte) ([]entry, error) {
	bodies, err := documents(text)
	if err != nil {
		return nil, syntax(err)
	}
	if len(bodies) > 1 {
		return nil, fmt.Errorf("line %d: a second document; a file has one scenario", bodies[1].Line)
	}
	if len(bodies) == 0 {
		return nil, errors.New("it is empty: write keys and values, as in rate: 200/s")
	}
	return mapping(bodies[0])
}

// documents are the tops of those that are not empty.
func documents(text []byte) (bodies []*yaml.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return bodies, nil
		case err != nil:
			return nil, err
		}
		if top := document.Content[0]; !empty(top) {
			bodies = append(bodies, top)
		}
	}
}

// empty says whether nothing is written where a value is to be.
func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == "" }

// syntax is what YAML's reader says, after its line.
func syntax(err error) error {
	line, what := config.Syntax(err)
	if line == 0 {
		return what
	}
	return fmt.Errorf("line %d: %w", line, what)
}

func mapping(n *yaml.Node) (entries []entry, err error) {
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: write keys and values, as in rate: 200/s", n.Line)
	}
	for pair := range slices.Chunk(n.Content, 2) {
		entries = append(entries, entry{pair[0], pair[1]})
	}
	return entries, nil
}

// take reads one key.
func (s *Scenario) take(e entry) error {
	name := e.key.Value
	if name == "description" {
		var err error
		s.Description, err = scalar(e.value)
		return err
	}
	k, ok := keyOf(name)
	if !ok {
		return unknown(name)
	}
	if slices.ContainsFunc(s.Settings, func(o Setting) bool { return o.Key == name }) {
		return fmt.Errorf("%s: it is there twice", name)
	}
	values, err := k.values(e.value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, v := range values {
		if err := k.check(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.Settings = append(s.Settings, Setting{Key: name, Values: values, Line: e.key.Line})
	return nil
}

// unknown says which key was perhaps meant.
func unknown(name string) error {
	if near := spelling.Nearest(name, append(Keys(), "description")); near != "" {
		return fmt.Errorf("no key %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("no key %q; keys are the flags of airtill load: %s", name, strings.Join(Keys(), ", "))
}

// values reads what a key is set to, as texts for its flag.
func (k key) values(n *yaml.Node) ([]string, error) {
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, v := range n.Content {
			text, err := scalar(v)
			if err != nil {
				return nil, err
			}
			parts = append(parts, text)
		}
	case yaml.MappingNode:
		pairs, err := pairs(n)
		if err != nil {
			return nil, err
		}
		parts = pairs
	default:
		text, err := scalar(n)
		return []string{text}, err
	}
	switch {
	case k.many:
		return parts, nil
	case k.list:
		return []string{strings.Join(parts, ",")}, nil
	}
	return nil, errors.New("it takes one value")
}

// pairs reads k: v as the flags write it, k=v.
func pairs(n *yaml.Node) ([]string, error) {
	entries, err := mapping(n)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		value, err := scalar(e.value)
		if err != nil {
			return nil, err
		}
		all = append(all, e.key.Value+"="+value)
	}
	return all, nil
}

// scalar is the text of a value as it was written: 200/s, 0.5, true.
func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", errors.New("write its value as text, as in rate: 200/s")
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return strings.TrimSpace(n.Value), nil
	}
	return n.Value, nil
}
