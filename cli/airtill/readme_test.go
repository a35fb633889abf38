package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The newcomer's path through the README is what happens: its commands, in their
// order, show what it says they show. How long each took is told with -v.
func TestREADMEPath(t *testing.T) {
	for _, program := range []string{"git", "curl"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("AIRTILL_REQUIRE_PEERS") != "" {
			t.Fatalf("%v; AIRTILL_REQUIRE_PEERS is set", err)
		} else if err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := pathSteps(string(text))
	if len(steps) < 6 {
		t.Fatalf("the README's path has %d steps: is its marker there?", len(steps))
	}
	w := newNewcomer(t)
	for _, s := range steps {
		begun := time.Now()
		w.take(s)
		t.Logf("%8.1f s  %s", time.Since(begun).Seconds(), strings.SplitN(s.command, "\n", 2)[0])
	}
	if w.dev == nil {
		t.Fatal("the path does not start airtill dev")
	}
	w.dev.stop(os.Interrupt)
}

// step is a command of the README with the lines that it is said to show.
type step struct {
	command string
	shown   []string
}

// pathSteps are the steps of the blocks that have the path's marker.
func pathSteps(readme string) (steps []step) {
	const marker = "<!-- path: commands and output, run by a test -->\n```console\n"
	for _, rest := range strings.Split(readme, marker)[1:] {
		block, _, _ := strings.Cut(rest, "\n```\n")
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			last := len(steps) - 1
			switch command, is := strings.CutPrefix(line, "$ "); {
			case is:
				steps = append(steps, step{command: command})
			case strings.HasSuffix(steps[last].command, `\`):
				steps[last].command += "\n" + line
			default:
				steps[last].shown = append(steps[last].shown, line)
			}
		}
	}
	return steps
}

// newcomer is somebody who types what the README says. What differs from there:
// ports are free ones and the key is this network's, both as the banner says; the
// clone is of this very repository; and airtill is the program under test, which
// go run and go install would build anew.
type newcomer struct {
	*person
	dir string
	dev *process
	url string // of the platform
	key string
}

func newNewcomer(t testing.TB) *newcomer {
	free := []string{"LC_ALL=C.UTF-8"}
	for _, face := range []string{"HTTP", "SMPP", "HANDSETS", "SHOP"} {
		free = append(free, "AIRTILL_LISTEN_"+face+"=127.0.0.1:0")
	}
	return &newcomer{person: newPerson(t, free...), dir: t.TempDir()}
}

// take takes a step.
func (w *newcomer) take(s step) {
	w.t.Helper()
	switch {
	case strings.HasPrefix(s.command, "git clone "):
		w.clone(s)
	case s.command == "go install ./cli/airtill":
		if _, err := os.Stat(filepath.Join(w.dir, "airtill/cli/airtill/main.go")); err != nil {
			w.t.Fatalf("%s: there is no such program in the clone: %v", s.command, err)
		}
	case s.command == "airtill dev":
		w.dev = w.start("dev")
		w.await(s, func() (string, int) { return w.dev.said.String(), 0 })
		w.readBanner(w.dev.said.String())
	case strings.HasPrefix(s.command, "airtill bill list"): // the phone's holder needs a moment
		w.await(s, func() (string, int) { return w.shell(s.command) })
	default:
		said, status := w.shell(w.here(s.command))
		if problem := differs(s.shown, said, status); problem != "" {
			w.t.Fatalf("$ %s\n%s; it said, with status %d:\n%s", s.command, problem, status, said)
		}
	}
}

// clone clones this repository by the README's command.
func (w *newcomer) clone(s step) {
	w.t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		w.t.Fatal(err)
	}
	command := strings.Replace(s.command, "https://github.com/airtill/airtill", "'"+top+"' airtill", 1)
	if said, status := w.shell(command); command == s.command || status != 0 {
		w.t.Fatalf("$ %s\nstatus %d:\n%s", command, status, said)
	}
}

// readBanner keeps what a newcomer copies from the banner.
func (w *newcomer) readBanner(banner string) {
	w.t.Helper()
	w.url = regexp.MustCompile(`http://\S+`).FindString(banner)
	w.key = bannerKey.FindString(banner)
	if w.url == "" || w.key == "" {
		w.t.Fatalf("the banner has no address or no key:\n%s", banner)
	}
}

var bannerKey = regexp.MustCompile(`ak_[0-9A-Za-z_.-]+`)

// here is a command as it is typed here.
func (w *newcomer) here(command string) string {
	command = strings.Replace(command, "go run ./cli/airtill", "airtill", 1)
	command = bannerKey.ReplaceAllLiteralString(command, w.key)
	return strings.ReplaceAll(command, "http://127.0.0.1:8080", w.url)
}

// shell runs a line and answers what it said and its status.
func (w *newcomer) shell(line string) (said string, status int) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), w.env...)
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return all.String(), exit.ExitCode()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return all.String(), 0
}

// await looks until what is said is what is shown.
func (w *newcomer) await(s step, look func() (said string, status int)) {
	w.t.Helper()
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		said, status := look()
		problem := differs(s.shown, said, status)
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("$ %s\n%s; it said, with status %d:\n%s", s.command, problem, status, said)
		}
	}
}

