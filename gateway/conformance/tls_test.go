package conformance_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
)

// certified is a centre's TLS, and that of a client who trusts it.
func certified(t *testing.T) (own, trust *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"smsc.example"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	own = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return own, &tls.Config{RootCAs: pool, ServerName: "smsc.example", MinVersion: tls.VersionTLS12}
}

// ciphered is a centre on a plain port and one with TLS.
type ciphered struct {
	plain, secure *centre // secure dials a handshake
	bare          *centre // the port with TLS, without a handshake
	trust         *tls.Config
}

// secured runs a test against such a centre over TCP.
func secured(t *testing.T, c smsc.Config) *ciphered {
	t.Helper()
	var listeners []net.Listener
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, ln)
	}
	dial := func(i int) func() (net.Conn, error) {
		address := listeners[i].Addr().String()
		return func() (net.Conn, error) { return net.Dial("tcp", address) }
	}
	return cipher(t, c, listeners, dial)
}

// cipher serves on two listeners, the second with TLS, until the test ends.
func cipher(t *testing.T, c smsc.Config, listeners []net.Listener, dial func(i int) func() (net.Conn, error)) *ciphered {
	t.Helper()
	own, trust := certified(t)
	bare, plain := dial(1), dial(0)
	server, err := smsc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, listeners[0], tls.NewListener(listeners[1], own)); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	handshake := func() (net.Conn, error) {
		conn, err := bare()
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, trust), nil
	}
	return &ciphered{
		plain: &centre{t: t, dial: plain}, secure: &centre{t: t, dial: handshake}, bare: &centre{t: t, dial: bare}, trust: trust,
	}
}

// inCipher runs a test against such a centre in memory.
func inCipher(t *testing.T, c smsc.Config, test func(t *testing.T, ce *ciphered)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ms := []*memory{newMemory(), newMemory()}
		test(t, cipher(t, c, []net.Listener{ms[0], ms[1]}, func(i int) func() (net.Conn, error) { return ms[i].dial }))
	})
}

// A session over TLS is a session: bind, submit, delivery, receipt, unbind; an octet at a
// time, each in a record of its own, and hundreds of PDUs in one write. Both ports are one centre.
func TestTLS_Session(t *testing.T) {
	ce := secured(t, config())
	phones := ce.plain.bound(bindReceiver, "phones")
	defer phones.close()
	p := ce.secure.connect()
	for _, octet := range pdu(bindTransceiver, 1, binding("platform")) {
		p.send([]byte{octet})
	}
	p.want(bindTransceiver|resp, 0, 1)
	id := strings.TrimSuffix(p.asks(submitSM, 2, submit(asking, saying("ciphered")), 0).body, "\x00")
	d := phones.next()
	if m := readDeliver(d.body); d.id != deliverSM || m.text != "ciphered" {
		t.Errorf("delivered %v", d)
	}
	phones.send(pdu(deliverSM|resp, d.sequence, c("")))
	r := p.next()
	if m := readDeliver(r.body); r.id != deliverSM || !strings.HasPrefix(m.text, "id:"+id+" ") || !strings.Contains(m.text, "stat:DELIVRD") {
		t.Errorf("the receipt of %s is %v", id, r)
	}
	p.send(pdu(deliverSM|resp, r.sequence, c("")))
	const many = 400
	var all []byte
	for i := range uint32(many) {
		all = append(all, pdu(enquireLink, 10+i, "")...)
	}
	p.send(all)
	for i := range uint32(many) {
		p.want(enquireLink|resp, 0, 10+i)
	}
	p.asks(unbind, 3, "", 0)
	p.ends()
}

// Half closed by close_notify, the session is over after its last answer.
func TestTLS_HalfClosed(t *testing.T) {
	ce := secured(t, config())
	p := ce.secure.bound(bindTransmitter, "platform")
	p.send(append(pdu(submitSM, 2, submit()), pdu(enquireLink, 3, "")...))
	if err := p.conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	p.want(submitSM|resp, 0, 2)
	p.want(enquireLink|resp, 0, 3)
	p.ends()
	ce.secure.bound(bindTransmitter, "platform").close()
}

// A broken length over TLS is nacked and the end, as without.
func TestTLS_Framing(t *testing.T) {
	ce := secured(t, config())
	p := ce.secure.bound(bindTransceiver, "platform")
	p.send(frame(1<<31, enquireLink, 42, ""))
	p.wantNack(42)
}

