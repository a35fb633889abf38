package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/airtill/airtill/cli/internal/load"
)

// report is what report.html shows.
type report struct {
	frame
	R          *load.Result
	Model      string
	Verdict    verdict
	Audit      string
	Totals     []fact
	Charts     []chart
	Shortened  []string // how, if the page has not all of the result
	Causes     []fact
	Facts      []facts
	FileName   string // of the JSON, when it is saved
	ChartData  template.JS
	ResultData template.JS
}

// fact is a name and its value, and if need be what share of all that is.
type fact struct{ Name, Value, Share string }

// facts are some of one kind.
type facts struct {
	Title string
	Of    []fact
}

// Write writes the report of a run: its verdict, totals, charts and tables, where it was
// made and how it is repeated, and the result itself, in one HTML file under 400 KB.
//
// Of a long run the intervals are joined until it fits. It errs when a histogram cannot be
// read, or w takes no more.
func Write(w io.Writer, r *load.Result) error {
	page, err := newReport(r)
	if err != nil {
		return err
	}
	return write(w, "report.html", page)
}

func newReport(r *load.Result) (*report, error) {
	fit, text, err := thin(r)
	if err != nil {
		return nil, err
	}
	charts, err := plots(r, fit.Intervals)
	if err != nil {
		return nil, err
	}
	drawn, err := inline(charts)
	if err != nil {
		return nil, err
	}
	return &report{
		frame: newFrame(titleOf(r)), R: fit, Model: modelOf(r), Verdict: verdictOf(r.Verdict), Audit: auditOf(r.Audit),
		Totals: totalsOf(r), Charts: charts, Shortened: shortened(r, fit), Causes: causesOf(r), Facts: factsOf(r),
		FileName: fileName(r.Name), ChartData: drawn, ResultData: template.JS(text),
	}, nil
}

// inline is a value as JSON that may stand in a script element: encoding/json writes < and
// its like as escapes, so that nothing in it ends the element.
func inline(v any) (template.JS, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write the page: encode its data: %w", err)
	}
	return template.JS(text), nil
}

func titleOf(r *load.Result) string {
	return strings.TrimSpace(verdictOf(r.Verdict).Word + ": load test " + r.Name)
}

func modelOf(r *load.Result) string {
	if r.Model == load.Closed {
		return "closed model: tail latency is optimistic"
	}
	return r.Model + " model"
}

// shortened tells what of a result the page has not, if any.
func shortened(r, fit *load.Result) []string {
	var all []string
	if len(r.Intervals) != len(fit.Intervals) {
		all = append(all, fmt.Sprintf("The run was long: its %s intervals are made %s here. Of each, rates and CPU are the average, counts the sum, and latencies, lag and bills in flight those of the worst.",
			count(int64(len(r.Intervals))), count(int64(len(fit.Intervals)))))
	}
	if histograms(r) != histograms(fit) {
		all = append(all, "The histograms in the page's JSON are true to one part in a hundred only; its charts and tables have them as they were.")
	}
	return all
}

// fileName is the run's name, as far as a file may have it.
func fileName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, name)
	if safe == "" {
		safe = "load"
	}
	return safe + ".json"
}

// verdict is how a run ended, for those who see colours and those who do not.
type verdict struct{ Word, Mark, Class, Says string }

func verdictOf(v string) verdict {
	switch v {
	case load.Passed:
		return verdict{"Passed", "✓", "good", "Every threshold was kept, and the generator kept up. Exit status 0."}
	case load.Failed:
		return verdict{"Failed", "✗", "bad", "A threshold was not kept. Exit status 10."}
	case load.Inconclusive:
		return verdict{"Inconclusive", "?", "wary", "The generator could not keep up: what it measured says nothing of the system. Exit status 11."}
	case load.Inconsistent:
		return verdict{"Inconsistent", "✗", "bad", "Bills were lost, or the books are wrong. Exit status 12."}
	case load.Interrupted:
		return verdict{"Interrupted", "!", "wary", "The run was stopped before its end. Exit status 130."}
	}
	return verdict{"Not judged", "?", "wary", "The run has no verdict."}
}

func auditOf(a load.Audit) string {
	switch {
	case !a.Done && a.Why != "":
		return "The books were not audited: " + a.Why + "."
	case !a.Done:
		return "The books were not audited."
	case len(a.Differences) > 0:
		return "The audit found differences:"
	}
	return "The books were audited, and agree."
}

// moment is a time as a page without its script shows it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
