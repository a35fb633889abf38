package load

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Write writes a result as the JSON of --out json.
func Write(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// ErrVersion is of a file that another airtill has written.
var ErrVersion = errors.New("not a result that this airtill reads")

// Read reads what Write has written. Of another version than ResultVersion it is
// [ErrVersion]; histograms that cannot be read are an error too.
func Read(in io.Reader) (*Result, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read a result: %w", err)
	}
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("read a result: %w: write one with airtill load --out json=FILE", err)
	}
	if head.Version == nil || *head.Version != ResultVersion {
		return nil, fmt.Errorf("%w: its version is %s, not %d", ErrVersion, versionText(head.Version), ResultVersion)
	}
	r := new(Result)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read a result: %w", err)
	}
	for _, s := range r.Steps {
		if _, err := decode(s.Histogram); err != nil {
			return nil, fmt.Errorf("read a result: step %s: %w", s.Step, err)
		}
	}
	if _, err := decode(r.Generator.LagHistogram); err != nil {
		return nil, fmt.Errorf("read a result: lag: %w", err)
	}
	return r, nil
}

func versionText(v *int) string {
	if v == nil {
		return "missing"
	}
	return strconv.Itoa(*v)
}

// WriteCSV writes a line for each interval, under a header. The columns are always the
// same: times of latency in milliseconds, and bills by each cause.
func WriteCSV(w io.Writer, r *Result) error {
	out := csv.NewWriter(w)
	out.Write(csvHeader()) // errors stay until Error
	for _, i := range r.Intervals {
		out.Write(csvLine(&i))
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the intervals: %w", err)
	}
	return nil
}

func csvHeader() []string {
	names := []string{"at_s", "warmup", "rate_asked", "rate_begun", "rate_done", "dropped", "in_flight", "lag_p99_ms", "cpu", "cpu_server"}
	for _, step := range []Step{E2E, Pay} {
		for _, stat := range []string{"min", "mean", "p50", "p75", "p90", "p95", "p99", "p999", "max"} {
			names = append(names, fmt.Sprintf("%s_%s_ms", step, stat))
		}
	}
	for _, cause := range Causes() {
		names = append(names, string(cause))
	}
	return names
}

func csvLine(i *Interval) []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	line := []string{
		number(i.At), strconv.FormatBool(i.Warmup), number(i.Asked), number(i.Begun), number(i.Done),
		strconv.FormatInt(i.Dropped, 10), strconv.FormatInt(i.InFlight, 10), number(i.Lag), number(i.CPU), number(i.Server),
	}
	for _, l := range []Ladder{i.E2E, i.Pay} {
		for _, v := range []float64{l.Min, l.Mean, l.P50, l.P75, l.P90, l.P95, l.P99, l.P999, l.Max} {
			line = append(line, number(v))
		}
	}
	for _, cause := range Causes() {
		line = append(line, strconv.FormatInt(i.Causes[cause], 10))
	}
	return line
}

// ErrNothing is of a step that was not timed once.
var ErrNothing = errors.New("nothing was measured")

// WriteHGRM writes the percentiles of a step, in milliseconds, as HdrHistogram's plotters
// read them. A step that was not timed is [ErrNothing].
func WriteHGRM(w io.Writer, s *StepResult) error {
	h, err := decode(s.Histogram)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.Step, err)
	}
	if total(h) == 0 {
		return fmt.Errorf("step %s: %w", s.Step, ErrNothing)
	}
	if _, err := h.PercentilesPrint(w, 5, 1000); err != nil {
		return fmt.Errorf("write the percentiles of step %s: %w", s.Step, err)
	}
	return nil
}

// Percentile is a rung of a step's percentile ladder.
type Percentile struct {
	Percentile float64 `json:"percentile"` // 99.9
	Latency    float64 `json:"ms"`
	Count      int64   `json:"count"` // of those up to it
}

// Percentiles lists a step's latency by percentile, ever closer to 100: what a plot of
// the ladder needs. It is empty if nothing was measured.
func (s *StepResult) Percentiles() ([]Percentile, error) {
	h, err := decode(s.Histogram)
	if err != nil || total(h) == 0 {
		return nil, err
	}
	brackets := h.CumulativeDistributionWithTicks(5)
	all := make([]Percentile, 0, len(brackets))
	for _, b := range brackets {
		all = append(all, Percentile{Percentile: b.Quantile, Latency: ms(b.ValueAt), Count: b.Count})
	}
	return all, nil
}
