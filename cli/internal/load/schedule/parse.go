package schedule

import (
	"time"

	"github.com/airtill/airtill/handsetsim/persona"
)

// Stage is a part of a run in which the rate goes in a line from what it was to Rate.
type Stage struct {
	Over time.Duration
	Rate float64
}

// Climb is rates that go up in steps. The zero Climb is none.
type Climb struct {
	From  float64 // the first rate; 0 is Step
	Step  float64
	Every time.Duration // 0 is 30 s
	Max   float64       // 0: until it is stopped
}

// Arrivals is how gaps are drawn.
type Arrivals string

// The arrivals.
const (
	Uniform Arrivals = "uniform" // all gaps are the same
	Poisson Arrivals = "poisson" // as of many people who know nothing of each other
)

// Mix is how habits are spread over people.
type Mix []Weight

// Weight is a habit's part in a mix.
type Weight struct {
	Kind  persona.Kind
	Share float64 // of the sum of all
}

// Think is how long people take for a bill. The zero Think is persona's own pace.
type Think struct {
	Median time.Duration
	Spread Spread  // of the people's pace about the median
	By     float64 // sigma of Lognormal, or the share either way of UniformSpread
	Set    bool
}

// Spread is a distribution of think times.
type Spread string

// The spreads.
const (
	Same          Spread = ""          // nobody is quicker than another
	Lognormal     Spread = "lognormal" // most are quick, some slow
	UniformSpread Spread = "uniform"
)

// Channel is how bills reach people.
type Channel string

// The channels. In a mix of Both every other bill, by chance, is of each.
const (
	SMS  Channel = "sms"
	USSD Channel = "ussd"
	Both Channel = "both"
)

// Segment is the K-th of N parts of a run. The zero Segment is all of it.
type Segment struct{ K, N int }

// Range is a range of whole numbers.
type Range struct{ Min, Max int }

// Order is how rows of data are taken.
type Order string

// The orders.
const (
	Random     Order = "random"
	Sequential Order = "sequential" // over again from the first after the last
)

// ParseRate reads --rate: 200/s, 12000/m, 200/h or 200 (in a second).
func ParseRate(s string) (float64, error) { return 0, nil }

// ParseStages reads --stages: 30s:50,2m:200,30s:0.
func ParseStages(s string) ([]Stage, error) { return nil, nil }

// ParseClimb reads --step, --every and --max. Texts may be empty.
func ParseClimb(step, every, max string) (Climb, error) { return Climb{}, nil }

// ParseArrivals reads --arrivals.
func ParseArrivals(s string) (Arrivals, error) { return "", nil }

// ParseMix reads --mix: pay=85,ignore=8,decline=4,badpin=3, or persona's names.
func ParseMix(s string) (Mix, error) { return nil, nil }

// ParseThink reads --think: 3s, 3s~lognormal(0.6) or 3s~uniform(0.5).
func ParseThink(s string) (Think, error) { return Think{}, nil }

// ParseChannel reads --channel.
func ParseChannel(s string) (Channel, error) { return "", nil }

// ParseSegment reads --segment: 1/4; "" is the whole run.
func ParseSegment(s string) (Segment, error) { return Segment{}, nil }

// ParseParts reads --parts: 2 or 1-3.
func ParseParts(s string) (Range, error) { return Range{}, nil }

// ParseUCS2 reads --ucs2: 10%.
func ParseUCS2(s string) (float64, error) { return 0, nil }

// ParseData reads --data: users.csv:random or users.csv:sequential; users.csv is random.
func ParseData(s string) (path string, order Order, err error) { return "", "", nil }
