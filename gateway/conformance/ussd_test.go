package conformance_test

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

// Operations of a session, §5.3.2.44, and two that vendors added.
const (
	pssdInd     = 0
	pssrInd     = 1
	ussrRequest = 2
	ussnRequest = 3
	pssdResp    = 16
	pssrResp    = 17
	ussrConfirm = 18
	ussnConfirm = 19
	vendorEnd   = 23
	vendorAbort = 129
)

// Optional parameters of a session.
const (
	serviceOp   = 0x0501
	sessionInfo = 0x1383
	reference   = 0x0204
	reason      = 0x001D // additional_status_info_text: who gave up
)

const phone2 = "8613800000002"

// op is a ussd_service_op, with whatever else a message of a session has.
func op(n byte, more ...string) string {
	return tlv(serviceOp, string([]byte{n})) + strings.Join(more, "")
}

// info is an its_session_info: octet by octet.
func info(first, second byte) string { return tlv(sessionInfo, string([]byte{first, second})) }

func ref(id uint16) string { return tlv(reference, string(binary.BigEndian.AppendUint16(nil, id))) }

// step is one message of a session, as submit_sm and deliver_sm have it.
func step(from, to, text, tlvs string) string {
	return submit(func(m *message) {
		m.serviceType, m.source, m.destination, m.text, m.tlvs = c("USSD"), c(from), c(to), text, tlvs
	})
}

// switched is a centre with USSD, and the two ends of its sessions.
type switched struct {
	*centre
	fleet, app *peer
	sequence   uint32
}

// dial runs a test against a centre in memory, where *120# leads to an application that
// speaks a dialect.
func dial(t *testing.T, a ussd.Account, test func(t *testing.T, s *switched)) {
	t.Helper()
	c := ussd.Config{Routes: []ussd.Route{{Code: "*120#", Account: "app"}}, Accounts: map[string]ussd.Account{"app": a}}
	synctest.Test(t, func(t *testing.T) { switchedBy(t, c, test) })
}

// switchedBy runs a test, in a bubble, against a centre with USSD.
func switchedBy(t *testing.T, uc ussd.Config, test func(t *testing.T, s *switched)) {
	t.Helper()
	cfg := smsc.Config{Accounts: []smsc.Account{
		{SystemID: "app", Password: secret}, {SystemID: "other", Password: secret, AddressRange: "^10690$"},
		{SystemID: "phones", Password: secret, AddressRange: "^861[0-9]{10}$", Kind: smsc.Subscribers, Window: 100},
	}, EnquireLink: time.Hour}
	server, err := smsc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sw, err := ussd.New(uc, server)
	if err != nil {
		t.Fatal(err)
	}
	server.SetUSSD(sw)
	ln := newMemory()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, ln); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	wg.Go(func() {
		if err := sw.Serve(ctx); err != nil {
			t.Errorf("serve ussd: %v", err)
		}
	})
	s := &switched{centre: &centre{t: t, dial: ln.dial}, sequence: 100}
	defer wg.Wait()
	defer stop()
	s.fleet, s.app = s.bound(bindTransceiver, "phones"), s.bound(bindTransceiver, "app")
	defer func() { s.fleet.close(); s.app.close() }()
	test(t, s)
}

// says submits a step. What comes meanwhile on the same session is read later.
func (s *switched) says(p *peer, status uint32, body string) {
	s.t.Helper()
	s.sequence++
	p.asks(submitSM, s.sequence, body, status)
}

// hears is the next message of a session, octet for octet in what matters, and takes it.
func (s *switched) hears(p *peer, from, to, text, tlvs string) {
	s.t.Helper()
	d := p.next()
	if d.id != deliverSM || d.status != 0 {
		s.t.Fatalf("got %v, want a deliver_sm", d)
	}
	s.heard(d, from, to, text, tlvs)
	p.send(pdu(deliverSM|resp, d.sequence, c("")))
}

