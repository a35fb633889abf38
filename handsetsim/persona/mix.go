package persona

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Mix says how many of a population have which habit. The zero Mix is of people who pay.
type Mix struct {
	shares []share
	total  int
}

type share struct {
	kind   Kind
	weight int
}

// mostWeight bounds a weight.
const mostWeight = 1_000_000

// ParseMix reads pays=90,refuses=7,never=3: habits and their weights, which need not come to 100.
func ParseMix(text string) (Mix, error) {
	var m Mix
	said := map[Kind]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, number, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Mix{}, errors.New("write it as pays=90,refuses=7,never=3")
		}
		kind, err := ParseKind(name)
		if err != nil {
			return Mix{}, err
		}
		weight, err := strconv.Atoi(number)
		if err != nil || weight < 0 || weight > mostWeight {
			return Mix{}, fmt.Errorf("the weight of %s is a whole number from 0 to %d", kind, mostWeight)
		}
		if said[kind] {
			return Mix{}, fmt.Errorf("%s is there twice", kind)
		}
		said[kind] = true
		m.shares, m.total = append(m.shares, share{kind, weight}), m.total+weight
	}
	if m.total == 0 {
		return Mix{}, errors.New("all weights are 0")
	}
	return m, nil
}

// Draw is a habit, as often as its share says.
func (m Mix) Draw(r *rand.Rand) Kind {
	if m.total == 0 {
		return Pays
	}
	at := r.IntN(m.total)
	for _, s := range m.shares {
		if at -= s.weight; at < 0 {
			return s.kind
		}
	}
	return Pays // not reached: the weights come to the total
}

// String is the mix as [ParseMix] reads it.
func (m Mix) String() string {
	if m.total == 0 {
		return string(Pays) + "=1"
	}
	parts := make([]string, 0, len(m.shares))
	for _, s := range m.shares {
		parts = append(parts, fmt.Sprintf("%s=%d", s.kind, s.weight))
	}
	return strings.Join(parts, ",")
}
