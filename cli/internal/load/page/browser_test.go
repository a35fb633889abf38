//go:build !race

// The race detector has nothing to see in a browser.

package page

import (
	_ "embed" // the script that looks at pages
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/peers"
)

//go:embed testdata/browse.js
var browseJS []byte

// seen is what browse.js saw of a page.
type seen struct {
	Page     string   `json:"page"`
	Reader   string   `json:"reader"`
	Errors   []string `json:"errors"`
	Requests []string `json:"requests"`
	Ink      []int    `json:"ink"` // pixels of each chart that are not grey
	Width    int      `json:"width"`
	Axe      []string `json:"axe"` // serious and critical findings
	Did      struct {
		Read    string `json:"read"`
		Points  int    `json:"points"`
		Pressed string `json:"pressed"`
		Redrawn bool   `json:"redrawn"`
		Linear  bool   `json:"linear"`
		Said    string `json:"said"`
		File    string `json:"file"`
		Saved   bool   `json:"saved"`
		Light   string `json:"light"`
		Dark    string `json:"dark"`
		PDF     int    `json:"pdf"`
	} `json:"did"`
}

// The readers there are: with a wide window, and one that is 320 px wide.
const (
	everyReader  = "light,dark,narrow"
	twoReaders   = "dark,narrow" // the narrow one is light
	narrowReader = "narrow"
)

// browse writes pages to disk and has the browser open them, as each of the readers.
func browse(t *testing.T, readers string, pages map[string][]byte) []seen {
	t.Helper()
	dir := t.TempDir()
	files := []string{readers}
	for name, page := range pages {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, page, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	var all []seen
	if err := json.Unmarshal(peers.Browse(t, "browse.js", browseJS, files...), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReportInABrowser(t *testing.T) {
	r := newSample(7, 1000, 30).result(t)
	for _, s := range browse(t, everyReader, map[string][]byte{"report.html": written(t, r)}) {
		t.Run(s.Reader, func(t *testing.T) {
			s.check(t, 9)
			if s.Did.File != "freeze.json" || !s.Did.Saved {
				t.Errorf("saved the result as %q, the same %v", s.Did.File, s.Did.Saved)
			}
			if s.Did.Said == "" {
				t.Error("the copy button says nothing")
			}
			if s.Did.Points != len(r.Intervals) {
				t.Errorf("the table has %d points; the chart has %d", s.Did.Points, len(r.Intervals))
			}
		})
	}
}

func TestDiffInABrowser(t *testing.T) {
	for _, s := range browse(t, twoReaders, map[string][]byte{"diff.html": writtenDiff(t, base(t), slower(t), sampleDiff)}) {
		t.Run(s.Reader, func(t *testing.T) { s.check(t, 6+len(load.Steps())) })
	}
}

func TestOddReportsInABrowser(t *testing.T) {
	charts := map[string]int{"short.html": 9, "empty.html": 0}
	for _, s := range browse(t, narrowReader, map[string][]byte{"short.html": written(t, short(t)), "empty.html": written(t, &load.Result{})}) {
		name := filepath.Base(s.Page)
		t.Run(name, func(t *testing.T) {
			s.sound(t, charts[name])
		})
	}
}

// check is what holds of every page with charts, for every reader.
func (s seen) check(t *testing.T, charts int) {
	t.Helper()
	s.sound(t, charts)
	if !strings.Contains(s.Did.Read, ": ") {
		t.Errorf("under the cursor is %q", s.Did.Read)
	}
	if s.Did.Pressed != "false" || !s.Did.Redrawn || !s.Did.Linear {
		t.Errorf("a series put away: pressed %s, redrawn %v; the axis is linear %v", s.Did.Pressed, s.Did.Redrawn, s.Did.Linear)
	}
	if s.Did.Light == s.Did.Dark {
		t.Errorf("light and dark are both %s", s.Did.Light)
	}
	if s.Did.PDF < 10_000 {
		t.Errorf("printed are %d bytes", s.Did.PDF)
	}
}

// sound is what holds of every page.
func (s seen) sound(t *testing.T, charts int) {
	t.Helper()
	for what, found := range map[string][]string{"axe": s.Axe, "the console": s.Errors, "a request to": s.Requests} {
		for _, f := range found {
			t.Errorf("%s: %s", what, f)
		}
	}
	if len(s.Ink) != charts {
		t.Errorf("there are %d charts, want %d", len(s.Ink), charts)
	}
	for i, n := range s.Ink {
		if n < 10 { // a single point has more
			t.Errorf("chart %d is blank but for its axes: %d pixels have a colour", i, n)
		}
	}
	if s.Reader == "narrow" && s.Width > 320 {
		t.Errorf("the page is %d px wide", s.Width)
	}
}
