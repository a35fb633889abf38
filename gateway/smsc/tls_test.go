package smsc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// certificate is one for this test, and who trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"smsc"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(own)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return server, &tls.Config{RootCAs: pool, ServerName: "smsc", MinVersion: tls.VersionTLS12}
}

// serveBoth serves a plain port and one with TLS until the test ends.
func serveBoth(t *testing.T, c smsc.Config) (plain, secure string, trust *tls.Config) {
	t.Helper()
	own, trust := certificate(t)
	server := newServer(t, c)
	var listeners []net.Listener
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, ln)
	}
	plain, secure = listeners[0].Addr().String(), listeners[1].Addr().String()
	listeners[1] = tls.NewListener(listeners[1], own)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, listeners...); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return plain, secure, trust
}

// SMPP over TLS on a port of its own, beside the plain one; each sees the other's messages.
func TestTLS(t *testing.T) {
	plain, secure, trust := serveBoth(t, config())
	got := make(chan string, 1)
	bindTCP(t, esme.Config{Dial: dialTCP(plain), SystemID: "phones", Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
		reply(smpp.ROK)
		got <- string(sm.ShortMessage)
	}})
	client := bindTCP(t, esme.Config{SystemID: "platform", Dial: func(ctx context.Context) (net.Conn, error) {
		return (&tls.Dialer{Config: trust}).DialContext(ctx, "tcp", secure)
	}})
	if _, err := client.Submit(t.Context(), text(code, phone, "ciphered")); err != nil {
		t.Fatal(err)
	}
	select {
	case s := <-got:
		if s != "ciphered" {
			t.Errorf("%q", s)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing came")
	}
}

// The end of a session under TLS: the last answer arrives, then the end.
func TestTLSEnd(t *testing.T) {
	_, secure, trust := serveBoth(t, config())
	conn, err := tls.Dial("tcp", secure, trust)
	if err != nil {
		t.Fatal(err)
	}
	c := newWire(t, conn)
	c.bind(transceiver("platform"))
	c.asks(2, &smpp.Unbind{}, smpp.ROK)
	c.wantEnd()
	conn, err = tls.Dial("tcp", secure, trust)
	if err != nil {
		t.Fatal(err)
	}
	c = newWire(t, conn)
	c.send([]byte{0, 0, 0, 2, 0, 0, 0, 0})
	c.want(smpp.IDGenericNack, smpp.RINVCMDLEN, 0)
	c.wantEnd()
}

// A handshake that does not come, or is none, is ended by session_init at the latest.
func TestTLSHandshake(t *testing.T) {
	c := config()
	c.SessionInit = 200 * time.Millisecond
	_, secure, _ := serveBoth(t, c)
	for name, hello := range map[string]string{"silence": "", "half a handshake": "\x16\x03\x01\x02\x00\x01\x00", "SMPP": string(pdu(t, smpp.PDU{Sequence: 1, Body: transceiver("platform")})), "HTTP": "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := net.Dial("tcp", secure)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(hello)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		var b [512]byte
		for err == nil {
			_, err = conn.Read(b[:]) // an alert, perhaps, and the end
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Errorf("%s: still open", name)
		}
		_ = conn.Close()
	}
}
