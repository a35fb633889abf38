package billing

import (
	"crypto/fips140"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// needsTDEA skips a test of the legacy suite where 3DES may not be used.
func needsTDEA(t testing.TB, suite scp80.Suite) {
	t.Helper()
	if suite == scp80.Legacy && fips140.Enforced() {
		t.Skip("3DES is not to be had under crypto/fips140")
	}
}

// rotate puts the next version of the packet keys in use.
func (b *bank) rotate() uint8 {
	b.t.Helper()
	v, err := b.config.Vault.(*keys.Vault).Rotate(keys.By{Name: "Min", At: time.Now()}, rand.NewChaCha8([32]byte{9}))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *bank) versions(h *handset) (current, pending uint8) {
	c := b.phone(h).counters
	return c.Version, c.Pending
}

// take installs new packet keys in the element.
func (h *handset) take(m *applet.Keys) {
	mo, mt := must2(applet.UnwrapKeys(h.pers.Suite, h.pers.KIK, m.Version, m.Wrapped))
	h.use(m.Version, mo, mt)
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

// kinds are what waits to be sent to phones, in order.
func (b *bank) kinds() (kinds []string) {
	for _, d := range b.effects {
		if d.Kind != EffectOpen {
			kinds = append(kinds, d.Kind)
		}
	}
	return kinds
}

// Rotation with overlap: KEYS goes before the bill under the old keys, both are taken
// until the element has shown the new ones, and the old ones never after that.
func TestRotation(t *testing.T) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		t.Run(suite.String(), func(t *testing.T) {
			needsTDEA(t, suite)
			inBubble(t, func(t *testing.T, b *bank) {
				b.allowLegacy()
				h := newHandset(1, bankCard{500000, "CNY"})
				h.suite = suite
				h.enrol(b)
				if v := b.rotate(); v != 2 {
					t.Fatal(v)
				}
				id := b.order(h).ID
				if kinds := b.kinds(); !slices.Equal(kinds, []string{EffectKeys, EffectPush}) {
					t.Fatalf("the phone is sent %q", kinds)
				}
				offer := h.receive(b, b.take(EffectKeys)[0]).(*applet.Keys)
				h.receive(b, b.take(EffectPush)[0])
				if offer.Version != 2 {
					t.Fatalf("offered version %d", offer.Version)
				}
				late := h.wrap(h.payload(h.open(id, applet.Delivered)))
				h.say(b, h.open(id, applet.Opened)) // under the old keys still
				b.restart()
				if current, pending := b.versions(h); current != 1 || pending != 2 {
					t.Fatalf("versions %d and %d", current, pending)
				}
				old := *h
				h.take(offer)
				if b.want(id, bill.Opened); h.say(b, &applet.Keyed{Version: 2}) != (Outcome{}) {
					t.Fatal("KEYED has another effect")
				}
				b.restart()
				if current, pending := b.versions(h); current != 2 || pending != 0 {
					t.Fatalf("versions %d and %d", current, pending)
				}
				old.sent = h.sent
				for name, m := range map[string]Message{"late": late, "new": old.wrap(old.payload(old.pay(b, id)))} {
					b.unchanged(name, func() {
						if got := h.send(b, m); got.Dropped != DropForged {
							t.Errorf("a %s packet under the old keys: %+v", name, got)
						}
					})
				}
				h.sent = old.sent
				h.say(b, h.pay(b, id))
				b.want(id, bill.Paid)
				if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{"00"}) { // under the new ones
					t.Errorf("answered %q", codes)
				}
				if acts := b.told(h); acts[len(acts)-1] != "rekey" {
					t.Errorf("the journal tells %q", acts)
				}
				if b.order(h); slices.Contains(b.kinds(), EffectKeys) {
					t.Error("the keys are offered again")
				}
				b.audit()
			})
		})
	}
}

// Any packet under the new keys is the proof, also a payment; its answer goes under them.
func TestPaymentUnderNewKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.rotate()
		id := b.order(h).ID
		h.take(h.receive(b, b.take(EffectKeys)[0]).(*applet.Keys))
		pay := h.wrap(h.payload(h.pay(b, id)))
		for n := range pay.Packet { // what is not authentic proves nothing
			pay.Packet[n] ^= 1
			b.unchanged("a forgery", func() { h.send(b, pay) })
			pay.Packet[n] ^= 1
		}
		h.send(b, pay)
		b.want(id, bill.Paid)
		if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{"00"}) {
			t.Errorf("answered %q", codes)
		}
		h.send(b, pay)
		if b.isHeld(h) || b.debits(id) != 1 {
			t.Error("a duplicate across a change of keys")
		}
	})
}

