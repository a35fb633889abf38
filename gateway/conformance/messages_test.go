package conformance_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// asking asks for a receipt.
func asking(m *message) { m.registered = "\x01" }

// A message_id is unique and at most 64 characters, over all sessions and accounts (§5.2.23).
func TestMessages_IDsAreUnique(t *testing.T) {
	ce := listen(t, config())
	seen := make(map[string]bool)
	for _, account := range []string{"platform", "shop", "platform"} {
		p := ce.bound(bindTransmitter, account)
		const many = 3000
		var all []byte
		for i := range uint32(many) {
			all = append(all, pdu(submitSM, i+2, submit())...)
		}
		sent := make(chan error, 1)
		go func() { _, err := p.conn.Write(all); sent <- err }()
		for i := range uint32(many) {
			a := p.want(submitSM|resp, 0, i+2)
			id, ended := strings.CutSuffix(a.body, "\x00")
			if !ended || id == "" || len(id) > 64 || strings.Contains(id, "\x00") || seen[id] {
				t.Fatalf("message_id %q, seen %v", a.body, seen[id])
			}
			seen[id] = true
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		p.close()
	}
}

// receiptText is appendix B's.
var receiptText = regexp.MustCompile(`^id:(\S+) sub:(\d{3}) dlvrd:(\d{3}) submit date:(\d{10}) done date:(\d{10}) stat:(\w{7}) err:(\d{3}) [tT]ext:(.*)$`)

// A receipt says all that appendix B and §5.3.2 ask, about the message it is about.
func TestMessages_Receipt(t *testing.T) {
	for name, tc := range map[string]struct {
		answer     uint32
		state      string // message_state, §5.2.28
		stat, sent string
	}{
		"delivered": {0, "\x02", "DELIVRD", "001"},
		"rejected":  {0x66, "", "", "000"},
		"refused":   {0x65, "", "", "000"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, config(), func(t *testing.T, ce *centre) {
				p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
				a := p.asks(submitSM, 2, submit(asking, saying("The quick brown fox jumps")), 0)
				phones.answerDeliver(tc.answer)
				m := readDeliver(p.answerDeliver(0))
				checkReceipt(t, m, a.body, tc.state, tc.stat, tc.sent)
				p.close()
				phones.close()
			})
		})
	}
}

// checkReceipt holds a receipt against appendix B; an empty state or stat is any of
// the failures.
func checkReceipt(t *testing.T, m message, id, state, stat, delivered string) {
	t.Helper()
	if m.esmClass != "\x04" || m.source != c(phone) || m.destination != c(code) {
		t.Errorf("esm_class %x from %q to %q", m.esmClass, m.source, m.destination)
	}
	found := receiptText.FindStringSubmatch(m.text)
	if found == nil {
		t.Fatalf("receipt %q", m.text)
	}
	if found[1]+"\x00" != id || found[2] != "001" || found[3] != delivered || found[8] != "The quick brown fox " {
		t.Errorf("receipt %q of message %q", m.text, id)
	}
	if stat != "" && found[6] != stat || stat == "" && found[6] != "UNDELIV" && found[6] != "REJECTD" {
		t.Errorf("stat %s", found[6])
	}
	if state == "" {
		state = map[string]string{"UNDELIV": "\x05", "REJECTD": "\x08"}[found[6]]
	}
	if want := tlv(0x001E, id); !strings.Contains(m.tlvs, want) {
		t.Errorf("no receipted_message_id %q in %q", want, m.tlvs)
	}
	if want := tlv(0x0427, state); !strings.Contains(m.tlvs, want) {
		t.Errorf("no message_state %q in %q", want, m.tlvs)
	}
	if delivered == "000" && !strings.Contains(m.tlvs, "\x04\x23\x00\x03") {
		t.Errorf("no network_error_code in %q", m.tlvs)
	}
}

// A receipt comes after its submit_sm_resp, also where a receiver takes the message
// before the sender reads.
func TestMessages_ReceiptAfterItsResponse(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	const many = 200
	var all []byte
	for i := range uint32(many) {
		all = append(all, pdu(submitSM, i+2, submit(to(shopCode), asking))...)
	}
	p.send(all)
	known := make(map[string]bool)
	receipts := 0
	for receipts < many {
		a := p.next()
		switch a.id {
		case submitSM | resp:
			known[strings.TrimSuffix(a.body, "\x00")] = true
		case deliverSM:
			p.send(pdu(deliverSM|resp, a.sequence, c("")))
			m := readDeliver(a.body)
			if m.esmClass != "\x04" {
				continue
			}
			receipts++
			if id := receiptText.FindStringSubmatch(m.text); id == nil || !known[id[1]] {
				t.Fatalf("a receipt before its submit_sm_resp: %q", m.text)
			} else {
				delete(known, id[1]) // and once
			}
		}
	}
}

// A receipt is kept while nobody is bound, and goes to any receiver of the system_id.
func TestMessages_ReceiptIsKept(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		tx, phones := ce.bound(bindTransmitter, "platform"), ce.bound(bindReceiver, "phones")
		id := tx.asks(submitSM, 2, submit(asking), 0).body
		tx.asks(unbind, 3, "", 0)
		tx.close()
		phones.answerDeliver(0)
		time.Sleep(time.Hour / 60)
		rx := ce.bound(bindReceiver, "platform")
		if m := readDeliver(rx.answerDeliver(0)); !strings.Contains(m.text, "id:"+strings.TrimSuffix(id, "\x00")+" ") {
			t.Errorf("receipt %q of %q", m.text, id)
		}
		rx.quiet(patience)
		rx.close()
		phones.close()
	})
}

