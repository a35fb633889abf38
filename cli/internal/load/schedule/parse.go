package schedule

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Stage is a part of a run in which the rate goes in a line from what it was to Rate.
type Stage struct {
	Over time.Duration
	Rate float64
}

// Climb is rates that go up in steps. The zero Climb is none.
type Climb struct {
	Step  float64
	Every time.Duration // 0 is 30 s
	Max   float64       // 0: until MaxRungs rungs are climbed
}

// Limits of what is taken.
const (
	MaxRate     = 1e6 // bills a second
	MaxStages   = 1000
	MaxRungs    = 1000
	MaxSegments = 1000
	MaxParts    = 8
	MaxDuration = 30 * 24 * time.Hour
)

// Arrivals is how gaps are drawn.
type Arrivals string

// The arrivals.
const (
	Uniform Arrivals = "uniform" // all gaps are the same
	Poisson Arrivals = "poisson" // as of many people who know nothing of each other
)

// Channel is how bills reach people.
type Channel string

// The channels. Of Both, each bill is of one or the other by chance.
const (
	SMS  Channel = "sms"
	USSD Channel = "ussd"
	Both Channel = "both"
)

// Segment is the K-th of N parts of a run. The zero Segment is all of it.
type Segment struct{ K, N int }

// String is 1/4, or "" of the whole run.
func (s Segment) String() string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// holds says whether the i-th of anything is of the segment.
func (s Segment) holds(i int) bool { return s.N == 0 || i%s.N == s.K-1 }

// Share is the part of the run's bills that are of the segment, about.
func (s Segment) Share() float64 { return 1 / float64(max(1, s.N)) }

// Range is a range of whole numbers.
type Range struct{ Min, Max int }

// Order is how rows of data are taken.
type Order string

// The orders.
const (
	Random     Order = "random"
	Sequential Order = "sequential" // over again from the first after the last
)

// wrong says that a flag's text is not of the right form.
func wrong(flag, text, form string) error {
	return fmt.Errorf("--%s %q: write it as %s", flag, text, form)
}

// ParseRate reads --rate: 200/s, 12000/m, 200/h or 200 (in a second).
func ParseRate(s string) (float64, error) {
	r, err := parseRate(s)
	if err != nil {
		return 0, fmt.Errorf("--rate %q: %w", s, err)
	}
	return r, nil
}

// parseRate reads bills in a second, a minute or an hour.
func parseRate(s string) (float64, error) {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	r, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || !ok || math.IsNaN(r) || strings.HasSuffix(s, "/"):
		return 0, errors.New("write a rate as 200/s, 12000/m or 200")
	case r < 0 || r/per > MaxRate:
		return 0, fmt.Errorf("a rate is 0 to %.0f/s", MaxRate)
	}
	return r / per, nil
}

// parseDuration reads a time of up to MaxDuration that is not negative.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	switch {
	case err != nil:
		return 0, errors.New("write a time as 30s, 2m or 1h30m")
	case d < 0 || d > MaxDuration:
		return 0, fmt.Errorf("a time is 0 to %.0fh", MaxDuration.Hours())
	}
	return d, nil
}

// ParseStages reads --stages: 30s:50,2m:200,30s:0.
func ParseStages(s string) ([]Stage, error) {
	const form = "30s:50,2m:200,30s:0: for each stage how long it takes, and the bills a second at its end"
	var stages []Stage
	for text := range strings.SplitSeq(s, ",") {
		over, rate, ok := strings.Cut(strings.TrimSpace(text), ":")
		if !ok {
			return nil, wrong("stages", s, form)
		}
		d, errOver := parseDuration(over)
		r, errRate := parseRate(rate)
		if err := errors.Join(errOver, errRate); err != nil {
			return nil, fmt.Errorf("--stages %q: stage %d, %q: %w", s, len(stages)+1, text, firstOf(errOver, errRate))
		}
		stages = append(stages, Stage{Over: d, Rate: r})
	}
	return stages, checkStages(stages)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkStages(stages []Stage) error {
	var length time.Duration
	for _, s := range stages {
		length += s.Over
	}
	switch {
	case len(stages) > MaxStages:
		return fmt.Errorf("--stages has %d stages; %d are enough", len(stages), MaxStages)
	case length <= 0:
		return errors.New("--stages takes no time; write it as 30s:50,2m:200,30s:0")
	case length > MaxDuration:
		return fmt.Errorf("--stages takes longer than %.0fh", MaxDuration.Hours())
	}
	return nil
}

// ParseClimb reads --step, --every and --max, of which the last two may be empty.
func ParseClimb(step, every, max string) (Climb, error) {
	var c Climb
	var err error
	if c.Step, err = parseRate(step); err != nil || c.Step <= 0 {
		return Climb{}, wrong("step", step, "50: bills a second that are added each time")
	}
	if every != "" {
		if c.Every, err = parseDuration(every); err != nil || c.Every <= 0 {
			return Climb{}, wrong("every", every, "30s")
		}
	}
	if max != "" {
		if c.Max, err = parseRate(max); err != nil || c.Max <= 0 {
			return Climb{}, wrong("max", max, "1000: the highest rate to try")
		}
	}
	return c, nil
}

// ParseArrivals reads --arrivals.
func ParseArrivals(s string) (Arrivals, error) {
	switch a := Arrivals(s); a {
	case Uniform, Poisson:
		return a, nil
	}
	return "", wrong("arrivals", s, "uniform or poisson")
}

// ParseChannel reads --channel.
func ParseChannel(s string) (Channel, error) {
	switch c := Channel(s); c {
	case SMS, USSD, Both:
		return c, nil
	}
	return "", wrong("channel", s, "sms, ussd or both")
}

// ParseSegment reads --segment: 1/4. An empty text is the whole run.
func ParseSegment(s string) (Segment, error) {
	if s == "" {
		return Segment{}, nil
	}
	before, after, _ := strings.Cut(s, "/")
	k, errK := strconv.Atoi(before)
	n, errN := strconv.Atoi(after)
	if errK != nil || errN != nil || k < 1 || k > n || n > MaxSegments {
		return Segment{}, wrong("segment", s, "1/4: which of how many")
	}
	return Segment{K: k, N: n}, nil
}

// ParseParts reads --parts: 2 or 1-3.
func ParseParts(s string) (Range, error) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	from, errFrom := strconv.Atoi(low)
	to, errTo := strconv.Atoi(high)
	if errFrom != nil || errTo != nil || from < 1 || from > to || to > MaxParts {
		return Range{}, wrong("parts", s, fmt.Sprintf("2 or 1-3, up to %d", MaxParts))
	}
	return Range{Min: from, Max: to}, nil
}

// ParseUCS2 reads --ucs2: 10%.
func ParseUCS2(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	share, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(share >= 0 && share <= 100) {
		return 0, wrong("ucs2", s, "10%: the share of the bills that are written in UCS-2")
	}
	return share / 100, nil
}

// ParseData reads --data: users.csv:random or users.csv:sequential; users.csv is random.
func ParseData(s string) (path string, order Order, err error) {
	path, order = s, Random
	if i := strings.LastIndex(s, ":"); i >= 0 {
		path, order = s[:i], Order(s[i+1:])
	}
	if path == "" || order != Random && order != Sequential {
		return "", "", wrong("data", s, "users.csv:random or users.csv:sequential")
	}
	return path, order, nil
}
