package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// probe is a command line made to trip over: a group with a command that has
// every sort of flag, and a hidden one.
type probe struct {
	ran    bool
	call   *call
	count  int
	tags   []string
	secret string
	err    error
}

func (p *probe) command() command {
	tags := cli.NewStringSlice()
	show := command{
		name: "show", short: "show one", args: "BILL", required: []string{"count"},
		examples: []string{"airtill bill show --count 1 bill_01"},
		flags: []cli.Flag{
			&cli.IntFlag{Name: "count", Usage: "show `N`", Destination: &p.count, EnvVars: []string{"PROBE_COUNT"}},
			&cli.StringSliceFlag{Name: "tag", Usage: "keep this `TAG`", Destination: tags},
			&cli.StringFlag{Name: "secret", Hidden: true, Destination: &p.secret},
		},
		run: func(_ context.Context, c *call) error {
			p.ran, p.call, p.tags = true, c, tags.Value()
			return p.err
		},
	}
	hidden := command{name: "shovel", short: "not for people", hidden: true, examples: []string{"x"}, run: show.run}
	many := command{name: "cancel", short: "cancel some", args: "BILL...", examples: []string{"x"}, run: show.run}
	return command{name: "airtill", short: "probe", sub: []command{
		{name: "bill", short: "bills", sub: []command{show, hidden, many}},
	}}
}

// outcome is what a command line came to.
type outcome struct {
	status         int
	stdout, stderr string
	probe          *probe
}

func try(t *testing.T, p *probe, line ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := Env{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }}
	status := Report(env, run(t.Context(), env, p.command(), append([]string{"airtill"}, line...)))
	return outcome{status, stdout.String(), stderr.String(), p}
}

// The traps of urfave/cli v2, each with the line that falls into it.
func TestUsageErrors(t *testing.T) {
	tests := []struct {
		name string
		line []string
		want string // first line on stderr
	}{
		{"flag after an argument", []string{"bill", "show", "--count", "1", "b1", "--json"},
			"airtill bill show: --json stands after an argument and would not be read; flags come first: airtill bill show [flags] BILL"},
		{"flag with value after an argument", []string{"bill", "show", "b1", "--count=9"},
			"airtill bill show: --count=9 stands after an argument and would not be read; flags come first: airtill bill show [flags] BILL"},
		{"two dashes after an argument", []string{"bill", "show", "--count", "1", "b1", "--", "-x"},
			"airtill bill show: -- stands after an argument and would not be read; flags come first: airtill bill show [flags] BILL"},
		{"common flag before the command", []string{"--json", "bill", "show", "b1"},
			"airtill: --json belongs after the command it is for"},
		{"misspelt flag", []string{"bill", "show", "--cuont", "1", "b1"},
			"airtill bill show: no flag --cuont; did you mean --count?"},
		{"misspelt common flag", []string{"bill", "show", "--jsn", "b1"},
			"airtill bill show: no flag --jsn; did you mean --json?"},
		{"unknown flag", []string{"bill", "show", "--wavelength", "b1"},
			"airtill bill show: no flag --wavelength"},
		{"hidden flag is not suggested", []string{"bill", "show", "--secre", "b1"},
			"airtill bill show: no flag --secre"},
		{"short flags in one", []string{"bill", "show", "-qv", "b1"},
			"airtill bill show: no flag --qv; did you mean -q?"},
		{"value of a flag missing", []string{"bill", "show", "--count"},
			"airtill bill show: flag needs an argument: --count"},
		{"value of a flag wrong", []string{"bill", "show", "--count", "many", "b1"},
			`airtill bill show: invalid value "many" for flag --count: it is a whole number`},
		{"required flag", []string{"bill", "show", "b1"},
			"airtill bill show: --count must be given"},
		{"argument missing", []string{"bill", "show", "--count", "1"},
			"airtill bill show: BILL is missing"},
		{"argument of many missing", []string{"bill", "cancel"},
			"airtill bill cancel: BILL is missing"},
		{"argument too many", []string{"bill", "show", "--count", "1", "b1", "b2"},
			`airtill bill show: one argument too many: "b2"`},
		{"unknown command", []string{"bil", "show"},
			`airtill: no command "bil"; did you mean "bill"?`},
		{"unknown subcommand", []string{"bill", "shwo"},
			`airtill bill: no command "shwo"; did you mean "show"?`},
		{"hidden command is not suggested", []string{"bill", "shovell"},
			`airtill bill: no command "shovell"`},
		{"nothing like it", []string{"weather"},
			`airtill: no command "weather"`},
		{"group alone", []string{"bill"},
			"airtill bill: which command? show, cancel"},
		{"help of an unknown command", []string{"help", "bil"},
			`airtill: no command "bil"; did you mean "bill"?`},
		{"log level", []string{"bill", "show", "--count", "1", "--log-level", "loud", "b1"},
			`airtill bill show: log level "loud" is not debug, info, warn, error or off`},
		{"log format", []string{"bill", "show", "--count", "1", "--log-format", "xml", "b1"},
			`airtill bill show: log format "xml" is not auto, console or json`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := try(t, &probe{}, tt.line...)
			lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			if lines[0] != tt.want {
				t.Errorf("stderr\n got %s\nwant %s", lines[0], tt.want)
			}
			if len(lines) != 2 || !strings.HasPrefix(lines[1], "see: airtill") || !strings.HasSuffix(lines[1], " --help") {
				t.Errorf("want a second line that says where help is, got %q", lines[1:])
			}
			if got.status != StatusUsage || got.stdout != "" || got.probe.ran {
				t.Errorf("status %d, stdout %q, ran %v; want 2, nothing, false", got.status, got.stdout, got.probe.ran)
			}
		})
	}
}

