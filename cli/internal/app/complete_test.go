package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	tests := []struct {
		typed string // words, the last one under the cursor
		want  string // candidates without their descriptions
	}{
		{"", "bill"},
		{"b", "bill"},
		{"x", ""},
		{"bill ", "show cancel"},
		{"bill sh", "show"},
		{"bill show --c", "--count"},
		{"bill show --count 3 --j", "--json"},
		{"bill show --", "--count --tag --json --verbose --log-level --log-format --help"},
		{"bill show --sec", ""},
		{"bill show -- --c", ""},
		{"bill -", "--help"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if err := complete(&out, new(probe).command(), strings.Split(tt.typed, " ")); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			word, _, _ := strings.Cut(line, "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: got %q, want %q", tt.typed, got, tt.want)
		}
	}
}

// A half-typed line must never crash the shell's prompt.
func FuzzComplete(f *testing.F) {
	f.Add("bill show --cou")
	f.Add("-- -- --")
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		if err := complete(&out, new(probe).command(), strings.Split(line, " ")); err != nil {
			t.Fatal(err)
		}
		var status *Error
		env := Env{Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}
		args := append([]string{"airtill"}, strings.Split(line, " ")...)
		if err := run(t.Context(), env, new(probe).command(), args); err != nil && !errors.As(err, &status) {
			t.Fatalf("%q: %v is not an *Error", line, err)
		}
	})
}
