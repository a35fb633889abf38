package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
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
		{"bill show --co", "--count --color --config"},
		{"bill show --count 3 --j", "--json"},
		{"bill show --", "--count --tag --output --json --quiet --yes --no-input --color --config --verbose --log-level --log-format --help"},
		{"bill show --sec", ""},
		{"bill show -- --c", ""},
		{"bill -", "--help"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if err := complete(t.Context(), quietEnv(&out), new(probe).command(), strings.Split(tt.typed, " ")); err != nil {
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

// quietEnv is a process that knows nothing and writes to out.
func quietEnv(out *bytes.Buffer) Env {
	return Env{Stdin: strings.NewReader(""), Stdout: out, Stderr: out, Getenv: func(string) string { return "" }}
}

// completed are the candidates for a line, without what they are.
func (s *shell) completed(line string) string {
	s.t.Helper()
	var got []string
	for text := range strings.Lines(s.run(append([]string{completeCommand}, strings.Split(line, " ")...)...).stdout) {
		word, _, _ := strings.Cut(text, "\t")
		got = append(got, word)
	}
	return strings.Join(got, " ")
}

// Values of flags that choose, and what is at hand of a running network, complete too.
func TestCompleteValues(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"] = s.home
	r := readyFor((&fakePlatform{}).serve(t))
	r.Phones = []world.ReadyPhone{{MSISDN: "8613800000001", Name: "Li Na"}, {MSISDN: "8613900000002"}}
	s.ready(r)
	s.run("context", "add", "staging")
	for line, want := range map[string]string{
		"dev --suite ":                     "modern legacy",
		"dev --suite mo":                   "modern",
		"dev --suite=l":                    "--suite=legacy",
		"dev --suite = l":                  "legacy",
		"dev --suite =":                    "modern legacy",
		"bill list --state se":             "settled",
		"sms list --state ":                "ENROUTE DELIVERED EXPIRED DELETED UNDELIVERABLE REJECTED",
		"bill list -o y":                   "yaml",
		"bill show ":                       string(fakeBill),
		"bill show --json bill_":           string(fakeBill),
		"bill create --phone 86138":        "8613800000001",
		"bill create --merchant ":          "10000001 10000002",
		"bill list --network st":           "staging",
		"phone power 8613800000001 ":       "on off",
		"phone power --network x 86139":    "",
		"phone inbox 86139":                "8613900000002",
		"phone inbox 8613900000002 ":       "",
		"completion ":                      "bash zsh fish",
		"context use st":                   "staging",
		"keys retire ":                     "",
		"cheat mer":                        "merchant",
		"help exit":                        "exit-codes",
		"help bill cr":                     "",
		"config show de":                   "demo dev decode",
		"decode --file ":                   "",
		"bill create --platform http://x ": "",
	} {
		if got := s.completed(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// What completion offers for a flag is what the flag's usage says.
func TestChoicesAreDocumented(t *testing.T) {
	usages := make(map[string]string)
	for _, e := range entries(root()) {
		for _, f := range append(e.flags, new(commonFlags).flags("")...) {
			name := f.Names()[0]
			usage := f.(cli.DocGenerationFlag).GetUsage() //nolint:forcetypeassert // every flag of urfave has it
			usages[strings.Join(e.words, " ")+" "+name] = usage
			usages[name] += " " + usage
		}
	}
	for key, values := range choices() {
		for _, v := range values {
			if usages[key] == "" || !strings.Contains(usages[key], v) {
				t.Errorf("%s: %q is offered, and its usage does not say it: %s", key, v, usages[key])
			}
		}
	}
}

// A half-typed line must never crash the shell's prompt.
func FuzzComplete(f *testing.F) {
	f.Add("bill show --cou")
	f.Add("-- -- --")
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		if err := complete(t.Context(), quietEnv(&out), new(probe).command(), strings.Split(line, " ")); err != nil {
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
