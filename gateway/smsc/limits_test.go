package smsc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// Over an account's rate a message is throttled (SMPP 3.4 §5.1.3), and no more after a while.
func TestRate(t *testing.T) {
	c := config()
	c.Accounts[0].Rate, c.Accounts[0].Burst = 10, 3
	inBubble(t, c, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		count := func() (taken int) {
			for range 10 {
				_, err := platform.Submit(context.Background(), text(code, phone, "x"))
				switch {
				case err == nil:
					taken++
				case !errors.Is(err, smpp.RTHROTTLED.Err()):
					t.Error(err)
				}
			}
			return taken
		}
		for i, want := range []int{3, 1, 2, 3} { // after no time, 100, 200, and 1000 ms
			time.Sleep([]time.Duration{0, 100, 200, 1000}[i] * time.Millisecond)
			if got := count(); got != want {
				t.Errorf("step %d: %d taken, want %d", i, got, want)
			}
		}
		if err := w.server.SetRate("platform", 0, 0); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != 10 {
			t.Errorf("without a limit: %d taken", got)
		}
		if err := w.server.SetRate("nobody", 1, 0); !errors.Is(err, smsc.ErrUnknownAccount) {
			t.Errorf("an account that is not: %v", err)
		}
	})
}

// Binds over an account's limit, in all or of a kind, are refused with ESME_RBINDFAIL;
// one that has ended makes room.
func TestBindLimits(t *testing.T) {
	c := config()
	c.Accounts[0].Binds = smsc.Binds{All: 3, Receivers: 1}
	inBubble(t, c, func(t *testing.T, w *world) {
		try := func(body smpp.Body, want smpp.Status) *wire {
			c := w.wire()
			c.sendPDU(1, body)
			c.want(body.CommandID()|0x80000000, want, 1)
			return c
		}
		first := try(new(smpp.BindReceiver(as("platform"))), smpp.ROK)
		_ = try(new(smpp.BindReceiver(as("platform"))), smpp.RBINDFAIL).Close()
		second, third := try(transceiver("platform"), smpp.ROK), try(transceiver("platform"), smpp.ROK)
		_ = try(new(smpp.BindTransmitter(as("platform"))), smpp.RBINDFAIL).Close()
		_ = try(transceiver("shop"), smpp.ROK).Close()
		_ = first.Close()
		synctest.Wait()
		_ = try(new(smpp.BindReceiver(as("platform"))), smpp.ROK).Close()
		synctest.Wait()
		second.asks(2, &smpp.Unbind{}, smpp.ROK)
		_ = try(transceiver("platform"), smpp.ROK).Close() // unbind_resp says that there is room
		_, _ = second.Close(), third.Close()
	})
}

// §5.2.8, §5.2.9: addresses an account may not use.
func TestAllowedAddresses(t *testing.T) {
	c := config()
	c.Accounts[0].Sources, c.Accounts[0].Destinations = "^10658", "^86138"
	inBubble(t, c, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		for _, tc := range []struct {
			from, to string
			want     error
		}{
			{code, phone, nil}, {"1065899", phone, nil}, {"", phone, nil},
			{"10690", phone, smpp.RINVSRCADR.Err()}, {code, "8613900000001", smpp.RINVDSTADR.Err()},
		} {
			if _, err := platform.Submit(context.Background(), text(tc.from, tc.to, "x")); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Errorf("%s to %s: %v, want %v", tc.from, tc.to, err, tc.want)
			}
		}
	})
}

// §5.2.7: with HonourRange a session gets what is for the numbers of its bind, and
// what is for no session's waits for one.
func TestHonourRange(t *testing.T) {
	c := config()
	c.Accounts[2].HonourRange = true
	c.Accounts[2].Window = 1
	inBubble(t, c, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		bind := func(addressRange string) *wire {
			b := as("phones")
			b.AddressRange = addressRange
			c := w.wire()
			c.bind(new(smpp.BindReceiver(b)))
			return c
		}
		one, two := bind("^8613800000001$"), bind("^8613800000002$")
		platform.send(t, text(code, phone, "one"))
		platform.send(t, text(code, "8613800000003", "three"))
		platform.send(t, text(code, phone2, "two"))
		for c, want := range map[*wire]string{one: "one", two: "two"} {
			if got := c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM); string(got.ShortMessage) != want {
				t.Errorf("%q, want %q", got.ShortMessage, want)
			}
		}
		all := bind("")
		if got := all.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM); string(got.ShortMessage) != "three" {
			t.Errorf("%q", got.ShortMessage)
		}
		bad := w.wire()
		b := as("phones")
		b.AddressRange = "^861("
		bad.sendPDU(1, new(smpp.BindReceiver(b)))
		bad.want(smpp.IDBindReceiverResp, smpp.RBINDFAIL, 1)
		_, _, _, _ = one.Close(), two.Close(), all.Close(), bad.Close()
	})
}

// Sessions whose windows are full hold up none of other ranges.
func TestHonourRangeWithFullWindows(t *testing.T) {
	c := config()
	c.Accounts[2].HonourRange, c.Accounts[2].Window = true, 1
	inBubble(t, c, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		bind := func(addressRange string) *wire {
			b := as("phones")
			b.AddressRange = addressRange
			c := w.wire()
			c.bind(new(smpp.BindReceiver(b)))
			return c
		}
		deaf, two := bind("1$"), bind("2$")
		for _, to := range []string{"8613800000001", "8613800000011", "8613800000021", "8613800000002"} {
			platform.send(t, text(code, to, to))
		}
		deaf.want(smpp.IDDeliverSM, smpp.ROK, 1)
		if got := two.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM); got.Destination.Digits != "8613800000002" {
			t.Errorf("got %s", got.Destination.Digits)
		}
		_, _ = deaf.Close(), two.Close()
	})
}

