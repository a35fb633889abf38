package conformance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
)

// states of a session, §2.2.
var states = map[string]uint32{"open": 0, "transmitter": bindTransmitter, "receiver": bindReceiver, "transceiver": bindTransceiver}

// A known command in a state that does not have it gets its own response and
// ESME_RINVBNDSTS (table 2-1); the session stays. submit, query, cancel, replace and
// submit_multi are a transmitter's or transceiver's, deliver_sm is nobody's but the
// centre's.
func TestSession_WrongState(t *testing.T) {
	ce := listen(t, config())
	for name, state := range states {
		sends := state == bindTransmitter || state == bindTransceiver
		for _, tc := range []struct {
			id      uint32
			body    string
			allowed bool
		}{
			{submitSM, submit(), sends},
			{deliverSM, submit(), false},
			{submitMulti, multi(sme(phone)), sends},
			{querySM, query("id", code), sends},
			{cancelSM, cancel("id", code, phone), sends},
			{replaceSM, replacement("id", code, "text"), sends},
			{enquireLink, "", state != 0},
		} {
			t.Run(fmt.Sprintf("%08x in %s", tc.id, name), func(t *testing.T) {
				ce := &centre{t, ce.dial, nil}
				p := ce.in(state)
				defer p.close()
				p.send(pdu(tc.id, 42, tc.body))
				a := p.next()
				if a.id != tc.id|resp || a.sequence != 42 || (a.status == 0x04) == tc.allowed {
					t.Errorf("answered with %v", a)
				}
				if !tc.allowed && strings.Trim(a.body, "\x00") != "" {
					t.Errorf("a refusal with a body: %q", a.body)
				}
				p.send(pdu(enquireLink, 43, ""))
				if a := p.next(); a.id != enquireLink|resp {
					t.Errorf("afterwards: %v", a)
				}
			})
		}
	}
}

// Commands before the bind, malformed ones too, are refused for their state.
func TestSession_BeforeTheBind(t *testing.T) {
	p := listen(t, config()).connect()
	defer p.close()
	for _, body := range []string{submit(), "", "x", submit(func(m *message) { m.length = "\xff" })} {
		p.asks(submitSM, 5, body, 0x04)
	}
	p.asks(bindTransceiver, 6, binding("platform"), 0)
}

// A second bind is refused with ESME_RALYBND, whoever it is for, and changes nothing.
func TestSession_SecondBind(t *testing.T) {
	ce := listen(t, config())
	for _, first := range []uint32{bindTransmitter, bindReceiver, bindTransceiver} {
		p := ce.bound(first, "platform")
		for _, second := range []uint32{bindTransmitter, bindReceiver, bindTransceiver} {
			p.asks(second, 7, binding("platform"), 0x05)
			p.asks(second, 8, binding("shop", func(b *bind) { b.password = c("wrong") }), 0x05)
		}
		p.lives()
		p.close()
	}
}

// What binds are refused with: 0x0E for the password, 0x0F for the system_id, each
// without a body (§4.1.2, §5.1.3).
func TestSession_RefusedBinds(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want uint32
	}{
		"password":           {binding("platform", func(b *bind) { b.password = c("guess") }), 0x0E},
		"no password":        {binding("platform", func(b *bind) { b.password = c("") }), 0x0E},
		"part of a password": {binding("platform", func(b *bind) { b.password = c("secre") }), 0x0E},
		"system_id":          {binding("nobody"), 0x0F},
		"no system_id":       {binding(""), 0x0F},
		"case of system_id":  {binding("Platform"), 0x0F},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, config(), func(t *testing.T, ce *centre) {
				for _, id := range []uint32{bindTransmitter, bindReceiver, bindTransceiver} {
					p := ce.connect()
					if a := p.asks(id, 9, tc.body, tc.want); a.body != "" {
						t.Errorf("a refusal with a body: %q", a.body)
					}
					p.close()
				}
			})
		})
	}
}

// An account's binds may be limited, in all and of a kind: one too many is
// ESME_RBINDFAIL, and when one goes another may come.
func TestSession_TooManyBinds(t *testing.T) {
	cfg := config()
	cfg.Accounts[0].Binds = smsc.Binds{All: 3, Receivers: 1}
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		rx, tx, trx := ce.bound(bindReceiver, "platform"), ce.bound(bindTransmitter, "platform"), ce.bound(bindTransceiver, "platform")
		extra := ce.connect()
		extra.asks(bindTransmitter, 1, binding("platform"), 0x0D)
		tx.asks(unbind, 2, "", 0)
		tx.ends()
		extra.asks(bindReceiver, 2, binding("platform"), 0x0D)
		extra.asks(bindTransmitter, 3, binding("platform"), 0)
		rx.close()
		trx.close()
		extra.close()
	})
}

