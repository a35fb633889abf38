package engine

import "hash/maphash"

// index finds what a stage holds by name: a table of numbers that is as cheap to empty as
// to ask. A map of the same names costs two of its lookups for each change, and as much
// again to empty.
type index struct {
	slots []slot // a power of two of them; nothing is ever taken out but all
	used  int
}

// slot is one place in the table.
type slot struct {
	hash uint32
	n    int32 // one more than the number that is kept; 0 is nothing
}

var seed = maphash.MakeSeed()

// name hashes a name.
func name(text string) uint32 { return uint32(maphash.String(seed, text)) }

// names hashes two of them.
func names(a, b string) uint32 { return name(a)*31 ^ name(b) }

// find answers the number that is kept under a hash and that is says is the right one, or
// keeps the next one.
func (x *index) find(hash uint32, next int, is func(n int) bool) (n int, found bool) {
	if 2*x.used >= len(x.slots) {
		x.grow()
	}
	mask := uint32(len(x.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		switch s := &x.slots[at]; {
		case s.n == 0:
			*s = slot{hash, int32(next + 1)}
			x.used++
			return next, false
		case s.hash == hash && is(int(s.n-1)):
			return int(s.n - 1), true
		}
	}
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, max(64, 2*len(old)))
	mask := uint32(len(x.slots) - 1)
	for _, s := range old {
		if s.n == 0 {
			continue
		}
		at := s.hash & mask
		for x.slots[at].n != 0 {
			at = (at + 1) & mask
		}
		x.slots[at] = s
	}
}

// empty takes all out.
func (x *index) empty() {
	clear(x.slots)
	x.used = 0
}
