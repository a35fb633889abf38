package scenario_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/load/scenario"
)

func TestRead(t *testing.T) {
	s, err := scenario.Read("f.yaml", []byte(`# a comment
description: what it is for
rate: 200/s
stages: [10s:100, 2s:1000]
mix:
  pay: 85
  ignore: 15
handsets: 5000
find-max: true
threshold:
  - pay.p99<2s
  - "failed<1%"
label: {team: a, build: "7"}
think: |
  3s~lognormal(0.6)
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []scenario.Setting{
		{"rate", []string{"200/s"}, 3}, {"stages", []string{"10s:100,2s:1000"}, 4}, {"mix", []string{"pay=85,ignore=15"}, 5},
		{"handsets", []string{"5000"}, 8}, {"find-max", []string{"true"}, 9}, {"threshold", []string{"pay.p99<2s", "failed<1%"}, 10},
		{"label", []string{"team=a", "build=7"}, 13}, {"think", []string{"3s~lognormal(0.6)"}, 14},
	}
	same := func(a, b scenario.Setting) bool {
		return a.Key == b.Key && a.Line == b.Line && slices.Equal(a.Values, b.Values)
	}
	if !slices.EqualFunc(s.Settings, want, same) || s.Description != "what it is for" || s.Name != "f.yaml" {
		t.Errorf("%+v", s)
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "f.yaml: it is empty",
		"# nothing\n":                   "f.yaml: it is empty",
		"- rate":                        "f.yaml: line 1: write keys and values",
		"just words":                    "f.yaml: line 1: write keys and values",
		"rate: 1/s\nratee: 2/s":         `f.yaml: line 2: no key "ratee"; did you mean rate?`,
		"abort_on_fail: true":           "did you mean abort-on-fail?",
		"max_inflight: 5":               "did you mean max-in-flight?",
		"colour: red":                   `line 1: no key "colour"; keys are the flags of airtill load: rate, stages`,
		"rate: 1/s\n\nrate: 2/s":        "line 3",
		"rate: fast":                    `line 1: rate: --rate "fast": write a rate as 200/s`,
		"rate: [1, 2]":                  "line 1: rate: it takes one value",
		"rate:":                         "line 1: rate: write its value as text",
		"rate: {a: [1]}":                "line 1: rate: write its value as text",
		"rate: 1/s\n---\nrate: 2/s":     "line 3: a second document",
		"rate: 'open":                   "f.yaml: line 1: not YAML: found unexpected end of stream",
		"rate: [1":                      "f.yaml: line 2: not YAML: did not find expected ','",
		"rate: 1\nmix: {a: 1\nusers: 3": "f.yaml: line 2: not YAML: did not find expected ','",
		"rate: 1/s\n\tusers: 2":         "f.yaml: line 2: not YAML: found a tab",
		"rate: 1/s\nmix: 1\n  pay: x":   "f.yaml: line 3: not YAML: mapping values are not allowed",
		"rate: 1/s\nmix: 1\n- pay":      "f.yaml: line 3: not YAML: did not find expected key",
		"rate: 1/s\nname: \x01":         "f.yaml: not YAML: control characters",
		"rate: 1/s\nname: *a":           "f.yaml: not YAML: unknown anchor 'a'",
		"rate: ~":                       "line 1: rate: write its value as text",
		"rate: &a 5/s\nmax: *a":         "line 2: max: write its value as text",
		"threshold: [pay.p99<2s, fast]": `--threshold "fast": write it as`,
		"mix: pay":                      `--mix "pay"`,
		"handsets: 0":                   "--handsets \"0\": write a whole number from 1",
		"duration: -1s":                 "--duration",
		"find-max: maybe":               "write it as true or false",
		"live: loud":                    "write it as auto or tui or plain or off",
		"out: a.json":                   "write it as json=FILE",
		"out: prom=9464":                "write it as prom=:9464",
		"label: x":                      "write it as key=value",
		"seed: -1":                      "--seed",
		"name: ''":                      "--name is empty",
	} {
		_, err := scenario.Read("f.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestAllAtOnce: everything that is wrong is told, each with its line.
func TestAllAtOnce(t *testing.T) {
	_, err := scenario.Read("f.yaml", []byte("rate: x\nhandsets: 10\nmix: y\n"))
	if err == nil || !strings.Contains(err.Error(), "f.yaml: line 1: ") || !strings.Contains(err.Error(), "f.yaml: line 3: ") {
		t.Errorf("%v", err)
	}
}

// TestBuiltins: each that is listed is there, reads well and says what it is for; none is
// left out of the list.
func TestBuiltins(t *testing.T) {
	files, err := filepath.Glob("builtin/*.yaml")
	if err != nil || len(files) != len(scenario.Builtins()) {
		t.Errorf("%d files for %v: %v", len(files), scenario.Builtins(), err)
	}
	for _, name := range scenario.Builtins() {
		text, err := scenario.Builtin(name)
		if err != nil {
			t.Error(err)
			continue
		}
		s, err := scenario.Read(name, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(s.Description) < 20 || !slices.ContainsFunc(s.Settings, func(s scenario.Setting) bool { return s.Key == "threshold" }) {
			t.Errorf("%s: %q, %d settings", name, s.Description, len(s.Settings))
		}
	}
	if _, err := scenario.Builtin("../scenario"); err == nil || !strings.Contains(err.Error(), "choose from smoke, steady") {
		t.Errorf("%v", err)
	}
}

// TestKeys: every key has a value that it takes.
func TestKeys(t *testing.T) {
	values := map[string]string{
		"rate": "5/s", "stages": "1s:5", "step": "5", "every": "5s", "max": "50", "find-max": "true", "users": "5", "handsets": "5", "duration": "5s",
		"bills": "5", "arrivals": "poisson", "max-in-flight": "5", "mix": "pay=1", "think": "5s", "channel": "both", "parts": "1-3", "ucs2": "5%",
		"data": "a.csv:random", "threshold": "lost==0", "abort-on-fail": "false", "abort-after": "5s", "warmup": "5s", "seed": "5", "live": "tui",
		"interval": "5s", "out": "json=a.json,prom=:9464", "name": "a", "label": "a=b", "control": "127.0.0.1:9", "segment": "1/4", "target": "http://127.0.0.1:1",
		"redis": "child", "prefix": "8613", "shops": "3", "merchant-profile": "modern", "expires-in": "5s", "order-timeout": "5s", "drain-timeout": "5s", "sweep": "1s",
	}
	for _, key := range scenario.Keys() {
		s, err := scenario.Read("f", []byte(key+": "+values[key]))
		if err != nil || len(s.Settings) != 1 || !slices.Equal(s.Settings[0].Values, []string{values[key]}) {
			t.Errorf("%s: %+v, %v", key, s, err)
		}
	}
}

// FuzzRead: no file breaks the reader, and what it takes has known keys with values.
func FuzzRead(f *testing.F) {
	for _, name := range scenario.Builtins() {
		text, err := scenario.Builtin(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("rate: &a 5\nusers: *a\n"))
	f.Add([]byte("? [a]\n: {b: c}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := scenario.Read("f", text)
		if err != nil {
			return
		}
		for _, setting := range s.Settings {
			if !slices.Contains(scenario.Keys(), setting.Key) || setting.Line < 1 {
				t.Errorf("%+v", setting)
			}
		}
	})
}
