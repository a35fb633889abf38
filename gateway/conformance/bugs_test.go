package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// A PDU of 5 octets that says it has 2 stopped OpenBSC's server (b6f01e77).
func TestBugs_FiveOctets(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.connect()
	p.send([]byte{0, 0, 0, 2, 0})
	p.wantNack(0)
	n.works()
}

// An sm_length of 255 before the bind ran over OpenSIPS' buffer (#3846, #3891).
func TestBugs_SMLengthBeforeTheBind(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.connect()
	for value := range 256 {
		length := func(m *message) { m.length = string([]byte{byte(value)}) }
		p.asks(submitSM, 5, submit(length, saying(strings.Repeat("x", 255))), 0x04)
		p.asks(deliverSM, 6, submit(length), 0x04)
	}
	p.close()
	n.works()
}

// A UDH indicator and no text stopped OpenBSC's server (dc50388c).
func TestBugs_HeaderWithoutText(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	udhi := func(m *message) { m.esmClass = "\x40" }
	p.refused(submitSM, submit(saying(""), udhi), 0x43)
	p.refused(submitSM, submit(saying(""), udhi, func(m *message) { m.tlvs = tlv(0x0424, "") }), 0x43)
	n.works()
}

// A malformed PDU sent ksmppd into an endless loop (PR 16): of thousands of PDUs, each
// with octets changed by chance, every request is answered and the session lives.
func TestBugs_EveryMutationIsAnswered(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	p := ce.bound(bindTransceiver, "platform")
	defer p.close()
	r := rand.New(rand.NewPCG(1, 2))
	whole := submit(func(m *message) {
		m.tlvs = tlv(0x020C, "\x00\x01") + tlv(0x020E, "\x02") + tlv(0x020F, "\x01") + tlv(0x1400, "vendor")
	})
	for i := range uint32(5000) {
		body := []byte(whole)
		for range 1 + r.IntN(4) {
			body[r.IntN(len(body))] = byte(r.Uint32())
		}
		p.send(pdu(submitSM, i, string(body[:len(body)-r.IntN(2)*r.IntN(len(body))])))
		if a := p.next(); a.id != submitSM|resp || a.sequence != i {
			t.Fatalf("%q: answered with %v", body, a)
		}
	}
	p.lives()
	n.works()
}

// node-smpp (#10) queues without bound for a peer that does not read: here it is not
// read from either, until its connection is given up.
func TestBugs_PeerThatDoesNotRead(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		defer n.close()
		p := ce.bound(bindTransceiver, "platform")
		many := strings.Repeat(string(pdu(enquireLink, 5, "")), 1000)
		taken := 0
		for taken < 64<<20 {
			_ = p.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			written, err := p.conn.Write([]byte(many))
			taken += written
			if err != nil {
				break
			}
		}
		if taken > 1<<20 {
			t.Errorf("%d octets were taken from a peer that does not read", taken)
		}
		n.works()
		n.waits(45 * time.Second)
		if _, err := p.conn.Write([]byte(many)); err == nil {
			t.Error("a peer that does not read is kept for ever")
		}
		p.close()
		n.works()
	})
}

// The same with messages to deliver, which wait for a peer that does read.
func TestBugs_ReceiverThatDoesNotRead(t *testing.T) {
	cfg := config()
	cfg.Response = 10 * time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		defer n.close()
		deaf := ce.bound(bindReceiver, "phones")
		p := ce.bound(bindTransmitter, "platform")
		for i := range uint32(200) {
			p.asks(submitSM, i+2, submit(to(fmt.Sprint("86138000000", 10+i%80)), saying(strings.Repeat("x", 160))), 0)
		}
		n.works()
		deaf.close()
		hearing := ce.bound(bindReceiver, "phones")
		for range 200 {
			hearing.answerDeliver(0)
		}
		p.close()
		hearing.close()
	})
}

