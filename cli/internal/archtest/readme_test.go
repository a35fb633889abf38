package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/bill"
)

var update = flag.Bool("update", false, "write the pictures into README.md")

// The README's picture of the rooms is the one the source makes.
func TestREADMEShowsTheGraph(t *testing.T) {
	packages, err := Load(top)
	if err != nil {
		t.Fatal(err)
	}
	readmeShows(t, "<!-- import graph: printed by cli/internal/archtest, kept equal by a test -->\n", Graph(packages))
}

// The README's chart of a bill's life is drawn from the table that the engine runs.
func TestREADMEShowsTheBill(t *testing.T) {
	readmeShows(t, "<!-- bill chart: generated from fsm/bill, kept equal by a test -->\n", bill.Chart())
}

// readmeShows checks that the block after a marker is a picture. With -update the README is corrected.
func readmeShows(t *testing.T, marker, picture string) {
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
	want := before + marker + "```mermaid\n" + strings.TrimRight(picture, "\n") + "\n```\n" + after
	switch {
	case want == string(readme):
	case !*update:
		t.Fatalf("README.md does not show this (go test ./cli/internal/archtest -update mends it):\n%s", picture)
	default:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