// A bind is answered with the centre's system_id and sc_interface_version (§5.3.2.25).
func TestSession_InterfaceVersion(t *testing.T) {
	ce := listen(t, config())
	for _, id := range []uint32{bindTransmitter, bindReceiver, bindTransceiver} {
		p := ce.connect()
		a := p.asks(id, 9, binding("platform"), 0)
		if want := c("AIRTILL") + tlv(0x0210, "\x34"); a.body != want {
			t.Errorf("answered with %q, want %q", a.body, want)
		}
		p.close()
	}
}

// To an ESME with an interface_version below 0x34 no optional parameter is sent and no
// message_id of more than 8 octets (§3.4.2).
func TestSession_OlderESME(t *testing.T) {
	ce := listen(t, config())
	for _, version := range []string{"\x00", "\x32", "\x33"} {
		p := ce.connect()
		old := binding("shop", func(b *bind) { b.version = version })
		if a := p.asks(bindTransmitter, 1, old, 0); a.body != c("AIRTILL") {
			t.Errorf("version %x: answered with %q", version, a.body)
		}
		rx := ce.connect()
		rx.asks(bindReceiver, 1, old, 0)
		asked := submit(to(shopCode), func(m *message) { m.registered = "\x01" })
		id := p.asks(submitSM, 2, asked, 0).body
		if len(id) < 2 || len(id) > 9 {
			t.Errorf("version %x: message_id %q", version, id)
		}
		rx.answerDeliver(0)
		if receipt := rx.answerDeliver(0); hasTLVs(receipt) || !strings.Contains(receipt, "id:"+id[:len(id)-1]+" ") {
			t.Errorf("version %x: receipt %q", version, receipt)
		}
		p.close()
		rx.close()
	}
}

// answerDeliver takes a deliver_sm, answers it with a status and returns its body.
func (p *peer) answerDeliver(status uint32) string {
	p.t.Helper()
	a := p.next()
	if a.id != deliverSM || a.status != 0 {
		p.t.Fatalf("got %v, want a deliver_sm", a)
	}
	p.send(answering(deliverSM|resp, status, a.sequence, c("")))
	return a.body
}

// hasTLVs says whether anything follows a deliver_sm's text.
func hasTLVs(body string) bool { _, tlvs := textOf(body); return tlvs != "" }

// textOf is short_message of a deliver_sm, and what follows it.
func textOf(body string) (text, tlvs string) {
	m := readDeliver(body)
	return m.text, m.tlvs
}

// readDeliver takes a deliver_sm's fields apart, §4.6.1.
func readDeliver(body string) (m message) {
	take := func(n int) string {
		field := body[:n]
		body = body[n:]
		return field
	}
	str := func() string { return take(strings.IndexByte(body, 0) + 1) }
	m.serviceType = str()
	m.sourceTON, m.sourceNPI, m.source = take(1), take(1), str()
	m.destinationTON, m.destinationNPI, m.destination = take(1), take(1), str()
	m.esmClass, m.protocolID, m.priority = take(1), take(1), take(1)
	m.schedule, m.validity = str(), str()
	m.registered, m.replace, m.coding, m.canned = take(1), take(1), take(1), take(1)
	m.length = take(1)
	m.text = take(int(m.length[0]))
	m.tlvs = body
	return m
}

// A response echoes its request's sequence number, whatever that is (§5.1.4).
func TestSession_SequenceNumbersAreEchoed(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, sequence := range []uint32{1, 2, 2, 1, 0x7FFFFFFE, 0x7FFFFFFF, 1, 0, 0x80000000, 0xFFFFFFFF} {
		p.asks(enquireLink, sequence, "", 0)
		p.asks(submitSM, sequence, submit(), 0)
	}
}

// The centre's own sequence numbers are 1 and upwards, apart from the peer's (§5.1.4).
func TestSession_SequenceNumbersOfTheCentre(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	for i := range uint32(5) {
		p.asks(submitSM, 1000+i, submit(to(shopCode)), 0)
		a := p.next()
		if a.id != deliverSM || a.sequence != i+1 {
			t.Errorf("got %v, want deliver_sm %d", a, i+1)
		}
		p.send(pdu(deliverSM|resp, a.sequence, c("")))
	}
}