// A receipt's id is the submit_sm_resp's, octet for octet, in text and parameter alike
// (Jasmin #643, #1123: hex there, decimal here).
func TestBugs_ReceiptIDs(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "shop")
	defer p.close()
	for i := range uint32(50) {
		id := p.asks(submitSM, i+2, submit(to(shopCode), asking), 0).body
		p.answerDeliver(0)
		m := readDeliver(p.answerDeliver(0))
		if !strings.HasPrefix(m.text, "id:"+strings.TrimSuffix(id, "\x00")+" ") || !strings.Contains(m.tlvs, tlv(0x001E, id)) {
			t.Fatalf("id %q, receipt %q, parameters %q", id, m.text, m.tlvs)
		}
	}
}

// A message is in doubt when its session ends between deliver_sm and the answer: it
// comes again, and one that was answered does not (Jasmin #706).
func TestBugs_SessionDroppedBeforeTheAnswer(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		defer n.close()
		p := ce.bound(bindTransmitter, "platform")
		for i := range uint32(3) {
			p.asks(submitSM, i+2, submit(saying(fmt.Sprint(i))), 0)
		}
		for i := range 3 {
			phones := ce.bound(bindReceiver, "phones")
			a := phones.next()
			if m := readDeliver(a.body); m.text != fmt.Sprint(i) {
				t.Errorf("message %d says %q", i, m.text)
			}
			phones.close() // without an answer
			phones = ce.bound(bindReceiver, "phones")
			if m := readDeliver(phones.answerDeliver(0)); m.text != fmt.Sprint(i) {
				t.Errorf("again message %d says %q", i, m.text)
			}
			phones.stillLives()
			phones.close()
		}
		n.works()
		p.close()
	})
}

// stillLives is lives for a session that messages may come to meanwhile.
func (p *peer) stillLives() {
	p.t.Helper()
	p.send(pdu(enquireLink, 0x7777, ""))
	for {
		if a := p.next(); a.id == enquireLink|resp {
			return
		}
	}
}

// Answers slower than the response timer make copies (as many Kannel users have seen):
// each is one more attempt at the same message, and there is one receipt.
func TestBugs_SlowAnswers(t *testing.T) {
	cfg := config()
	cfg.EnquireLink, cfg.Response, cfg.Retry = time.Hour, 10*time.Second, []time.Duration{time.Second}
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p, phones := ce.bound(bindTransceiver, "platform"), ce.bound(bindReceiver, "phones")
		p.asks(submitSM, 2, submit(asking, saying("slow")), 0)
		for range 3 {
			a := phones.next()
			if m := readDeliver(a.body); a.id != deliverSM || m.text != "slow" {
				t.Errorf("came %v", a)
			}
			time.Sleep(10*time.Second + time.Millisecond)
			phones.send(pdu(deliverSM|resp, a.sequence, c("")))
		}
		phones.answerDeliver(0)
		p.answerDeliver(0)
		p.quiet(patience)
		p.close()
		phones.close()
	})
}

// An answer to nothing is no answer to anything (a response with an unknown number).
func TestBugs_UnknownResponses(t *testing.T) {
	cfg := config()
	cfg.Response, cfg.Retry = 10*time.Second, []time.Duration{time.Second}
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		p := ce.bound(bindTransceiver, "shop")
		p.asks(submitSM, 2, submit(to(shopCode)), 0)
		a := p.next()
		for _, sequence := range []uint32{0, a.sequence + 1, a.sequence | 1<<31, 0xFFFFFFFF} {
			p.send(pdu(deliverSM|resp, sequence, c("")))
			p.send(pdu(submitSM|resp, a.sequence, c("id"))) // and of another command
		}
		if b := p.next(); b.id != deliverSM || b.body != a.body {
			t.Errorf("the message counted as answered: %v", b)
		}
		p.close()
	})
}