// Connections over the caps are closed at once; one that ends makes room.
func TestConnectionCaps(t *testing.T) {
	for name, set := range map[string]func(*smsc.Config){
		"in all":     func(c *smsc.Config) { c.Connections = 2 },
		"of a peer":  func(c *smsc.Config) { c.PerPeer = 2 },
		"of neither": func(*smsc.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := config()
			set(&c)
			inBubble(t, c, func(t *testing.T, w *world) {
				first, second := w.wire(), w.wire()
				first.bind(transceiver("shop"))
				second.bind(transceiver("shop"))
				third := w.wire()
				if c.Connections+c.PerPeer == 0 {
					third.bind(transceiver("shop"))
					_, _, _ = first.Close(), second.Close(), third.Close()
					return
				}
				third.wantEnd()
				_ = first.Close()
				synctest.Wait()
				fourth := w.wire()
				fourth.bind(transceiver("shop"))
				_, _ = second.Close(), fourth.Close()
			})
		})
	}
}

// Guesses slow down the binds of their peer more and more, up to a bound, until one is
// right or a minute has passed.
func TestGuessesSlowDown(t *testing.T) {
	c := config()
	c.GuessDelay = 150 * time.Millisecond
	inBubble(t, c, func(t *testing.T, w *world) {
		wrong := as("platform")
		wrong.Password = "guess"
		guess := func() time.Duration {
			began := time.Now()
			c := w.wire()
			c.sendPDU(1, new(smpp.BindTransceiver(wrong)))
			c.want(smpp.IDBindTransceiverResp, smpp.RINVPASWD, 1)
			_ = c.Close()
			return time.Since(began)
		}
		for i, want := range []time.Duration{0, 0, 0, 50, 100, 150, 150} {
			if took := guess(); took != want*time.Millisecond {
				t.Errorf("guess %d took %v, want %v", i, took, want*time.Millisecond)
			}
		}
		began := time.Now()
		right := w.wire()
		right.bind(transceiver("platform"))
		if took := time.Since(began); took != 150*time.Millisecond {
			t.Errorf("the right one took %v", took)
		}
		_ = right.Close()
		if took := guess(); took != 0 {
			t.Errorf("after the right one: %v", took)
		}
		for range 5 {
			guess()
		}
		time.Sleep(time.Minute)
		if took := guess(); took != 0 {
			t.Errorf("after a minute: %v", took)
		}
	})
}

// A window is for messages that are unanswered, whatever read they came in.
func TestSubmitWindowOfTransactions(t *testing.T) {
	c := config()
	c.Accounts[0].SubmitWindow = 2
	inBubble(t, c, func(t *testing.T, w *world) {
		phones := w.bind("phones", esme.Transceiver)
		phones.set(smpp.ROK, true)
		c := w.wire()
		c.bind(transceiver("platform"))
		ask := func(sequence uint32) {
			sm := text(code, "86138000000"+string([]byte{'0' + byte(sequence/10), '0' + byte(sequence%10)}), "x")
			sm.ESMClass = smpp.ESMTransaction
			c.sendPDU(sequence, sm)
		}
		ask(2)
		ask(3)
		ask(4)
		c.want(smpp.IDSubmitSMResp, smpp.RTHROTTLED, 4)
		time.Sleep(11 * time.Second) // the phones do not answer
		for range 2 {
			if p := c.next(); p.Status != smpp.RSUBMITFAIL {
				t.Errorf("%v %v", p.Body.CommandID(), p.Status)
			}
		}
		phones.set(smpp.ROK, false)
		ask(5)
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 5)
		_ = c.Close()
	})
}

// Who binds and goes away again and again is let in at a steady rate after a while, and so
// is answered who speaks no SMPP; who stays, or comes later, is not held up.
func TestFutileConnections(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		took := func(n int, once func()) time.Duration {
			began := time.Now()
			for range n {
				once()
			}
			return time.Since(began)
		}
		briefly := func() {
			c := w.wire()
			c.bind(transceiver("shop"))
			_ = c.Close()
			synctest.Wait()
		}
		garbage := func() {
			c := w.wire()
			c.send([]byte("GET / HTTP/1.1\r\n\r\n"))
			c.want(smpp.IDGenericNack, smpp.RINVCMDLEN, 0x2E310D0A)
			c.wantEnd()
		}
		for name, once := range map[string]func(){"binds": briefly, "garbage": garbage} {
			if d := took(199, once); d != 0 {
				t.Errorf("%s: the first were held up for %v", name, d)
			}
			if d := took(300, once); d < time.Second || d > 2*time.Second {
				t.Errorf("%s: 300 more took %v", name, d)
			}
		}
		if d := took(1, func() { w.wire().bind(transceiver("phones")) }); d != 0 {
			t.Errorf("somebody else waited for %v", d)
		}
		time.Sleep(time.Minute)
		if d := took(100, briefly) + took(100, garbage); d != 0 {
			t.Errorf("a minute later they waited for %v", d)
		}
	})
}
