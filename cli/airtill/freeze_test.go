package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
)

// The freeze of these tests: what is stopped stands still for so long, in a run of 10 s.
const (
	freezeLength = 2 * time.Second
	freezeRate   = 20
	freezeBills  = 10 * freezeRate
)

// frozen is a network and the load on it, one of which was stopped.
type frozen struct {
	*person
	dir     string
	network *process
}

func newFrozen(t *testing.T) *frozen {
	t.Helper()
	f := &frozen{person: newPerson(t), dir: t.TempDir()}
	f.network = f.start("dev", "--data", "none", "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0",
		"--handsets", "127.0.0.1:0", "--shop", "127.0.0.1:0", "--ready-file", f.file("net.json"))
	f.network.ready(f.file("net.json"))
	return f
}

func (f *frozen) file(name string) string { return filepath.Join(f.dir, name) }

// loadStopping loads the network, stops what it is told in the middle, and answers the
// result and the load. A machine may be so busy that the run is over before the stop is:
// then it is run again.
func (f *frozen) loadStopping(which func(generator *process) *process) (*load.Result, *process) {
	f.t.Helper()
	const tries = 3
	for range tries {
		generator := f.start("load", "--target", f.file("net.json"), "--handsets", fmt.Sprint(freezeRate), "--rate", fmt.Sprintf("%d/s", freezeRate),
			"--duration", "10s", "--think", "0s", "--seed", "7", "--expires-in", "2m", "--order-timeout", "1m", "--live", "plain", "--interval", "200ms",
			"--threshold", "e2e.p99<1s", "--out", "json="+f.file("result.json"))
		generator.untilSays(" run ", 12)
		inTime := f.stopFor(which(generator), freezeLength, generator)
		generator.await()
		if inTime {
			return f.result(), generator
		}
		f.t.Log("the run was over before the stop was: again")
	}
	f.t.Fatalf("the machine is too busy for a stop of %s in a run of 10 s: %d tries", freezeLength, tries)
	return nil, nil
}

// stopFor stops a process (SIGSTOP) for a while, and says whether bills were still to be
// begun when it went on.
func (f *frozen) stopFor(p *process, d time.Duration, generator *process) (inTime bool) {
	f.t.Helper()
	p.signal(syscall.SIGSTOP)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.t.Context().Done():
	}
	inTime = !strings.Contains(generator.said.String(), " drain ")
	p.signal(syscall.SIGCONT)
	return inTime
}

func (f *frozen) result() *load.Result {
	f.t.Helper()
	text, err := os.ReadFile(f.file("result.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	r, err := load.Read(bytes.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// untilSays waits until a process has said something so many times.
func (r *process) untilSays(text string, times int) {
	r.t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for timeout := time.After(3 * patience); strings.Count(r.said.String(), text) < times; {
		select {
		case <-tick.C:
		case <-r.ended:
			r.t.Fatalf("%s has ended: %v\n%s", r.name, r.cmd.ProcessState, r.said)
		case <-timeout:
			r.t.Fatalf("%s does not say %q %d times\n%s", r.name, text, times, r.said)
		}
	}
}

// await waits until a process has ended by itself.
func (r *process) await() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(6 * patience):
		r.t.Fatalf("%s does not end\n%s", r.name, r.said)
	}
}

func (r *process) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatalf("%s: %v", r.name, err)
	}
}

// checkAll expects all bills of a run, and none of them lost.
func checkAll(t *testing.T, r *load.Result) {
	t.Helper()
	if want := (load.Totals{Due: freezeBills, Begun: freezeBills, OK: freezeBills}); r.Totals != want || r.Lost != 0 || !r.Audit.Done {
		t.Errorf("totals %+v, want %+v; lost %d, audit %+v", r.Totals, want, r.Lost, r.Audit)
	}
}

func ladderOf(t *testing.T, r *load.Result, step load.Step) load.Ladder {
	t.Helper()
	for _, s := range r.Steps {
		if s.Step == step {
			return s.Ladder
		}
	}
	t.Fatalf("there is no step %s", step)
	return load.Ladder{}
}

// TestFreezeOfTheSystem stops a running network for 2 s under a load of 10 s. The load goes
// on to begin what is due meanwhile; so the p99 is seconds, nothing is lost, and it is the
// network that did not keep the threshold.
func TestFreezeOfTheSystem(t *testing.T) {
	t.Parallel()
	f := newFrozen(t)
	r, generator := f.loadStopping(func(*process) *process { return f.network })
	checkAll(t, r)
	if p99 := ladderOf(t, r, load.E2E).P99; p99 < 1500 {
		t.Errorf("p99 end to end is %.0f ms, and the network stood still for %s", p99, freezeLength)
	}
	standing := 0 // intervals in which bills were begun and none ended
	for _, i := range r.Intervals {
		if i.Begun > 0 && i.Done == 0 {
			standing++
		}
	}
	if standing < 5 {
		t.Errorf("bills were begun and none ended in %d intervals of 200 ms", standing)
	}
	switch status := generator.cmd.ProcessState.ExitCode(); status {
	case load.ExitStatus(load.Failed):
		if r.Verdict != load.Failed || !r.HeldRate || len(r.Why) != 1 || !strings.Contains(r.Why[0], "threshold e2e.p99<1s") {
			t.Errorf("%s, held %v: %q", r.Verdict, r.HeldRate, r.Why)
		}
	case load.ExitStatus(load.Inconclusive): // by what other work on the machine did to it, and not by the stop
		if g := r.Generator; g.Stalled < 150 && g.Lag.P99 < 20 || g.StallMax > 1900 {
			t.Errorf("the generator takes the network's stop for its own: %q, %+v", r.Why, g)
		}
		t.Logf("the machine held the generator up besides: %q", r.Why)
	default:
		t.Errorf("status %d\n%s", status, generator.said)
	}
}

// TestFreezeOfTheGenerator stops the load itself for 2 s: then the run says that it was the
// generator, and not that the network is slow.
func TestFreezeOfTheGenerator(t *testing.T) {
	t.Parallel()
	f := newFrozen(t)
	r, generator := f.loadStopping(func(generator *process) *process { return generator })
	checkAll(t, r)
	if status := generator.cmd.ProcessState.ExitCode(); status != load.ExitStatus(load.Inconclusive) || r.Verdict != load.Inconclusive || r.HeldRate {
		t.Errorf("status %d, %s, held %v: %q", status, r.Verdict, r.HeldRate, r.Why)
	}
	if g := r.Generator; g.Stalls < 1 || g.StallMax < 1900 || g.Stalled < g.StallMax || g.Lag.Max < 1800 {
		t.Errorf("the generator does not know that it stood still for %s: %+v", freezeLength, g)
	}
	if said := generator.said.String(); !strings.Contains(said, "INCONCLUSIVE") || !strings.Contains(said, "the generator could not keep up: it was held up for ") {
		t.Errorf("it does not say that it was the generator:\n%s", said)
	}
}
