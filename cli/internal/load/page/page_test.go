package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/airtill/airtill/cli/internal/load"
)

const mostBytes = 400_000

func written(t testing.TB, r *load.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writtenDiff(t testing.TB, base, new *load.Result, d *load.Difference) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDiff(&b, base, new, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// long is a run of an hour, second by second, with histograms that have all they can hold.
func long(t testing.TB) *load.Result {
	t.Helper()
	s := newSample(7, 1000, 30)
	r := s.result(t)
	for i := range r.Steps {
		r.Steps[i].Histogram = s.everything(t)
	}
	r.Generator.LagHistogram = s.everything(t)
	one := r.Intervals
	for len(r.Intervals) < 3600 {
		i := one[len(r.Intervals)%len(one)]
		i.Warmup = false
		i.At = float64(len(r.Intervals) + 1)
		r.Intervals = append(r.Intervals, i)
	}
	return r
}

// TestPages looks at what every page must be, by its structure.
func TestPages(t *testing.T) {
	sample := newSample(7, 1000, 30).result(t)
	pages := map[string][]byte{
		"report":                  written(t, sample),
		"long":                    written(t, long(t)),
		"short":                   written(t, short(t)),
		"empty":                   written(t, &load.Result{}),
		"diff":                    writtenDiff(t, base(t), slower(t), sampleDiff),
		"diff of long ones":       writtenDiff(t, long(t), long(t), sampleDiff),
		"diff with hostile names": writtenDiff(t, base(t), short(t), &load.Difference{Base: hostile, New: hostile, Notes: []string{hostile}, Rows: []load.Change{{Name: hostile, Unit: hostile}}}),
		"diff of nothing":         writtenDiff(t, &load.Result{}, &load.Result{}, &load.Difference{}),
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			if len(page) >= mostBytes {
				t.Errorf("the page has %d bytes", len(page))
			}
			doc := parse(t, page)
			checkSelfContained(t, doc)
			checkPolicy(t, doc)
			checkNames(t, doc)
			checkTables(t, doc)
		})
	}
}

func parse(t testing.TB, page []byte) *html.Node {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// all lists the elements of these names, in their order.
func all(n *html.Node, names ...string) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && slices.Contains(names, d.Data) {
			found = append(found, d)
		}
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func byID(n *html.Node, id string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && attr(d, "id") == id {
			return d
		}
	}
	return nil
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// checkSelfContained wants no element that fetches, and no attribute that is a script or a
// style.
func checkSelfContained(t *testing.T, doc *html.Node) {
	t.Helper()
	for d := range doc.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"img", "iframe", "object", "embed", "video", "audio", "source", "base", "form"}, d.Data) {
			t.Errorf("the page has an element %s", d.Data)
		}
		for _, a := range d.Attr {
			switch {
			case a.Key == "src", a.Key == "style", a.Key == "srcset", strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s has %s=%q", d.Data, a.Key, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,":
				t.Errorf("%s has href=%q", d.Data, a.Val)
			}
		}
	}
	for _, style := range all(doc, "style") {
		if css := text(style); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
			t.Error("a style sheet fetches something")
		}
	}
}

// checkPolicy wants the policy to allow this page's scripts and styles, each by its hash, and
// nothing else; and to come before them.
func checkPolicy(t *testing.T, doc *html.Node) {
	t.Helper()
	var policy string
	var scripts, styles []string
	for _, n := range all(doc, "meta", "script", "style") {
		switch {
		case n.Data == "meta" && attr(n, "http-equiv") == "Content-Security-Policy":
			if len(scripts)+len(styles) > 0 {
				t.Error("the policy comes after what it is about")
			}
			policy = attr(n, "content")
		case n.Data == "style":
			styles = append(styles, hash(text(n)))
		case n.Data == "script" && attr(n, "type") == "":
			scripts = append(scripts, hash(text(n)))
		}
	}
	want := "default-src 'none'; script-src " + strings.Join(scripts, " ") + "; style-src " + strings.Join(styles, " ") + "; img-src data:; base-uri 'none'; form-action 'none'"
	if len(scripts) != 3 || len(styles) != 2 || policy != want {
		t.Errorf("%d scripts and %d styles under the policy\n%s, want\n%s", len(scripts), len(styles), policy, want)
	}
}

// checkNames wants ids to be the only ones of their name, and whatever refers to one to find
// it.
func checkNames(t *testing.T, doc *html.Node) {
	t.Helper()
	ids := map[string]bool{}
	for d := range doc.Descendants() {
		if id := attr(d, "id"); id != "" && ids[id] {
			t.Errorf("there are two elements with the id %q", id)
		} else if id != "" {
			ids[id] = true
		}
	}
	for d := range doc.Descendants() {
		for _, name := range []string{"aria-labelledby", "data-copy", "data-download"} {
			if to := attr(d, name); to != "" && !ids[to] {
				t.Errorf("%s has %s=%q, which is not there", d.Data, name, to)
			}
		}
		if to, is := strings.CutPrefix(attr(d, "href"), "#"); is && !ids[to] {
			t.Errorf("a link leads to #%s, which is not there", to)
		}
	}
}

// checkTables wants a caption in each table, and a scope on each of its headers.
func checkTables(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, table := range all(doc, "table") {
		if len(all(table, "caption")) != 1 {
			t.Errorf("a table has %d captions: %.60s", len(all(table, "caption")), text(table))
		}
		for _, th := range all(table, "th") {
			if attr(th, "scope") == "" {
				t.Errorf("a header has no scope: %s", text(th))
			}
		}
	}
}