func (s *switched) heard(d answer, from, to, text, tlvs string) {
	s.t.Helper()
	m := readDeliver(d.body)
	if m.serviceType != c("USSD") || m.source != c(from) || m.destination != c(to) || m.text != text || m.tlvs != tlvs {
		s.t.Errorf("got service_type %q, from %q to %q, %q, parameters %x\nwant from %q to %q, %q, parameters %x",
			m.serviceType, m.source, m.destination, m.text, m.tlvs, from, to, text, tlvs)
	}
	if m.esmClass != "\x00" || m.registered != "\x00" || m.schedule != c("") || m.validity != c("") {
		s.t.Errorf("a step of a session is a message of none: %+v", m)
	}
}

// quiet wants nothing to come.
func (s *switched) quiet(p *peer) {
	s.t.Helper()
	if a, err := p.readUntil(time.Now().Add(time.Millisecond)); !isTimeout(err) {
		s.t.Errorf("got %v, %v, want silence", a, err)
	}
}

// Dialled: deliver_sm 1, submit_sm 2 (ask), deliver_sm 18 (answer), submit_sm 17 (last
// text). Each side has the session's number as it knows it, the dialogue's number rises in
// bits 7-1, and bit 0 says the end.
func TestUSSD_Dialled(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
		s.hears(s.app, phone, "*120#", "", op(pssrInd, info(1, 0)))
		s.says(s.app, 0, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0))))
		s.hears(s.fleet, "*120#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
		s.says(s.fleet, 0, step(phone, "*120#", "1", op(ussrConfirm, info(7, 0))))
		s.hears(s.app, phone, "*120#", "1", op(ussrConfirm, info(1, 1<<1)))
		s.says(s.app, 0, step("*120#", phone, "How much?", op(ussrRequest, info(1, 1<<1))))
		s.hears(s.fleet, "*120#", phone, "How much?", op(ussrRequest, info(7, 1<<1)))
		s.says(s.fleet, 0, step(phone, "*120#", "10", op(ussrConfirm, info(7, 1<<1))))
		s.hears(s.app, phone, "*120#", "10", op(ussrConfirm, info(1, 2<<1)))
		s.says(s.app, 0, step("*120#", phone, "Paid", op(pssrResp, info(1, 2<<1|1))))
		s.hears(s.fleet, "*120#", phone, "Paid", op(pssrResp, info(7, 2<<1|1)))
		// The session is over: nobody may say more in it.
		s.says(s.fleet, 0x45, step(phone, "*120#", "1", op(ussrConfirm, info(7, 0))))
		s.says(s.app, 0x45, step("*120#", phone, "And?", op(pssrResp, info(1, 1))))
		s.quiet(s.app)
		s.quiet(s.fleet)
	})
}

// PSSD: a handset of phase 1 can be told one last text, by op 16.
func TestUSSD_DialledPSSD(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssdInd, info(7, 0))))
		s.hears(s.app, phone, "*120#", "", op(pssdInd, info(1, 0)))
		s.says(s.app, 0x45, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0))))
		s.says(s.app, 0, step("*120#", phone, "Balance 5", op(pssdResp, info(1, 1))))
		s.hears(s.fleet, "*120#", phone, "Balance 5", op(pssdResp, info(7, 1)))
	})
}

// Pushed: submit_sm 2 or 3 with no session begins one; deliver_sm 18 or 19 answers. A
// notice is over when it is confirmed. The application's own session number is kept.
func TestUSSD_Pushed(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.says(s.app, 0, step("*120#", phone, "Pay 10?", op(ussrRequest, info(9, 0))))
		s.hears(s.fleet, "*120#", phone, "Pay 10?", op(ussrRequest, info(1, 0)))
		s.says(s.fleet, 0, step(phone, "*120#", "1", op(ussrConfirm, info(1, 0))))
		s.hears(s.app, phone, "*120#", "1", op(ussrConfirm, info(9, 0)))
		s.says(s.app, 0, step("*120#", phone, "Paid", op(pssrResp, info(9, 1))))
		s.hears(s.fleet, "*120#", phone, "Paid", op(pssrResp, info(1, 1<<1|1)))
		s.says(s.app, 0, step("*120#", phone, "Sale today", op(ussnRequest, info(10, 0))))
		s.hears(s.fleet, "*120#", phone, "Sale today", op(ussnRequest, info(2, 0)))
		s.says(s.fleet, 0, step(phone, "*120#", "", op(ussnConfirm, info(2, 0))))
		s.hears(s.app, phone, "*120#", "", op(ussnConfirm, info(10, 0)))
		s.says(s.app, 0x45, step("*120#", phone, "More", op(pssrResp, info(10, 1))))
		// Nobody's number, and a number of an application.
		s.says(s.app, 0x0B, step("*120#", "4915100000001", "Pay?", op(ussrRequest)))
		s.says(s.app, 0x0B, step("*120#", "10690", "Pay?", op(ussrRequest)))
	})
}