// A receipt that is not answered, or whose session ends first, comes again to the next
// session; one that is answered does not (Jasmin #706).
func TestMessages_ReceiptIsNotLost(t *testing.T) {
	for _, answered := range []bool{false, true} {
		t.Run(fmt.Sprint("answered ", answered), func(t *testing.T) {
			bubble(t, config(), func(t *testing.T, ce *centre) {
				p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
				p.asks(submitSM, 2, submit(asking), 0)
				phones.answerDeliver(0)
				first := p.next()
				if answered {
					p.send(pdu(deliverSM|resp, first.sequence, c("")))
					p.lives()
				}
				p.close()
				p = ce.bound(bindReceiver, "platform")
				if answered {
					p.quiet(patience)
				} else if m := readDeliver(p.answerDeliver(0)); m.text != readDeliver(first.body).text {
					t.Errorf("after %q came %q", first.body, m.text)
				}
				p.close()
				phones.close()
			})
		})
	}
}

// No receipt is sent that was not asked for; a receipt asks for none (§5.2.17).
func TestMessages_NoReceiptOfAReceipt(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		p.asks(submitSM, 2, submit(to(shopCode), asking), 0)
		p.answerDeliver(0)
		if m := readDeliver(p.answerDeliver(0)); m.registered != "\x00" {
			t.Errorf("a receipt with registered_delivery %x", m.registered)
		}
		p.quiet(patience)
		p.close()
	})
}

// What an ESME answers to deliver_sm: 0x64 and 0x14 are tried again, 0x65 and 0x66 are
// final (§5.1.3).
func TestMessages_AnswersOfAnESME(t *testing.T) {
	for status, again := range map[uint32]bool{0x64: true, 0x14: true, 0x65: false, 0x66: false} {
		t.Run(fmt.Sprintf("%02x", status), func(t *testing.T) {
			cfg := config()
			cfg.Retry = []time.Duration{5 * time.Second}
			bubble(t, cfg, func(t *testing.T, ce *centre) {
				p := ce.bound(bindTransceiver, "shop")
				p.asks(submitSM, 2, submit(to(shopCode), saying("once more")), 0)
				p.answerDeliver(status)
				if again {
					begin := time.Now()
					if m := readDeliver(p.answerDeliver(0)); m.text != "once more" || time.Since(begin) != 5*time.Second {
						t.Errorf("after %v came %+v", time.Since(begin), m)
					}
				}
				p.quiet(patience)
				p.close()
			})
		})
	}
}

// A message that is not delivered within its validity is EXPIRED, and its sender is told.
func TestMessages_Validity(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		begin := time.Now()
		p.asks(submitSM, 2, submit(asking, func(m *message) { m.validity = c("000000000100000R") }), 0) // a minute
		a := p.patiently(5 * time.Minute)
		for a.id == enquireLink {
			p.send(pdu(enquireLink|resp, a.sequence, ""))
			a = p.patiently(5 * time.Minute)
		}
		p.send(pdu(deliverSM|resp, a.sequence, c("")))
		if m := readDeliver(a.body); !strings.Contains(m.text, "stat:EXPIRED") || !strings.Contains(m.tlvs, tlv(0x0427, "\x03")) {
			t.Errorf("receipt %q", m.text)
		}
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("expired after %v", d)
		}
		p.close()
	})
}

// A message is not delivered before its time (§5.2.15).
func TestMessages_Schedule(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		begin := time.Now()
		p.asks(submitSM, 2, submit(to(shopCode), func(m *message) { m.schedule = c("000000000015000R") }), 0)
		m := readDeliver(p.answerDeliver(0))
		if d := time.Since(begin); d != 15*time.Second || m.schedule != c("") || m.validity != c("") {
			t.Errorf("after %v came %+v", d, m)
		}
		p.close()
	})
}

// A message is delivered as it was sent, from and to whom it was sent (§4.6.1).
func TestMessages_Delivered(t *testing.T) {
	ce := listen(t, config())
	p, phones := ce.bound(bindTransmitter, "platform"), ce.bound(bindReceiver, "phones")
	defer p.close()
	defer phones.close()
	p.asks(submitSM, 2, submit(saying("as it is"), func(m *message) {
		m.serviceType, m.protocolID, m.coding, m.tlvs = c("CMT"), "\x7f", "\xf6", tlv(0x0204, "\x12\x34")
	}), 0)
	m := readDeliver(phones.answerDeliver(0))
	want := message{
		serviceType: c("CMT"), sourceTON: "\x00", sourceNPI: "\x01", source: c(code), destinationTON: "\x01", destinationNPI: "\x01",
		destination: c(phone), esmClass: "\x00", protocolID: "\x7f", priority: "\x00", schedule: c(""), validity: c(""),
		registered: "\x00", replace: "\x00", coding: "\xf6", canned: "\x00", length: "\x08", text: "as it is", tlvs: tlv(0x0204, "\x12\x34"),
	}
	if m != want {
		t.Errorf("delivered\n%+v, want\n%+v", m, want)
	}
}

// To one number messages come in the order they were sent, and one at a time.
func TestMessages_Order(t *testing.T) {
	ce := listen(t, config())
	p, phones := ce.bound(bindTransmitter, "platform"), ce.bound(bindReceiver, "phones")
	defer p.close()
	defer phones.close()
	const many = 50
	var all []byte
	for i := range uint32(many) {
		all = append(all, pdu(submitSM, i+2, submit(saying(fmt.Sprint(i))))...)
	}
	p.send(all)
	for i := range many {
		if m := readDeliver(phones.answerDeliver(0)); m.text != fmt.Sprint(i) {
			t.Fatalf("message %d says %q", i, m.text)
		}
	}
}
