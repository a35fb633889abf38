// Package config reads a configuration file: YAML whose keys are the names of flags,
// for every command that has them, or under the names of a command for that one alone.
//
//	log-level: info
//	redis: redis://:${REDIS_PASSWORD}@10.0.0.5:6379/0
//	dev:
//	  http: 127.0.0.1:9080
//	bill:
//	  create:
//	    currency: CNY
//
// The node tree is read, not a struct, so every fault has its line. A secret does not
// stand in the file: ${NAME} takes it from the environment.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/airtill/airtill/cli/internal/spelling"
)

// Schema is what a file may hold: at its top for all commands, below a command's name
// for that command.
type Schema struct {
	Flags    []string // that may be set here
	Spoken   []string // flags there are, that are said on the command line only
	Commands map[string]Schema
}

// Value is what a file says of one flag.
type Value struct {
	Path  []string // of the command it is for; empty: of all
	Flag  string
	Line  int
	Texts []string // as they stand there; a flag that is repeated has several
}

// Key is where the value stands, "dev.http".
func (v Value) Key() string { return strings.Join(append(slices.Clone(v.Path), v.Flag), ".") }

// File is a configuration file that has been read and checked against a schema.
type File struct {
	Path   string
	Values []Value // in the order of the file
}

// Error is what is wrong with a file.
type Error struct {
	Path string
	Line int // 0: of the file as a whole
	Key  string
	Err  error
}

// Error implements error: "airtill.yaml:3: platfrm: no such setting".
func (e *Error) Error() string {
	text := e.Path
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Err.Error()
}

// Unwrap answers the cause.
func (e *Error) Unwrap() error { return e.Err }

// Rules are what a file is checked against.
type Rules struct {
	Schema Schema
	Secret func(flag, text string) (secret string) // the part of a value that is a secret, or ""
}

// Read reads a file. All that is wrong with it comes at once, joined, each an [*Error].
func Read(path string, text []byte, rules Rules) (*File, error) {
	r := reader{file: &File{Path: path}, rules: rules}
	root, err := parse(text)
	if err != nil {
		return nil, r.syntax(err)
	}
	if root != nil {
		r.section(root, nil, rules.Schema)
	}
	return r.file, errors.Join(r.wrong...)
}

// What YAML's reader says. Lines in which its parser, not its scanner, finds something are
// counted from 0, and 0 is left out. Of what is wrong with characters and anchors it
// does not say where it is.
var (
	yamlSaid = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	fromZero = regexp.MustCompile(`did not find expected (?:node content|key|<document start>|'-'|',')`)
	anywhere = regexp.MustCompile(`characters? (?:are|is) not allowed|UTF-|unknown anchor|value contains`)
)

// Syntax reads what YAML's reader says of a text that is not YAML: what is wrong, and in
// which line, from 1; 0 is not known.
func Syntax(err error) (line int, what error) {
	said := yamlSaid.FindStringSubmatch(err.Error())
	if said == nil {
		return 0, err
	}
	text := strings.TrimPrefix(err.Error(), said[0])
	line, _ = strconv.Atoi(said[1]) // none is 0
	if fromZero.MatchString(text) || line == 0 && !anywhere.MatchString(text) {
		line++
	}
	return line, errors.New("not YAML: " + text)
}

// parse answers the top of the one document, or nil of an empty file.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is a second document in it")
	}
	top := document.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil, nil
	}
	return top, nil
}

// reader reads one file.
type reader struct {
	file  *File
	rules Rules
	wrong []error
}

// syntax is for what the YAML decoder says.
func (r *reader) syntax(err error) error {
	line, what := Syntax(err)
	return &Error{Path: r.file.Path, Line: line, Err: what}
}

func (r *reader) refuse(n *yaml.Node, path []string, key, format string, args ...any) {
	full := strings.Trim(strings.Join(append(slices.Clone(path), key), "."), ".")
	r.wrong = append(r.wrong, &Error{Path: r.file.Path, Line: n.Line, Key: full, Err: fmt.Errorf(format, args...)})
}

