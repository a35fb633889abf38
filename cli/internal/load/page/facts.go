package page

import (
	"fmt"
	"strings"

	"github.com/airtill/airtill/cli/internal/load"
)

func totalsOf(r *load.Result) []fact {
	t := r.Totals
	held := "no"
	if r.HeldRate {
		held = "yes"
	}
	all := []fact{
		{Name: "asked, bills/s", Value: decimal(r.RateAsked)},
		{Name: "begun, bills/s", Value: decimal(r.Rate)},
		{Name: "rate held", Value: held},
		{Name: "due", Value: count(t.Due)},
		{Name: "begun", Value: count(t.Begun)},
		{Name: "ok", Value: count(t.OK)},
		{Name: "failed", Value: count(t.Failed)},
		{Name: "dropped", Value: count(t.Dropped)},
		{Name: "in flight at the end", Value: count(t.InFlight)},
		{Name: "lost", Value: count(r.Lost)},
	}
	if r.Best > 0 {
		all = append(all, fact{Name: "best rate that held", Value: decimal(r.Best)})
	}
	return all
}

// causesOf lists why bills failed, the most frequent cause first.
func causesOf(r *load.Result) []fact {
	var all []fact
	for _, cause := range byCount(r.Causes) {
		f := fact{Name: string(cause), Value: count(r.Causes[cause]), Share: dash}
		if r.Totals.Begun > 0 {
			f.Share = percent(float64(r.Causes[cause]) / float64(r.Totals.Begun))
		}
		all = append(all, f)
	}
	return all
}

// factsOf tells where a run was made, what it was told and how the generator did.
func factsOf(r *load.Result) []facts {
	all := []facts{{"Where it ran", whereOf(r.Environment)}, {"What was asked", askedOf(r)}, {"The generator", generatorOf(r.Generator)}}
	if len(r.Files) > 0 {
		all = append(all, facts{"Files written", []fact{{Name: "files", Value: strings.Join(r.Files, ", ")}}})
	}
	return all
}

func whereOf(e load.Environment) []fact {
	return said(
		fact{Name: "airtill", Value: e.Airtill},
		fact{Name: "Go", Value: e.Go},
		fact{Name: "system", Value: e.System},
		fact{Name: "cores", Value: counted(int64(e.Cores))},
		fact{Name: "store", Value: e.Store},
		fact{Name: "load average", Value: decimal(e.Load)},
	)
}

func askedOf(r *load.Result) []fact {
	a := r.Asked
	return said(
		fact{Name: "model", Value: modelOf(r)},
		fact{Name: "rate", Value: a.Rate},
		fact{Name: "stages", Value: strings.Join(a.Stages, ", ")},
		fact{Name: "users", Value: counted(int64(a.Users))},
		fact{Name: "handsets", Value: counted(int64(a.Handsets))},
		fact{Name: "duration", Value: a.Duration},
		fact{Name: "bills", Value: counted(a.Bills)},
		fact{Name: "warm-up", Value: a.Warmup},
		fact{Name: "arrivals", Value: a.Arrivals},
		fact{Name: "mix", Value: a.Mix},
		fact{Name: "think", Value: a.Think},
		fact{Name: "channel", Value: a.Channel},
		fact{Name: "most in flight", Value: counted(int64(a.MaxInFlight))},
		fact{Name: "merchants' profile", Value: a.Profile},
		fact{Name: "target", Value: a.Target},
		fact{Name: "scenario", Value: a.Scenario},
	)
}

func generatorOf(g load.Generator) []fact {
	server := ""
	if g.Server > 0 {
		server = decimal(g.Server) + " cores"
	}
	return said(
		fact{Name: "lag", Value: "p50 " + took(g.Lag.P50) + ", p99 " + took(g.Lag.P99) + ", at most " + took(g.Lag.Max)},
		fact{Name: "CPU of this process", Value: decimal(g.CPU) + " cores"},
		fact{Name: "CPU of the other processes", Value: server},
		fact{Name: "longest pause of the collector", Value: took(g.GCPauseMax)},
		fact{Name: "heap", Value: decimal(g.HeapMB) + " MB"},
		fact{Name: "open files", Value: counted(int64(g.Files))},
		fact{Name: "stalls over 100 ms", Value: stalls(g)},
	)
}

// stalls tells how often the generator itself stood still, and how long.
func stalls(g load.Generator) string {
	if g.Stalls == 0 {
		return "none"
	}
	return fmt.Sprintf("%s, %s in all, at most %s", count(g.Stalls), took(g.Stalled), took(g.StallMax))
}

// counted is a number of which 0 is none.
func counted(n int64) string {
	if n == 0 {
		return ""
	}
	return count(n)
}

// said leaves out what has no value.
func said(of ...fact) []fact {
	kept := of[:0]
	for _, f := range of {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

// got is what a threshold got, in the threshold's unit.
func got(j load.Judged) string {
	threshold, err := load.ParseThreshold(j.Threshold)
	if err != nil { // of a later version
		return decimal(j.Got)
	}
	return inUnit(j.Got, threshold.Unit())
}

// ends tells up to where a step is timed.
func ends(s load.Step) string {
	return map[load.Step]string{
		load.Create:   "the platform's answer to the order",
		load.Push:     "the bill's message at the phone",
		load.DLR:      "the carrier's receipt at the platform",
		load.Reply:    "the carrier's answer to the phone's payment, without the time people took",
		load.Pay:      "the money's having moved, without the time people took",
		load.Callback: "the shop's 2xx, from the money's having moved",
		load.E2E:      "the shop's knowing the result, with the time people took",
		load.System:   "the shop's knowing the result, without the time people took",
	}[s]
}
