package decode

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// secret is all that a secret field prints.
const secret = "****"

// unread is the name of octets that no field could be made of.
const unread = "not read"

// unit is one input while it is explained.
type unit struct {
	keys     Keyring
	fault    *Fault // the first
	segments []segment
	refused  bool // a packet that the keys at hand do not open
}

// cursor walks a part of a unit's octets and gathers its fields. Offsets are those of
// the unit, also where the octets are deciphered ones. A cursor that cannot go on is
// dead: what is left to it becomes one field that is not read.
type cursor struct {
	*unit
	octets   []byte // of the whole unit
	at, end  int
	standard string // that the clauses are of
	fields   []Field
	dead     bool
	private  bool // what is not read may be a secret

	value, meaning string // of the group that the cursor walks
}

// reading says what octets hold: the value, and what that means.
type reading func(octets []byte) (value, meaning string)

func (c *cursor) rest() []byte { return c.octets[c.at:c.end] }

// blame notes what is wrong at an offset; the first fault counts.
func (c *cursor) blame(offset int, format string, args ...any) {
	if c.fault == nil {
		c.fault = &Fault{Offset: offset, Why: fmt.Sprintf(format, args...)}
	}
}

// die notes what is wrong here, and ends the walk of this part.
func (c *cursor) die(format string, args ...any) {
	if !c.dead {
		c.blame(c.at, format, args...)
		c.dead = true
	}
}

// label is a field's name and clause, written "sm_length §5.2.21".
func (c *cursor) label(label string) (name, clause string) {
	name, clause, cited := strings.Cut(label, " §")
	if cited {
		clause = c.standard + " §" + clause
	}
	return name, clause
}

// leaf makes a field of the next n octets and answers them; nil when they are not there.
func (c *cursor) leaf(label string, n int, read reading) []byte {
	name, clause := c.label(label)
	switch {
	case c.dead:
		return nil
	case n > len(c.rest()):
		c.die("%s: %d octets wanted, %d left", name, n, len(c.rest()))
		return nil
	}
	octets := c.octets[c.at : c.at+n : c.at+n]
	f := Field{Offset: c.at, Length: n, Name: name, Clause: clause, Octets: hex.EncodeToString(octets)}
	f.Value, f.Meaning = read(octets)
	c.fields = append(c.fields, f)
	c.at += n
	return octets
}

// mask hides the octets of the field made last and shows shown for its value.
func (c *cursor) mask(shown string) {
	if !c.dead && len(c.fields) > 0 {
		last := &c.fields[len(c.fields)-1]
		last.Octets, last.Value = secret, shown
	}
}

// explain gives the field made last its meaning.
func (c *cursor) explain(meaning string) {
	if !c.dead && len(c.fields) > 0 {
		c.fields[len(c.fields)-1].Meaning = meaning
	}
}

// octet makes a field of the next octet and answers it, 0 when there is none.
func (c *cursor) octet(label string, read func(uint8) (value, meaning string)) uint8 {
	b := c.leaf(label, 1, func(b []byte) (string, string) { return read(b[0]) })
	if b == nil {
		return 0
	}
	return b[0]
}

// group makes a field of the next n octets whose parts walk finds. Where fewer are
// left it is made of those, and nothing can follow it.
func (c *cursor) group(label string, n int, walk func(*cursor)) {
	if c.dead {
		return
	}
	name, clause := c.label(label)
	missing := n > len(c.rest())
	if missing {
		c.blame(c.at, "%s: %d octets wanted, %d left", name, n, len(c.rest()))
		n = len(c.rest())
	}
	inner := &cursor{unit: c.unit, octets: c.octets, at: c.at, end: c.at + n, standard: c.standard, private: c.private}
	walk(inner)
	inner.close()
	c.fields = append(c.fields, Field{
		Offset: c.at, Length: n, Name: name, Clause: clause, Value: inner.value, Meaning: inner.meaning, Fields: inner.fields,
	})
	c.at += n
	c.dead = missing
}

// close makes one field of what was not read.
func (c *cursor) close() {
	if left := len(c.rest()); left > 0 {
		c.blame(c.at, "%d octets more than there should be", left)
		c.dead = false
		c.leaf(unread, left, raw)
		if c.private {
			c.mask("")
		}
	}
}

// Readings of octets.

// raw shows no more than the octets do.
func raw([]byte) (string, string) { return "", "" }

func number(b []byte) (string, string) { return strconv.FormatUint(uintOf(b), 10), "" }

func meaning(text string) reading {
	return func([]byte) (string, string) { return "", text }
}

func hexadecimal(b []byte) (string, string) { return fmt.Sprintf("%0*X", 2*len(b), b), "" }

func uintOf(b []byte) (v uint64) {
	for _, o := range b {
		v = v<<8 | uint64(o)
	}
	return v
}

func plainOctet(o uint8) (string, string) { return strconv.Itoa(int(o)), "" }

// named shows an octet as a number with its name in a table.
func named(names map[uint8]string) func(uint8) (string, string) {
	return func(o uint8) (string, string) {
		name, known := names[o]
		if !known {
			name = "reserved"
		}
		return strconv.Itoa(int(o)), name
	}
}

// shown is a text as it may be printed: as it is, or quoted when it could upset a terminal.
func shown(s string) string {
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		return strconv.QuoteToGraphic(s)
	}
	return s
}

func cText(b []byte) (string, string) { return shown(string(bytes.TrimRight(b, "\x00"))), "" }

// sentence joins what there is to say.
func sentence(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "; ")
}