// The deployed dialects of carrier.md, and no id at all: what the application gets and
// says, beside a handset that speaks the specification's.
func TestUSSD_Dialects(t *testing.T) {
	for _, tc := range []struct {
		dialect                                  ussd.Dialect
		dialled, ask, answer, end, second, abort string
	}{
		{ // op 2 always, the end by the flag alone, bits 15-1 opaque
			ussd.FlagEnds, op(pssrInd, info(0, 1<<1)), op(ussrRequest, info(0, 1<<1)), op(ussrConfirm, info(0, 1<<1)),
			op(ussrRequest, info(0, 1<<1|1)), op(pssrInd, info(0, 2<<1)), op(ussrConfirm, info(0, 2<<1|1)),
		},
		{ // a 15-bit session id and the flag; 1, 18, 129 in and 2, 23 out
			ussd.LongID, op(pssrInd, info(0, 1<<1)), op(ussrRequest, info(0, 1<<1)), op(ussrConfirm, info(0, 1<<1)),
			op(vendorEnd, info(0, 1<<1|1)), op(pssrInd, info(0, 2<<1)), op(vendorAbort, info(0, 2<<1|1)),
		},
		{ // user_message_reference is the session's id
			ussd.Reference, op(pssrInd, ref(1)), op(ussrRequest, ref(1)), op(ussrConfirm, ref(1)),
			op(vendorEnd, ref(1)), op(pssrInd, ref(2)), op(vendorAbort, ref(2)),
		},
		{ussd.NoID, op(pssrInd), op(ussrRequest), op(ussrConfirm), op(pssrResp), op(pssrInd), op(vendorAbort)},
	} {
		t.Run(tc.dialect.String(), func(t *testing.T) {
			dial(t, ussd.Account{Dialect: tc.dialect}, func(t *testing.T, s *switched) {
				s.says(s.fleet, 0, step(phone, "*120*5#", "", op(pssrInd, info(7, 0))))
				s.hears(s.app, phone, "*120#", "5", tc.dialled)
				s.says(s.app, 0, step("*120#", phone, "1 Pay", tc.ask))
				s.hears(s.fleet, "*120#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
				s.says(s.fleet, 0, step(phone, "*120#", "1", op(ussrConfirm, info(7, 0))))
				s.hears(s.app, phone, "*120#", "1", tc.answer)
				s.says(s.app, 0, step("*120#", phone, "Paid", tc.end))
				s.hears(s.fleet, "*120#", phone, "Paid", op(pssrResp, info(7, 1<<1|1)))
				// And one that the user gives up.
				s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(8, 0))))
				s.hears(s.app, phone, "*120#", "", tc.second)
				s.says(s.fleet, 0, step(phone, "*120#", "", op(vendorAbort, info(8, 1))))
				s.hears(s.app, phone, "*120#", "", tc.abort+tlv(reason, c("user-abort")))
			})
		})
	}
}

// The dialled code is in short_message or in destination_addr, as an account has it; a
// handset may put it in either too.
func TestUSSD_CodeInText(t *testing.T) {
	dial(t, ussd.Account{CodeInText: true}, func(t *testing.T, s *switched) {
		s.says(s.fleet, 0, step(phone, "*120*5*6#", "", op(pssrInd, info(7, 0))))
		s.hears(s.app, phone, "120", "*120*5*6#", op(pssrInd, info(1, 0)))
		s.says(s.app, 0, step("120", phone, "Bye", op(pssrResp, info(1, 1))))
		s.hears(s.fleet, "*120#", phone, "Bye", op(pssrResp, info(7, 1)))
		s.says(s.fleet, 0, step(phone, "120", "*120*123456789012345678901234567890#", op(pssrInd, info(8, 0))))
		s.hears(s.app, phone, "120", "*120*123456789012345678901234567890#", op(pssrInd, info(2, 0)))
	})
}

