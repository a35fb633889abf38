package decode

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/tpdu"
)

// Whole is what the parts of a concatenated message say together. Its offsets are those
// of the joined user data: the header without the concatenation, and all payloads.
type Whole struct {
	Inputs []int `json:"inputs"` // that have its parts, the first input being 0
	Explanation
}

// Join finds the concatenated messages of which all parts are among the inputs.
func Join(inputs []Explanation, keys Keyring) []Whole {
	r, err := tpdu.NewReassembler(tpdu.Limits{})
	if err != nil {
		return nil
	}
	type message struct {
		link  tpdu.Link
		ref   tpdu.Reference
		total uint8
	}
	from := make(map[message][]int)
	var wholes []Whole
	for i, input := range inputs {
		for _, s := range input.segments {
			place, isPart := s.Header.Concat()
			if !isPart {
				continue
			}
			m := message{s.link, place.Reference, place.Total}
			if !slices.Contains(from[m], i) {
				from[m] = append(from[m], i)
			}
			if joined, ok, err := r.Add(time.Time{}, s.link, s.Segment); err == nil && ok {
				wholes = append(wholes, Whole{from[m], explainWhole(joined, keys)})
				delete(from, m)
			}
		}
	}
	return wholes
}

// explainWhole explains a joined message, which can be longer than a short message.
func explainWhole(s tpdu.Segment, keys Keyring) Explanation {
	octets, err := s.Header.Append(nil)
	if err != nil { // the header was read from a part: it fits
		return nothing(s.Payload)
	}
	u := &unit{keys: keys}
	c := &cursor{unit: u, octets: append(octets, s.Payload...)}
	c.end = len(c.octets)
	c.joined(s)
	c.close()
	return Explanation{Kind: UserData, Length: c.end, Fields: c.fields, Fault: u.fault, Refused: u.refused}
}

// joined walks user data that was put together: of any length, its septets unpacked.
func (c *cursor) joined(s tpdu.Segment) {
	c.standard = "TS 23.040"
	if s.Indication() {
		c.header()
	}
	if !c.dead {
		c.payload(coded{protocol: s.Protocol, coding: s.Coding, whole: true}, s)
	}
}
