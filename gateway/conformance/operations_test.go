package conformance_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
)

// address is a TON, an NPI and a number, as messages of these tests have them.
func address(number string) string {
	if number == code || number == shopCode || number == "" {
		return "\x00\x01" + c(number)
	}
	return "\x01\x01" + c(number)
}

// query is the body of query_sm, §4.8.1.
func query(id, source string) string { return c(id) + address(source) }

// cancel is the body of cancel_sm, §4.9.1.
func cancel(id, source, destination string) string {
	return c("") + c(id) + address(source) + address(destination)
}

// replacement is the body of replace_sm, §4.10.1.
func replacement(id, source, text string) string {
	return c(id) + address(source) + c("") + c("") + "\x00\x00" + string([]byte{byte(len(text))}) + text
}

// data is the body of data_sm, §4.7.1.
func data(destination, tlvs string) string {
	return c("") + address(code) + address(destination) + "\x00\x00\x00" + tlvs
}

// multi is the body of submit_multi, §4.5.1, to destinations that sme and list make.
func multi(destinations ...string) string {
	return c("") + address(code) + string([]byte{byte(len(destinations))}) + strings.Join(destinations, "") +
		"\x00\x00\x00" + c("") + c("") + "\x00\x00\x00\x00" + "\x05multi"
}

func sme(number string) string { return "\x01" + address(number) }
func list(name string) string  { return "\x02" + c(name) }

// id is a submit_sm_resp's.
func id(a answer) string { return strings.TrimSuffix(a.body, "\x00") }

// query_sm says where a message is: ENROUTE without a final_date, and with one what
// became of it (§4.8.2, §5.2.28).
func TestMessages_Query(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		first := id(p.asks(submitSM, 2, submit(), 0))
		if a := p.asks(querySM, 3, query(first, code), 0); a.body != c(first)+c("")+"\x01\x00" {
			t.Errorf("enroute: %q", a.body)
		}
		phones := ce.bound(bindReceiver, "phones")
		phones.answerDeliver(0)
		phones.stillLives()
		if a := p.asks(querySM, 4, query(first, code), 0); !strings.HasPrefix(a.body, c(first)) || !strings.HasSuffix(a.body, "00+\x00\x02\x00") || len(a.body) != len(first)+1+17+2 {
			t.Errorf("delivered: %q", a.body)
		}
		second := id(p.asks(submitSM, 5, submit(), 0))
		phones.answerDeliver(0x65)
		phones.stillLives()
		if a := p.asks(querySM, 6, query(second, code), 0); len(a.body) != len(second)+1+17+2 || a.body[len(a.body)-2] != '\x05' && a.body[len(a.body)-2] != '\x08' {
			t.Errorf("refused: %q", a.body)
		}
		phones.close()
		p.close()
	})
}

// query_sm, cancel_sm and replace_sm match the source address too, and the account:
// what is another's is not told, cancelled or changed (§4.8.1, §4.9.1, §4.10.1).
func TestMessages_OthersMessages(t *testing.T) {
	ce := listen(t, config())
	p, other := ce.bound(bindTransceiver, "platform"), ce.bound(bindTransceiver, "shop")
	defer p.close()
	defer other.close()
	mine := id(p.asks(submitSM, 2, submit(), 0))
	for name, tc := range map[string]struct {
		by         *peer
		id, source string
		query      []uint32
		cancel     []uint32
		replace    []uint32
	}{
		"another source":  {p, mine, shopCode, []uint32{0x67, 0x0C}, []uint32{0x11, 0x0C}, []uint32{0x13, 0x0C}},
		"another account": {other, mine, code, []uint32{0x67, 0x0C}, []uint32{0x11, 0x0C}, []uint32{0x13, 0x0C}},
		"an unknown id":   {p, "nonesuch", code, []uint32{0x67, 0x0C}, []uint32{0x11, 0x0C}, []uint32{0x13, 0x0C}},
		"another case":    {p, strings.ToUpper(mine) + "x", code, []uint32{0x67, 0x0C}, []uint32{0x11, 0x0C}, []uint32{0x13, 0x0C}},
	} {
		t.Run(name, func(t *testing.T) {
			by := &peer{t, tc.by.conn}
			by.refused(querySM, query(tc.id, tc.source), tc.query...)
			by.refused(cancelSM, cancel(tc.id, tc.source, phone), tc.cancel...)
			by.refused(replaceSM, replacement(tc.id, tc.source, "changed"), tc.replace...)
		})
	}
	phones := ce.bound(bindReceiver, "phones")
	defer phones.close()
	if m := readDeliver(phones.answerDeliver(0)); m.text != "hello" {
		t.Errorf("the message says %q", m.text)
	}
}