// The user gives up: op 129, or any op with the end flag. The application is told once,
// and what it says then is too late.
func TestUSSD_Abort(t *testing.T) {
	for name, last := range map[string]string{
		"op 129": op(vendorAbort, info(7, 1)), "op 129 without the flag": op(vendorAbort, info(7, 0)),
		"the flag": op(ussrConfirm, info(7, 1)), "no number": op(vendorAbort, info(0, 1)), "no its_session_info": op(vendorAbort),
	} {
		t.Run(name, func(t *testing.T) {
			dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
				s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
				s.hears(s.app, phone, "*120#", "", op(pssrInd, info(1, 0)))
				s.says(s.app, 0, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0))))
				s.hears(s.fleet, "*120#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
				s.says(s.fleet, 0xC4, step(phone, "*120#", "", op(vendorAbort, info(6, 1)))) // of another session
				s.says(s.fleet, 0, step(phone, "*120#", "", last))
				s.hears(s.app, phone, "*120#", "", op(vendorAbort, info(1, 1<<1|1), tlv(reason, c("user-abort"))))
				s.says(s.fleet, 0x45, step(phone, "*120#", "", last))
				s.says(s.app, 0xC4, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0))))
				s.quiet(s.app)
				s.quiet(s.fleet)
			})
		})
	}
}

// A handset that refuses what it is to show has no session.
func TestUSSD_NotShown(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.says(s.app, 0, step("*120#", phone, "Pay?", op(ussrRequest, info(9, 0))))
		d := s.fleet.next()
		s.fleet.send(answering(deliverSM|resp, 0x65, d.sequence, c("")))
		s.hears(s.app, phone, "*120#", "", op(vendorAbort, info(9, 1), tlv(reason, c("network-error"))))
		s.says(s.fleet, 0x45, step(phone, "*120#", "1", op(ussrConfirm, info(1, 0))))
	})
}

// The user takes too long (60 s), or the application does (15 s): to the second, both are
// told, and a word after that is too late.
func TestUSSD_Timeouts(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
		s.hears(s.app, phone, "*120#", "", op(pssrInd, info(1, 0)))
		s.says(s.app, 0, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0))))
		began := time.Now()
		s.hears(s.fleet, "*120#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
		time.Sleep(50 * time.Second)
		s.hears(s.fleet, "*120#", phone, "You took too long. Please dial again.", op(pssrResp, info(7, 1<<1|1)))
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the user's time was %v", took)
		}
		s.hears(s.app, phone, "*120#", "", op(vendorAbort, info(1, 1<<1|1), tlv(reason, c("user-timeout"))))
		s.says(s.fleet, 0x45, step(phone, "*120#", "1", op(ussrConfirm, info(7, 0))))

		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(8, 0))))
		began = time.Now()
		s.hears(s.app, phone, "*120#", "", op(pssrInd, info(2, 0)))
		s.hears(s.fleet, "*120#", phone, "The service does not answer. Please try again later.", op(pssrResp, info(8, 1)))
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("the application's time was %v", took)
		}
		s.hears(s.app, phone, "*120#", "", op(vendorAbort, info(2, 1<<1|1), tlv(reason, c("application-timeout"))))
		s.says(s.app, 0xC4, step("*120#", phone, "At last", op(ussrRequest, info(2, 0)))) // does not begin a session
	})
}

