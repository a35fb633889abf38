package load

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the latency above which all count as that.
const longest = time.Hour

// newHistogram is of latencies in microseconds, to one part in a thousand. It takes 180 KB.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), 3)
}

// record notes a latency. One is made at the first.
func record(h **hdrhistogram.Histogram, took time.Duration) {
	if *h == nil {
		*h = newHistogram()
	}
	_ = (*h).RecordValue(min(max(0, took), longest).Microseconds()) // it is in range
}

// addHistogram adds what is in from, which may be nil.
func addHistogram(h **hdrhistogram.Histogram, from *hdrhistogram.Histogram) {
	if from == nil || from.TotalCount() == 0 {
		return
	}
	if *h == nil {
		*h = newHistogram()
	}
	(*h).Merge(from)
}

func reset(h *hdrhistogram.Histogram) {
	if h != nil && h.TotalCount() > 0 {
		h.Reset()
	}
}

// total is how many are in a histogram, which may be nil.
func total(h *hdrhistogram.Histogram) int64 {
	if h == nil {
		return 0
	}
	return h.TotalCount()
}

// ladder lists the percentiles of a histogram; all are 0 if nothing is in it.
func ladder(h *hdrhistogram.Histogram) Ladder {
	if total(h) == 0 {
		return Ladder{}
	}
	at := h.ValueAtPercentilesSlice([]float64{50, 75, 90, 95, 99, 99.9})
	return Ladder{
		Min: ms(h.Min()), Mean: h.Mean() / 1000, P50: ms(at[0]), P75: ms(at[1]), P90: ms(at[2]), P95: ms(at[3]),
		P99: ms(at[4]), P999: ms(at[5]), Max: ms(h.Max()),
	}
}

func ms(us int64) float64 { return float64(us) / 1000 }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// encode writes a histogram for a file; "" if nothing is in it.
func encode(h *hdrhistogram.Histogram) string {
	if total(h) == 0 {
		return ""
	}
	text, err := h.EncodeV2()
	if err != nil {
		return "" // it writes to memory
	}
	return string(text)
}

// decode reads what encode wrote, from whatever a file has there.
func decode(text string) (*hdrhistogram.Histogram, error) {
	if text == "" {
		return nil, nil
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("read a histogram: %w", err)
	}
	return h, nil
}

// HeatBuckets is how many buckets Interval.Heat has.
const HeatBuckets = 20

// heatBucket is where a latency counts in Interval.Heat.
func heatBucket(took time.Duration) int {
	eighths := uint64(max(0, took)) * 8 / uint64(time.Millisecond)
	return min(max(0, bits.Len64(eighths)-1), HeatBuckets-1)
}