// A sequence number that is used again while its answer is due gets an answer for each.
func TestBugs_SequenceNumberTwice(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	p.send([]byte(strings.Repeat(string(pdu(submitSM, 7, submit())), 20)))
	ids := make(map[string]bool)
	for range 20 {
		ids[p.want(submitSM|resp, 0, 7).body] = true
	}
	if len(ids) != 20 {
		t.Errorf("%d ids for 20 messages", len(ids))
	}
}

// One octet a second: the bind has five seconds, a PDU ten; a slow peer that keeps to
// them is served (slowloris).
func TestBugs_OneOctetASecond(t *testing.T) {
	cfg := config()
	cfg.SessionInit = 5 * time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		slow := ce.connect()
		if d := slow.drip(pdu(bindTransceiver, 1, binding("platform")), time.Second); d > 6*time.Second {
			t.Errorf("an open session dripped for %v", d)
		}
		n.works()
		slow = ce.bound(bindTransceiver, "platform")
		if d := slow.drip(pdu(submitSM, 2, submit()), time.Second); d > 11*time.Second {
			t.Errorf("a PDU dripped for %v", d)
		}
		n.works()
		quick := ce.bound(bindTransceiver, "platform")
		quick.drip(pdu(submitSM, 2, submit()), 100*time.Millisecond)
		quick.want(submitSM|resp, 0, 2)
		quick.close()
		n.close()
	})
}

// drip writes octets one by one, until all are or the connection ends, and says how long it took.
func (p *peer) drip(octets []byte, each time.Duration) time.Duration {
	begin := time.Now()
	for i := range octets {
		if _, err := p.conn.Write(octets[i : i+1]); err != nil {
			break
		}
		time.Sleep(each)
	}
	return time.Since(begin)
}

// A peer that reads one octet a second is served, and holds nobody up.
func TestBugs_SlowReader(t *testing.T) {
	bubble(t, config(), func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		defer n.close()
		slow := ce.bound(bindTransceiver, "platform")
		slow.send(pdu(enquireLink, 5, ""))
		for range 16 {
			time.Sleep(time.Second)
			if _, err := slow.conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			n.works()
		}
		slow.lives()
		slow.close()
	})
}

// Ten thousand connections that say nothing cost a neighbour nothing and are closed
// in time; ten thousand that bind and then are idle are kept.
func TestBugs_TenThousandIdle(t *testing.T) {
	const many = crowd
	cfg := config()
	cfg.SessionInit = 5 * time.Second
	t.Run("open", func(t *testing.T) {
		bubble(t, cfg, func(t *testing.T, ce *centre) {
			n := ce.neighbour()
			idle := make([]*peer, many)
			for i := range idle {
				idle[i] = ce.connect()
			}
			n.works()
			time.Sleep(cfg.SessionInit)
			for _, p := range idle {
				p.ends()
			}
			n.works()
			n.close()
		})
	})
	t.Run("bound", func(t *testing.T) {
		bubble(t, cfg, func(t *testing.T, ce *centre) {
			n := ce.neighbour()
			idle := make([]*peer, many)
			for i := range idle {
				idle[i] = ce.bound(bindTransceiver, "platform")
			}
			n.works()
			idle[0].lives()
			idle[many-1].lives()
			for _, p := range idle {
				p.close()
			}
			n.works()
			n.close()
		})
	})
}

