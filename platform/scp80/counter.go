package scp80

// MaxCounter is the highest counter of 5 octets; a direction that has used it is
// blocked for good (TS 102 225 §5.1.4).
const MaxCounter = 1<<40 - 1

// CheckCounter compares the counter of a packet with the highest one taken so far
// (counter mode 10: process only if higher). Only after the packet's checksum has
// passed; the caller then keeps got together with the packet's effect.
func CheckCounter(highest, got uint64) error {
	switch {
	case highest >= MaxCounter:
		return ErrCounterBlocked
	case got <= highest:
		return ErrCounterLow
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