// Responses may come in any order; the window is the account's and no more is sent.
func TestSession_Window(t *testing.T) {
	cfg := config()
	cfg.Accounts[1].Window = 5
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		var all []byte
		for i := range uint32(12) {
			all = append(all, pdu(submitSM, 10+i, submit(to(shopCode)))...)
		}
		p.send(all)
		var window []uint32
		for range 12 + 5 {
			if a := p.next(); a.id == deliverSM {
				window = append(window, a.sequence)
			}
		}
		p.quiet(time.Second)
		for i := len(window) - 1; i >= 0; i-- { // the last one first
			p.send(pdu(deliverSM|resp, window[i], c("")))
			if a := p.next(); a.id != deliverSM {
				t.Errorf("after an answer came %v", a)
			}
		}
		p.quiet(time.Second)
		p.close()
	})
}

// quiet wants nothing to come for a while.
func (p *peer) quiet(while time.Duration) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(while))
	var one [16]byte
	if n, err := p.conn.Read(one[:]); n > 0 || !isTimeout(err) {
		p.t.Errorf("not quiet: % x, %v", one[:n], err)
	}
}

// data_sm goes both ways, and not before a bind (table 2-1).
func TestSession_DataSM(t *testing.T) {
	ce := listen(t, config())
	for name, want := range map[string]uint32{"open": 0x04, "transmitter": 0, "transceiver": 0} {
		p := ce.in(states[name])
		p.asks(dataSM, 5, data(shopCode, tlv(0x0424, "data")), want)
		p.close()
	}
}

// What only the centre may send has no response to be refused with: a generic_nack,
// and the session stays (§4.1.7, §4.12).
func TestSession_CentresOwnCommands(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, tc := range []struct {
		id   uint32
		body string
	}{{outbind, c("AIRTILL") + c("secret")}, {alert, "\x00\x00" + c("1") + "\x00\x00" + c("2")}} {
		p.send(pdu(tc.id, 5, tc.body))
		if a := p.next(); a.id != nack || a.sequence != 5 || a.status != 0x03 && a.status != 0x04 {
			t.Errorf("%08x: answered with %v", tc.id, a)
		}
		p.lives()
	}
}

// Over an account's rate, or its window of unanswered messages, is ESME_RTHROTTLED;
// below it again the account is served.
func TestSession_Throttled(t *testing.T) {
	cfg := config()
	cfg.Accounts[0].Rate, cfg.Accounts[0].Burst = 10, 10
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		for range 3 {
			for i := range uint32(15) {
				want := uint32(0)
				if i >= 10 {
					want = 0x58
				}
				if a := p.asks(submitSM, i+2, submit(), want); want != 0 && a.body != "" {
					t.Errorf("a refusal with a body: %q", a.body)
				}
			}
			time.Sleep(time.Second)
		}
		p.lives()
		p.close()
	})
}

// More submit_sm at once than an account's window are ESME_RTHROTTLED.
func TestSession_WindowOverrun(t *testing.T) {
	cfg := config()
	cfg.Accounts[0].SubmitWindow = 10
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "platform")
		var all []byte
		for i := range uint32(25) {
			all = append(all, pdu(submitSM, i+2, submit())...)
		}
		p.send(all)
		for i := range uint32(25) {
			want := uint32(0)
			if i >= 10 {
				want = 0x58
			}
			p.want(submitSM|resp, want, i+2)
		}
		p.asks(submitSM, 50, submit(), 0)
		p.close()
	})
}

// A full store is ESME_RMSGQFUL; what was in it stays.
func TestSession_StoreFull(t *testing.T) {
	cfg := config()
	cfg.Store = 3
	p := listen(t, cfg).bound(bindTransceiver, "platform")
	defer p.close()
	for i := range uint32(3) {
		p.asks(submitSM, i+2, submit(), 0)
	}
	if a := p.asks(submitSM, 9, submit(), 0x14); a.body != "" {
		t.Errorf("a refusal with a body: %q", a.body)
	}
	p.lives()
}

// With a non-zero status neither submit_sm_resp nor a bind's response has a body (§4.4.2).
func TestSession_RefusalsHaveNoBody(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, body := range []string{submit(to("4")), submit(to("")), submit(func(m *message) { m.canned = "\x07" }), "x"} {
		p.send(pdu(submitSM, 3, body))
		if a := p.next(); a.id != submitSM|resp || a.status == 0 || a.body != "" {
			t.Errorf("answered with %v", a)
		}
	}
}