func TestEnvironmentErrorNamesTheVariable(t *testing.T) {
	t.Setenv("PROBE_COUNT", "many")
	got := try(t, &probe{}, "bill", "show", "b1")
	if got.status != StatusUsage || !strings.Contains(got.stderr, `"PROBE_COUNT"`) {
		t.Errorf("status %d, stderr %q", got.status, got.stderr)
	}
}

func TestAccepted(t *testing.T) {
	tests := []struct {
		name string
		line []string
		args []string
		tags []string
	}{
		{"flags first", []string{"bill", "show", "--count", "3", "--json", "b1"}, []string{"b1"}, nil},
		{"one dash will do", []string{"bill", "show", "-count=3", "b1"}, []string{"b1"}, nil},
		{"a lone dash is an argument", []string{"bill", "show", "--count=3", "-"}, []string{"-"}, nil},
		{"after two dashes a dash is meant", []string{"bill", "show", "--count=3", "--", "-b1"}, []string{"-b1"}, nil},
		{"a comma does not split a value", []string{"bill", "show", "--count=3", "--tag", "a,b", "--tag", "c", "b1"}, []string{"b1"}, []string{"a,b", "c"}},
		{"many arguments", []string{"bill", "cancel", "b1", "b2", "b3"}, []string{"b1", "b2", "b3"}, nil},
		{"an argument named like a command", []string{"bill", "cancel", "show"}, []string{"show"}, nil},
		{"an argument named help", []string{"bill", "cancel", "help"}, []string{"help"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := try(t, &probe{}, tt.line...)
			if got.status != StatusDone || got.stderr != "" || !got.probe.ran {
				t.Fatalf("status %d, stderr %q, ran %v", got.status, got.stderr, got.probe.ran)
			}
			if !slices.Equal(got.probe.call.args, tt.args) || !slices.Equal(got.probe.tags, tt.tags) {
				t.Errorf("args %q tags %q, want %q %q", got.probe.call.args, got.probe.tags, tt.args, tt.tags)
			}
		})
	}
}

func TestRequiredFlagFromEnvironment(t *testing.T) {
	t.Setenv("PROBE_COUNT", "7")
	got := try(t, &probe{}, "bill", "show", "b1")
	if got.status != StatusDone || got.probe.count != 7 {
		t.Errorf("status %d, count %d, stderr %q", got.status, got.probe.count, got.stderr)
	}
}

func TestStatusAndReport(t *testing.T) {
	boom := errors.New("connection refused")
	tests := []struct {
		name   string
		err    error
		status int
		stderr string
	}{
		{"failure", boom, 1, "airtill bill show: connection refused\n"},
		{"wrapped", fmt.Errorf("get bill: %w", boom), 1, "airtill bill show: get bill: connection refused\n"},
		{"with a hint", hinted(boom, "is airtill dev running?"), 1, "airtill bill show: connection refused\nis airtill dev running?\n"},
		{"usage seen by the command", usagef("%q is no bill", "b1"), 2,
			"airtill bill show: \"b1\" is no bill\nsee: airtill bill show --help\n"},
		{"interrupted", fmt.Errorf("wait: %w", context.Canceled), 130, "airtill bill show: interrupted\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := try(t, &probe{err: tt.err}, "bill", "show", "--count=1", "b1")
			if got.status != tt.status || got.stderr != tt.stderr {
				t.Errorf("status %d, stderr %q; want %d, %q", got.status, got.stderr, tt.status, tt.stderr)
			}
		})
	}
}

