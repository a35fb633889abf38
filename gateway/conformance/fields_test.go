package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// tooLong is what an over-long field may be refused with instead of its own status.
const tooLong = 0xC2

// refused sends a request, wants it refused with one of the statuses and without a
// body, and the session to live.
func (p *peer) refused(id uint32, body string, with ...uint32) {
	p.t.Helper()
	p.send(pdu(id, 42, body))
	a := p.next()
	if id == querySM || id == submitMulti || id == dataSM { // their responses have bodies always, §4.5.2, §4.7.2, §4.8.2
		a.body = strings.Trim(a.body, "\x00")
	}
	if a.id != id|resp || a.sequence != 42 || !slices.Contains(with, a.status) || a.body != "" {
		p.t.Errorf("answered with %v, want a status of %x and no body", a, with)
	}
	p.lives()
}

// C-octet strings hold their limit with the NUL and not an octet more; over it the
// field's own status or ESME_RINVPARLEN, never a truncated field (§4.1, §5.2).
func TestFields_BindLimits(t *testing.T) {
	ce := listen(t, config())
	for name, tc := range map[string]struct {
		most   int
		change func(b *bind, value string)
		want   []uint32
		fits   uint32 // what the longest one is answered with
	}{
		"system_id":     {16, func(b *bind, v string) { b.systemID = v }, []uint32{0x0F, tooLong}, 0x0F},
		"password":      {9, func(b *bind, v string) { b.password = v }, []uint32{0x0E, tooLong}, 0x0E},
		"system_type":   {13, func(b *bind, v string) { b.systemType = v }, []uint32{0x53, tooLong}, 0},
		"address_range": {41, func(b *bind, v string) { b.addressRange = v }, []uint32{tooLong, 0x0D}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, length := range []int{tc.most - 1, tc.most, tc.most + 1, tc.most + 200} {
				p := (&centre{t, ce.dial, nil}).connect()
				p.send(pdu(bindTransceiver, 3, binding("platform", func(b *bind) { tc.change(b, c(strings.Repeat("x", length-1))) })))
				want := tc.want
				if length <= tc.most {
					want = []uint32{tc.fits}
				}
				if a := p.next(); a.id != bindTransceiver|resp || !slices.Contains(want, a.status) {
					t.Errorf("%d octets: %v, want a status of %x", length, a, want)
				}
				p.close()
			}
		})
	}
}

// The same for submit_sm (§4.4.1).
func TestFields_SubmitLimits(t *testing.T) {
	ce := listen(t, config())
	for name, tc := range map[string]struct {
		most   int
		change func(m *message, value string)
		want   []uint32
		fits   uint32
	}{
		"service_type":     {6, func(m *message, v string) { m.serviceType = v }, []uint32{0x15, tooLong}, 0},
		"source_addr":      {21, func(m *message, v string) { m.source = v }, []uint32{0x0A, tooLong}, 0},
		"destination_addr": {21, func(m *message, v string) { m.destination = v }, []uint32{0x0B, tooLong}, 0x0B},
	} {
		t.Run(name, func(t *testing.T) {
			p := (&centre{t, ce.dial, nil}).bound(bindTransceiver, "platform")
			defer p.close()
			for _, length := range []int{1, tc.most - 1, tc.most, tc.most + 1, tc.most + 200} {
				body := submit(func(m *message) { tc.change(m, c(strings.Repeat("1", length-1))) })
				switch {
				case length > tc.most:
					p.refused(submitSM, body, tc.want...)
				case length == 1 && name == "destination_addr":
					p.refused(submitSM, body, 0x0B)
				default:
					p.asks(submitSM, 5, body, tc.fits)
				}
			}
		})
	}
}

// Times are 1 or 17 octets, nothing between and nothing over (§5.2.15, §5.2.16).
func TestFields_TimesLengths(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for length := 2; length <= 20; length++ {
		if length == 17 {
			continue
		}
		value := c(("000000010000000R0000")[:length-1])
		p.refused(submitSM, submit(func(m *message) { m.schedule = value }), 0x61, tooLong)
		p.refused(submitSM, submit(func(m *message) { m.validity = value }), 0x62, tooLong)
	}
}

