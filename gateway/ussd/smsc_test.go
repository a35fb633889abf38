package ussd_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

var (
	_ ussd.Carrier = (*smsc.Server)(nil)
	_ smsc.USSD    = (*ussd.Switch)(nil)
)

// centre is an SMSC with a Switch, on a loopback port.
func centre(t *testing.T) (address string) {
	t.Helper()
	server, err := smsc.New(smsc.Config{Accounts: []smsc.Account{
		{SystemID: "shop", Password: "secret"}, {SystemID: "long", Password: "secret"},
		{SystemID: "fleet", Password: "secret", AddressRange: "^2547", Kind: smsc.Subscribers},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Routes = append(c.Routes, ussd.Route{Code: "*140#", Account: "long"})
	s, err := ussd.New(c, server)
	if err != nil {
		t.Fatal(err)
	}
	server.SetUSSD(s)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(ctx, ln) })
	served.Go(func() { _ = s.Serve(ctx) })
	t.Cleanup(func() { stop(); served.Wait() })
	return ln.Addr().String()
}

// end is one side of sessions: an ESME, or a fleet of handsets.
type end struct {
	*esme.Client
	t       *testing.T
	dialect ussd.Dialect
	up      bool // what it takes goes up
	taken   chan ussd.Message
}

func bind(t *testing.T, address, systemID string, d ussd.Dialect) *end {
	t.Helper()
	e := &end{t: t, dialect: d, up: systemID != "fleet", taken: make(chan ussd.Message, 10)}
	var err error
	e.Client, err = esme.New(esme.Config{
		Dial:     func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) },
		SystemID: systemID, Password: "secret",
		Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			m, err := d.Decode(e.up, (*smpp.SubmitSM)(sm))
			if err != nil {
				t.Errorf("%s: %v", systemID, err)
			}
			reply(smpp.ROK)
			e.taken <- m
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = e.Run(ctx) })
	t.Cleanup(func() { stop(); ran.Wait() })
	if err := e.WaitBound(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// say sends a message, in the session of one that was taken.
func (e *end) say(k ussd.Kind, in ussd.Message, text string) {
	e.t.Helper()
	in.Kind, in.Text = k, text
	sm, err := e.dialect.Encode(in)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.Submit(e.t.Context(), sm); err != nil {
		e.t.Fatalf("%s %q: %v", k, text, err)
	}
}

// take takes the next message, which is of a kind.
func (e *end) take(k ussd.Kind, text string) ussd.Message {
	e.t.Helper()
	m := <-e.taken
	if m.Kind != k || m.Text != text {
		e.t.Fatalf("%+v, want %s %q", m, k, text)
	}
	return m
}

// Sessions over real binds, from the first octet to the last.
func TestOverSMSC(t *testing.T) {
	address := centre(t)
	fleet := bind(t, address, "fleet", ussd.Spec)
	for systemID, d := range map[string]ussd.Dialect{"shop": ussd.Spec, "long": ussd.LongID} {
		app := bind(t, address, systemID, d)
		dialled := map[string]string{"shop": "*120*5#", "long": "*140*5#"}[systemID]

		fleet.say(ussd.Dial, ussd.Message{Phone: phone, Code: dialled, ID: 7}, "")
		in := app.take(ussd.Dial, "5")
		app.say(ussd.Ask, in, "1 Pay")
		on := fleet.take(ussd.Ask, "1 Pay")
		if on.ID != 7 {
			t.Errorf("session %d on the handset, want 7", on.ID)
		}
		fleet.say(ussd.Answer, on, "1")
		app.say(ussd.End, app.take(ussd.Answer, "1"), "Paid")
		fleet.take(ussd.End, "Paid")

		app.say(ussd.Ask, ussd.Message{Phone: phone, Code: "*120#"}, "Again?")
		fleet.say(ussd.Abort, fleet.take(ussd.Ask, "Again?"), "")
		if m := app.take(ussd.Abort, ""); m.Reason != "user-abort" {
			t.Errorf("%+v", m)
		}
	}
}
