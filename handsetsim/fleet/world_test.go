package fleet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
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
	form     applet.Form
	suite    scp80.Suite
	kik      applet.KeyEncryptionKey
	versions []packetKeys // of the packet keys, from 1 on
	uses     uint8        // the version that packets to the phone are under
	out      uint64       // packet counter to the phone
	in       uint64       // and from it
}

type packetKeys struct{ mo, mt scp80.Keys }

// renew makes the next version of the keys, and the message that brings them.
func (r *register) renew(t testing.TB) *applet.Keys {
	t.Helper()
	next := packetKeys{newKeys(t, r.suite), newKeys(t, r.suite)}
	r.versions = append(r.versions, next)
	version := uint8(len(r.versions))
	return &applet.Keys{Version: version, Wrapped: must(applet.WrapKeys(r.suite, r.kik, version, next.mo, next.mt))(t)}
}

// drawn is randomness for several goroutines: in FIPS 140 mode the library's own comes of
// timing the processor now and then, and no time passes in a bubble.
type drawn struct {
	mu   sync.Mutex
	from *mathrand.ChaCha8
}

func (d *drawn) Read(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.from.Read(b)
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
	if config.Rand == nil {
		config.Rand = &drawn{from: mathrand.NewChaCha8([32]byte{})}
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

// enrol adds a phone with two cards, as a branch would (S1), in the modern suite.
func (b *bench) enrol(n gateway.MSISDN, form, persona string) {
	b.t.Helper()
	b.enrolIn(scp80.Modern, fleet.NewPhone{MSISDN: n, Form: form, Persona: persona})
}

func (b *bench) enrolIn(suite scp80.Suite, phone fleet.NewPhone) {
	b.t.Helper()
	ctx := b.t.Context()
	made, err := b.client.Add(ctx, phone)
	if err != nil {
		b.t.Fatal(err)
	}
	reg := &register{
		form: must(applet.ParseForm(phone.Form))(b.t), suite: suite, uses: 1,
		kik:      scp80.NewKey[applet.KeyEncryptionKey](octets(b.t, suite.KeyLen())),
		versions: []packetKeys{{newKeys(b.t, suite), newKeys(b.t, suite)}},
	}
	sealed, err := applet.SealPersonalisation(made.PublicKey, personalisation(b.t, made.ElementID, reg))
	if err != nil {
		b.t.Fatal(err)
	}
	shown, err := b.client.Personalise(ctx, phone.MSISDN, fleet.Personalisation{Sealed: sealed, PIN: thePIN})
	if err != nil {
		b.t.Fatal(err)
	}
	if len(shown.Cards) != 2 || shown.Suite != suite.String() || shown.KeyVersion != 1 {
		b.t.Fatalf("%+v, want two cards, %s, keys of version 1", shown, suite)
	}
	b.cards[phone.MSISDN] = reg
}

func newKeys(t testing.TB, s scp80.Suite) scp80.Keys {
	return scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](octets(t, s.KeyLen())), KID: scp80.NewKey[scp80.MACKey](octets(t, s.KeyLen())),
	}
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

// push sends a message to a phone and answers what the fleet answered to its last part.
func (b *bench) push(conn int, n gateway.MSISDN, m applet.Message) (status smpp.Status) {
	b.t.Helper()
	for _, sm := range b.secureAll(n, m) {
		status = b.smsc.deliver(conn, sm)
	}
	return status
}

// secure makes the deliver_sm of a message to a phone that fits one.
func (b *bench) secure(n gateway.MSISDN, m applet.Message) *smpp.DeliverSM {
	b.t.Helper()
	all := b.secureAll(n, m)
	if len(all) != 1 {
		b.t.Fatalf("%d segments", len(all))
	}
	return all[0]
}

// secureAll makes the deliver_sm of a message to a phone, one for each part.
func (b *bench) secureAll(n gateway.MSISDN, m applet.Message) (all []*smpp.DeliverSM) {
	b.t.Helper()
	reg := b.cards[n]
	reg.out++
	profile, keys := reg.suite.Profile(scp80.MT, reg.uses), reg.versions[reg.uses-1].mt
	packet := must(scp80.Wrap(profile, keys, reg.out, applet.Encode(reg.suite, m)))(b.t)
	ref := tpdu.Reference{Number: uint16(reg.out)}
	var segments []tpdu.Segment
	if reg.form.InSIM() {
		segments = must(tpdu.ToSIM(packet, ref))(b.t)
	} else {
		segments = must(tpdu.ByPort(tpdu.Ports{Destination: applet.Port, Source: applet.Port}, packet, ref))(b.t)
	}
	for _, s := range segments {
		all = append(all, deliverSM("10658", n, s))
	}
	return all
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
	version := reg.versionOf(b.t, secured.Packet)
	counter, payload, err := scp80.Open(reg.suite.Profile(scp80.MO, version), reg.versions[version-1].mo, secured.Packet)
	if err != nil || counter <= reg.in {
		b.t.Fatalf("counter %d after %d: %v", counter, reg.in, err)
	}
	if reg.in = counter; reg.uses != version {
		reg.uses = version
	}
	return n, must(applet.Decode(reg.suite, payload))(b.t)
}

// versionOf finds the version of the keys that a packet from a phone names.
func (r *register) versionOf(t testing.TB, packet []byte) uint8 {
	t.Helper()
	for version := len(r.versions); version > 0; version-- {
		set, ok := scp80.KeySetOf(packet)
		if ok && uint8(r.suite.Profile(scp80.MO, uint8(version)).KIc>>4) == set {
			return uint8(version)
		}
	}
	t.Fatalf("a packet under no version of the keys: %x", packet)
	return 0
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
