package load

import "time"

// Limits of the generator. Over one of them a run says nothing about the system.
const (
	LagLimit     = 100 * time.Millisecond // of the lag's p99
	LagFloor     = 20 * time.Millisecond  // up to which a lag's p99 is of no account
	LagShare     = 0.10                   // of the latency's p99 that may be lag, over the floor
	StallLimit   = 100 * time.Millisecond // over which the watchdog counts a stall
	StallShare   = 0.01                   // of the run that the generator may be held up in all
	MissingShare = 0.01                   // of the bills due that need not be begun
)

// Judge sets what is concluded from the rest of a result: HeldRate, Thresholds, Verdict
// and Why.
//
// The verdict is the first of these that holds:
//
//   - inconsistent: bills were lost, or the auditor found differences.
//   - interrupted: somebody ended the run before its time.
//   - inconclusive, as the generator could not keep up: its lag, which is how long after a
//     bill was due it was begun, had a p99 over LagLimit, or over LagFloor and over
//     LagShare of the p99 of what it measured (pay; without payments, end to end); or the
//     watchdog was held up for more than StallShare of the run, so that the p99 may be
//     the generator's own; or bills over MissingShare of those due were neither begun nor
//     dropped; or none was begun.
//   - failed: a threshold was not kept.
//   - inconclusive, as too much was dropped: bills over MissingShare of those due were
//     dropped, since too many were in flight. These were not measured, and the others look
//     better for it. It is the system that did not give bills back in time, so what
//     failed all the same has failed.
//   - passed.
//
// A system that stops has no part in the generator's lag: the generator goes on to begin
// what is due, and its waiting shows in the latency, which counts from the due time.
func (r *Result) Judge(thresholds []Threshold) { r.judge(thresholds, false) }

// JudgeInterrupted is Judge for a run that somebody ended before its time.
func (r *Result) JudgeInterrupted(thresholds []Threshold) { r.judge(thresholds, true) }
