package schedule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/airtill/airtill/handsetsim/persona"
)

// Mix is how habits are spread over people.
type Mix []Weight

// Weight is a habit's part in a mix.
type Weight struct {
	Kind  persona.Kind
	Share float64 // as written: a part of the sum of all
}

// habits are the short names of habits, in the order in which they are told.
var habits = []struct {
	name string
	kind persona.Kind
}{
	{"pay", persona.Pays}, {"ignore", persona.Never}, {"decline", persona.Refuses}, {"badpin", persona.WrongPINOnce},
	{"poor", persona.PoorFirstCard}, {"later", persona.PaysLater}, {"away", persona.Away},
}

// ParseMix reads --mix: pay=85,ignore=8,decline=4,badpin=3. Habits have these short names
// and those of persona; manual is not one, as nobody is there to act.
func ParseMix(s string) (Mix, error) {
	var m Mix
	for text := range strings.SplitSeq(s, ",") {
		w, err := parseWeight(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--mix %q: %w", s, err)
		}
		if slices.ContainsFunc(m, func(other Weight) bool { return other.Kind == w.Kind }) {
			return nil, fmt.Errorf("--mix %q: %s is in it twice", s, w.Kind)
		}
		m = append(m, w)
	}
	if m.sum() <= 0 {
		return nil, fmt.Errorf("--mix %q: nobody is in it; write it as pay=85,ignore=8,decline=4,badpin=3", s)
	}
	return m, nil
}

func parseWeight(s string) (Weight, error) {
	name, number, ok := strings.Cut(s, "=")
	share, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(share >= 0 && share <= 1e9) {
		return Weight{}, fmt.Errorf("%q: write a habit and its weight, as in pay=85", s)
	}
	for _, h := range habits {
		if name == h.name || name == string(h.kind) {
			return Weight{Kind: h.kind, Share: share}, nil
		}
	}
	names := make([]string, len(habits))
	for i, h := range habits {
		names[i] = h.name
	}
	return Weight{}, fmt.Errorf("no habit %q: choose from %s", name, strings.Join(names, ", "))
}

// String is the mix as it is written.
func (m Mix) String() string {
	parts := make([]string, len(m))
	for i, w := range m {
		parts[i] = fmt.Sprintf("%s=%s", shortName(w.Kind), strconv.FormatFloat(w.Share, 'f', -1, 64))
	}
	return strings.Join(parts, ",")
}

func shortName(k persona.Kind) string {
	for _, h := range habits {
		if h.kind == k {
			return h.name
		}
	}
	return string(k)
}

func (m Mix) sum() float64 {
	var sum float64
	for _, w := range m {
		sum += w.Share
	}
	return sum
}

// pick is the habit at a point of the mix, from 0 to 1.
func (m Mix) pick(at float64) persona.Kind {
	left := at * m.sum()
	for _, w := range m {
		if left -= w.Share; left < 0 {
			return w.Kind
		}
	}
	heaviest := slices.MaxFunc(m, func(a, b Weight) int { return cmp.Compare(a.Share, b.Share) })
	return heaviest.Kind // a rounding error past the end
}

// check says why the mix cannot be picked from.
func (m Mix) check() error {
	if sum := m.sum(); len(m) > 0 && (sum <= 0 || math.IsNaN(sum) || math.IsInf(sum, 0)) {
		return fmt.Errorf("--mix %q: nobody is in it", m.String())
	}
	return nil
}