// differs says what of the lines shown did not come, or is "". They come in their order, next
// to each other but for "..."; one that ends in … has more to it.
func differs(shown []string, said string, status int) string {
	if held := status == 11 && strings.Contains(said, "could not keep up"); status != 0 && !held {
		return "it did not end well"
	}
	came := strings.Split(strings.TrimRight(said, "\n"), "\n")
	skip := false
	for _, line := range shown {
		if line == "..." {
			skip = true
			continue
		}
		if strings.HasPrefix(line, "✓ PASSED ") && status == 11 {
			continue // a busy machine holds the generator up: then it is the bills that count
		}
		at := 0
		for at < len(came) && skip && !fits(line, came[at]) {
			at++
		}
		if at == len(came) || !fits(line, came[at]) {
			return "this did not come in its place: " + line
		}
		came, skip = came[at+1:], false
	}
	if len(shown) > 0 && !skip && len(came) > 0 {
		return "more came than is shown: " + came[0]
	}
	return ""
}

// fits tells whether a line that came is the one shown.
func fits(shown, came string) bool {
	if start, more := strings.CutSuffix(shown, "…"); more {
		return strings.HasPrefix(pattern(came), pattern(start))
	}
	return pattern(came) == pattern(shown)
}

// pattern is a line without what differs from run to run: keys, ids, times and figures.
// Money, and figures of one digit (none lost, 7 bills), stay. So do spaces, as one.
func pattern(line string) string {
	line = varying.ReplaceAllStringFunc(line, func(s string) string {
		switch {
		case strings.HasPrefix(s, "CNY "), len(s) == 1:
			return s
		case strings.ContainsAny(s[:1], "0123456789"):
			return "N"
		}
		return s[:strings.IndexAny(s, "_-")] + " ID"
	})
	return strings.Join(strings.Fields(line), " ")
}

var varying = regexp.MustCompile(`CNY [0-9.,]*[0-9]` +
	`|\b(?:ak|whsec|op|bill|evt|load)[_-][0-9A-Za-z_.-]+` +
	`|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z` +
	`|\b[0-9]+(?:[.:][0-9]+)*(?:ms|µs|s)?\b`)

// A README that says something else is noticed.
func TestREADMEPathNotices(t *testing.T) {
	const said = "one 12.5ms\ntwo CNY 5.00\nlost 0\nbill_01ABC settled\nend of it\n"
	for _, tc := range []struct {
		name   string
		shown  string
		status int
		right  bool
	}{
		{"figures, ids and times differ", "one 99ms\ntwo CNY 5.00\nlost 0\nbill_01XYZ settled\nend of it", 0, true},
		{"left out", "...\nlost 0\n...\nend…", 0, true},
		{"nothing shown", "", 0, true},
		{"other money", "...\ntwo CNY 6.00\n...", 0, false},
		{"one lost", "...\nlost 1\n...", 0, false},
		{"another state", "...\nbill_01ABC refused\n...", 0, false},
		{"a line too few", "one 12.5ms\nlost 0\n...", 0, false},
		{"another order", "...\nlost 0\n...\ntwo CNY 5.00\n...", 0, false},
		{"an end that is not shown", "one 1ms", 0, false},
		{"more than came", "...\nend of it\nand more", 0, false},
		{"failed", "", 1, false},
		{"inconclusive without the reason", "", 11, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var shown []string
			if tc.shown != "" {
				shown = strings.Split(tc.shown, "\n")
			}
			if problem := differs(shown, said, tc.status); (problem == "") != tc.right {
				t.Errorf("got %q", problem)
			}
		})
	}
}
