package load

import (
	"context"
	"io"
	"time"
)

type shard struct{}

func (*shard) due(bool)                                 {}
func (*shard) dropped(bool)                             {}
func (*shard) begun(bool, time.Duration)                {}
func (*shard) step(bool, Step, time.Duration, bool)     {}
func (*shard) ended(bool, Outcome)                      {}
func newRecorder(told Recording) *Recorder              { return &Recorder{told: told, shards: []*shard{{}}} }
func (r *Recorder) tick(m Moment) Snapshot              { return Snapshot{} }
func (r *Recorder) cutAt(time.Duration, float64) Result { return Result{} }
func (r *Recorder) result(time.Duration) Result         { return Result{Version: ResultVersion} }

type tally struct{}
type metric struct{ unit string }

func parseThreshold(s string) (Threshold, error)            { return Threshold{text: s}, nil }
func (t Threshold) over(*Result) Judged                     { return Judged{Threshold: t.text, Kept: true} }
func (t Threshold) now(*Snapshot) Judged                    { return Judged{Threshold: t.text, Kept: true} }
func broken([]Threshold, *Snapshot, time.Duration) []Judged { return nil }
func (r *Result) judge([]Threshold, bool)                   { r.Verdict = Passed }
func writeJSON(io.Writer, *Result) error                    { return nil }
func readJSON(io.Reader) (*Result, error)                   { return &Result{}, nil }
func writeCSV(io.Writer, *Result) error                     { return nil }
func writeHGRM(io.Writer, *StepResult) error                { return nil }
func writeProm(io.Writer, *Snapshot) error                  { return nil }
func merge(results []*Result) (*Result, error)              { return results[0], nil }
func diff(base, new *Result, tolerance float64) *Difference { return &Difference{} }
func newWatchdog(pids []int) *Watchdog                      { return &Watchdog{pids: pids} }
func (w *Watchdog) run(ctx context.Context)                 { <-ctx.Done() }
func (w *Watchdog) look() (cpu, server float64)             { return 0, 0 }
func (w *Watchdog) generator() Generator                    { return Generator{} }
