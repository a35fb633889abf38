// Package scenario reads what a load test can be told in files: scenarios in YAML, in
// which every flag of airtill load is a key, and rows of data in CSV.
package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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
			wrong = append(wrong, fmt.Errorf("%s: line %d: %w", name, lineOf(e), err))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return s, nil
}

// entriesOf lists the keys and values of a file.
func entriesOf(text []byte) ([]*ast.MappingValueNode, error) {
	file, err := parser.ParseBytes(text, 0)
	if syntax := (*yaml.SyntaxError)(nil); errors.As(err, &syntax) {
		return nil, fmt.Errorf("line %d: %s", syntax.Token.Position.Line, syntax.Message)
	}
	if err != nil {
		return nil, err
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentGroupType {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) > 1 {
		return nil, fmt.Errorf("line %d: a second document; a file has one scenario", bodies[1].GetToken().Position.Line)
	}
	if len(bodies) == 0 {
		return nil, errors.New("it is empty: write keys and values, as in rate: 200/s")
	}
	return mapping(bodies[0])
}

func mapping(n ast.Node) ([]*ast.MappingValueNode, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	}
	return nil, fmt.Errorf("line %d: write keys and values, as in rate: 200/s", n.GetToken().Position.Line)
}

func lineOf(e *ast.MappingValueNode) int { return e.Key.GetToken().Position.Line }

// take reads one key.
func (s *Scenario) take(e *ast.MappingValueNode) error {
	name := e.Key.GetToken().Value
	if name == "description" {
		var err error
		s.Description, err = scalar(e.Value)
		return err
	}
	k, ok := keyOf(name)
	if !ok {
		return unknown(name)
	}
	if slices.ContainsFunc(s.Settings, func(o Setting) bool { return o.Key == name }) {
		return fmt.Errorf("%s: it is there twice", name)
	}
	values, err := k.values(e.Value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, v := range values {
		if err := k.check(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.Settings = append(s.Settings, Setting{Key: name, Values: values, Line: lineOf(e)})
	return nil
}

// unknown says which key was perhaps meant.
func unknown(name string) error {
	if near := nearest(name); near != "" {
		return fmt.Errorf("no key %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("no key %q; keys are the flags of airtill load: %s", name, strings.Join(Keys(), ", "))
}

// values reads what a key is set to, as texts for its flag.
func (k key) values(n ast.Node) ([]string, error) {
	var parts []string
	switch n := n.(type) {
	case *ast.SequenceNode:
		for _, v := range n.Values {
			text, err := scalar(v)
			if err != nil {
				return nil, err
			}
			parts = append(parts, text)
		}
	case *ast.MappingNode, *ast.MappingValueNode:
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
func pairs(n ast.Node) ([]string, error) {
	entries, err := mapping(n)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		value, err := scalar(e.Value)
		if err != nil {
			return nil, err
		}
		all = append(all, e.Key.GetToken().Value+"="+value)
	}
	return all, nil
}

// scalar is the text of a value as it was written: 200/s, 0.5, true.
func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", errors.New("write its value as text, as in rate: 200/s")
}
