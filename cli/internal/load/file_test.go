package load

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorded is a small run, judged.
func recorded(t testing.TB) *Result {
	t.Helper()
	r := NewRecorder(Recording{Name: "file", Seed: 9, Model: Open})
	for i := range 200 {
		e := event{Lag: time.Millisecond, Took: time.Duration(i+1) * time.Millisecond}
		if i%50 == 0 {
			e.Cause = Expired
		}
		e.record(r)
		if i%100 == 99 {
			r.Tick(Moment{At: time.Duration(i+1) * 10 * time.Millisecond, Asked: 100, CPU: 0.5})
		}
	}
	result := r.Result(2 * time.Second)
	result.Started = time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC)
	result.Labels, result.Audit = map[string]string{"team": "a"}, Audit{Done: true, Differences: []string{}}
	result.Judge(parsed(t, "e2e.p99<1s", "failed<1%"))
	return &result
}

func TestJSON(t *testing.T) {
	want := recorded(t)
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(b.String(), `"threshold": "e2e.p99<1s"`) {
		t.Error("a threshold does not read as it was asked")
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "read a result: unexpected end",
		"# HELP":                      "write one with airtill load --out json=FILE",
		"{}":                          "its version is missing, not 1",
		`{"version": 2}`:              "its version is 2, not 1",
		`{"version": 1, "seed": "x"}`: "read a result: ",
		`{"version": 1, "steps": [{"step":"pay","histogram":"x"}]}`:    "step pay: read a histogram",
		`{"version": 1, "generator": {"lag_histogram":"AAAA"}}`:        "lag: read a histogram",
		`{"version": 1, "steps": [{"step":"pay","histogram":"HIST"}]}`: "step pay",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Read(strings.NewReader(`{"version": 7}`)); !errors.Is(err, ErrVersion) {
		t.Errorf("%v", err)
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := WriteCSV(&b, recorded(t)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	cell := func(row int, name string) string {
		i := slices.Index(rows[0], name)
		if i < 0 {
			t.Fatalf("no column %s in %v", name, rows[0])
		}
		return rows[row][i]
	}
	for name, want := range map[string]string{
		"at_s": "2", "warmup": "false", "rate_asked": "100", "in_flight": "0", "lag_p99_ms": "1", "cpu": "0.5", "expired": "2", "lost": "0",
	} {
		if got := cell(2, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if header := strings.Join(rows[0][:12], ","); header != "at_s,warmup,rate_asked,rate_begun,rate_done,dropped,in_flight,lag_p99_ms,cpu,cpu_server,e2e_min_ms,e2e_mean_ms" {
		t.Errorf("the columns begin %s", header)
	}
	if names := slices.Compact(slices.Sorted(slices.Values(rows[0]))); len(names) != len(rows[0]) {
		t.Errorf("a column is there twice: %v", rows[0])
	}
}

func TestHGRM(t *testing.T) {
	r := recorded(t)
	var b bytes.Buffer
	e2e := r.step(E2E)
	if err := WriteHGRM(&b, &e2e); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Value\tPercentile\tTotalCount\t1/(1-Percentile)", "1.000000", "#[Mean    =      100.", "Total count    =          200"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	dlr := r.step(DLR)
	if err := WriteHGRM(&b, &dlr); !errors.Is(err, ErrNothing) {
		t.Errorf("%v", err)
	}
	broken := StepResult{Step: Pay, Histogram: "x"}
	if err := WriteHGRM(&b, &broken); err == nil || errors.Is(err, ErrNothing) {
		t.Errorf("%v", err)
	}
	all, err := e2e.Percentiles()
	if err != nil || len(all) < 10 || all[len(all)-1].Percentile != 100 || all[len(all)-1].Count != 200 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := dlr.Percentiles(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestProm(t *testing.T) {
	s := moment()
	s.Steps[0].Failed, s.Last = 3, Interval{InFlight: 7, Asked: 100, Lag: 12}
	var b bytes.Buffer
	if err := WriteProm(&b, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE airtill_load_bills_due_total counter\nairtill_load_bills_due_total 1000\n", "airtill_load_in_flight 7\n", "airtill_load_lag_p99_seconds 0.012\n",
		`airtill_load_failures_total{cause="expired"} 40`, `airtill_load_failures_total{cause="bad_pin"} 0`, `airtill_load_steps_failed_total{step="pay"} 3`,
		`airtill_load_latency_seconds{step="pay",quantile="0.99"} 0.4`, "airtill_load_elapsed_seconds 20\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// FuzzRead: no file breaks the reader, nor what is done with a result that it takes.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, recorded(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"segment":"1/4","thresholds":[{"threshold":"lost==0"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		Diff(r, recorded(t), 0.1)
		if merged, err := Merge(r, r); err == nil {
			t.Fatalf("a run merges with itself: %+v", merged)
		}
		for _, s := range r.Steps {
			s.Percentiles()
		}
		if err := WriteCSV(&bytes.Buffer{}, r); err != nil {
			t.Error(err)
		}
	})
}