// A handset has one session: the user who dials again wins and the application is told;
// an application that pushes into one loses, 0x14, which says try later.
func TestUSSD_SecondSession(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		other := s.bound(bindTransceiver, "other")
		defer other.close()
		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
		s.hears(s.app, phone, "*120#", "", op(pssrInd, info(1, 0)))
		s.says(other, 0x14, step("10690", phone, "Sale today", op(ussnRequest)))
		s.says(other, 0x14, step("10690", phone, "Pay?", op(ussrRequest)))
		s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(8, 0))))
		s.hears(s.app, phone, "*120#", "", op(vendorAbort, info(1, 1<<1|1), tlv(reason, c("collision"))))
		s.hears(s.app, phone, "*120#", "", op(pssrInd, info(2, 0)))
		s.says(s.app, 0x14, step("*120#", phone, "1 Pay", op(ussrRequest, info(1, 0)))) // of the session that is over
		s.says(s.app, 0, step("*120#", phone, "1 Pay", op(ussrRequest, info(2, 0))))
		s.hears(s.fleet, "*120#", phone, "1 Pay", op(ussrRequest, info(8, 0)))
	})
}

// There are 256 session numbers only: two handsets may have the same.
func TestUSSD_SessionNumbersAreOfTheHandset(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		for _, number := range []string{phone, phone2} {
			s.says(s.fleet, 0, step(number, "*120#", "", op(pssrInd, info(7, 0))))
			s.hears(s.app, number, "*120#", "", op(pssrInd, info(1, 0)))
		}
		for _, number := range []string{phone2, phone} {
			s.says(s.app, 0, step("*120#", number, "for "+number, op(pssrResp, info(1, 1))))
			s.hears(s.fleet, "*120#", number, "for "+number, op(pssrResp, info(7, 1)))
		}
		// The number of a handset's next session is another, 1 to 255.
		for n := range 300 {
			s.says(s.fleet, 0, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
			number := byte((n+1)%255) + 1
			s.hears(s.app, phone, "*120#", "", op(pssrInd, info(number, 0)))
			s.says(s.app, 0, step("*120#", phone, "", op(pssrResp, info(number, 1))))
			s.hears(s.fleet, "*120#", phone, "", op(pssrResp, info(7, 1)))
		}
	})
}

// At most 182 characters of GSM 7 bit, those of the extension table counting twice, or
// 160 octets of UCS2. Nothing is cut: longer is 0x01.
func TestUSSD_Lengths(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		for _, tc := range []struct {
			coding, text string
			status       uint32
		}{
			{"\x00", strings.Repeat("x", 182), 0}, {"\x00", strings.Repeat("x", 183), 0x01}, {"\x00", strings.Repeat("x", 254), 0x01},
			{"\x00", strings.Repeat("\x1b\x65", 91), 0}, {"\x00", "x" + strings.Repeat("\x1b\x65", 91), 0x01}, // 0x1B 0x65 is the euro sign
			{"\x08", strings.Repeat("\x4e\x2d", 80), 0}, {"\x08", strings.Repeat("\x4e\x2d", 81), 0x01},
		} {
			s.says(s.app, tc.status, submit(func(m *message) {
				m.serviceType, m.source, m.destination, m.text, m.tlvs = c("USSD"), c("*120#"), c(phone), tc.text, op(ussrRequest, info(9, 0))
				m.coding = tc.coding
			}))
			if tc.status != 0 {
				continue
			}
			d := s.fleet.next()
			if m := readDeliver(d.body); m.text != tc.text || m.coding != tc.coding {
				t.Errorf("%d octets of coding %x came as %q, coding %x", len(tc.text), tc.coding, m.text, m.coding)
			}
			s.fleet.send(pdu(deliverSM|resp, d.sequence, c("")))
			s.says(s.app, 0, step("*120#", phone, "", op(pssrResp, info(9, 1))))
			d = s.fleet.next()
			s.fleet.send(pdu(deliverSM|resp, d.sequence, c("")))
		}
	})
}

// A code that leads nowhere is refused, 0x0B, and so is what is no code.
func TestUSSD_UnknownCode(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		for _, code := range []string{"*999#", "*12#", "*1200#", "120", "*120", "#"} {
			s.says(s.fleet, 0x0B, step(phone, code, "", op(pssrInd, info(7, 0))))
		}
		s.says(s.fleet, 0x0B, step(phone, "120", "*999#", op(pssrInd, info(7, 0))))
		s.quiet(s.app)
		s.quiet(s.fleet)
	})
}

