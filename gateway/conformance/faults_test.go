package conformance_test

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smsc"
)

// faulty is a centre's configuration with faults.
func faulty(t *testing.T, texts ...string) smsc.Config {
	t.Helper()
	cfg := config()
	cfg.Faults = fault.New(1)
	for _, text := range texts {
		faults, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cfg.Faults.Set(time.Now(), faults...); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// What an ESME sees of a fault that strikes its submit_sm twice. Another account sees nothing.
func TestFaults_Submit(t *testing.T) {
	for text, see := range map[string]func(t *testing.T, p *peer){
		"submit_sm=ESME_RSYSERR": func(_ *testing.T, p *peer) { p.asks(submitSM, 2, submit(), 0x08) },
		"submit_sm=0x00000400":   func(_ *testing.T, p *peer) { p.asks(submitSM, 2, submit(), 0x400) },
		"submit_sm=delay:3s": func(t *testing.T, p *peer) {
			begin := time.Now()
			p.send(append(pdu(submitSM, 2, submit()), pdu(enquireLink, 3, "")...))
			p.want(enquireLink|resp, 0, 3) // others are not held up
			p.want(submitSM|resp, 0, 2)
			if d := time.Since(begin); d != 3*time.Second {
				t.Errorf("answered after %v", d)
			}
		},
		"submit_sm=lose": func(_ *testing.T, p *peer) {
			p.send(pdu(submitSM, 2, submit()))
			p.quiet(time.Second)
		},
		"submit_sm=drop": func(_ *testing.T, p *peer) {
			p.send(pdu(submitSM, 2, submit()))
			p.ends()
		},
		"submit_sm=drop-after": func(_ *testing.T, p *peer) {
			p.asks(submitSM, 2, submit(), 0)
			p.ends()
		},
		"submit_sm=throttle:0/s": func(_ *testing.T, p *peer) { p.asks(submitSM, 2, submit(), 0x58) },
	} {
		t.Run(text, func(t *testing.T) {
			bubble(t, faulty(t, text+" count=2 account=platform"), func(t *testing.T, ce *centre) {
				n := ce.neighbour()
				for range 2 {
					p := ce.bound(bindTransceiver, "platform")
					see(t, p)
					p.close()
				}
				p := ce.bound(bindTransceiver, "platform")
				p.asks(submitSM, 9, submit(), 0) // the third time
				p.close()
				n.stillLives()
				n.close()
			})
		})
	}
}

// A request whose answer is lost has been performed; one that is refused has not.
func TestFaults_LostAnswerIsPerformed(t *testing.T) {
	for text, performed := range map[string]bool{"submit_sm=lose": true, "submit_sm=drop": true, "submit_sm=ESME_RMSGQFUL": false} {
		t.Run(text, func(t *testing.T) {
			bubble(t, faulty(t, text), func(t *testing.T, ce *centre) {
				p := ce.bound(bindTransmitter, "platform")
				p.send(pdu(submitSM, 2, submit()))
				_, _ = p.read()
				p.close()
				phones := ce.bound(bindReceiver, "phones")
				if performed {
					phones.answerDeliver(0)
				}
				phones.quiet(patience)
				phones.close()
			})
		})
	}
}

// A malformed answer is malformed on the wire, in the way that was asked for.
func TestFaults_Malformed(t *testing.T) {
	for kind, spoilt := range map[string]func(octets []byte) bool{
		"length":   func(b []byte) bool { return binary.BigEndian.Uint32(b) < 16 },
		"overrun":  func(b []byte) bool { return binary.BigEndian.Uint32(b) > uint32(len(b)) },
		"truncate": func(b []byte) bool { return b[len(b)-1] != 0 && int(binary.BigEndian.Uint32(b)) == len(b) },
		"tlv":      func(b []byte) bool { return strings.HasSuffix(string(b), "\x00\x04\x27\x00\xff\x02") },
		"sequence": func(b []byte) bool { return binary.BigEndian.Uint32(b[12:]) != 2 },
	} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, faulty(t, "submit_sm=malform:"+kind), func(t *testing.T, ce *centre) {
				p := ce.bound(bindTransmitter, "platform")
				p.send(pdu(submitSM, 2, submit()))
				octets := p.all(time.Second)
				if len(octets) < 16 || !spoilt(octets) || binary.BigEndian.Uint32(octets[4:]) != submitSM|resp {
					t.Errorf("answered with % x", octets)
				}
				p.close()
			})
		})
	}
}

// all is what comes in a while.
func (p *peer) all(while time.Duration) []byte {
	_ = p.conn.SetReadDeadline(time.Now().Add(while))
	octets, _ := io.ReadAll(p.conn)
	return octets
}

// A bind is struck by the system_id that it asks to be.
func TestFaults_Bind(t *testing.T) {
	bubble(t, faulty(t, "bind=ESME_RBINDFAIL count=1 account=platform"), func(_ *testing.T, ce *centre) {
		p := ce.connect()
		p.asks(bindTransceiver, 1, binding("platform"), 0x0D)
		p.asks(bindTransceiver, 2, binding("platform"), 0)
		p.close()
	})
}

// Receipts that are lost, come twice, or late.
func TestFaults_Receipts(t *testing.T) {
	for text, want := range map[string]struct {
		receipts int
		after    time.Duration
	}{
		"receipt=lose": {0, 0}, "receipt=twice": {2, 0}, "receipt=delay:7s": {1, 7 * time.Second}, "submit_sm=lose@0.0001%": {1, 0},
	} {
		t.Run(text, func(t *testing.T) {
			bubble(t, faulty(t, text), func(t *testing.T, ce *centre) {
				p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
				p.asks(submitSM, 2, submit(asking), 0)
				phones.answerDeliver(0)
				begin := time.Now()
				for range want.receipts {
					if m := readDeliver(p.answerDeliver(0)); m.esmClass != "\x04" || time.Since(begin) != want.after {
						t.Errorf("after %v came %+v", time.Since(begin), m)
					}
				}
				p.quiet(patience)
				p.close()
				phones.close()
			})
		})
	}
}

// A receipt that is held is overtaken by those after it.
func TestFaults_ReorderedReceipts(t *testing.T) {
	bubble(t, faulty(t, "receipt=reorder:5s"), func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		const many = 20
		var order []string
		for i := range uint32(many) {
			order = append(order, id(p.asks(submitSM, i+2, submit(to(shopCode), asking), 0)))
			p.answerDeliver(0) // all before the clock moves on, and so before the first receipt
		}
		var came []string
		for range many {
			m := readDeliver(p.answerDeliver(0))
			came = append(came, receiptText.FindStringSubmatch(m.text)[1])
		}
		if strings.Join(came, " ") == strings.Join(order, " ") {
			t.Error("the receipts came in order")
		}
		p.close()
	})
}