// Times are YYMMDDhhmmsstnnp with quarter hours of 00 to 48, or relative; bad ones
// are ESME_RINVSCHED and ESME_RINVEXPIRY (§7.1.1).
func TestFields_Times(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for value, good := range map[string]bool{
		"000000010000000R": true,
		"000001000000000R": true,
		"991231235959948+": true,
		"991231235959948-": true,
		"991231235959900+": true,
		"991231235959949+": false, // 49 quarters
		"991331235959900+": false, // month 13
		"991200235959900+": false, // day 0
		"990230235959900+": false, // 30 February
		"991231245959900+": false, // hour 24
		"991231236059900+": false, // minute 60
		"991231235960900+": false, // second 60
		"9912312359599 0+": false,
		"991231235959900*": false,
		"000000010000012R": false, // a relative time has no offset
		"xxxxxxxxxxxxxxxx": false,
		"tomorrow at noon": false,
	} {
		validity, schedule := submit(func(m *message) { m.validity = c(value) }), submit(func(m *message) { m.schedule = c(value) })
		if good {
			p.asks(submitSM, 5, validity, 0)
			continue
		}
		p.refused(submitSM, validity, 0x62)
		p.refused(submitSM, schedule, 0x61)
	}
	p.refused(submitSM, submit(func(m *message) { m.validity = c("000101000000000+") }), 0x62) // over since 2000
}

// All 256 values of sm_length, in every state: 0 to 254 where that many octets are
// there, ESME_RINVMSGLEN for 255, and never a broken session (§5.2.21).
func TestFields_EverySMLength(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			p := (&centre{t, ce.dial, nil}).in(state)
			defer p.close()
			for value := range 256 {
				length := func(m *message) { m.length = string([]byte{byte(value)}) }
				whole := submit(length, saying(strings.Repeat("x", value)))
				short := submit(length, saying("four"))
				if state == 0 || state == bindReceiver {
					p.asks(submitSM, 5, whole, 0x04)
					p.asks(submitSM, 5, short, 0x04)
					continue
				}
				if value == 255 {
					p.refused(submitSM, whole, 0x01)
					p.refused(submitSM, short, 0x01, 0x02)
					continue
				}
				p.asks(submitSM, 5, whole, 0)
				switch {
				case value < 4: // the rest of the text stands where parameters do
					p.refused(submitSM, short, 0xC0, tooLong)
				case value > 4:
					p.refused(submitSM, short, 0x01, 0x02)
				}
			}
		})
	}
	n.works()
}

// short_message and message_payload exclude each other (§3.2.3).
func TestFields_PayloadOrShortMessage(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	payload := func(m *message) { m.tlvs = tlv(0x0424, "payload") }
	p.asks(submitSM, 5, submit(saying(""), payload), 0)
	p.refused(submitSM, submit(saying("text"), payload), 0xC1, 0xC4)
}

// A canned text that is not there is ESME_RINVDFTMSGID (§5.2.20).
func TestFields_DefaultMessage(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, id := range []string{"\x01", "\x7f", "\xfe", "\xff"} {
		p.refused(submitSM, submit(saying(""), func(m *message) { m.canned = id }), 0x63)
	}
}

// Optional parameters come in any order; unknown ones, reserved ones and the
// vendor's (0x1400 to 0x3FFF) are no fault (§3.3, §3.2.4.1).
func TestFields_TLVsInAnyOrder(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	some := []string{
		tlv(0x020C, "\x00\x01"), tlv(0x020E, "\x02"), tlv(0x020F, "\x01"), tlv(0x0204, "\x00\x07"),
		tlv(0x1400, "vendor"), tlv(0x3FFF, ""), tlv(0x0001, "reserved"), tlv(0x4000, "reserved"), tlv(0xFFFF, "\x00"),
	}
	for range some {
		some = append(some[1:], some[0])
		p.asks(submitSM, 5, submit(func(m *message) { m.tlvs = strings.Join(some, "") }), 0)
		slices.Reverse(some)
		p.asks(submitSM, 6, submit(func(m *message) { m.tlvs = strings.Join(some, "") }), 0)
		slices.Reverse(some)
	}
}

