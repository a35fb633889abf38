package se

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// S1, S2, S7, S13: in each of its three forms the element takes cards and keys,
// shows its cards without their numbers, and pays with any of them.
func TestPayInEachForm(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		for form := applet.Standalone; form <= applet.SDTF; form++ {
			w := newWorld(suite, form.Capacity())
			e := personalised(t, w, form, nil)
			if !e.Personalised() || e.Form() != form || e.ID() != element || len(e.Cards()) != form.Capacity() {
				t.Fatalf("%v with %d cards", e, len(e.Cards()))
			}
			if e.Suite() != suite || e.KeyVersion() != 1 {
				t.Errorf("%v, keys of version %d", e.Suite(), e.KeyVersion())
			}
			for i, c := range e.Cards() {
				if c.Slot != i+1 || c.Alias != w.pers.Cards[i].Alias || c.Masked != w.pers.Cards[i].Masked || c.Expiry != 3012 {
					t.Errorf("%v, card %d: %+v", form, i, c)
				}
				checkPay(t, w, e, c.Slot, uint32(i+1))
			}
		}
	})
}

// checkPay pays with a slot and reads the payment as the platform does.
func checkPay(t *testing.T, w *world, e *Element, slot int, counter uint32) {
	t.Helper()
	payload, err := e.Pay(request(slot))
	if err != nil {
		t.Fatal(err)
	}
	// wire.md 6: 84 or 75, and 12 for payee and transaction
	if want := map[scp80.Suite]int{scp80.Modern: 84, scp80.Legacy: 75}[w.suite] + 12; len(payload) != want {
		t.Errorf("PAY of %d octets, want %d", len(payload), want)
	}
	m := must(applet.Decode(w.suite, payload)).(*applet.Pay)
	r := request(slot)
	if m.Ref != r.Bill.Ref || m.Amount != r.Bill.Amount || m.Currency != r.Bill.Currency || m.Payee != r.Bill.Merchant ||
		m.Phone != r.Phone || !m.Time.Equal(r.Time) || m.Transaction != 42 || m.Identity.Reveal() != w.pers.Identity.Reveal() {
		t.Errorf("PAY %+v", m)
	}
	if m.Blob != w.pers.Cards[slot-1].Blob {
		t.Error("the card is not as the element stores it")
	}
	if rec := must(applet.OpenCard(w.suite, w.pers.CardData, m.Blob)); rec.PAN.Reveal() != w.numbers[slot-1] {
		t.Error("another card")
	}
	if packet := must(scp80.Wrap(w.suite.Profile(scp80.MO, 1), w.pers.MO, 1, payload)); bytes.Contains(packet, m.Blob[:8]) {
		t.Error("the stored card is not encrypted again")
	}
	key := must(applet.DerivePINKey(w.suite, w.pers.Initial, w.pers.KeyID, m.PINCounter))
	pin, err := applet.OpenPIN(w.suite, key, m.PINBlock, w.pers.Cards[slot-1].Token)
	if err != nil || pin.Reveal() != thePIN || m.PINCounter != counter {
		t.Errorf("PIN block of counter %d: %v", m.PINCounter, err)
	}
}

func TestPayRefuses(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 2)
		e := personalised(t, w, applet.SIM, nil)
		if _, err := e.Pay(request(3)); !errors.Is(err, ErrNoCard) {
			t.Errorf("slot 3 of 2: %v", err)
		}
		r := request(1)
		r.PIN = applet.PIN{}
		if _, err := e.Pay(r); err == nil {
			t.Error("paid without a PIN")
		}
		r = request(1)
		r.Bill.Currency = "XXQ"
		if _, err := e.Pay(r); !errors.Is(err, applet.ErrRange) {
			t.Errorf("paid in no currency: %v", err)
		}
	})
}

func TestPackets(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		for want := uint64(1); want <= 3; want++ {
			packet, err := e.Wrap([]byte("from the handset"))
			if err != nil {
				t.Fatal(err)
			}
			counter, payload, err := w.mo.Open(packet)
			if err != nil || counter != want || string(payload) != "from the handset" {
				t.Errorf("packet %d: %d %q, %v", want, counter, payload, err)
			}
			if _, err := e.Open(packet); !errors.Is(err, ErrRefused) {
				t.Errorf("its own packet: %v", err)
			}
		}
	})
}

// A duplicate of an accepted packet, and one that was overtaken, are known as such;
// everything forged is one error (wire.md 5).
func TestOpen(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		first, second, third := must(w.mt.Wrap(1, []byte("one"))), must(w.mt.Wrap(2, []byte("two"))), must(w.mt.Wrap(9, []byte("nine")))
		forged := bytes.Clone(third)
		forged[len(forged)-1] ^= 1
		for i, c := range []struct {
			packet []byte
			want   string
			err    error
		}{
			{first, "one", nil},
			{first, "", ErrReplay},
			{forged, "", ErrRefused},
			{third, "nine", nil},
			{second, "", ErrReplay},
			{third, "", ErrReplay},
			{forged, "", ErrRefused},
			{nil, "", ErrRefused},
			{first[:20], "", ErrRefused},
			{must(w.mt.Wrap(10, []byte("ten"))), "ten", nil},
		} {
			got, err := e.Open(c.packet)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d: %q, %v, want %q, %v", i, got, err, c.want, c.err)
			}
			if errors.Is(err, ErrRefused) && err.Error() != ErrRefused.Error() {
				t.Errorf("%d: the error says more: %v", i, err)
			}
		}
	})
}

