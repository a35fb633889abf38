package tpdu

import (
	"fmt"
	"unicode/utf8"
)

// Writing is how a text is written: in which alphabet, and, in GSM7, with which tables.
type Writing struct {
	Alphabet Alphabet
	Shift    Shift // of GSM7 alone
}

// Smallest is the writing that a text takes the fewest parts in, and of those the
// fewest octets. A text that the GSM 7 bit default alphabet has is written in it,
// which every phone reads; else it is that alphabet with a language's shift tables,
// or UCS2 where nothing is smaller. It is never Latin1, which not every carrier knows.
func Smallest(text string) Writing {
	if Choose(text) == GSM7 {
		return Writing{}
	}
	best, least := Writing{Alphabet: UCS2}, weigh(UCS2, 0, 2*utf16Units(text))
	for _, c := range shiftCosts(text) {
		if w := weigh(GSM7, c.shift.Header().Size(), c.septets); w.less(least) {
			best, least = Writing{GSM7, c.shift}, w
		}
	}
	return best
}

// Compose writes a text as one segment, as long as it takes. Its header announces the
// shift tables. Split and Divide make segments of it that fit.
func Compose(text string, w Writing) (Segment, error) {
	if w.Alphabet != GSM7 {
		payload, err := Encode(text, w.Alphabet)
		return Segment{Coding: w.Alphabet.Coding(), Payload: payload}, err
	}
	if !utf8.ValidString(text) {
		return Segment{}, fmt.Errorf("encode text: %w: not UTF-8", ErrCharacter)
	}
	payload, err := EncodeGSM7(text, w.Shift)
	return Segment{Coding: CodingDefault, Header: w.Shift.Header(), Payload: payload}, err
}

// shiftCost is how many septets a text takes with shift tables.
type shiftCost struct {
	shift   Shift
	septets int
}

// shiftCosts are the tables of each language that have all of a text: its single
// shift table, its locking shift table, or both.
func shiftCosts(text string) []shiftCost {
	costs := make([]shiftCost, 0, 3*languages)
	for l := Turkish; l < languages; l++ {
		costs = append(costs, shiftCost{Shift{Single: l}, 0})
		if l.hasLocking() {
			costs = append(costs, shiftCost{Shift{Locking: l}, 0}, shiftCost{Shift{l, l}, 0})
		}
	}
	for _, r := range text {
		left := costs[:0]
		for _, c := range costs {
			if n := c.shift.septets(r); n > 0 {
				left = append(left, shiftCost{c.shift, c.septets + n})
			}
		}
		if costs = left; len(costs) == 0 {
			return nil
		}
	}
	return costs
}

// weight is what a message costs: parts, and octets of all of them on the air.
type weight struct{ parts, octets int }

func (w weight) less(than weight) bool {
	return w.parts < than.parts || w.parts == than.parts && w.octets < than.octets
}

// weigh estimates the cost of n units behind a header: a character that would be cut
// may take a part one septet more, which is left out.
func weigh(a Alphabet, header, n int) weight {
	if n <= Room(header, a) {
		return weight{1, onAir(header, n, a)}
	}
	header = max(header, 1) + concatSize
	room := Room(header, a)
	parts := (n + room - 1) / room
	return weight{parts, parts*header + onAir(0, n, a)}
}

// concatSize is what a concatenation of an 8-bit reference adds to a header.
const concatSize = 5

// utf16Units is how many code units of UTF-16 a text has.
func utf16Units(text string) int {
	n := 0
	for _, r := range text {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}
