package page

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/cli/internal/load"
)

// How many bytes of a page the result may have, and of these its histograms, so that the
// page stays under 400 KB.
const (
	roomForData       = 200 << 10
	roomForHistograms = 120 << 10
)

// fewest is the number of intervals that a result is not made shorter than.
const fewest = 60

// thin makes a result so short that it fits on a page, and returns it with its JSON. Of most
// runs that is all of it; of a long one it has fewer intervals, and of one with very many
// latencies coarser histograms.
func thin(r *load.Result) (*load.Result, []byte, error) {
	fit := *r
	if histograms(r) > roomForHistograms {
		if err := coarsen(&fit); err != nil {
			return nil, nil, err
		}
	}
	for group := 1; ; {
		fit.Intervals = join(r.Intervals, group)
		text, err := json.Marshal(&fit)
		if err != nil {
			return nil, nil, fmt.Errorf("write the page: encode the result: %w", err)
		}
		most := max(1, len(r.Intervals)/fewest)
		if len(text) <= roomForData || group == most {
			return &fit, text, nil
		}
		group = min(most, max(group+1, group*len(text)/roomForData)) // at most what is needed, as not all of it is intervals
	}
}

// histograms is how many bytes a result's histograms have.
func histograms(r *load.Result) int {
	size := len(r.Generator.LagHistogram)
	for _, s := range r.Steps {
		size += len(s.Histogram)
	}
	return size
}

// coarsen makes the histograms of a result true to one part in a hundred, where they were to
// one in a thousand.
func coarsen(r *load.Result) error {
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		if err := coarsenOne(&r.Steps[i].Histogram); err != nil {
			return fmt.Errorf("read the histogram of step %s: %w", r.Steps[i].Step, err)
		}
	}
	if err := coarsenOne(&r.Generator.LagHistogram); err != nil {
		return fmt.Errorf("read the histogram of the lag: %w", err)
	}
	return nil
}

func coarsenOne(text *string) error {
	if *text == "" {
		return nil
	}
	fine, err := hdrhistogram.Decode([]byte(*text))
	if err != nil {
		return err
	}
	coarse := hdrhistogram.New(1, fine.HighestTrackableValue(), 2)
	for _, bar := range fine.Distribution() {
		if bar.Count == 0 {
			continue
		}
		if err := coarse.RecordValues(min(bar.To, fine.HighestTrackableValue()), bar.Count); err != nil {
			return err
		}
	}
	encoded, err := coarse.EncodeV2()
	*text = string(encoded)
	return err
}

// join makes one interval of every so many.
func join(intervals []load.Interval, group int) []load.Interval {
	if group == 1 {
		return intervals
	}
	joined := make([]load.Interval, 0, len(intervals)/group+1)
	for start := 0; start < len(intervals); start += group {
		end := min(start+group, len(intervals))
		joined = append(joined, joinOne(intervals[start:end]))
	}
	return joined
}

// joinOne makes one interval of several: rates and CPU are the average, counts the sum, and
// all the rest is that of the worst.
func joinOne(of []load.Interval) load.Interval {
	one := of[0]
	one.Causes = maps.Clone(one.Causes)
	one.Heat = append([]int64(nil), one.Heat...)
	for _, i := range of[1:] {
		one.At = i.At
		one.Warmup = one.Warmup && i.Warmup
		one.Asked += i.Asked
		one.Begun += i.Begun
		one.Done += i.Done
		one.CPU += i.CPU
		one.Server += i.Server
		one.Dropped += i.Dropped
		one.InFlight = max(one.InFlight, i.InFlight)
		one.Lag = max(one.Lag, i.Lag)
		one.E2E = worst(one.E2E, i.E2E)
		one.Pay = worst(one.Pay, i.Pay)
		one.Causes = addCauses(one.Causes, i.Causes)
		one.Heat = addHeat(one.Heat, i.Heat)
	}
	n := float64(len(of))
	for _, v := range []*float64{&one.Asked, &one.Begun, &one.Done, &one.CPU, &one.Server} {
		*v /= n
	}
	return one
}

func worst(a, b load.Ladder) load.Ladder {
	return load.Ladder{
		Min: max(a.Min, b.Min), Mean: max(a.Mean, b.Mean),
		P50: max(a.P50, b.P50), P75: max(a.P75, b.P75), P90: max(a.P90, b.P90), P95: max(a.P95, b.P95),
		P99: max(a.P99, b.P99), P999: max(a.P999, b.P999), Max: max(a.Max, b.Max),
	}
}

func addCauses(sum, more map[load.Cause]int64) map[load.Cause]int64 {
	if sum == nil && len(more) > 0 {
		sum = make(map[load.Cause]int64, len(more))
	}
	for cause, n := range more {
		sum[cause] += n
	}
	return sum
}

func addHeat(sum, more []int64) []int64 {
	for len(sum) < len(more) {
		sum = append(sum, 0)
	}
	for i, n := range more {
		sum[i] += n
	}
	return sum
}