// unbind is answered, then the connection ends; what was sent after it is not
// answered, and nothing is delivered any more (§4.2).
func TestSession_Unbind(t *testing.T) {
	ce := listen(t, config())
	p := ce.bound(bindTransceiver, "shop")
	p.send(append(pdu(unbind, 5, ""), pdu(submitSM, 6, submit(to(shopCode)))...))
	p.want(unbind|resp, 0, 5)
	p.ends()
	n := ce.neighbour()
	defer n.close()
	n.works() // the submit_sm after the unbind is not delivered to the next session
}

// At its end the centre asks to unbind, and takes unbind_resp for an answer (§4.2).
func TestSession_UnbindByTheCentre(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		ended := make(chan struct{})
		go func() { defer close(ended); ce.stop() }()
		a := p.next()
		if a.id != unbind || a.status != 0 {
			t.Errorf("got %v, want an unbind", a)
		}
		p.send(pdu(unbind|resp, a.sequence, ""))
		p.ends()
		<-ended
	})
}

// A connection that does not bind in time is closed (session_init_timer, §7.2).
func TestSession_InitTimer(t *testing.T) {
	cfg := config()
	cfg.SessionInit = 5 * time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.connect()
		begin := time.Now()
		p.ends()
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

// A quiet session is asked; without an answer it ends (enquire_link_timer and
// response_timer, §7.2). An answer, or anything else, keeps it.
func TestSession_EnquireLinkTimer(t *testing.T) {
	cfg := config()
	cfg.EnquireLink, cfg.Response = 30*time.Second, 10*time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		for range 3 {
			begin := time.Now()
			a := p.patiently(time.Minute)
			if d := time.Since(begin); a.id != enquireLink || d != 30*time.Second {
				t.Errorf("after %v came %v", d, a)
			}
			p.send(pdu(enquireLink|resp, a.sequence, ""))
		}
		begin := time.Now()
		p.patiently(time.Minute)
		p.ends()
		if d := time.Since(begin); d != 40*time.Second {
			t.Errorf("a dead session ended after %v", d)
		}
	})
}

// patiently is the next PDU, however long it takes up to a limit.
func (p *peer) patiently(limit time.Duration) answer {
	p.t.Helper()
	for begin := time.Now(); ; {
		a, err := p.read()
		if err == nil {
			return a
		}
		if !isTimeout(err) || time.Since(begin) > limit {
			p.t.Fatalf("read: %v", err)
		}
	}
}

// A session with nothing but enquire_link is ended by an unbind (inactivity_timer, §7.2).
func TestSession_InactivityTimer(t *testing.T) {
	cfg := config()
	cfg.EnquireLink, cfg.Inactivity = 10*time.Second, 25*time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		begin := time.Now()
		a := p.next()
		for a.id == enquireLink {
			p.send(pdu(enquireLink|resp, a.sequence, ""))
			a = p.next()
		}
		if d := time.Since(begin); a.id != unbind || d != 25*time.Second {
			t.Errorf("after %v came %v", d, a)
		}
		p.send(pdu(unbind|resp, a.sequence, ""))
		p.ends()
	})
}

// A deliver_sm that is not answered in time has failed, and is tried again
// (response_timer, §7.2); the late answer is matched to nothing.
func TestSession_ResponseTimer(t *testing.T) {
	cfg := config()
	cfg.Response, cfg.Retry = 10*time.Second, []time.Duration{time.Second}
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		p.asks(submitSM, 2, submit(to(shopCode)), 0)
		first := p.next()
		begin := time.Now()
		second := p.next()
		if d := time.Since(begin); d != 11*time.Second || second.id != deliverSM || second.sequence == first.sequence || second.body != first.body {
			t.Errorf("after %v came %v", d, second)
		}
		p.send(pdu(deliverSM|resp, first.sequence, c("")))
		p.send(pdu(deliverSM|resp, second.sequence, c("")))
		p.quiet(15 * time.Second)
		p.close()
	})
}

// Three wrong binds are the most that one connection has.
func TestSession_Guessing(t *testing.T) {
	p := listen(t, config()).connect()
	for i := range uint32(3) {
		p.asks(bindTransceiver, i+1, binding("platform", func(b *bind) { b.password = c(fmt.Sprint("guess", i)) }), 0x0E)
	}
	p.ends()
}