// section reads the keys that are for a command, or for those below it.
func (r *reader) section(n *yaml.Node, path []string, s Schema) {
	if n.Kind != yaml.MappingNode {
		r.refuse(n, path, "", "settings are lines like key: value")
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		kind := key.Value
		if key.Kind != yaml.ScalarNode || kind == "" {
			r.refuse(n, path, "", "settings are lines like key: value")
			continue
		}
		if value.Kind == yaml.MappingNode {
			kind += " of a command" // platform: URL and platform: {http: ...} are two things
		}
		if line, twice := seen[kind]; twice {
			r.refuse(key, path, key.Value, "it stands in line %d already", line)
			continue
		}
		seen[kind] = key.Line
		r.entry(key, value, path, s)
	}
}

func (r *reader) entry(key, value *yaml.Node, path []string, s Schema) {
	below, command := s.Commands[key.Value]
	switch {
	case value.Kind == yaml.MappingNode && command:
		r.section(value, append(slices.Clone(path), key.Value), below)
	case value.Kind == yaml.MappingNode && slices.Contains(s.Flags, key.Value):
		r.refuse(key, path, key.Value, "it is a flag, and takes a value")
	case slices.Contains(s.Spoken, key.Value):
		r.refuse(key, path, key.Value, "it is said on the command line only")
	case slices.Contains(s.Flags, key.Value):
		r.value(key, value, path)
	case command:
		r.refuse(key, path, key.Value, "it is a command: indent its flags below it")
	default:
		r.unknown(key, path, s)
	}
}

func (r *reader) unknown(key *yaml.Node, path []string, s Schema) {
	known := slices.Clone(s.Flags)
	for name := range s.Commands {
		known = append(known, name)
	}
	slices.Sort(known)
	if near := spelling.Nearest(key.Value, known); near != "" {
		r.refuse(key, path, key.Value, "no such setting; did you mean %s?", near)
		return
	}
	r.refuse(key, path, key.Value, "no such setting")
}

func (r *reader) value(key, value *yaml.Node, path []string) {
	v := Value{Path: path, Flag: key.Value, Line: key.Line}
	nodes := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		nodes = value.Content
	}
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			r.refuse(key, path, key.Value, "it wants a value, or a list of values")
			return
		}
		if secret := r.rules.Secret(v.Flag, n.Value); secret != "" && !reference.MatchString(secret) {
			r.refuse(key, path, key.Value, "a secret stands in the file: write ${NAME} for it, and set NAME in the environment")
			return
		}
		v.Texts = append(v.Texts, n.Value)
	}
	r.file.Values = append(r.file.Values, v)
}

// reference is ${NAME}.
var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Find answers what the file says of a command's flag: what stands nearest to the
// command comes first.
func (f *File) Find(command []string, flag string) (Value, bool) {
	var best Value
	found := false
	for _, v := range f.Values {
		if v.Flag != flag || len(v.Path) > len(command) || !slices.Equal(v.Path, command[:len(v.Path)]) {
			continue
		}
		if !found || len(v.Path) > len(best.Path) {
			best, found = v, true
		}
	}
	return best, found
}

// Expand answers a value with its references replaced from the environment. One that is
// not set is an [*Error].
func (f *File) Expand(v Value, getenv func(string) string) ([]string, error) {
	var out []string
	for _, text := range v.Texts {
		missing := ""
		out = append(out, reference.ReplaceAllStringFunc(text, func(ref string) string {
			name := reference.FindStringSubmatch(ref)[1]
			if getenv(name) == "" {
				missing = name
			}
			return getenv(name)
		}))
		if missing != "" {
			return nil, f.Wrong(v, fmt.Errorf("%s is not set in the environment", missing))
		}
	}
	return out, nil
}

// Wrong is an error about a value, with its key and line.
func (f *File) Wrong(v Value, err error) error {
	return &Error{Path: f.Path, Line: v.Line, Key: v.Key(), Err: err}
}