// With no receiver bound the session ends at once: the user is told, or the application.
func TestUSSD_NoReceiver(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.app.asks(unbind, 2, "", 0)
		s.app.ends()
		d := s.both(s.fleet, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
		s.heard(d, "*120#", phone, "The service is not available. Please try again later.", op(pssrResp, info(7, 1)))
		// A transmitter does not receive.
		s.app = s.bound(bindTransmitter, "app")
		d = s.both(s.fleet, step(phone, "*120#", "", op(pssrInd, info(7, 0))))
		s.heard(d, "*120#", phone, "The service is not available. Please try again later.", op(pssrResp, info(7, 1)))
		s.app.close()
		s.app = s.bound(bindTransceiver, "app")
		s.fleet.asks(unbind, 2, "", 0)
		s.fleet.ends()
		d = s.both(s.app, step("*120#", phone, "Pay?", op(ussrRequest, info(9, 0))))
		s.heard(d, phone, "*120#", "", op(vendorAbort, info(9, 1), tlv(reason, c("network-error"))))
	})
}

// both submits a step that is answered with a step too: which of the two comes first is open.
func (s *switched) both(p *peer, body string) answer {
	s.t.Helper()
	s.sequence++
	p.send(pdu(submitSM, s.sequence, body))
	first, second := p.next(), p.next()
	if first.id == submitSM|resp {
		first, second = second, first
	}
	if first.id != deliverSM || second.id != submitSM|resp || second.status != 0 || second.sequence != s.sequence {
		s.t.Fatalf("got %v and %v", first, second)
	}
	p.send(pdu(deliverSM|resp, first.sequence, c("")))
	return first
}

// Bad parameters: 0xC3 if ussd_service_op is missing, 0xC2 for a length, 0xC4 for a value
// that is reserved or goes the other way.
func TestUSSD_BadParameters(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		for _, tc := range []struct {
			tlvs   string
			status uint32
		}{
			{"", 0xC3}, {info(1, 0), 0xC3}, {tlv(serviceOp, ""), 0xC2}, {tlv(serviceOp, "\x01\x01"), 0xC2},
			{op(pssrInd, tlv(sessionInfo, "\x01")), 0xC2}, {op(pssrInd, tlv(sessionInfo, "\x01\x00\x00")), 0xC2},
			{op(4), 0xC4}, {op(15), 0xC4}, {op(20), 0xC4}, {op(31), 0xC4}, {op(200), 0xC4},
			{op(ussrRequest), 0xC4}, {op(pssrResp), 0xC4},
		} {
			s.says(s.fleet, tc.status, step(phone, "*120#", "", tc.tlvs))
		}
		for _, n := range []byte{pssrInd, pssdInd, ussrConfirm, ussnConfirm, vendorAbort} {
			s.says(s.app, 0xC4, step("*120#", phone, "", op(n, info(1, 0))))
		}
		s.app.lives()
		s.fleet.lives()
	})
}

// A session's steps are tried once and kept nowhere: they have no receipt and cannot be
// asked for.
func TestUSSD_IsNotStored(t *testing.T) {
	dial(t, ussd.Account{}, func(t *testing.T, s *switched) {
		s.sequence++
		a := s.app.asks(submitSM, s.sequence, submit(asking, func(m *message) {
			m.serviceType, m.source, m.destination, m.text, m.tlvs = c("USSD"), c("*120#"), c(phone), "Sale", op(ussnRequest, info(9, 0))
		}), 0)
		s.hears(s.fleet, "*120#", phone, "Sale", op(ussnRequest, info(1, 0)))
		s.says(s.fleet, 0, step(phone, "*120#", "", op(ussnConfirm, info(1, 0))))
		s.hears(s.app, phone, "*120#", "", op(ussnConfirm, info(9, 0)))
		s.app.asks(querySM, 2, a.body+"\x00\x00"+c("*120#"), 0x0C)
		s.quiet(s.app)
	})
}
