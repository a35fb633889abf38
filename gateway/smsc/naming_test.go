package smsc

import (
	"slices"
	"testing"
)

// FuzzNaming: an id that was given is read as the message's serial number, in each style
// and of each version, as long as a short id is not given again; and no text that claims to
// be an id makes trouble, or stands for a message not yet accepted.
func FuzzNaming(f *testing.F) {
	f.Add(uint8(0), false, uint64(1)<<62, uint64(0), "371ab3eb000d2959")
	f.Add(uint8(1), true, uint64(3_970_000_000_000_000_000), uint64(99_999_999), "99999999")
	f.Add(uint8(2), true, uint64(1)<<62, uint64(12_345), "-1")
	f.Add(uint8(3), false, uint64(1)<<63-1, uint64(1<<32), "0x10")
	f.Fuzz(func(t *testing.T, style uint8, old bool, newest, back uint64, text string) {
		n := naming{IDStyle(style % 4), old}
		newest = max(newest%(1<<63), oldHex)
		for _, v := range n.read(text, newest) {
			if old && v > newest {
				t.Fatalf("%q is message %d, after the newest, %d", text, v, newest)
			}
		}
		if m := n.modulus(); m > 0 {
			back %= m
		}
		serial := newest - min(back, newest)
		for _, id := range []string{string(n.answer(serial)), string(n.receipt(serial))} {
			if len(id) > 64 || old && len(id) > 8 {
				t.Fatalf("message_id %q", id)
			}
			if !slices.Contains(n.read(id, newest), serial) {
				t.Fatalf("%q of message %d is read as %v", id, serial, n.read(id, newest))
			}
		}
	})
}
