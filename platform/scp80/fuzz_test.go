package scp80

import (
	"bytes"
	"errors"
	"testing"
)

// channels are one of each suite that the process may have, in one direction.
func channels(t testing.TB, d Direction) (all []*Channel) {
	t.Helper()
	for _, s := range suites() {
		c, err := NewChannel(s.Profile(d, 1), testKeys(s))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// FuzzOpen feeds a channel of either suite any octets: nothing but what it would make
// itself opens.
func FuzzOpen(f *testing.F) {
	file := vectors(f)
	all := channels(f, MO)
	v := file.find(f, "pay-aes256-keyset1")
	project, err := NewChannel(Modern.Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
	if err != nil {
		f.Fatal(err)
	}
	all = append(all, project)
	for _, v := range file.Vectors {
		f.Add([]byte(v.Packet))
	}
	for _, n := range file.Negative {
		f.Add([]byte(n.Packet))
	}
	for _, c := range all {
		packet, err := c.Wrap(1, v.SecuredData)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, c := range all {
			checkOpen(t, c, packet)
		}
	})
}

func checkOpen(t *testing.T, c *Channel, packet []byte) {
	cntr, payload, err := c.Open(packet)
	if err != nil {
		if !errors.Is(err, ErrRefused) || ReasonOf(err) == ReasonNone || payload != nil {
			t.Fatalf("refused with %v", err)
		}
		return
	}
	again, err := c.Wrap(cntr, payload)
	if err != nil || !bytes.Equal(again, packet) {
		t.Fatalf("opened %x, which wraps as %x (%v)", packet, again, err)
	}
}

// FuzzWrap wraps any payload in either suite and opens it again.
func FuzzWrap(f *testing.F) {
	all := channels(f, MT)
	f.Add(uint64(1), []byte("payload"))
	f.Add(uint64(MaxCounter), []byte{})
	f.Fuzz(func(t *testing.T, cntr uint64, payload []byte) {
		for _, c := range all {
			packet, err := c.Wrap(cntr, payload)
			if err != nil {
				if cntr <= MaxCounter && len(payload) < 0xFF00 {
					t.Fatal(err)
				}
				continue
			}
			got, opened, err := c.Open(packet)
			if err != nil || got != cntr || !bytes.Equal(opened, payload) {
				t.Fatalf("opened %d %x, %v", got, opened, err)
			}
		}
	})
}

// FuzzResponse feeds responders, strict and for other programs' packets, any octets.
func FuzzResponse(f *testing.F) {
	open := responding(Modern)
	open.SPI, open.Interop = 0x1601, true // no check, in clear: anything well-formed opens
	var all []*Responder
	for _, s := range suites() {
		all = append(all, responder(f, responding(s), testKeys(s)))
	}
	all = append(all, responder(f, open, testKeys(Modern)))
	for _, v := range vectors(f).Vectors {
		f.Add([]byte(v.Packet))
	}
	for _, r := range all {
		packet, err := r.Wrap(Response{Counter: 7, Status: StatusOK, Data: []byte("data")})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, r := range all {
			a, err := r.Open(packet)
			if err != nil {
				if !errors.Is(err, ErrRefused) || ReasonOf(err) == ReasonNone || a.Data != nil {
					t.Fatalf("refused with %v", err)
				}
				continue
			}
			if again, err := r.Wrap(a); err != nil || !bytes.Equal(again, packet) {
				t.Fatalf("opened %x, which wraps as %x (%v)", packet, again, err)
			}
		}
	})
}

func responder(t testing.TB, p Profile, k Keys) *Responder {
	t.Helper()
	r, err := NewResponder(p, k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzParse reads any octets as either kind of packet: fields make up what was read.
func FuzzParse(f *testing.F) {
	for _, v := range vectors(f).Vectors {
		f.Add([]byte(v.Packet), v.Kind == "response")
	}
	f.Add([]byte{0, 8, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, packet []byte, ciphered bool) {
		c, err := ParseCommand(packet)
		checkFields(t, packet, c.Fields, err)
		r, err := ParseResponse(packet)
		checkFields(t, packet, func() []Field { return r.Fields(ciphered) }, err)
		if set, ok := KeySetOf(packet); ok && (set != c.KIc.Set() || set != c.KID.Set()) {
			t.Fatalf("key set %d of %s and %s", set, c.KIc, c.KID)
		}
	})
}

func checkFields(t *testing.T, packet []byte, fields func() []Field, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
	if err != nil && len(packet) < lenClear {
		return
	}
	var joined []byte
	for _, field := range fields() {
		if field.Name == "" || field.Meaning == "" {
			t.Fatalf("a field without a word: %+v", field)
		}
		joined = append(joined, field.Octets...)
	}
	if !bytes.Equal(joined, packet) {
		t.Fatalf("%x reads as %x", packet, joined)
	}
}