// Clients of the field's list of bad ones (smpp-test-tools, TODO_bad_clients.txt),
// each beside a session that works.
func TestBugs_BadClients(t *testing.T) {
	for name, bad := range map[string]func(ce *centre){
		"binds and goes":         func(ce *centre) { ce.bound(bindTransceiver, "platform").close() },
		"goes before its answer": func(ce *centre) { p := ce.connect(); p.send(pdu(bindTransceiver, 1, binding("platform"))); p.close() },
		"goes in the middle of one": func(ce *centre) {
			p := ce.connect()
			p.send(pdu(bindTransceiver, 1, binding("platform"))[:20])
			p.close()
		},
		"says nothing": func(ce *centre) { ce.connect().close() },
		"submits and goes": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			p.send(pdu(submitSM, 2, submit(asking)))
			p.close()
		},
		"unbinds twice": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			p.send(append(pdu(unbind, 2, ""), pdu(unbind, 3, "")...))
			p.want(unbind|resp, 0, 2)
			p.ends()
		},
		"unbinds before it binds": func(ce *centre) { p := ce.connect(); p.asks(unbind, 2, "", 0x04); p.close() },
		"answers its own bind": func(ce *centre) {
			p := ce.connect()
			p.send(pdu(bindTransceiver|resp, 1, c("AIRTILL")))
			p.asks(bindTransceiver, 2, binding("platform"), 0)
			p.close()
		},
		"never answers enquire_link, nor anything": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			p.patiently(time.Minute)
			p.ends()
		},
		"sends garbage after a good bind": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			p.send([]byte("\r\n\r\nquit\r\nquit\r\n"))
			p.wantNack(0x69740D0A) // "it\r\n"
		},
		"claims parts that never come": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			for i := range uint32(50) {
				part := func(m *message) { m.esmClass, m.text = "\x40", "\x05\x00\x03"+string([]byte{byte(i)})+"\xff\xffpart" }
				p.asks(submitSM, i+2, submit(part), 0)
			}
			p.close()
		},
		"part 3 of 2 and part 0": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			for _, part := range []string{"\x02\x03", "\x02\x00", "\x00\x01", "\x00\x00"} {
				p.send(pdu(submitSM, 2, submit(saying("\x05\x00\x03\x01"+part+"x"), func(m *message) { m.esmClass = "\x40" })))
				if a := p.next(); a.id != submitSM|resp {
					p.t.Errorf("answered with %v", a)
				}
			}
			p.close()
		},
		"a storm of binds": func(ce *centre) {
			for range 300 {
				ce.bound(bindTransceiver, "platform").close()
			}
		},
		"fills its window and goes": func(ce *centre) {
			p := ce.bound(bindTransceiver, "platform")
			for i := range uint32(300) {
				p.send(pdu(submitSM, i+2, submit(asking)))
			}
			p.close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, config(), func(t *testing.T, ce *centre) {
				n := ce.neighbour()
				n.works()
				bad(ce)
				n = &neighbour{ce.bound(bindTransceiver, "shop"), 200} // the first one may have been asked meanwhile
				n.works()
				n.close()
			})
		})
	}
}

// Guessing a password gets slower and slower, in new connections too, and costs each
// of them after three tries; who knows it gets in within the time for a bind, and a
// neighbour works.
func TestBugs_GuessingStorm(t *testing.T) {
	cfg := config()
	cfg.GuessDelay = 2 * time.Second
	bubble(t, cfg, func(t *testing.T, ce *centre) {
		n := ce.neighbour()
		begin, tries := time.Now(), 0
		for range 4 {
			p := ce.connect()
			for i := range uint32(3) {
				_, _ = p.conn.Write(pdu(bindTransceiver, i+1, binding("platform", func(b *bind) { b.password = c("secreT") })))
				tries++
				if a, err := p.read(); err != nil {
					break // the time for a bind is over
				} else if a.id != bindTransceiver|resp || a.status != 0x0E {
					t.Errorf("answered with %v", a)
				}
			}
			p.close()
		}
		if each := time.Since(begin) / time.Duration(tries); each < time.Second/2 {
			t.Errorf("%d guesses in %v", tries, time.Since(begin))
		}
		begin = time.Now()
		ce.bound(bindTransceiver, "platform").close()
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("who knows the password waits for %v", d)
		}
		n.waits(time.Second)
		n.works()
		n.close()
	})
}

// A connection that is reset while answers are due takes nobody with it.
func TestBugs_Reset(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	for range 20 {
		p := ce.bound(bindTransceiver, "platform")
		p.send([]byte(strings.Repeat(string(pdu(submitSM, 2, submit(asking))), 100)))
		if err := p.conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		p.close()
		n.works()
	}
}
