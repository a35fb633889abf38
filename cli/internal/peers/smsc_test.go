package peers

import (
	"context"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
)

const (
	phone = "8613800000001" // a handset of the fleet's
	guest = "2001"          // the outside client
)

// network is an SMSC with a fleet of one handset that takes every message.
type network struct {
	addr  *net.TCPAddr
	fleet *esme.Client
	inbox chan *smpp.DeliverSM
}

// startNetwork runs until the test ends.
func startNetwork(t *testing.T) *network { t.Helper(); return startNetworkFor(t, smsc.Account{}) }

// startNetworkFor is a network whose outside client has an account that is set so.
func startNetworkFor(t *testing.T, client smsc.Account) *network {
	t.Helper()
	client.SystemID, client.Password, client.AddressRange = "guest", "guest", `^2[0-9]{3}$`
	server, err := smsc.New(smsc.Config{Accounts: []smsc.Account{
		{SystemID: "handsets", Password: "handsets", AddressRange: `^861[0-9]{10}$`}, client,
	}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{addr: ln.Addr().(*net.TCPAddr), inbox: make(chan *smpp.DeliverSM, 16)}
	n.fleet, err = esme.New(esme.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
		},
		SystemID: "handsets", Password: "handsets",
		Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			n.inbox <- sm
			reply(smpp.ROK)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ctx, ln) })
	running.Go(func() { _ = n.fleet.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	if err := n.fleet.WaitBound(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// SMPP clients that nobody here wrote bind, send a text to a handset, get its
// receipt, and receive what a handset sends to their number; and a dissector that
// nobody here wrote reads every octet of it.
func TestSMSCAmongOutsidePeers(t *testing.T) {
	for _, library := range libraries {
		for name, account := range map[string]smsc.Account{"deliver_sm": {}, "data_sm": {DataSM: true}} {
			t.Run(library.String()+" "+name, func(t *testing.T) {
				Want(t, "tshark")
				n := startNetworkFor(t, account)
				tap := Listen(t, n.addr.Port)
				exchangeTexts(t, n, n.bind(t, library))
				want := map[uint32]int{0x09: 1, 0x80000009: 1, 0x04: 4, 0x80000004: 4, 0x05: 6, 0x80000005: 6, 0x06: 1, 0x80000006: 1}
				if account.DataSM { // the client's four
					maps.Copy(want, map[uint32]int{0x05: 2, 0x80000005: 2, 0x103: 4, 0x80000103: 4})
				}
				judge(t, tap.Stop(), want)
			})
		}
	}
}

// bind binds the outside client.
func (n *network) bind(t *testing.T, library Library) *ESME {
	t.Helper()
	return library.Bind(t, ESMEConfig{Addr: n.addr.String(), SystemID: "guest", Password: "guest", Number: guest})
}

func exchangeTexts(t *testing.T, n *network, client *ESME) {
	t.Helper()
	for _, text := range []string{"Your taxi [4] is here", "机票已出 😀"} {
		id := client.Submit(phone, text)
		if got := read(t, n.next(t)); got != text {
			t.Errorf("the handset read %q, want %q", got, text)
		}
		receipt := client.Await("receipt")
		if receipt.ID != id || receipt.Stat != "DELIVRD" || receipt.From != phone || receipt.To != guest {
			t.Errorf("receipt %+v; want id %s, DELIVRD, from the handset", receipt, id)
		}
	}
	for _, text := range []string{"On my way, 5 min", "机票已出"} {
		n.text(t, text)
		if m := client.Await("message"); m.Text != text || m.From != phone || m.To != guest {
			t.Errorf("message %+v, want %q", m, text)
		}
	}
	client.Unbind()
}

// next is what the handset gets next.
func (n *network) next(t *testing.T) *smpp.DeliverSM {
	t.Helper()
	select {
	case sm := <-n.inbox:
		return sm
	case <-time.After(patience):
		t.Fatal("nothing came to the handset")
		return nil
	}
}

// text sends one from the handset to the outside client.
func (n *network) text(t *testing.T, text string) {
	t.Helper()
	segments, err := tpdu.SplitText(text, tpdu.Reference{Number: 7})
	if err != nil {
		t.Fatal(err)
	}
	n.send(t, segments...)
}

// send sends what makes up a message from the handset to the outside client.
func (n *network) send(t *testing.T, segments ...tpdu.Segment) {
	t.Helper()
	for _, s := range segments {
		ud, err := s.UserData()
		if err != nil {
			t.Fatal(err)
		}
		sm := &smpp.SubmitSM{DataCoding: s.Coding, ShortMessage: ud}
		if s.Indication() {
			sm.ESMClass = smpp.ESMUDHI
		}
		n.submit(t, sm)
	}
}

// submit sends a message from the handset to the outside client.
func (n *network) submit(t *testing.T, sm *smpp.SubmitSM) {
	t.Helper()
	sm.Source = smpp.Address{TON: 1, NPI: 1, Digits: phone}
	sm.Destination = smpp.Address{NPI: 1, Digits: guest}
	if _, err := n.fleet.Submit(t.Context(), sm); err != nil {
		t.Fatal(err)
	}
}

// judge wants every octet read, and at least so many PDUs of each command_id.
func judge(t *testing.T, tr Trace, least map[uint32]int) {
	t.Helper()
	if len(tr.Malformed) > 0 || tr.Unread != 0 {
		t.Errorf("malformed %q, %d octets not read", tr.Malformed, tr.Unread)
	}
	counts := tr.Commands()
	for command, n := range least {
		if counts[command] < n {
			t.Errorf("%d PDUs with command_id %#08x, want %d or more", counts[command], command, n)
		}
	}
	for _, p := range tr.PDUs {
		if len(p.UserData) > 160 { // characters, which SMPP does not pack
			t.Errorf("%s: %d octets of user data", p.Title, len(p.UserData))
		}
	}
}

// A wrong password is refused with the status that the standard names.
func TestOutsideClientIsRefused(t *testing.T) {
	for _, library := range libraries {
		t.Run(library.String(), func(t *testing.T) {
			Want(t, "tshark")
			n := startNetwork(t)
			tap := Listen(t, n.addr.Port)
			client := library.start(t, ESMEConfig{Addr: n.addr.String(), SystemID: "guest", Password: "wrong", Number: guest})
			if got := client.Await("refused"); got.Status != 0x0e { // SMPP 3.4 §5.1.3 ESME_RINVPASWD
				t.Errorf("refused with %#x, want 0x0e", got.Status)
			}
			judge(t, tap.Stop(), map[uint32]int{0x09: 1, 0x80000009: 1})
		})
	}
}
