package conformance_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

// FuzzSession: whatever octets come after a bind, or in the place of one, the centre says
// only whole PDUs that it may say, ends when its peer does, and serves the next one.
func FuzzSession(f *testing.F) {
	whole := submit(asking, func(m *message) { m.tlvs = tlv(0x020C, "\x00\x01") + tlv(0x1400, "vendor") })
	for _, octets := range [][]byte{
		pdu(submitSM, 2, whole), pdu(submitMulti, 2, "\x00"), pdu(dataSM, 2, c("")), pdu(querySM, 2, c("1")+"\x00\x00"+c("")),
		pdu(submitSM, 2, step(phone, "*120#", "", op(pssrInd, info(7, 0)))), pdu(deliverSM|resp, 1, c("")),
		pdu(cancelSM, 2, c("")+c("")+"\x00\x00"+c(code)+"\x00\x00"+c(phone)), frame(1<<31, 0, 1, ""), pdu(unbind, 9, ""),
		append(pdu(submitSM, 2, submit(to(code))), pdu(enquireLink, 3, "")...),
	} {
		f.Add(true, octets)
		f.Add(false, octets)
	}
	dial := fuzzed(f)
	f.Fuzz(func(t *testing.T, bind bool, octets []byte) {
		ce := &centre{t: t, dial: dial}
		p := ce.connect()
		if bind {
			p.send(pdu(bindTransceiver, 1, binding("platform")))
			p.want(bindTransceiver|resp, 0, 1)
		}
		var said sync.WaitGroup
		said.Go(func() {
			for {
				a, err := p.read()
				if err != nil {
					if isTimeout(err) {
						t.Error("still open")
					}
					return
				}
				mayBeSaid(t, a)
			}
		})
		_, _ = p.conn.Write(octets) // the centre may have ended it
		_ = p.conn.(*net.TCPConn).CloseWrite()
		said.Wait()
		p.close()
		n := ce.bound(bindTransceiver, "shop")
		n.lives()
		n.close()
	})
}

// mayBeSaid checks that a PDU is one a centre says.
func mayBeSaid(t *testing.T, a answer) {
	switch a.id {
	case deliverSM, enquireLink, unbind, alert, nack:
	default:
		if a.id&resp == 0 {
			t.Errorf("a centre says no %08x", a.id)
		}
	}
	if len(a.body) > most {
		t.Errorf("%d octets", len(a.body))
	}
}

// fuzzed is a centre with USSD on a loopback port, until the fuzzing ends.
func fuzzed(f *testing.F) (dial func() (net.Conn, error)) {
	f.Helper()
	cfg := config()
	cfg.Validity, cfg.GuessDelay, cfg.Store = time.Second, time.Millisecond, 1000
	server, err := smsc.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	sw, err := ussd.New(ussd.Config{Routes: []ussd.Route{{Code: "*120#", Account: "platform"}}, MaxSessions: 100}, server)
	if err != nil {
		f.Fatal(err)
	}
	server.SetUSSD(sw)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(ctx, ln) })
	wg.Go(func() { _ = sw.Serve(ctx) })
	f.Cleanup(func() { stop(); wg.Wait() })
	return func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }
}