func TestBlank(t *testing.T) {
	e := blank(applet.SDTF, nil)
	_, open := e.Open(nil)
	_, wrap := e.Wrap(nil)
	_, pay := e.Pay(request(1))
	for name, err := range map[string]error{"Open": open, "Wrap": wrap, "Pay": pay} {
		if !errors.Is(err, ErrBlank) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e.Personalised() || len(e.Cards()) != 0 {
		t.Error("a blank element has cards")
	}
	for name, c := range map[string]Config{
		"nothing": {}, "no form": {ID: element, Rand: seeded(1)}, "no randomness": {ID: element, Form: applet.SIM},
		"no number": {Form: applet.SIM, Rand: seeded(1)}, "too little randomness": {ID: element, Form: applet.SIM, Rand: strings.NewReader("x")},
		"counters that do not load": {ID: element, Form: applet.SIM, Rand: seeded(1), Counters: &store{down: true}},
	} {
		if e, err := New(c); err == nil || e != nil {
			t.Errorf("%s: an element", name)
		}
	}
}

// A personalisation is for one element, fits it, and says of its cards what is in them.
func TestPersonaliseRefuses(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		for name, c := range map[string]struct {
			change func(*world)
			want   error
		}{
			"another element":   {func(w *world) { w.pers.Element = "89860112345678901235" }, ErrPersonalisation},
			"another TAR":       {func(w *world) { w.pers.TAR++ }, ErrPersonalisation},
			"no packet keys":    {func(w *world) { w.pers.MT = scp80.Keys{} }, ErrPersonalisation},
			"no MO keys":        {func(w *world) { w.pers.MO = scp80.Keys{} }, ErrPersonalisation},
			"no PIN key":        {func(w *world) { w.pers.Initial = applet.InitialKey{} }, ErrPersonalisation},
			"another card key":  {func(w *world) { w.pers.CardData = scp80.NewKey[applet.CardDataKey](octets(suite, 99)) }, ErrPersonalisation},
			"slots swapped":     {func(w *world) { w.pers.Cards[0], w.pers.Cards[1] = w.pers.Cards[1], w.pers.Cards[0] }, ErrPersonalisation},
			"a slot twice":      {func(w *world) { w.pers.Cards[1] = w.pers.Cards[0] }, ErrPersonalisation},
			"another card mask": {func(w *world) { w.pers.Cards[1].Masked = w.pers.Cards[0].Masked + "0" }, ErrPersonalisation},
			"too many cards":    {func(w *world) { w.pers.Cards = append(w.pers.Cards, newWorld(suite, 5).pers.Cards[2:]...) }, ErrCapacity},
		} {
			w, e := newWorld(suite, 2), blank(applet.SIM, nil)
			c.change(w)
			if err := e.Personalise(w.seal(e)); !errors.Is(err, c.want) || e.Personalised() {
				t.Errorf("%s: %v", name, err)
			}
		}
		w, e := newWorld(suite, 1), blank(applet.SIM, nil)
		other := must(New(Config{ID: element, Form: applet.SIM, Rand: seeded(2)}))
		for name, sealed := range map[string]applet.Sealed{"nothing": nil, "sealed to another": w.seal(other)} {
			if err := e.Personalise(sealed); !errors.Is(err, ErrPersonalisation) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The same personalisation again, after a lost answer, takes no counter back.
func TestPersonaliseAgain(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		must(e.Open(must(w.mt.Wrap(5, nil))))
		must(e.Wrap(nil))
		checkPay(t, w, e, 1, 1)
		if err := e.Personalise(w.seal(e)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Open(must(w.mt.Wrap(5, nil))); !errors.Is(err, ErrReplay) {
			t.Errorf("an old packet: %v", err)
		}
		if counter, _, err := w.mo.Open(must(e.Wrap(nil))); err != nil || counter != 2 {
			t.Errorf("packet counter %d, %v", counter, err)
		}
		checkPay(t, w, e, 1, 2)
	})
}

// A counter is kept before it is used: what cannot be kept does not happen, and what
// happened is in the store (wire.md 5, counter storage).
func TestCountersAreKeptFirst(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), new(store)
		e := personalised(t, w, applet.SIM, c)
		packet := must(w.mt.Wrap(1, []byte("bill")))
		c.down = true
		_, open := e.Open(packet)
		_, wrap := e.Wrap(nil)
		_, pay := e.Pay(request(1))
		for name, err := range map[string]error{"Open": open, "Wrap": wrap, "Pay": pay} {
			if !errors.Is(err, errDown) {
				t.Errorf("%s without a store: %v", name, err)
			}
		}
		c.down = false
		if payload, err := e.Open(packet); err != nil || string(payload) != "bill" {
			t.Errorf("the packet is lost: %v", err)
		}
		must(e.Wrap(nil))
		checkPay(t, w, e, 1, 1)
		if c.state != (State{Sent: 1, Received: 1, PIN: 1}) || c.saves != 3 {
			t.Errorf("%+v after %d saves", c.state, c.saves)
		}
	})
}