// message_id holds 64 characters and its NUL; one over is ESME_RINVMSGID or 0xC2 (§5.2.23).
func TestFields_MessageIDLimit(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	p.refused(querySM, query(strings.Repeat("1", 64), code), 0x67, 0x0C)
	p.refused(querySM, query(strings.Repeat("1", 65), code), 0x0C, tooLong)
	p.refused(cancelSM, cancel(strings.Repeat("1", 65), code, phone), 0x0C, tooLong)
	p.refused(replaceSM, replacement(strings.Repeat("1", 65), code, "text"), 0x0C, tooLong)
}

// cancel_sm takes a message back: it is DELETED, and not delivered (§4.9).
func TestMessages_Cancel(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		first := id(p.asks(submitSM, 2, submit(saying("first"), asking), 0))
		p.asks(submitSM, 3, submit(saying("second")), 0)
		p.send(pdu(cancelSM, 4, cancel(first, code, phone)))
		var receipt answer
		for range 2 { // in either order
			switch a := p.next(); a.id {
			case deliverSM:
				receipt = a
			default:
				if a.id != cancelSM|resp || a.status != 0 || a.body != "" {
					t.Errorf("answered with %v", a)
				}
			}
		}
		p.send(pdu(deliverSM|resp, receipt.sequence, c("")))
		if m := readDeliver(receipt.body); !strings.Contains(m.text, "stat:DELETED") || !strings.Contains(m.tlvs, tlv(0x0427, "\x04")) {
			t.Errorf("receipt %q", m.text)
		}
		p.refused(cancelSM, cancel(first, code, phone), 0x11, 0x0C) // once
		phones := ce.bound(bindReceiver, "phones")
		if m := readDeliver(phones.answerDeliver(0)); m.text != "second" {
			t.Errorf("delivered %q", m.text)
		}
		phones.quiet(patience)
		phones.close()
		p.close()
	})
}

// cancel_sm with an empty id takes back all of a service_type, source and destination,
// and nothing else (§4.9.1).
func TestMessages_CancelAll(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		of := func(service, source, destination, text string) string {
			return submit(to(destination), saying(text), func(m *message) { m.serviceType, m.source = c(service), c(source) })
		}
		p.asks(submitSM, 2, of("CMT", code, phone, "taken back"), 0)
		p.asks(submitSM, 3, of("CMT", code, phone, "taken back too"), 0)
		p.asks(submitSM, 4, of("WAP", code, phone, "another service"), 0)
		p.asks(submitSM, 5, of("CMT", "10659", phone, "another source"), 0)
		p.asks(submitSM, 6, of("CMT", code, "8613800000002", "another destination"), 0)
		p.asks(cancelSM, 7, c("CMT")+c("")+address(code)+address(phone), 0)
		p.refused(cancelSM, c("CMT")+c("")+address(code)+address(phone), 0x11)
		phones := ce.bound(bindReceiver, "phones")
		got := make(map[string]bool)
		for range 3 {
			got[readDeliver(phones.answerDeliver(0)).text] = true
		}
		if !got["another service"] || !got["another source"] || !got["another destination"] {
			t.Errorf("delivered %v", got)
		}
		phones.quiet(patience)
		phones.close()
		p.close()
	})
}

