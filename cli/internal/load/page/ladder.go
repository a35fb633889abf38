package page

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/cli/internal/load"
)

// A ladder's axis is logarithmic: from 0 % to 90 %, to 99 %, to 99.9 % is as far each. Where
// a point is, is told as one in how many bills is slower: 1, 10, 100, 1000.
const (
	perNine = 20 // points for each nine
	nines   = 6
	micros  = 1000 // histograms are in microseconds, and drawn are milliseconds
)

// curve is the latency of one step, at each point of the axis; unknown where too few were
// counted to tell.
type curve struct {
	step   load.Step
	values []number
}

// oneIn lists the points of a ladder's axis.
func oneIn() []number {
	at := make([]number, nines*perNine+1)
	for i := range at {
		at[i] = number(math.Pow(10, float64(i)/perNine))
	}
	return at
}

// curves reads the histograms of the steps that were ever timed.
func curves(steps []load.StepResult) ([]curve, error) {
	var all []curve
	for _, s := range steps {
		if s.Histogram == "" {
			continue
		}
		h, err := hdrhistogram.Decode([]byte(s.Histogram))
		if err != nil {
			return nil, fmt.Errorf("read the histogram of step %s: %w", s.Step, err)
		}
		if h.TotalCount() > 0 {
			all = append(all, curve{s.Step, valuesOf(h)})
		}
	}
	return all, nil
}

func valuesOf(h *hdrhistogram.Histogram) []number {
	at := oneIn()
	values := make([]number, len(at))
	enough := float64(h.TotalCount()) * (1 + 1e-9)
	for i, n := range at {
		values[i] = unknown
		if float64(n) <= enough {
			values[i] = known(float64(h.ValueAtQuantile(100*(1-1/float64(n)))) / micros)
		}
	}
	return values
}

// newLadder is the chart of some curves, as far up as any of them goes.
func newLadder(id, title string, of []series) chart {
	last := 0
	for _, s := range of {
		for i, v := range s.Values {
			if !math.IsNaN(float64(v)) {
				last = max(last, i)
			}
		}
	}
	for i := range of {
		of[i].Values = of[i].Values[:last+1]
	}
	return chart{ID: id, Title: title, Kind: ladder, X: "percentile", Unit: "ms", Log: true, At: oneIn()[:last+1], Series: of}
}