// An element that starts with kept counters goes on from them.
func TestRestart(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), &store{state: State{Sent: 7, Received: 8, PIN: 9}}
		e := personalised(t, w, applet.SIM, c)
		if _, err := e.Open(must(w.mt.Wrap(8, nil))); !errors.Is(err, ErrReplay) {
			t.Errorf("an old packet: %v", err)
		}
		if counter, _, err := w.mo.Open(must(e.Wrap(nil))); err != nil || counter != 8 {
			t.Errorf("packet counter %d, %v", counter, err)
		}
		checkPay(t, w, e, 1, 10)
		c.state.Sent, c.state.Received = scp80.MaxCounter, scp80.MaxCounter
		e = personalised(t, w, applet.SIM, c)
		if _, err := e.Wrap(nil); !errors.Is(err, scp80.ErrCounterBlocked) {
			t.Errorf("after the last counter: %v", err)
		}
		if _, err := e.Open(must(w.mt.Wrap(scp80.MaxCounter, nil))); !errors.Is(err, ErrReplay) {
			t.Errorf("a packet after the last: %v", err)
		}
	})
}

// Whatever order packets arrive in, however often, none is opened twice and the
// counter only rises.
func TestOpenProperty(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		packets := make([][]byte, 20)
		for i := range packets {
			packets[i] = must(w.mt.Wrap(uint64(i+1), []byte{0xF0, byte(i)}))
		}
		sealed := personalised(t, w, applet.SIM, nil) // its key pair comes from the same seed in each run
		pers := w.seal(sealed)
		rapid.Check(t, func(t *rapid.T) {
			e := blank(applet.SIM, nil)
			if err := e.Personalise(pers); err != nil {
				t.Fatal(err)
			}
			last := -1
			for _, i := range rapid.SliceOf(rapid.IntRange(0, len(packets)-1)).Draw(t, "arrivals") {
				payload, err := e.Open(packets[i])
				switch {
				case i > last && (err != nil || payload[1] != byte(i)):
					t.Fatalf("packet %d after %d: %v", i, last, err)
				case i <= last && (!errors.Is(err, ErrReplay) || payload != nil):
					t.Fatalf("packet %d after %d: %v", i, last, err)
				}
				last = max(last, i)
			}
		})
	})
}

type holder struct {
	element *Element
	inside  Element
	request PayRequest
}

// Neither an element nor a request to pay prints a key, a card number or a PIN.
func TestElementNeverPrints(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 2)
		e := personalised(t, w, applet.SIM, nil)
		secrets := append([]string{thePIN, "11010519900307123X"}, w.numbers...)
		for seed := byte(2); seed <= 9; seed++ {
			half := octets(suite, seed)[:16]
			secrets = append(secrets, string(half), fmt.Sprintf("%x", half), strings.Trim(fmt.Sprint(half), "[]"))
		}
		private := e.seed.Reveal()[:16]
		secrets = append(secrets, fmt.Sprintf("%x", private), strings.Trim(fmt.Sprint(private), "[]"))
		h := holder{element: e, inside: *e, request: request(1)}
		for _, v := range []any{e, h, &h, request(1), e.Cards(), []any{e}, map[string]*Element{"e": e}} {
			var log bytes.Buffer
			logger := zerolog.New(&log)
			logger.Info().Interface("v", v).Err(fmt.Errorf("with %v", v)).Msgf("%+v", v)
			printed := []string{log.String()}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
				printed = append(printed, fmt.Sprintf(verb, v))
			}
			if b, err := json.Marshal(v); err == nil {
				printed = append(printed, string(b))
			}
			for _, p := range printed {
				for _, s := range secrets {
					if strings.Contains(p, s) {
						t.Errorf("%q shows in %.300q", s, p)
					}
				}
			}
		}
		if got := fmt.Sprint(e); got != "se.Element{89860112345678901234 sim}" {
			t.Error(got)
		}
	})
}

// BenchmarkPay is what the chip does for one payment: PIN block, message, packet.
func BenchmarkPay(b *testing.B) {
	for _, suite := range suites() {
		b.Run(suite.String(), func(b *testing.B) {
			e := personalised(b, newWorld(suite, 1), applet.SIM, nil)
			r := request(1)
			b.ReportAllocs()
			for b.Loop() {
				payload, err := e.Pay(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := e.Wrap(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPersonalise is what it takes to make a phone's element.
func BenchmarkPersonalise(b *testing.B) {
	w := newWorld(scp80.Modern, 2)
	b.ReportAllocs()
	for b.Loop() {
		personalised(b, w, applet.SIM, nil)
	}
}
