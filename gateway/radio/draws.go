package radio

// The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), because its
// state can be computed for any message of any link, and so need not be kept.

// golden is 2^64 divided by the golden ratio, SplitMix64's increment.
const golden = 0x9E3779B97F4A7C15

// What a link's key is mixed with, for draws of each kind.
const (
	crossingDraws uint64 = 0x63726F7373696E67 // "crossing"
	coverageDraws uint64 = 0x636F766572616765 // "coverage"
	phaseDraws    uint64 = 0x7068617365000000 // "phase"
	cellDraws     uint64 = 0x63656C6C00000000 // "cell"
)

// mix spreads every bit over all: SplitMix64's finaliser.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// keyOf names a link within an air's seed: FNV-1a of the number, mixed with the seed.
func keyOf(seed uint64, number string) uint64 {
	h := uint64(0xCBF29CE484222325)
	for i := range len(number) {
		h = (h ^ uint64(number[i])) * 0x100000001B3
	}
	return mix(mix(seed+golden) ^ h)
}

// draws is a generator.
type draws uint64

// drawsOf is the n-th generator of a key.
func drawsOf(key, n uint64) draws { return draws(mix(key + n*golden)) }

// next is a number from 0 up to 1, without 1.
func (d *draws) next() float64 {
	*d += golden
	return float64(mix(uint64(*d))>>11) / (1 << 53)
}

// choose spreads keys over n places evenly, and moves as few as can be when n grows:
// the jump consistent hash of Lamping and Veach (arXiv 1406.2294).
func choose(key uint64, n int) int {
	place, next := 0, 0
	for next < n {
		place = next
		key = key*2862933555777941757 + 1
		next = int(float64(place+1) * (float64(1<<31) / float64(key>>33+1)))
	}
	return place
}
