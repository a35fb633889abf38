package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"time"

	"github.com/airtill/airtill/handsetsim/persona"
)

// Think is how long people take for a bill. The zero Think is persona's own pace.
type Think struct {
	Set    bool // else the rest is of no account
	Median time.Duration
	Spread Spread  // of the people's paces about the median
	By     float64 // sigma of Lognormal; of Evenly, the share either way
}

// Spread is a distribution of paces over people.
type Spread string

// The spreads.
const (
	Alike     Spread = ""          // nobody is quicker than another
	Lognormal Spread = "lognormal" // most are quick, and some slow
	Evenly    Spread = "uniform"
)

// maxThink is how much slower than the median one is at most.
const maxThink = 20

var thinkForm = regexp.MustCompile(`^([^~]+)(?:~(lognormal|uniform)\(([0-9.]+)\))?$`)

// ParseThink reads --think: 3s, 3s~lognormal(0.6) or 3s~uniform(0.5). An empty text is the
// zero Think, and 0s is nobody's taking any time.
func ParseThink(s string) (Think, error) {
	if s == "" {
		return Think{}, nil
	}
	const form = "3s, 3s~lognormal(0.6) or 3s~uniform(0.5)"
	parts := thinkForm.FindStringSubmatch(s)
	if parts == nil {
		return Think{}, wrong("think", s, form)
	}
	median, err := parseDuration(parts[1])
	if err != nil {
		return Think{}, wrong("think", s, form)
	}
	t := Think{Set: true, Median: median, Spread: Spread(parts[2])}
	if t.Spread == Alike {
		return t, nil
	}
	t.By, err = strconv.ParseFloat(parts[3], 64)
	switch {
	case err != nil:
		return Think{}, wrong("think", s, form)
	case t.Spread == Lognormal && t.By > 3:
		return Think{}, wrong("think", s, "3s~lognormal(0.6): a sigma of up to 3")
	case t.Spread == Evenly && t.By > 1:
		return Think{}, wrong("think", s, "3s~uniform(0.5): a share of up to 1")
	}
	return t, nil
}

// String is the text that ParseThink reads.
func (t Think) String() string {
	switch {
	case !t.Set:
		return ""
	case t.Spread == Alike:
		return t.Median.String()
	}
	return fmt.Sprintf("%s~%s(%s)", t.Median, t.Spread, strconv.FormatFloat(t.By, 'f', -1, 64))
}

// pace draws one person's pace. Half of their time is for reading, half for typing.
func (t Think) pace(r *rand.Rand) persona.Pace {
	if !t.Set {
		return persona.Pace{}
	}
	factor := 1.0
	switch t.Spread {
	case Lognormal:
		factor = min(maxThink, math.Exp(t.By*r.NormFloat64()))
	case Evenly:
		factor = 1 + t.By*(2*r.Float64()-1)
	}
	half := max(1, time.Duration(float64(t.Median)*factor/2)) // 0 is persona's own
	return persona.Pace{Read: half, Type: half}
}
