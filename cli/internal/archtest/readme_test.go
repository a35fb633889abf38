package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/bill"
)

var update = flag.Bool("update", false, "write the pictures and the example into README.md")

// The README's picture of the rooms is the one the source makes.
func TestREADMEShowsTheGraph(t *testing.T) {
	packages, err := Load(top)
	if err != nil {
		t.Fatal(err)
	}
	readmeShows(t, "<!-- import graph: printed by cli/internal/archtest, kept equal by a test -->\n", "mermaid", Graph(packages))
}

// The README's chart of a bill's life is drawn from the table that the engine runs.
func TestREADMEShowsTheBill(t *testing.T) {
	readmeShows(t, "<!-- bill chart: generated from fsm/bill, kept equal by a test -->\n", "mermaid", bill.Chart())
}

// The README's program is one that is compiled and tested.
func TestREADMEShowsTheExample(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(top, "platform", "api", "example_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(source), "// README: begin\n")
	program, _, ended := strings.Cut(rest, "\n// README: end\n")
	if !found || !ended {
		t.Fatal("the example says not where it begins and ends")
	}
	readmeShows(t, "<!-- example: from platform/api/example_test.go, kept equal by a test -->\n", "go", program)
}

// readmeShows checks what the block after a marker is. With -update the README is corrected.
func readmeShows(t *testing.T, marker, language, block string) {
	t.Helper()
	name := filepath.Join(top, "README.md")
	readme, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(readme), marker)
	_, after, closed := strings.Cut(after, "\n```\n")
	if !found || !closed {
		t.Fatalf("README.md has no block after %s", marker)
	}
	want := before + marker + "```" + language + "\n" + strings.TrimRight(block, "\n") + "\n```\n" + after
	switch {
	case want == string(readme):
	case !*update:
		t.Fatalf("README.md does not show this (go test ./cli/internal/archtest -update mends it):\n%s", block)
	default:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
