package scp80

// MaxCounter is the highest counter of 5 octets; a direction that has used it is
// blocked for good (TS 102 225 §5.1.4).
const MaxCounter = 1<<40 - 1

// CheckCounter compares the counter of a packet with the highest one taken so far, as
// the profiles of both suites have it: process only if higher.
func CheckCounter(highest, got uint64) error { return CounterHigher.Check(highest, got) }

// Check compares the counter of a packet with the highest one taken so far (TS 102 225
// §5.1.4). Only after the packet's checksum has passed; in the modes that compare, the
// caller then keeps got together with the packet's effect. In the others it keeps nothing.
func (m CounterMode) Check(highest, got uint64) error {
	switch {
	case m < CounterHigher:
		return nil
	case highest >= MaxCounter:
		return ErrCounterBlocked
	case got <= highest:
		return ErrCounterLow
	case m == CounterNext && got != highest+1:
		return ErrCounterHigh
	}
	return nil
}

func putCounter(dst []byte, cntr uint64) {
	for i := range lenCNTR {
		dst[i] = byte(cntr >> (8 * (lenCNTR - 1 - i)))
	}
}

func getCounter(src []byte) (cntr uint64) {
	for _, o := range src[:lenCNTR] {
		cntr = cntr<<8 | uint64(o)
	}
	return cntr
}