// Data and talk part ways: a pipe gets the one, the person the other.
func TestTalkAndData(t *testing.T) {
	var stdout, stderr bytes.Buffer
	c, err := newCall(Env{Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }}, new(commonFlags{json: true}), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.talk("ready at %s", "127.0.0.1:8080")
	if err := c.out.line(map[string]int{"bills": 3}, "3 bills"); err != nil {
		t.Fatal(err)
	}
	if stdout.String() != "{\"bills\":3}\n" || stderr.String() != "ready at 127.0.0.1:8080\n" {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
}

func TestHelpAnywhere(t *testing.T) {
	for _, line := range [][]string{
		{"bill", "show", "--help"},
		{"bill", "show", "-h"},
		{"bill", "show", "b1", "--help"},
		{"bill", "show", "--help", "b1"},
		{"bill", "show", "--count", "1", "b1", "b2", "-h"},
		{"help", "bill", "show"},
	} {
		t.Run(strings.Join(line, " "), func(t *testing.T) {
			got := try(t, &probe{}, line...)
			if got.status != StatusDone || got.stderr != "" || got.probe.ran {
				t.Fatalf("status %d, stderr %q, ran %v", got.status, got.stderr, got.probe.ran)
			}
			usage, examples, flags := strings.Index(got.stdout, "usage:"), strings.Index(got.stdout, "examples:"), strings.Index(got.stdout, "\nflags:")
			if usage < 0 || examples < usage || flags < examples {
				t.Errorf("want usage, examples, flags in that order:\n%s", got.stdout)
			}
			if strings.Contains(got.stdout, "secret") {
				t.Errorf("a hidden flag shows:\n%s", got.stdout)
			}
		})
	}
}

func TestGroupHelp(t *testing.T) {
	for _, line := range [][]string{{"bill", "--help"}, {"bill", "help"}, {"help", "bill"}} {
		got := try(t, &probe{}, line...)
		if got.status != StatusDone || !strings.Contains(got.stdout, "show    show one") || strings.Contains(got.stdout, "shovel") {
			t.Errorf("%q: status %d\n%s", line, got.status, got.stdout)
		}
	}
}

func TestRootAlone(t *testing.T) {
	var stdout bytes.Buffer
	env := Env{Stdout: &stdout, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }}
	if err := Run(t.Context(), env, []string{"airtill"}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout.String(), "airtill - ") {
		t.Errorf("want help, got %q", stdout.String())
	}
}

// TestEveryCommand holds each command to the rules of the house.
func TestEveryCommand(t *testing.T) {
	var walk func(path string, c command)
	walk = func(path string, c command) {
		t.Run(path, func(t *testing.T) { checkCommand(t, c) })
		for _, sub := range c.sub {
			walk(path+" "+sub.name, sub)
		}
	}
	walk("airtill", root())
}

func checkCommand(t *testing.T, c command) {
	if c.short == "" || strings.HasSuffix(c.short, ".") {
		t.Errorf("short %q: want one line without a full stop", c.short)
	}
	if len(c.sub) == 0 && (c.run == nil || len(c.examples) == 0) {
		t.Error("a command that runs has a run function and an example")
	}
	var own []string
	for _, f := range c.flags {
		for _, name := range f.Names() {
			if slices.Contains(own, name) || name == "help" || name == "h" {
				t.Errorf("--%s is defined twice", name)
			}
			own = append(own, name)
		}
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
			t.Errorf("--%s: use the command's required list", f.Names()[0])
		}
		if d, ok := f.(cli.DocGenerationFlag); !ok || d.GetUsage() == "" {
			t.Errorf("--%s has no usage", f.Names()[0])
		}
	}
	for _, name := range c.required {
		if !slices.Contains(own, name) {
			t.Errorf("required flag --%s is not defined", name)
		}
	}
}