// Plain octets on the port with TLS end at once, with an alert perhaps but not a word of
// SMPP, and cost nobody else.
func TestTLS_PlainOctets(t *testing.T) {
	ce := secured(t, config())
	n := ce.secure.neighbour()
	defer n.close()
	for name, hello := range map[string]string{
		"a bind": string(pdu(bindTransceiver, 1, binding("platform"))), "HTTP": "GET / HTTP/1.1\r\nHost: smsc.example\r\n\r\n",
		"SSH": "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "zeros": strings.Repeat("\x00", 64), "an alert": "\x15\x03\x03\x00\x02\x02\x28",
	} {
		p := ce.bare.connect()
		p.send([]byte(hello))
		if said := p.last(); strings.Contains(said, "AIRTILL") || len(said) > 64 {
			t.Errorf("%s: answered with %q", name, said)
		}
		n.works()
	}
}

// last is all that comes before the end, which has to come.
func (p *peer) last() string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	var said []byte
	var b [512]byte
	for {
		n, err := p.conn.Read(b[:])
		said = append(said, b[:n]...)
		if isTimeout(err) {
			p.t.Error("still open")
		}
		if err != nil {
			p.close()
			return string(said)
		}
	}
}

// A TLS client on the plain port is told at once: its handshake fails, and does not hang.
func TestTLS_OnThePlainPort(t *testing.T) {
	inCipher(t, config(), func(t *testing.T, ce *ciphered) {
		began := time.Now()
		conn := tls.Client(ce.plain.connect().conn, ce.trust)
		if err := conn.Handshake(); err == nil {
			t.Error("shook hands")
		}
		_ = conn.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("after %v", took)
		}
	})
}

// session_init covers the handshake: one that stalls at any octet, and one that is done
// but brings no bind, is closed then and not before.
func TestTLS_SessionInit(t *testing.T) {
	cfg := config()
	cfg.SessionInit = 5 * time.Second
	inCipher(t, cfg, func(t *testing.T, ce *ciphered) {
		hello := clientHello(t, ce.trust)
		for _, n := range []int{0, 1, 5, 6, len(hello) / 2, len(hello) - 1} {
			p := ce.bare.connect()
			began := time.Now()
			if n > 0 {
				p.send(hello[:n])
			}
			p.last()
			if took := time.Since(began); took != cfg.SessionInit {
				t.Errorf("%d octets of a hello: closed after %v", n, took)
			}
		}
		p := ce.secure.connect()
		began := time.Now()
		if err := p.conn.(*tls.Conn).Handshake(); err != nil {
			t.Fatal(err)
		}
		p.last()
		if took := time.Since(began); took < cfg.SessionInit || took > 2*cfg.SessionInit {
			t.Errorf("without a bind: closed after %v", took)
		}
	})
}

// clientHello is the first flight of a handshake.
func clientHello(t *testing.T, trust *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { _ = tls.Client(near, trust).Handshake() })
	b := make([]byte, 4096)
	n, err := far.Read(b)
	_ = far.Close()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// A client that does not read is closed when a write has taken too long, whether its
// handshake is done or not, and others are served meanwhile.
func TestTLS_NeverReads(t *testing.T) {
	inCipher(t, config(), func(t *testing.T, ce *ciphered) {
		n := ce.secure.neighbour()
		defer n.close()
		unshaken := ce.bare.connect()
		unshaken.send(clientHello(t, ce.trust)) // the answer to it is not read
		p := ce.secure.bound(bindTransceiver, "platform")
		p.send(pdu(enquireLink, 2, ""))
		n.works()
		n.waits(45 * time.Second) // the write's 30 s, and the end
		for name, conn := range map[string]net.Conn{"unshaken": unshaken.conn, "bound": p.conn} {
			if _, err := conn.Write([]byte{0}); err == nil {
				t.Errorf("%s: still open", name)
			}
			_ = conn.Close()
		}
		n.works()
	})
}

// A bad certificate chain is the client's to refuse; its alert ends the connection.
func TestTLS_Refused(t *testing.T) {
	ce := secured(t, config())
	conn, err := ce.bare.dial()
	if err != nil {
		t.Fatal(err)
	}
	if err := tls.Client(conn, &tls.Config{ServerName: "other.example", RootCAs: ce.trust.RootCAs, MinVersion: tls.VersionTLS12}).Handshake(); err == nil {
		t.Error("trusted")
	}
	(&peer{t, conn}).last()
	ce.secure.bound(bindTransceiver, "platform").close()
}