// replace_sm changes what a message says while it is ENROUTE, and not afterwards (§4.10).
func TestMessages_Replace(t *testing.T) {
	ce := listen(t, config())
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	first := id(p.asks(submitSM, 2, submit(saying("first")), 0))
	p.asks(replaceSM, 3, replacement(first, code, "changed"), 0)
	phones := ce.bound(bindReceiver, "phones")
	defer phones.close()
	a := phones.next()
	if m := readDeliver(a.body); m.text != "changed" {
		t.Errorf("delivered %q", m.text)
	}
	p.refused(replaceSM, replacement(first, code, "too late"), 0x13) // it is on its way
	phones.send(pdu(deliverSM|resp, a.sequence, c("")))
	phones.stillLives()
	p.refused(replaceSM, replacement(first, code, "too late"), 0x13)
	p.refused(cancelSM, cancel(first, code, phone), 0x11)
}

// submit_multi delivers to each destination under one id, and names those it refuses
// with a status of their own (§4.5).
func TestMessages_SubmitMulti(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
		a := p.asks(submitMulti, 2, multi(sme(phone), sme("4"), sme("8613800000002"), list("staff")), 0)
		name, rest, _ := strings.Cut(a.body, "\x00")
		if want := "\x02" + address("4") + "\x00\x00\x00\x0b"; name == "" || !strings.HasPrefix(rest, want) {
			t.Errorf("answered with %q, want an id and %q", a.body, want)
		}
		if !strings.HasSuffix(rest, c("staff")+"\x00\x00\x00\x34") {
			t.Errorf("the distribution list: %q", rest)
		}
		got := make(map[string]bool)
		for range 2 {
			m := readDeliver(phones.answerDeliver(0))
			got[m.destination] = m.text == "multi"
		}
		if !got[c(phone)] || !got[c("8613800000002")] {
			t.Errorf("delivered %v", got)
		}
		phones.quiet(patience)
		phones.close()
		p.close()
	})
}

// Destinations that are none: their number, their flag and their end (§4.5.1, §5.1.3).
func TestFields_SubmitMulti(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	p.refused(submitMulti, multi(), 0x33)
	p.refused(submitMulti, multi("\x03"+address(phone)), 0x40)
	p.refused(submitMulti, multi("\x00"+address(phone)), 0x40)
	p.refused(submitMulti, c("")+address(code)+"\xfe"+sme(phone), 0x02, 0x0B, 0x33, 0x40)
	whole := multi(sme(phone), sme(phone))
	for length := range whole {
		p.send(pdu(submitMulti, 5, whole[:length]))
		if a := p.next(); a.id != submitMulti|resp || a.status == 0 || strings.Trim(a.body, "\x00") != "" {
			t.Errorf("%d octets of %d: %v", length, len(whole), a)
		}
	}
	p.lives()
}

// data_sm carries a message in message_payload, and its answer an id (§4.7).
func TestMessages_DataSM(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	if a := p.asks(dataSM, 2, data(shopCode, tlv(0x0424, "data")), 0); len(a.body) < 2 || len(a.body) > 65 {
		t.Errorf("answered with %q", a.body)
	}
	m := readDeliver(p.answerDeliver(0))
	if m.text != "data" && !strings.Contains(m.tlvs, tlv(0x0424, "data")) {
		t.Errorf("delivered %+v", m)
	}
	p.refused(dataSM, data("4", tlv(0x0424, "data")), 0x0B)
}

// In transaction mode the answer waits for the outcome, and says it; a datagram is
// tried once (§2.10.3, §5.2.12).
func TestMessages_Modes(t *testing.T) {
	mode := func(esmClass string) func(*message) { return func(m *message) { m.esmClass = esmClass } }
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
		for status, want := range map[uint32]uint32{0: 0, 0x65: 0x45} {
			p.send(pdu(submitSM, 2, submit(mode("\x02"))))
			p.quiet(time.Second)
			phones.answerDeliver(status)
			p.want(submitSM|resp, want, 2)
		}
		p.asks(submitSM, 3, submit(mode("\x01")), 0)
		phones.answerDeliver(0x64) // and not again
		phones.quiet(patience)
		phones.close()
		p.close()
	})
}

