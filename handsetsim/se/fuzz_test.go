package se

import (
	"errors"
	"testing"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
)

// FuzzOpen opens any packet: what was not made with the keys is refused, and moves nothing.
func FuzzOpen(f *testing.F) {
	elements, made := make([]*Element, 0, 2), make(map[string]bool)
	for _, suite := range suites() {
		w := newWorld(suite, 1)
		for i, m := range w.toHandset() {
			packet := w.send(1, uint64(i+1), m)
			made[string(packet)] = true
			f.Add(packet)
		}
		elements = append(elements, personalised(f, w, applet.SIM, nil))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, e := range elements {
			before := e.looks()
			payload, err := e.Open(packet)
			if made[string(packet)] {
				continue
			}
			if diff := e.unlike(before); !errors.Is(err, ErrRefused) || payload != nil || diff != "" {
				t.Errorf("%v; %s", err, diff)
			}
		}
	})
}

// FuzzReached reads any user data: no packet comes out that did not come the element's way.
func FuzzReached(f *testing.F) {
	elements := make(map[applet.Form]*Element)
	for _, w := range ways() {
		elements[w.form] = blank(w.form, nil)
		f.Add(w.protocol, w.coding, true, append(unhex(w.header), 1, 2, 3))
		f.Add(w.protocol, w.coding, true, append(unhex(w.first), 1, 2, 3))
	}
	f.Add(uint8(0), uint8(0), false, []byte("hello"))
	f.Fuzz(func(t *testing.T, protocol, coding uint8, indication bool, ud []byte) {
		segment, err := tpdu.ParseSegment(protocol, coding, indication, ud)
		if err != nil {
			return
		}
		for _, w := range ways() {
			packet, ok := elements[w.form].Reached(segment)
			if ok && (protocol != w.protocol || coding != w.coding && coding != 4 || !indication || len(packet) >= len(ud)) {
				t.Errorf("%v: PID %02X DCS %02X %x", w.form, protocol, coding, ud)
			}
		}
	})
}

// FuzzContents reads any contents: an element, or one error that says nothing.
func FuzzContents(f *testing.F) {
	w, c := newWorld(suites()[0], 1), new(store)
	e := lasting(f, w, c)
	f.Add(c.contents)
	opened(f, e, w.send(1, 1, w.keys(2)))
	f.Add(c.contents)
	f.Add([]byte(`{"form":"sim","seed":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, contents []byte) {
		c := &store{contents: contents}
		e, err := New(Config{ID: element, Form: applet.SIM, Rand: seeded(1), Counters: c, Contents: c})
		if contents != nil && err != nil && (err.Error() != "secure element: "+ErrContents.Error() || e != nil) {
			t.Error(err)
		}
		if err == nil {
			e.PublicKey()
		}
	})
}