// A broken stream of parameters is 0xC0, a length that is not the parameter's 0xC2, a
// missing one 0xC3, a bad value 0xC4; the session stays (§5.1.3).
func TestFields_BadTLVs(t *testing.T) {
	ce := listen(t, config())
	for name, tc := range map[string]struct {
		tlvs string
		want []uint32
	}{
		"a tag alone":                 {"\x02\x0c", []uint32{0xC0}},
		"an octet alone":              {"\x02", []uint32{0xC0}},
		"half a length":               {"\x02\x0c\x00", []uint32{0xC0}},
		"no value":                    {"\x02\x0c\x00\x02", []uint32{0xC0}},
		"half a value":                {"\x02\x0c\x00\x02\x00", []uint32{0xC0}},
		"past the end":                {"\x14\x00\xff\xffxx", []uint32{0xC0}},
		"sar_msg_ref_num of 1":        {tlv(0x020C, "\x01") + tlv(0x020E, "\x02") + tlv(0x020F, "\x01"), []uint32{0xC2}},
		"sar_total_segments of 2":     {tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x00\x02") + tlv(0x020F, "\x01"), []uint32{0xC2}},
		"user_message_reference of 3": {tlv(0x0204, "\x00\x00\x01"), []uint32{0xC2}},
		"sar_msg_ref_num only":        {tlv(0x020C, "\x00\x01"), []uint32{0xC3}},
		"sar without sar_segment":     {tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x02"), []uint32{0xC3}},
		"sar without sar_msg_ref_num": {tlv(0x020E, "\x02") + tlv(0x020F, "\x01"), []uint32{0xC3}},
		"segment 0":                   {tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x02") + tlv(0x020F, "\x00"), []uint32{0xC4}},
		"segment 3 of 2":              {tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x02") + tlv(0x020F, "\x03"), []uint32{0xC4}},
		"no segments":                 {tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x00") + tlv(0x020F, "\x01"), []uint32{0xC4}},
	} {
		t.Run(name, func(t *testing.T) {
			p := (&centre{t, ce.dial, nil}).bound(bindTransceiver, "platform")
			defer p.close()
			p.refused(submitSM, submit(func(m *message) { m.tlvs = tc.tlvs }), tc.want...)
		})
	}
}

// All 256 values of both octets of a parameter's length, the first parameter and the last.
func TestFields_EveryTLVLength(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	for at := range 2 {
		for value := range 256 {
			lie := []byte(tlv(0x1400, strings.Repeat("x", 64)))
			lie[2+at] = byte(value)
			length := int(lie[2])<<8 | int(lie[3])
			last := submit(func(m *message) { m.tlvs = string(lie) })
			first := submit(func(m *message) { m.tlvs = string(lie) + tlv(0x1401, "") })
			if length == 64 {
				p.asks(submitSM, 5, last, 0)
				p.asks(submitSM, 5, first, 0)
				continue
			}
			p.refused(submitSM, last, 0xC0)
			if length > 68 { // else what is left over may be parameters again
				p.refused(submitSM, first, 0xC0)
			}
		}
	}
	n.works()
}

// A parameter that is there twice is no reason to fall: an answer, and a session.
func TestFields_TLVTwice(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, twice := range []string{
		tlv(0x0204, "\x00\x01") + tlv(0x0204, "\x00\x02"),
		tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x02") + tlv(0x020F, "\x01") + tlv(0x020C, "\x00\x02"),
		strings.Repeat(tlv(0x1400, ""), 4000),
	} {
		p.send(pdu(submitSM, 5, submit(func(m *message) { m.tlvs = twice })))
		if a := p.next(); a.id != submitSM|resp || a.sequence != 5 {
			t.Errorf("answered with %v", a)
		}
		p.lives()
	}
	two := tlv(0x0424, "one") + tlv(0x0424, "another")
	p.send(pdu(submitSM, 5, submit(saying(""), func(m *message) { m.tlvs = two })))
	if a := p.next(); a.id != submitSM|resp {
		t.Errorf("two payloads: %v", a)
	}
	p.lives()
}

// A UDH indicator with any short body is answered; where the header's length cannot
// be, with ESME_RINVESMCLASS (§5.2.12, TS 23.040 §9.2.3.24).
func TestFields_HeaderLengths(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	for octets := range 8 {
		for udhl := range 256 {
			text := strings.Repeat("\x00", octets)
			if octets > 0 {
				text = string([]byte{byte(udhl)}) + text[1:]
			}
			body := submit(saying(text), func(m *message) { m.esmClass = "\x40" })
			if octets == 0 || udhl >= octets {
				p.refused(submitSM, body, 0x43)
				continue
			}
			p.send(pdu(submitSM, 5, body))
			if a := p.next(); a.id != submitSM|resp {
				t.Errorf("header of %d in %d octets: %v", udhl, octets, a)
			}
		}
	}
	n.works()
}

// registered_delivery: no receipt, for any final state, for failure only (§5.2.17).
func TestFields_RegisteredDelivery(t *testing.T) {
	for registered, want := range map[string]map[uint32]bool{ // by the ESME's answer
		"\x00": {0: false, 0x65: false},
		"\x01": {0: true, 0x65: true},
		"\x02": {0: false, 0x65: true},
	} {
		for status, receipt := range want {
			t.Run(fmt.Sprintf("%x answered %02x", registered, status), func(t *testing.T) {
				bubble(t, config(), func(t *testing.T, ce *centre) {
					p := ce.bound(bindTransceiver, "shop")
					p.asks(submitSM, 2, submit(to(shopCode), func(m *message) { m.registered = registered }), 0)
					p.answerDeliver(status)
					if receipt {
						if m := readDeliver(p.answerDeliver(0)); m.esmClass != "\x04" {
							t.Errorf("no receipt: %+v", m)
						}
					}
					p.quiet(patience)
					p.close()
				})
			})
		}
	}
}

// What a message says goes through as it is, whatever its data_coding: GSM 7-bit is
// full of NULs, 2 and 4 are octets (§5.2.19).
func TestFields_DataCoding(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	var all [254]byte
	for i := range all {
		all[i] = byte(i)
	}
	for coding := range 256 {
		text := string(all[coding%10:])
		p.asks(submitSM, 2, submit(to(shopCode), saying(text), func(m *message) { m.coding = string([]byte{byte(coding)}) }), 0)
		m := readDeliver(p.answerDeliver(0))
		if m.text != text || m.coding != string([]byte{byte(coding)}) {
			t.Errorf("data_coding %d: delivered %q as %q", coding, m.text, m.coding)
		}
	}
}

// esm_class goes through but for the mode, which is the centre's; the UDH indicator
// and the reply path stay (§5.2.12).
func TestFields_ESMClass(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	for given, want := range map[string]string{"\x00": "\x00", "\x03": "\x00", "\x40": "\x40", "\x43": "\x40", "\x80": "\x80", "\xc0": "\xc0"} {
		p.asks(submitSM, 2, submit(to(shopCode), saying("\x05\x00\x03\x01\x02\x01part"), func(m *message) { m.esmClass = given }), 0)
		if m := readDeliver(p.answerDeliver(0)); m.esmClass != want {
			t.Errorf("esm_class %x is delivered as %x, want %x", given, m.esmClass, want)
		}
	}
}

// Values out of range have their own status (§5.2.14, §5.2.18).
func TestFields_Ranges(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, value := range []string{"\x04", "\x7f", "\xff"} {
		p.refused(submitSM, submit(func(m *message) { m.priority = value }), 0x06)
	}
	for _, value := range []string{"\x02", "\xff"} {
		p.refused(submitSM, submit(func(m *message) { m.replace = value }), 0x54)
	}
}

// A body cut off at any octet is answered with its own response and the session lives
// (cloudhopper-smpp #64 closes it).
func TestFields_BodyCutAnywhere(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	whole := submit(func(m *message) { m.tlvs = tlv(0x0204, "\x00\x01") })
	for length := range whole {
		p.send(pdu(submitSM, 5, whole[:length]))
		a := p.next()
		if good := length == len(whole)-6; a.id != submitSM|resp || (a.status == 0) != good {
			t.Errorf("%d of %d octets: %v", length, len(whole), a)
		}
	}
	p.lives()
	n.works()
}
