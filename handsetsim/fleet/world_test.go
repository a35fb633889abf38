package fleet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// The person's PIN in these tests; no log, event or message may hold it.
const thePIN = "73951"

// bench is a fleet on a fake SMSC, and a platform to talk to it with.
type bench struct {
	t      testing.TB
	smsc   *fakeSMSC
	fleet  *fleet.Fleet
	client *fleet.Client
	stop   context.CancelFunc
	ran    chan error

	mu     sync.Mutex
	events []handsetsim.Event
	cards  map[gateway.MSISDN]*register
}

// register is what the platform keeps of one phone.
type register struct {
	form   applet.Form
	mo, mt scp80.Keys
	out    uint64 // packet counter to the phone
	in     uint64 // and from it
}

func newBench(t testing.TB, config fleet.Config) *bench {
	t.Helper()
	b := &bench{t: t, smsc: newFakeSMSC(t), cards: make(map[gateway.MSISDN]*register), ran: make(chan error, 1)}
	config.Dial, config.SystemID, config.Password = b.smsc.dial, "handsets", "secret"
	config.Observer = func(e handsetsim.Event) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, e)
	}
	var err error
	if b.fleet, err = fleet.New(config); err != nil {
		t.Fatal(err)
	}
	if b.client, err = fleet.NewClient("http://fleet", &http.Client{Transport: direct{b.fleet.Handler()}}); err != nil {
		t.Fatal(err)
	}
	return b
}

