package esme_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// §2.2.1, §4.1.7: an ESME that waits to be called binds on the SMSC's connection, takes
// what comes, and waits again. Whoever is not the SMSC is hung up on.
func TestOutbind(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan string, 1)
	c, err := esme.New(esme.Config{
		SystemID: "shop", Password: "secret", Mode: esme.Receiver, ReconnectMost: time.Millisecond, ResponseTimeout: time.Minute,
		Outbind: &esme.Outbind{Listener: ln, SystemID: "CENTRE", Password: "callme"},
		Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			taken <- string(sm.ShortMessage)
			reply(smpp.ROK)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for name, octets := range map[string][]byte{
		"another password": octetsOf(t, &smpp.Outbind{SystemID: "CENTRE", Password: "guess"}),
		"another SMSC":     octetsOf(t, &smpp.Outbind{SystemID: "CENTER", Password: "callme"}),
		"another command":  octetsOf(t, &smpp.EnquireLink{}),
		"no SMPP":          []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		conn := call(t, ln, octets)
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: answered", name)
		}
	}
	for range 2 {
		conn := call(t, ln, octetsOf(t, &smpp.Outbind{SystemID: "CENTRE", Password: "callme"}))
		frames := smpp.NewReader(conn, smpp.MaxPDU)
		bind := read(t, frames)
		b, ok := bind.Body.(*smpp.BindReceiver)
		if !ok || b.SystemID != "shop" || b.Password != "secret" {
			t.Fatalf("it said %+v", bind)
		}
		write(t, conn, smpp.PDU{Sequence: bind.Sequence, Body: &smpp.BindReceiverResp{SystemID: "CENTRE"}})
		write(t, conn, smpp.PDU{Sequence: 2, Body: &smpp.DeliverSM{ShortMessage: []byte("hello")}})
		if got := <-taken; got != "hello" {
			t.Errorf("it took %q", got)
		}
		if p := read(t, frames); p.Body.CommandID() != smpp.IDDeliverSMResp || p.Sequence != 2 {
			t.Errorf("it answered %+v", p)
		}
		_ = conn.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

func TestOutbindConfig(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) { return nil, io.EOF }
	for _, c := range []esme.Config{
		{SystemID: "shop"},
		{SystemID: "shop", Outbind: &esme.Outbind{}},
		{SystemID: "shop", Outbind: &esme.Outbind{Listener: new(net.TCPListener)}, Dial: dial},
	} {
		if _, err := esme.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func octetsOf(t *testing.T, body smpp.Body) []byte {
	t.Helper()
	octets, err := smpp.Append(nil, smpp.PDU{Sequence: 1, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// call connects as an SMSC, and says something.
func call(t *testing.T, ln net.Listener, octets []byte) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write(octets); err != nil {
		t.Fatal(err)
	}
	return conn
}

func write(t *testing.T, conn net.Conn, p smpp.PDU) {
	t.Helper()
	octets, err := smpp.Append(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(octets); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, frames *smpp.Reader) smpp.PDU {
	t.Helper()
	frame, err := frames.Next()
	if err != nil {
		t.Fatal(err)
	}
	p, err := smpp.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
