package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/config"
)

func rules() config.Rules {
	return config.Rules{
		Schema: config.Schema{
			Flags: []string{"redis", "platform", "http", "seed", "cell"}, Spoken: []string{"fresh"},
			Commands: map[string]config.Schema{
				"platform": {Flags: []string{"redis", "http"}},
				"dev":      {Flags: []string{"http", "seed", "cell"}, Spoken: []string{"fresh"}},
				"bill":     {Flags: []string{"platform"}, Commands: map[string]config.Schema{"show": {Flags: []string{"platform"}}}},
			},
		},
		Secret: func(_, text string) string {
			_, secret, _ := strings.Cut(text, "secret=")
			return secret
		},
	}
}

func TestRead(t *testing.T) {
	f, err := config.Read("a.yaml", []byte(`
# all
platform: http://10.0.0.5:8080
seed: 7
cell: [north=rural, south=urban]
platform:            # a command of the same name
  http: :9080
bill:
  show:
    platform: http://10.0.0.6:8080
redis: secret=${PASS}@x
`), rules())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command, flag, want string
		line                int
	}{
		{"bill show", "platform", "http://10.0.0.6:8080", 10},
		{"bill list", "platform", "http://10.0.0.5:8080", 3},
		{"platform", "http", ":9080", 7},
		{"dev", "http", "", 0},
		{"dev", "seed", "7", 4},
		{"dev", "cell", "north=rural south=urban", 5},
		{"dev", "redis", "secret=hush@x", 11},
	} {
		v, found := f.Find(strings.Fields(tt.command), tt.flag)
		texts, err := f.Expand(v, func(name string) string { return map[string]string{"PASS": "hush"}[name] })
		if found != (tt.want != "") || v.Line != tt.line || strings.Join(texts, " ") != tt.want || err != nil {
			t.Errorf("%s --%s: %+v %q %v", tt.command, tt.flag, v, texts, err)
		}
	}
	v, _ := f.Find(nil, "redis")
	if _, err := f.Expand(v, func(string) string { return "" }); err == nil || err.Error() != "a.yaml:11: redis: PASS is not set in the environment" {
		t.Error(err)
	}
}

func TestEmpty(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "~"} {
		if f, err := config.Read("a.yaml", []byte(text), rules()); err != nil || len(f.Values) != 0 {
			t.Errorf("%q: %+v %v", text, f, err)
		}
	}
}

// Every fault is told, with its key and its line.
func TestFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"platfrm: x", "a.yaml:1: platfrm: no such setting; did you mean platform?"},
		{"x1: y", "a.yaml:1: x1: no such setting"},
		{"dev:\n  redsi: y", "a.yaml:2: dev.redsi: no such setting"},
		{"seed: 1\n\nseed: 2", "a.yaml:3: seed: it stands in line 1 already"},
		{"dev: 7", "a.yaml:1: dev: it is a command: indent its flags below it"},
		{"seed: {a: b}", "a.yaml:1: seed: it is a flag, and takes a value"},
		{"seed:", "a.yaml:1: seed: it wants a value, or a list of values"},
		{"cell: [[a]]", "a.yaml:1: cell: it wants a value, or a list of values"},
		{"fresh: true", "a.yaml:1: fresh: it is said on the command line only"},
		{"redis: secret=hush", "a.yaml:1: redis: a secret stands in the file: write ${NAME} for it, and set NAME in the environment"},
		{"- a", "a.yaml:1: settings are lines like key: value"},
		{"a: b\n---\nc: d", "a.yaml: there is a second document in it"},
		{"seed: [1", "a.yaml:2: not YAML: did not find expected ',' or ']'"}, // where it should have ended
		{"seed: 1\nhttp: {a: 1\nx: 2", "a.yaml:2: not YAML: did not find expected ',' or '}'"},
		{"seed: 1\n- a", "a.yaml:2: not YAML: did not find expected key"},
		{"}", "a.yaml:1: not YAML: did not find expected node content"},
		{"seed: @x", "a.yaml:1: not YAML: found character that cannot start any token"},
		{"seed: 1\nhttp: @x", "a.yaml:2: not YAML: found character that cannot start any token"},
		{"seed: 1\nhttp 3\n", "a.yaml:2: not YAML: could not find expected ':'"},
		{"seed: 1\nhttp: *a", "a.yaml: not YAML: unknown anchor 'a' referenced"},
		{"seed: \x01", "a.yaml: not YAML: control characters are not allowed"},
		{"seed: &a 1\nhttp: *a", "a.yaml:2: http: it wants a value, or a list of values"},
		{"x1: 1\nx2: 2", "a.yaml:1: x1: no such setting\na.yaml:2: x2: no such setting"},
	}
	for _, tt := range tests {
		_, err := config.Read("a.yaml", []byte(tt.text), rules())
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q\n got %v\nwant %s", tt.text, err, tt.want)
		}
		if strings.Contains(tt.want, "hush") {
			t.Error("the secret is told")
		}
	}
}

// Whatever a file holds, it is read or refused with an Error, and what was read is found.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"seed: 1", "dev:\n  http: [a, b]", "a: *b", "? [x]\n: y", "<<: {seed: 1}", "seed: !!binary aGk="} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := config.Read("a.yaml", text, rules())
		if err != nil {
			if _, ok := errors.AsType[*config.Error](err); !ok {
				t.Fatalf("%v is no *Error", err)
			}
			return
		}
		for _, v := range file.Values {
			if got, found := file.Find(v.Path, v.Flag); !found || !slices.Equal(got.Texts, v.Texts) {
				t.Fatalf("%+v is found as %+v", v, got)
			}
		}
	})
}
