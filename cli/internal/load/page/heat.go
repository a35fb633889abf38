package page

import (
	"fmt"
	"math"

	"github.com/airtill/airtill/cli/internal/load"
)

// heatMap draws how many bills took how long, interval by interval: a row for each bucket,
// from the fastest to the slowest that has any.
func heatMap(of []load.Interval) chart {
	c := overTime(chart{ID: "heat", Title: "Bills by latency end to end", Kind: heat, Unit: "ms"}, of)
	var sum []int64
	for _, i := range of {
		sum = addHeat(sum, i.Heat)
	}
	first, last, fullest := extent(sum)
	if first > last {
		return c
	}
	for bucket := first; bucket <= last; bucket++ {
		c.Edges = append(c.Edges, number(from(bucket)))
		c.Series = append(c.Series, series{
			Name:   bucketName(bucket, len(sum)),
			Values: column(of, func(i load.Interval) number { return number(inBucket(i.Heat, bucket)) }),
		})
	}
	c.Edges = append(c.Edges, number(from(last+1)))
	c.Says = fmt.Sprintf("The fastest took %s, the slowest %s, most %s.", bucketName(first, len(sum)), bucketName(last, len(sum)), bucketName(fullest, len(sum)))
	return c
}

// extent is the first, the last and the fullest bucket that has any bill; without one the
// first is after the last.
func extent(sum []int64) (first, last, fullest int) {
	first, last = len(sum), -1
	for bucket, n := range sum {
		if n == 0 {
			continue
		}
		first, last = min(first, bucket), bucket
		if n > sum[fullest] {
			fullest = bucket
		}
	}
	return first, last, fullest
}

// from is where a bucket begins, in milliseconds.
func from(bucket int) float64 { return math.Ldexp(1, bucket) / 8 }

func bucketName(bucket, of int) string {
	switch bucket {
	case 0:
		return "under " + took(from(1))
	case of - 1:
		return "over " + took(from(bucket))
	}
	return took(from(bucket)) + " to " + took(from(bucket+1))
}

func inBucket(heat []int64, bucket int) int64 {
	if bucket >= len(heat) {
		return 0
	}
	return heat[bucket]
}
