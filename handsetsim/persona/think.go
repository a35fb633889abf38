package persona

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Think is how long people take over a bill: always the same time, or a log-normal
// one, as the times are that people take to react: most near the median, some much longer.
type Think struct {
	Median time.Duration
	Sigma  float64 // of the time's logarithm; 0: everybody takes the median
}

// maxThink bounds what is drawn: nobody thinks for longer.
const maxThink = time.Hour

// ParseThink reads "3s", and "3s~lognormal(0.6)" with the sigma of the logarithm.
func ParseThink(text string) (Think, error) {
	before, law, drawn := strings.Cut(text, "~")
	median, err := time.ParseDuration(before)
	if err != nil || median < 0 || median > maxThink {
		return Think{}, fmt.Errorf("no think time %q: write 3s, or 3s~lognormal(0.6)", text)
	}
	if !drawn {
		return Think{Median: median}, nil
	}
	inside, ok := strings.CutPrefix(law, "lognormal(")
	inside, closed := strings.CutSuffix(inside, ")")
	sigma, err := strconv.ParseFloat(inside, 64)
	if !ok || !closed || err != nil || !(sigma >= 0 && sigma <= 3) {
		return Think{}, fmt.Errorf("no think time %q: after ~ comes lognormal(SIGMA), sigma from 0 to 3", text)
	}
	return Think{Median: median, Sigma: sigma}, nil
}

// String is as ParseThink reads it.
func (t Think) String() string {
	if t.Sigma == 0 {
		return t.Median.String()
	}
	return fmt.Sprintf("%s~lognormal(%g)", t.Median, t.Sigma)
}

// draw is one time.
func (t Think) draw(from rand.Source) time.Duration {
	if t.Sigma == 0 || t.Median == 0 {
		return t.Median
	}
	factor := math.Exp(t.Sigma * rand.New(from).NormFloat64())
	return time.Duration(min(float64(t.Median)*factor, float64(maxThink)))
}