// Message ids in submit_sm_resp and receipts, as an account's reader has them
// (Kannel's msg-id-type): the same number, in hexadecimal or decimal.
func TestMessages_IDStyles(t *testing.T) {
	for style, tc := range map[smsc.IDStyle]struct{ response, receipt string }{
		smsc.HexIDs: {"%x", "%x"}, smsc.DecimalIDs: {"%d", "%d"},
		smsc.HexThenDecimal: {"%x", "%d"}, smsc.DecimalThenHex: {"%d", "%x"},
	} {
		t.Run(fmt.Sprint(style), func(t *testing.T) {
			cfg := config()
			cfg.Accounts[1].IDs = style
			bubble(t, cfg, func(t *testing.T, ce *centre) {
				p := ce.bound(bindTransceiver, "shop")
				answered := id(p.asks(submitSM, 2, submit(to(shopCode), asking), 0))
				p.answerDeliver(0)
				m := readDeliver(p.answerDeliver(0))
				found := receiptText.FindStringSubmatch(m.text)
				if found == nil {
					t.Fatalf("receipt %q", m.text)
				}
				var a, b uint64
				_, err := fmt.Sscanf(answered, tc.response, &a)
				_, err2 := fmt.Sscanf(found[1], tc.receipt, &b)
				if err != nil || err2 != nil || a != b {
					t.Errorf("answered %q (%d, %v), receipt %q (%d, %v)", answered, a, err, found[1], b, err2)
				}
				if want := tlv(0x001E, c(found[1])); !strings.Contains(m.tlvs, want) {
					t.Errorf("no receipted_message_id %q in %q", want, m.tlvs)
				}
				p.asks(querySM, 3, query(answered, code), 0)
				p.close()
			})
		})
	}
}

// A canned text is sent in place of none; with a text of its own a message keeps that
// or is refused (§5.2.20).
func TestMessages_CannedText(t *testing.T) {
	cfg := config()
	cfg.Canned = map[uint8]string{7: "Your bill is paid."}
	p := listen(t, cfg).bound(bindTransceiver, "shop")
	defer p.close()
	p.asks(submitSM, 2, submit(to(shopCode), saying(""), func(m *message) { m.canned = "\x07" }), 0)
	if m := readDeliver(p.answerDeliver(0)); m.text != "Your bill is paid." || m.canned != "\x00" {
		t.Errorf("delivered %+v", m)
	}
	p.refused(submitSM, submit(to(shopCode), saying(""), func(m *message) { m.canned = "\x08" }), 0x63)
}

// replace_if_present takes the place of what waits of the same source, destination and
// service_type (§5.2.18).
func TestMessages_ReplaceIfPresent(t *testing.T) {
	ce := listen(t, config())
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	p.asks(submitSM, 2, submit(saying("old")), 0)
	p.asks(submitSM, 3, submit(saying("new"), func(m *message) { m.replace = "\x01" }), 0)
	phones := ce.bound(bindReceiver, "phones")
	defer phones.close()
	if m := readDeliver(phones.answerDeliver(0)); m.text != "new" {
		t.Errorf("delivered %q", m.text)
	}
}

