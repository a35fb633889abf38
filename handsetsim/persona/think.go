package persona

import (
	"math"
	"math/rand/v2"
	"time"
)

// Think is how long people take over a bill: the median, as it is, or drawn about it.
type Think struct {
	Median time.Duration
	Sigma  float64 // of the time's logarithm: most are near the median, some take much longer
	Either float64 // without Sigma: the share of the median that a time is shorter or longer by at most
}

// maxThink bounds what is drawn: nobody thinks for longer.
const maxThink = time.Hour

// draw is one time.
func (t Think) draw(from rand.Source) time.Duration {
	factor := 1.0
	switch {
	case t.Median == 0:
	case t.Sigma > 0:
		factor = math.Exp(t.Sigma * rand.New(from).NormFloat64())
	case t.Either > 0:
		factor = 1 - t.Either + 2*t.Either*rand.New(from).Float64()
	}
	return time.Duration(min(float64(t.Median)*factor, float64(maxThink)))
}
