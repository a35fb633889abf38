package smsc

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway"
)

// IDStyle is how an account's message ids are written: real SMSCs answer in one
// form and write receipts in another.
type IDStyle uint8

// The styles of message ids, with the msg-id-type that Kannel reads them by.
const (
	HexIDs         IDStyle = iota // 0x03: 16 hexadecimal digits, everywhere
	DecimalIDs                    // 0x00: decimal, everywhere
	HexThenDecimal                // 0x01: hexadecimal in submit_sm_resp, decimal in receipts
	DecimalThenHex                // 0x02: decimal in submit_sm_resp, hexadecimal in receipts
)

// Before 3.4 a message_id has 8 octets (SMPP 3.4 §3.4.2): of a serial number the
// last 8 hexadecimal digits, or the last 8 decimal ones.
const (
	oldHex     = 1 << 32
	oldDecimal = 100_000_000
)

// firstSerial is where the numbers begin that every message gets one of, and its id is
// made of. They begin with the time, so that a server that starts again does not repeat
// one: below 2^63, with room for 4 million in a millisecond.
func firstSerial(now time.Time, r *rand.Rand) uint64 {
	return uint64(now.UnixMilli())<<22 + r.Uint64N(1<<20) //nolint:gosec // no time before 1970
}

// naming is how one sender reads ids.
type naming struct {
	style IDStyle
	old   bool // it bound with an interface_version below 3.4
}

// answer is the id as submit_sm_resp has it.
func (n naming) answer(serial uint64) gateway.MessageID {
	return n.write(serial, n.style == HexIDs || n.style == HexThenDecimal)
}

// receipt is the id as receipts have it.
func (n naming) receipt(serial uint64) gateway.MessageID {
	return n.write(serial, n.style == HexIDs || n.style == DecimalThenHex)
}

// modulus is where the numbers of short ids begin again; zero is never.
func (n naming) modulus() uint64 {
	switch {
	case !n.old:
		return 0
	case n.style == HexIDs:
		return oldHex
	default:
		return oldDecimal
	}
}

func (n naming) write(serial uint64, hexadecimal bool) gateway.MessageID {
	digits := 16
	if m := n.modulus(); m > 0 {
		serial, digits = serial%m, 8
	}
	if hexadecimal {
		return gateway.MessageID(hex(serial, digits))
	}
	return gateway.MessageID(strconv.FormatUint(serial, 10))
}

// read is the serial number of an id that submit_sm_resp gave, or a receipt. The
// newest serial tells which short id is meant.
func (n naming) read(id string, newest uint64) (serial []uint64) {
	for _, base := range n.bases() {
		v, err := strconv.ParseUint(id, base, 64)
		if err != nil {
			continue
		}
		if m := n.modulus(); m > 0 {
			if v >= m {
				continue
			}
			v = newest - (newest-v)%m
		}
		serial = append(serial, v)
	}
	return serial
}

// bases are the number systems an id may be written in, the likelier first.
func (n naming) bases() []int {
	switch n.style {
	case DecimalIDs:
		return []int{10}
	case HexThenDecimal:
		return []int{16, 10}
	case DecimalThenHex:
		return []int{10, 16}
	case HexIDs:
		return []int{16}
	default:
		return nil
	}
}

// hex writes the last digits of a number.
func hex(n uint64, digits int) string {
	var b [16]byte
	for i := digits - 1; i >= 0; i-- {
		b[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return string(b[:digits])
}