// direct is HTTP without a network.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// run attaches the fleet, for the rest of a synctest bubble.
func (b *bench) run() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.stop = cancel
	go func() { b.ran <- b.fleet.Run(ctx) }()
	if err := b.fleet.WaitBound(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// end stops the fleet and sees that all has ended.
func (b *bench) end() {
	b.t.Helper()
	b.stop()
	if err := <-b.ran; err != nil {
		b.t.Error(err)
	}
	b.smsc.wg.Wait()
}

// enrol adds a phone with two cards, as a branch would (S1).
func (b *bench) enrol(n gateway.MSISDN, form, persona string) {
	b.t.Helper()
	ctx := b.t.Context()
	made, err := b.client.Add(ctx, fleet.NewPhone{MSISDN: n, Form: form, Persona: persona})
	if err != nil {
		b.t.Fatal(err)
	}
	reg := &register{mo: newKeys(b.t), mt: newKeys(b.t)}
	if err := reg.form.UnmarshalText([]byte(form)); err != nil {
		b.t.Fatal(err)
	}
	sealed, err := applet.SealPersonalisation(made.PublicKey, personalisation(b.t, made.ElementID, reg))
	if err != nil {
		b.t.Fatal(err)
	}
	phone, err := b.client.Personalise(ctx, n, fleet.Personalisation{Sealed: sealed, PIN: thePIN})
	if err != nil {
		b.t.Fatal(err)
	}
	if len(phone.Cards) != 2 {
		b.t.Fatalf("cards %+v, want two", phone.Cards)
	}
	b.cards[n] = reg
}

func newKeys(t testing.TB) scp80.Keys {
	return scp80.Keys{KIc: scp80.NewKey[scp80.CipherKey](octets(t, 32)), KID: scp80.NewKey[scp80.MACKey](octets(t, 32))}
}

func octets(t testing.TB, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// bill pushes a bill to a phone over a connection and answers what the fleet answered.
func (b *bench) bill(conn int, n gateway.MSISDN, id byte) smpp.Status {
	return b.push(conn, n, &applet.Bill{
		Ref: applet.BillRef{7: id}, Amount: 128000, Currency: "CNY", Expires: time.Now().Add(15 * time.Minute),
		Merchant: "10000001", Name: "Sky Travel", Subject: "CA1405",
	})
}

func (b *bench) result(conn int, n gateway.MSISDN, id byte, code applet.ResponseCode) smpp.Status {
	return b.push(conn, n, &applet.Result{
		Ref: applet.BillRef{7: id}, Code: code, Amount: 128000, Currency: "CNY", Time: time.Now(), Text: "as decided",
	})
}

func (b *bench) push(conn int, n gateway.MSISDN, m applet.Message) smpp.Status {
	b.t.Helper()
	return b.smsc.deliver(conn, b.secure(n, m))
}

// secure makes the deliver_sm of a message to a phone.
func (b *bench) secure(n gateway.MSISDN, m applet.Message) *smpp.DeliverSM {
	b.t.Helper()
	reg := b.cards[n]
	reg.out++
	packet := must(scp80.Wrap(scp80.Modern.Profile(scp80.MT, 1), reg.mt, reg.out, applet.Encode(scp80.Modern, m)))(b.t)
	var segments []tpdu.Segment
	if reg.form.InSIM() {
		segments = must(tpdu.ToSIM(packet, tpdu.Reference{}))(b.t)
	} else {
		segments = must(tpdu.ByPort(tpdu.Ports{Destination: applet.Port, Source: applet.Port}, packet, tpdu.Reference{}))(b.t)
	}
	if len(segments) != 1 {
		b.t.Fatalf("%d segments", len(segments))
	}
	return deliverSM("10658", n, segments[0])
}

func deliverSM(from string, to gateway.MSISDN, s tpdu.Segment) *smpp.DeliverSM {
	ud, err := s.UserData()
	if err != nil {
		panic(err)
	}
	sm := &smpp.DeliverSM{
		Source: smpp.Address{Digits: from}, Destination: smpp.Address{TON: 1, NPI: 1, Digits: string(to)},
		ProtocolID: s.Protocol, DataCoding: s.Coding, ShortMessage: ud,
	}
	if s.Indication() {
		sm.ESMClass = smpp.ESMUDHI
	}
	return sm
}

// next takes what the fleet submits next and opens it as the platform would.
func (b *bench) next() (gateway.MSISDN, applet.Message) {
	b.t.Helper()
	sm := <-b.smsc.taken
	return b.open(sm)
}

func (b *bench) open(sm *smpp.SubmitSM) (gateway.MSISDN, applet.Message) {
	b.t.Helper()
	n := gateway.MSISDN(sm.Source.Digits)
	reg := b.cards[n]
	if sm.Destination.Digits != "10658" || len(sm.ShortMessage) > 140 {
		b.t.Errorf("to %s with %d octets", sm.Destination.Digits, len(sm.ShortMessage))
	}
	s := must(tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, sm.ESMClass&smpp.ESMUDHI != 0, sm.ShortMessage))(b.t)
	secured, ok := tpdu.ReadSecured(s)
	if !ok || secured.Response || (secured.Ports == nil) != reg.form.InSIM() || sm.DataCoding != 0xF5 || sm.ProtocolID != 0 {
		b.t.Fatalf("not a packet of a %v as wire.md 1.7 has it: %+v", reg.form, s)
	}
	counter, payload, err := scp80.Open(scp80.Modern.Profile(scp80.MO, 1), reg.mo, secured.Packet)
	if err != nil || counter <= reg.in {
		b.t.Fatalf("counter %d after %d: %v", counter, reg.in, err)
	}
	reg.in = counter
	return n, must(applet.Decode(scp80.Modern, payload))(b.t)
}

// expect reads the next message and compares its name.
func (b *bench) expect(what string) applet.Message {
	b.t.Helper()
	_, m := b.next()
	name := m.Type().String()
	if o, ok := m.(*applet.Open); ok {
		name += " " + o.Status.String()
	}
	if name != what {
		b.t.Fatalf("%s, want %s", name, what)
	}
	return m
}

// quiet sees that for a while nothing is submitted.
func (b *bench) quiet(d time.Duration) {
	b.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if n := len(b.smsc.taken); n != 0 {
		b.t.Fatalf("%d messages that nobody expects", n)
	}
}

// told lists the kinds of what the observer was told of a phone.
func (b *bench) told(n gateway.MSISDN) string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	var kinds []byte
	for _, e := range b.events {
		if e.Phone == n {
			kinds = fmt.Appendf(kinds, "%s; ", e.Kind)
		}
	}
	return string(kinds)
}

// noPIN sees that what was told and shown holds no PIN.
func (b *bench) noPIN(more ...[]byte) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := json.Marshal(b.events)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, text := range append(more, all, fmt.Appendf(nil, "%+v", b.events)) {
		if bytes.Contains(text, []byte(thePIN)) {
			b.t.Error("the PIN shows")
		}
	}
}
