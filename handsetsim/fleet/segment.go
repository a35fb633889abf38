package fleet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/airtill/airtill/gateway"
)

// Segment is a share of all numbers, so that several fleets, in processes or on machines of
// their own, are one population: the numbers whose last two digits are in its share of 00 to
// 99. The zero Segment is all numbers. A phone is the same one whichever fleet it is in, if
// their seeds are the same.
type Segment struct {
	Index int // from 1
	Of    int // segments there are, up to 100
}

// endings is how many endings numbers have that are shared out.
const endings = 100

// ParseSegment reads 2/4: the second of four.
func ParseSegment(text string) (Segment, error) {
	index, of, ok := strings.Cut(text, "/")
	var s Segment
	var wrong [2]error
	s.Index, wrong[0] = strconv.Atoi(index)
	s.Of, wrong[1] = strconv.Atoi(of)
	if !ok || wrong[0] != nil || wrong[1] != nil || s.Of < 1 || s.Of > endings || s.Index < 1 || s.Index > s.Of {
		return Segment{}, errors.New("a segment is written 2/4: the second of four, of up to 100")
	}
	return s, nil
}

// String is the segment as [ParseSegment] reads it; empty of all numbers.
func (s Segment) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// Has says whether a number is in the segment.
func (s Segment) Has(n gateway.MSISDN) bool {
	return s.Of == 0 || len(n) >= 2 && s.has(int(n[len(n)-2]-'0')*10+int(n[len(n)-1]-'0'))
}

func (s Segment) has(ending int) bool { return ending*s.Of/endings == s.Index-1 }

// AddressRange is a regular expression of the segment's numbers, short enough for a bind
// (SMPP 3.4 §5.2.7: 40 octets); empty of all numbers.
func (s Segment) AddressRange() string {
	if s.Of == 0 {
		return ""
	}
	var parts []string
	for tens := 0; tens < 10; {
		from, to := s.ones(tens)
		last := tens // of the tens that go the same way
		for from == 0 && to == 9 && last < 9 && s.full(last+1) {
			last++
		}
		if from <= to {
			parts = append(parts, span(tens, last)+span(from, to))
		}
		tens = last + 1
	}
	return "(" + strings.Join(parts, "|") + ")$"
}

// ones are the first and the last number of these tens that are in the segment.
func (s Segment) ones(tens int) (from, to int) {
	from, to = 10, -1
	for one := range 10 {
		if s.has(tens*10 + one) {
			from, to = min(from, one), one
		}
	}
	return from, to
}

func (s Segment) full(tens int) bool {
	from, to := s.ones(tens)
	return from == 0 && to == 9
}

// span is a digit from one to another as a regular expression.
func span(from, to int) string {
	switch {
	case from == to:
		return strconv.Itoa(from)
	case from == 0 && to == 9:
		return "."
	}
	return fmt.Sprintf("[%d-%d]", from, to)
}
