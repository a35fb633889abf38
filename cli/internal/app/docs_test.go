package app

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil { //nolint:gosec // it is part of the source
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test ./cli/internal/app -update writes it anew):\n%s", path, diff)
	}
}

// What every command says of itself, word for word.
func TestHelpTexts(t *testing.T) {
	var b strings.Builder
	isCommon := regexp.MustCompile(`(?s)\ncommon flags:\n.*`)
	var walk func(path string, c command)
	walk = func(path string, c command) {
		if c.hidden {
			return
		}
		text := helpPage{command: c, path: path, flags: c.allFlags(path, new(commonFlags))}.String()
		if path != "airtill version" { // once is enough
			text = isCommon.ReplaceAllString(text, "")
		}
		b.WriteString(text + "\n" + strings.Repeat("-", 80) + "\n")
		for _, sub := range c.sub {
			walk(path+" "+sub.name, sub)
		}
	}
	walk("airtill", root())
	golden(t, "help.golden", b.String())
}

// The manual page is one that mandoc finds nothing wrong with, and that man shows.
func TestManPage(t *testing.T) {
	s := newShell(t)
	got := s.run("docs", "man")
	if again := s.run("help", "--man"); again.stdout != got.stdout || got.status != 0 {
		t.Errorf("help --man: %+v", again.status)
	}
	for _, e := range entries(root()) {
		if !strings.Contains(got.stdout, ".SS \""+strings.ReplaceAll(e.path, "-", `\-`)) {
			t.Errorf("%s is not in the manual page", e.path)
		}
	}
	s.write("airtill.1", got.stdout)
	for _, line := range [][]string{
		{"mandoc", "-Tlint", "-W", "warning", s.path("airtill.1")},
		{"mandoc", "-Tutf8", s.path("airtill.1")},
		{"man", "-l", s.path("airtill.1")},
	} {
		peer(t, line[0])
		out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", line, err, out)
		}
		if line[1] != "-Tlint" && !strings.Contains(strings.ReplaceAll(string(out), "\b", ""), "airtill") {
			t.Errorf("%q shows %.200s", line, out)
		}
	}
}

// peer wants a program that a user would have; CI has it.
func peer(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("AIRTILL_REQUIRE_PEERS") != "" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed", program)
	}
}

// The reference in Markdown has every command, once, and links that lead somewhere.
func TestMarkdown(t *testing.T) {
	text := newShell(t).run("docs", "markdown").stdout
	for _, e := range entries(root()) {
		if strings.Count(text, "\n## "+e.path+"\n") != 1 {
			t.Errorf("%s is not in the reference once", e.path)
		}
	}
	headings := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(text, -1)
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(headings, func(h []string) bool { return strings.ReplaceAll(h[1], " ", "-") == link[1] }) {
			t.Errorf("a link leads nowhere: %s", link[1])
		}
	}
}

// The tour has every command and every topic, and each topic what is made from the code.
func TestTopics(t *testing.T) {
	s := newShell(t)
	tour := s.run("help").stdout
	for _, name := range visibleNames(root().sub) {
		if !regexp.MustCompile(`(?m)^  ` + name + ` `).MatchString(tour) {
			t.Errorf("%s is not in the tour", name)
		}
	}
	for _, topic := range topics() {
		got := s.run("help", topic.Name)
		if got.status != 0 || strings.Contains(got.stdout, "{{") || topic.Name != tourTopic && !strings.Contains(tour, "\n  "+topic.Name+" ") {
			t.Errorf("help %s: %+v", topic.Name, got)
		}
		for line := range strings.Lines(topic.text) {
			if len([]rune(line)) > 100 {
				t.Errorf("help %s: a line of %d: %s", topic.Name, len(line), line)
			}
		}
	}
	for words, want := range map[string]string{
		"exit-codes": "130  stopped by a signal", "environment": "AIRTILL_BILL_CREATE_CURRENCY", "config": "network", "bill create": "airtill bill create - ",
	} {
		if got := s.run(append([]string{"help"}, strings.Fields(words)...)...); !strings.Contains(got.stdout, want) {
			t.Errorf("help %s does not say %q", words, want)
		}
	}
	s.check(s.run("help", "exit-code"), 2, `airtill help: no topic and no command "exit-code"; did you mean "exit-codes"?`, "see: airtill help --help")
	s.check(s.run("help", "bill", "shwo"), 2, `airtill bill: no command "shwo"; did you mean "show"?`, "see: airtill bill --help")
	s.check(s.run("cheat", "weather"), 2, `airtill cheat: no cheat sheet "weather"; there are: `+strings.Join(topicNames(cheats()), ", "), "see: airtill cheat --help")
	if got := s.run("cheat", "bill"); !strings.HasPrefix(got.stdout, "# bills, from order to refund\n\nairtill bill create ") {
		t.Errorf("%+v", got)
	}
}

// Every variable that the environment topic tells of as a secret is read somewhere.
func TestEnvironmentIsWhole(t *testing.T) {
	text, _ := findTopic(topics(), "environment")
	source := regexp.MustCompile(`"(AIRTILL_[A-Z_]+)"`)
	told := text.fill(root(), 0)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range source.FindAllStringSubmatch(string(code), -1) {
			if !strings.HasSuffix(m[1], "_") && !strings.Contains(told, m[1]) {
				t.Errorf("%s reads %s, which airtill help environment does not tell", path, m[1])
			}
		}
	}
}