// What can reach the card in a phone comes from secured accounts only (wire.md 5).
func TestMessages_Cards(t *testing.T) {
	ce := listen(t, config())
	p, phones := ce.bound(bindTransceiver, "shop"), ce.bound(bindReceiver, "phones")
	defer p.close()
	defer phones.close()
	download := submit(saying("\x02\x70\x00packet"), func(m *message) { m.esmClass, m.protocolID, m.coding = "\x40", "\x7f", "\xf6" })
	p.send(pdu(submitSM, 2, download))
	if a := p.next(); a.id != submitSM|resp || a.status == 0 || a.body != "" {
		t.Errorf("answered with %v", a)
	}
	p.asks(submitSM, 3, submit(saying("text")), 0)
	if m := readDeliver(phones.answerDeliver(0)); m.text != "text" {
		t.Errorf("delivered %q", m.text)
	}
}

// A message that is put off is told of once, where that was asked for, and what became
// of it in the end besides (§5.2.12, §5.2.17).
func TestMessages_IntermediateNotification(t *testing.T) {
	cfg := config()
	cfg.Retry = []time.Duration{time.Second}
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
		first := id(p.asks(submitSM, 2, submit(func(m *message) { m.registered = "\x11" }), 0))
		phones.answerDeliver(0x64)
		phones.answerDeliver(0x64)
		phones.answerDeliver(0)
		for _, want := range []struct{ esmClass, state string }{{"\x20", "\x01"}, {"\x04", "\x02"}} {
			m := readDeliver(p.answerDeliver(0))
			if m.esmClass != want.esmClass || !strings.Contains(m.tlvs, tlv(0x0427, want.state)) || !strings.Contains(m.tlvs, tlv(0x001E, c(first))) {
				t.Errorf("esm_class %x, parameters %q, want %x and state %x", m.esmClass, m.tlvs, want.esmClass, want.state)
			}
		}
		p.quiet(patience)
		phones.close()
		p.close()
	})
}

// A phone that was away and is back is told of by alert_notification, where set_dpf
// asked for that; it is not answered (§4.12, §5.3.2.29).
func TestMessages_Alert(t *testing.T) {
	cfg := config()
	cfg.Retry, cfg.EnquireLink = []time.Duration{time.Hour}, 2*time.Hour
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindTransceiver, "phones")
		p.asks(submitSM, 2, submit(func(m *message) { m.tlvs = tlv(0x0421, "\x01") }), 0)
		phones.answerDeliver(0x64)
		phones.stillLives()
		p.quiet(time.Minute)
		phones.send(pdu(submitSM, 3, submit(to(code), func(m *message) { m.sourceTON, m.source = "\x01", c(phone) }))) // it is back
		seen := false
		for range 2 {
			a := p.next()
			if a.id == deliverSM {
				p.send(pdu(deliverSM|resp, a.sequence, c("")))
				continue
			}
			seen = true
			if want := address(phone) + address(code); a.id != alert || a.status != 0 || !strings.HasPrefix(a.body, want) {
				t.Errorf("got %v, want an alert_notification of %q", a, want)
			}
		}
		if !seen {
			t.Error("no alert_notification")
		}
		p.stillLives()
		phones.close()
		p.close()
	})
}

// outbind: where something waits for an account that has an address, the centre
// connects, says who it is, and is bound to (§2.2.1, §4.1.7).
func TestSession_Outbind(t *testing.T) {
	cfg := config()
	cfg.Accounts[0].Outbind, cfg.Accounts[0].OutbindPassword = "esme.example:2775", "outward"
	called := make(chan net.Conn)
	cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		if address != "esme.example:2775" {
			t.Errorf("dialled %s", address)
		}
		near, far := net.Pipe()
		select {
		case called <- near:
			return far, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	ce := listen(t, cfg)
	n := ce.neighbour()
	defer n.close()
	n.asks(submitSM, 2, submit(to(code), saying("come")), 0)
	p := &peer{t, <-called}
	defer p.close()
	if a := p.next(); a.id != outbind || a.status != 0 || a.body != c("AIRTILL")+c("outward") {
		t.Errorf("got %v, want an outbind", a)
	}
	p.asks(bindReceiver, 1, binding("platform"), 0)
	if m := readDeliver(p.answerDeliver(0)); m.text != "come" {
		t.Errorf("delivered %+v", m)
	}
}