func TestOrder(t *testing.T) {
	r := newSample(7, 1000, 30).result(t)
	r.Climb = []load.Rung{{Rate: 1000, Held: true}}
	var got []string
	for _, section := range all(parse(t, written(t, r)), "section") {
		got = append(got, attr(section, "id"))
	}
	want := []string{"verdict", "totals", "charts", "causes", "steps", "ladder", "climb", "environment", "command", "data"}
	if !slices.Equal(got, want) {
		t.Errorf("the sections are %v, want %v", got, want)
	}
}

// TestVerdicts wants each verdict told in words, with what it exits with.
func TestVerdicts(t *testing.T) {
	tests := []struct{ verdict, word, says string }{
		{load.Passed, "✓ Passed", "Exit status 0."},
		{load.Failed, "✗ Failed", "Exit status 10."},
		{load.Inconclusive, "? Inconclusive", "Exit status 11."},
		{load.Inconsistent, "✗ Inconsistent", "Exit status 12."},
		{load.Interrupted, "! Interrupted", "Exit status 130."},
		{"", "? Not judged", "no verdict"},
	}
	for _, test := range tests {
		t.Run(test.word, func(t *testing.T) {
			r := &load.Result{Verdict: test.verdict, Why: []string{"of the moon"}, Thresholds: []load.Judged{{Threshold: "pay.p99<2s", Got: 2500}, {Threshold: "lost==0", Kept: true}}}
			section := text(byID(parse(t, written(t, r)), "verdict"))
			for _, want := range []string{test.word, test.says, "of the moon", "pay.p99<2s", "2.50 s", "✗ no", "lost==0", "✓ yes"} {
				if !strings.Contains(section, want) {
					t.Errorf("the verdict does not say %q:\n%s", want, section)
				}
			}
		})
	}
}

// TestData wants the result back out of the page, also when its text would end a script.
func TestData(t *testing.T) {
	for name, r := range map[string]*load.Result{"sample": newSample(7, 1000, 30).result(t), "hostile": short(t)} {
		t.Run(name, func(t *testing.T) {
			got, err := load.Read(strings.NewReader(text(byID(parse(t, written(t, r)), "result"))))
			if err != nil {
				t.Fatal(err)
			}
			same, _ := json.Marshal(got)
			want, _ := json.Marshal(r)
			if !bytes.Equal(same, want) {
				t.Errorf("the page has\n%.300s, want\n%.300s", same, want)
			}
		})
	}
}

func TestLongRunIsShortened(t *testing.T) {
	doc := parse(t, written(t, long(t)))
	var got load.Result
	if err := json.Unmarshal([]byte(text(byID(doc, "result"))), &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Intervals); n < fewest || n > 600 || got.Intervals[n-1].At != 3600 {
		t.Errorf("an hour has %d intervals, the last at %v", n, got.Intervals[n-1].At)
	}
	said := text(byID(doc, "charts"))
	for _, want := range []string{"its 3,600 intervals are made", "true to one part in a hundred"} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q: %.400s", want, said)
		}
	}
}

func TestSameBytes(t *testing.T) {
	r := newSample(7, 200, 20).result(t)
	if !bytes.Equal(written(t, r), written(t, r)) {
		t.Error("one result gave two pages")
	}
	if a, b := writtenDiff(t, r, r, sampleDiff), writtenDiff(t, r, r, sampleDiff); !bytes.Equal(a, b) {
		t.Error("one difference gave two pages")
	}
}

func TestDiffRows(t *testing.T) {
	var got []string
	for _, row := range all(byID(parse(t, writtenDiff(t, base(t), slower(t), sampleDiff)), "figures"), "tr")[1:] {
		var cells []string
		for _, cell := range all(row, "th", "td") {
			cells = append(cells, text(cell))
		}
		got = append(got, strings.Join(cells, "|"))
	}
	want := []string{
		"rate|= same|500 /s|500 /s|0 %",
		"failed|✓ better|1.20 %|0.90 %|−25 %",
		"pay.p50|✗ worse|10.4 ms|16.8 ms|+61.5 %",
		"pay.max|not judged|2.01 s|2.04 s|+1.60 %",
		"stalls|not judged|0|2|–",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBadHistogram(t *testing.T) {
	r := &load.Result{Steps: []load.StepResult{{Step: load.Pay, Count: 1, Histogram: "no such thing"}}}
	var b bytes.Buffer
	if err := Write(&b, r); err == nil || !strings.Contains(err.Error(), "step pay") || b.Len() > 0 {
		t.Errorf("Write = %v, after %d bytes; want an error that names the step, and nothing written", err, b.Len())
	}
	if err := WriteDiff(&b, &load.Result{}, r, &load.Difference{}); err == nil || !strings.Contains(err.Error(), "the new run") {
		t.Errorf("WriteDiff = %v, want an error that names the run", err)
	}
}

// full is a disk that takes no more.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFullDisk(t *testing.T) {
	if err := Write(io.Writer(full{}), &load.Result{}); !errors.Is(err, errFull) {
		t.Errorf("Write = %v, want %v", err, errFull)
	}
}

// TestCoarsen wants a coarser histogram to be true to one part in a hundred.
func TestCoarsen(t *testing.T) {
	r := &load.Result{Steps: []load.StepResult{{Step: load.Pay, Histogram: newSample(1, 1, 1).everything(t)}}}
	before, err := curves(r.Steps)
	if err != nil {
		t.Fatal(err)
	}
	fine := r.Steps
	if err := coarsen(r); err != nil {
		t.Fatal(err)
	}
	after, err := curves(r.Steps)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range before[0].values {
		if got := after[0].values[i]; math.Abs(float64(got-want)) > 0.011*float64(want) {
			t.Errorf("at %d is %v, was %v", i, got, want)
		}
	}
	if was, is := len(fine[0].Histogram), len(r.Steps[0].Histogram); is > was/4 {
		t.Errorf("a histogram of %d bytes has %d", was, is)
	}
}