// The offer is repeated with every push until it is taken, and stands while the vault
// goes on; then the next one follows.
func TestOfferUntilItIsTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.rotate()
		b.order(h)
		for range 3 {
			b.pass(2 * time.Minute) // the bill is pushed again
		}
		b.restart()
		b.rotate()
		b.order(h)
		offers := b.take(EffectKeys)
		if len(offers) < 3 {
			t.Fatalf("%d offers", len(offers))
		}
		var last *applet.Keys
		for _, d := range offers {
			m := b.opened(d)
			if m.Keys != 2 || m.Version != 1 || len(m.Payload) != 0 {
				t.Errorf("offered version %d under %d, with %d octets kept", m.Keys, m.Version, len(m.Payload))
			}
			last = h.receive(b, d).(*applet.Keys)
		}
		b.effects = nil
		h.take(last)
		h.say(b, &applet.Keyed{Version: 2})
		b.order(h)
		if m := b.opened(b.take(EffectKeys)[0]); m.Keys != 3 || m.Version != 2 {
			t.Errorf("then version %d under %d", m.Keys, m.Version)
		}
	})
}

// A phone is offered at most two versions on: three on has the same key set.
func TestOfferIsToldApart(t *testing.T) {
	for current, want := range map[uint8]uint8{5: 0, 4: 5, 3: 5, 2: 4, 1: 3} {
		p := &Partition{config: Config{Vault: newest{version: 5}}}
		ph := &phone{counters: counters{Version: current}}
		if got := p.offered(ph); got != want {
			t.Errorf("from %d: offered %d, want %d", current, got, want)
		}
	}
}

type newest struct {
	keys.Module
	version uint8
}

func (n newest) Version() uint8 { return n.version }

// New enrolments get the newest keys; a repeat of an old one the keys that its element has.
func TestEnrolmentAfterRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.rotate()
		late := b.payer(2)
		if current, _ := b.versions(late); current != 2 || late.pers.Version != 2 {
			t.Errorf("a new element has version %d, kept as %d", late.pers.Version, current)
		}
		if kinds := func() []string { b.order(late); return b.kinds() }(); slices.Contains(kinds, EffectKeys) {
			t.Error("it is offered the keys that it has")
		}
		var again *handset
		b.unchanged("a repeat", func() { again = h.enrol(b) })
		if again.pers.Version != 1 {
			t.Errorf("a repeat gives version %d", again.pers.Version)
		}
	})
}

func (b *bank) allowLegacy() {
	b.config.AllowLegacy = true
	b.service.config.AllowLegacy = true
	for _, p := range b.parts {
		p.config.AllowLegacy = true
	}
}

// The legacy suite goes the whole way when it is allowed; without that no element of it
// is enrolled, billed or listened to.
func TestLegacySuite(t *testing.T) {
	needsTDEA(t, scp80.Legacy)
	inBubble(t, func(t *testing.T, b *bank) {
		h := newHandset(1, bankCard{500000, "CNY"}, bankCard{1, "CNY"})
		h.suite = scp80.Legacy
		if _, err := b.service.Enrol(t.Context(), h.enrolment(b)); codeOf(err) != "invalid suite" || !strings.Contains(err.Error(), "--allow-legacy") {
			t.Errorf("off: %v", err)
		}
		b.allowLegacy()
		h.enrol(b)
		id := b.bring(h, bill.Opened)
		h.say(b, h.pay(b, id, withPIN("111111")))
		h.say(b, h.pay(b, id, withCard(2)))
		h.say(b, h.pay(b, id))
		b.want(id, bill.Paid)
		if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{"55", "51", "00"}) {
			t.Errorf("answered %q", codes)
		}
		if phones := must(b.service.Phones(t.Context())); phones[0].Suite != scp80.Legacy {
			t.Errorf("the register shows %s", phones[0].Suite)
		}
		next := b.bring(h, bill.Created)
		b.config.AllowLegacy = false
		b.service = must(NewService(b.config, b, b.store))
		b.restart()
		b.unchanged("a legacy element", func() {
			if got := h.say(b, h.pay(b, next)); got.Dropped != DropLegacy {
				t.Errorf("%+v", got)
			}
			if _, err := b.service.CreateBill(t.Context(), theShop, orderFor(h, "new", "")); codeOf(err) != "invalid phone" {
				t.Errorf("an order: %v", err)
			}
		})
	})
}

// A handset negotiates nothing: a modern element that speaks legacy, in any key set, is not heard.
func TestSuiteIsBoundToTheElement(t *testing.T) {
	needsTDEA(t, scp80.Legacy)
	inBubble(t, func(t *testing.T, b *bank) {
		b.allowLegacy()
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		payload := h.payload(h.pay(b, id))
		other := keys.Binding{Element: h.element, Suite: scp80.Legacy, Version: 1}
		mo := must(b.config.Vault.(*keys.Vault).MO(other))
		packet := must(scp80.Wrap(scp80.Legacy.Profile(scp80.MO, 1), mo, 99, payload))
		b.unchanged("a downgrade", func() {
			if got := h.send(b, Message{Phone: h.phone, Packet: packet}); got.Dropped != DropForged {
				t.Errorf("%+v", got)
			}
		})
		pay := h.pay(b, id)
		inner := applet.Encode(scp80.Modern, pay)
		inner[1] ^= byte(scp80.Modern ^ scp80.Legacy) // the suite in the message itself
		if got := h.send(b, h.wrap(inner)); got.Dropped != DropPayload {
			t.Errorf("a legacy message in a modern packet: %+v", got)
		}
	})
}
