package driver

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform/api"
)

// findings are what was found when the run was over.
type findings struct {
	lost  []string // bills, in words
	audit load.Audit
}

// look has the books audited, and holds every bill against what its shop was told.
func (d *drive) look(ctx context.Context, n *Network) (f findings) {
	if d.ending.killed() {
		f.audit = load.Audit{Why: "the run was stopped at once", Differences: []string{}}
		return f
	}
	for shop := range d.shops.ids {
		if err := d.compareShop(ctx, shop, &f.lost); err != nil {
			return findings{audit: load.Audit{Why: "the bills cannot be listed: " + err.Error(), Differences: []string{}}}
		}
	}
	f.lost = append(f.lost, d.book.unlisted()...)
	f.audit = n.Audit(ctx)
	return f
}

// result is what was measured and found.
func (d *drive) result(begun time.Duration, f findings) *load.Result {
	d.book.rest()
	r := d.recorder.Result(begun)
	c := d.config
	r.Version, r.Name, r.Labels, r.Command = load.ResultVersion, c.Name, c.Labels, c.Command
	r.Seed, r.Model, r.Started, r.Segment = c.Traffic.Seed, c.Model(), d.start.UTC(), c.Segment.String()
	r.Asked = c.Asked
	r.Asked.Handsets, r.Asked.MaxInFlight, r.Asked.Target = c.Traffic.Handsets, c.MaxInFlight, c.Site.Name()
	lag, histogram := r.Generator.Lag, r.Generator.LagHistogram
	r.Generator = d.generator
	r.Generator.Lag, r.Generator.LagHistogram = lag, histogram
	d.unseen(&r)
	r.Climb, r.Best = d.climb.rungs, d.climb.best()
	r.Environment = environment()
	r.Lost, r.Audit = int64(len(f.lost)), f.audit
	r.Audit.Differences = append(few(f.lost), f.audit.Differences...)
	if r.Lost > 0 {
		if r.Causes == nil {
			r.Causes = make(map[load.Cause]int64)
		}
		r.Causes[load.Lost] = r.Lost
	}
	d.conclude(&r)
	return &r
}

// unseen says of the steps that nobody could time why that is.
func (d *drive) unseen(r *load.Result) {
	receipts := d.carrier
	if receipts == "" && d.config.Traffic.Channel == schedule.USSD {
		receipts = "there are no receipts over USSD"
	}
	for step, seen := range map[load.Step]Seen{
		load.Push: d.phones, load.DLR: cmp.Or(d.phones, receipts), load.Reply: d.phones, load.Pay: d.phones, load.System: d.phones,
	} {
		i := slices.IndexFunc(r.Steps, func(s load.StepResult) bool { return s.Step == step })
		if i >= 0 && r.Steps[i].Count == 0 {
			r.Steps[i].Unseen = string(seen)
		}
	}
}

// conclude sets the verdict. A climb goes on until thresholds break: what held is told
// rung by rung, and the run itself has failed if nothing did.
func (d *drive) conclude(r *load.Result) {
	thresholds := d.config.Thresholds
	if d.climb.wanted() {
		thresholds = nil
	}
	if d.ending.interrupted.Load() {
		r.JudgeInterrupted(thresholds)
		return
	}
	r.Judge(thresholds)
	if d.climb.wanted() && r.Best == 0 && r.Verdict == load.Passed {
		r.Verdict, r.Why = load.Failed, []string{"no rate held"}
	}
}

// environment is where the run was made.
func environment() load.Environment {
	e := load.Environment{Airtill: "devel", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Load: loadAverage()}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		e.Airtill = info.Main.Version
	}
	return e
}

// mostTold is how many lost bills are told of one by one.
const mostTold = 20

func few(differences []string) []string {
	if more := len(differences) - mostTold; more > 0 {
		return append(differences[:mostTold:mostTold], fmt.Sprintf("and %d more", more))
	}
	return append([]string{}, differences...)
}

// pageSize is how many bills are listed at a time.
const pageSize = 200

// compareShop holds all bills of a shop against what it was told of them.
func (d *drive) compareShop(ctx context.Context, shop int, differences *[]string) error {
	q := api.Query{Limit: pageSize}
	for {
		page, err := d.shops.clients[shop].Bills(ctx, q)
		if err != nil {
			return err
		}
		for _, b := range page.Bills {
			if text := d.book.compare(b); text != "" {
				*differences = append(*differences, text)
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

// compare says what is wrong between a bill as the platform has it and as its shop was
// told; "" is nothing. That it is still on its way is not wrong.
func (k *book) compare(b api.Bill) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.find(b.Reference)
	if t != nil {
		t.last = b.State
	}
	switch {
	case t == nil:
		return fmt.Sprintf("bill %s is of no order: %s", b.ID, b.Reference)
	case !t.once(listed) || t.id != "" && t.id != b.ID:
		return fmt.Sprintf("order %s has two bills: %s and %s", b.Reference, t.id, b.ID)
	case b.Amount != t.amount:
		return fmt.Sprintf("order %s is for %s, its bill for %s", b.Reference, amountOf(t.amount), amountOf(b.Amount))
	case t.state != "" && t.state != b.State:
		return fmt.Sprintf("bill %s is %s; its shop was told that it is %s", b.ID, b.State, t.state)
	case t.state == "" && !b.Acknowledged.IsZero():
		return fmt.Sprintf("bill %s is %s, and counts as told; its shop was never told", b.ID, b.State)
	case (b.State == bill.Settled || b.State == bill.Paid) == b.Paid.IsZero():
		return fmt.Sprintf("bill %s is %s, and its money says otherwise", b.ID, b.State)
	}
	return ""
}

// unlisted says which bills the platform does not have, though it or a callback named them.
func (k *book) unlisted() (differences []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, t := range k.trips {
		if t.id != "" && !t.is(listed) {
			differences = append(differences, fmt.Sprintf("order %s was acknowledged as %s, which is not there", reference(n), t.id))
		}
	}
	return differences
}

// loadAverage is of the last minute; 0 where it is not known.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	average, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return average
}
