package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// carrier joins a fleet to a switch of USSD sessions, which is what a gateway has.
type carrier struct {
	b *bench
	*ussd.Switch
}

func (c *carrier) Owner(number string) (string, bool) {
	if strings.HasPrefix(number, "861380") {
		return "handsets", true
	}
	return "", false
}

func (c *carrier) Deliver(_ string, sm *smpp.SubmitSM, done func(smpp.Status)) {
	c.b.smsc.wg.Go(func() { done(c.b.smsc.deliver(0, (*smpp.DeliverSM)(sm))) })
}

// clerk asks for a PIN and then for another word, and ends.
type clerk struct {
	mu    sync.Mutex
	turns []ussd.Turn
	ended []ussd.Summary
}

func (c *clerk) Answer(_ context.Context, t ussd.Turn) (ussd.Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns = append(c.turns, t)
	switch t.Number {
	case 1:
		return ussd.Reply{Text: "Pay with Blue\nPIN (0 goes back):"}, nil
	case 2:
		return ussd.Reply{Text: "Grüße, 你好?"}, nil
	}
	return ussd.Reply{Text: "Paid.", End: true}, nil
}

func (c *clerk) Ended(_ context.Context, s ussd.Summary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, s)
}

// session runs a test on a fleet whose carrier has USSD.
func session(t *testing.T, persona string, test func(b *bench, c *carrier, k *clerk)) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		b := newBench(t, fleet.Config{Log: zerolog.New(&logged)})
		if _, err := b.client.Add(t.Context(), fleet.NewPhone{MSISDN: alice, Form: "none", Persona: persona}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.client.Personalise(t.Context(), alice, fleet.Personalisation{PIN: thePIN}); err != nil {
			t.Fatal(err)
		}
		k := new(clerk)
		c := &carrier{b: b}
		var err error
		if c.Switch, err = ussd.New(ussd.Config{Routes: []ussd.Route{{Code: "*120#", Application: k}}}, c); err != nil {
			t.Fatal(err)
		}
		b.smsc.answer = func(sm *smpp.SubmitSM) (smpp.Status, bool) { return c.Take("handsets", sm), true }
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() { _ = c.Serve(ctx) })
		b.run()
		test(b, c, k)
		stop()
		served.Wait()
		b.end()
		b.noPIN(logged.Bytes())
	})
}

// uses does something at a phone's screen and answers what it shows when all is quiet.
func (b *bench) uses(n gateway.MSISDN, in fleet.USSD) fleet.Screen {
	b.t.Helper()
	if _, err := b.client.USSD(b.t.Context(), n, in); err != nil {
		b.t.Fatal(err)
	}
	return b.shows(n)
}

func (b *bench) shows(n gateway.MSISDN) fleet.Screen {
	b.t.Helper()
	synctest.Wait()
	s, err := b.client.Screen(b.t.Context(), n)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func reply(text string) fleet.USSD {
	d := fleet.Digits(text)
	return fleet.USSD{Reply: &d}
}

// A session that is dialled by hand, to its end.
func TestUSSD_Dialled(t *testing.T) {
	session(t, "manual", func(b *bench, _ *carrier, k *clerk) {
		if s := b.uses(alice, fleet.USSD{Dial: "*120*5#"}); !s.Asks || s.Code != "*120#" || !strings.Contains(s.Text, "PIN") {
			t.Errorf("it shows %+v", s)
		}
		if s := b.uses(alice, reply(thePIN)); s.Text != "Grüße, 你好?" {
			t.Errorf("it shows %+v", s)
		}
		if s := b.uses(alice, reply("{ok} é")); s.Open || s.Asks || s.Text != "Paid." || s.Shown != 3 {
			t.Errorf("it shows %+v", s)
		}
		if got := strings.Join(k.turns[2].Inputs, "|"); got != "5|"+thePIN+"|{ok} é" || k.turns[0].Dialled != "*120*5#" || k.turns[0].Phone != string(alice) {
			t.Errorf("the application heard %q", got)
		}
		if got := b.told(alice); got != "dialled; sent; USSD shown; replied; sent; USSD shown; replied; sent; USSD shown; USSD ended; " {
			t.Errorf("told %s", got)
		}
	})
}

// What is dialled may be longer than an address of SMPP.
func TestUSSD_LongCode(t *testing.T) {
	session(t, "manual", func(b *bench, _ *carrier, k *clerk) {
		long := "*120*" + strings.Repeat("1234*", 8) + "5#"
		if s := b.uses(alice, fleet.USSD{Dial: long}); !s.Asks {
			t.Errorf("it shows %+v", s)
		}
		if k.turns[0].Dialled != long {
			t.Errorf("the application heard %+v", k.turns[0])
		}
	})
}

// A code that leads nowhere closes the screen.
func TestUSSD_Nowhere(t *testing.T) {
	session(t, "manual", func(b *bench, _ *carrier, _ *clerk) {
		if s := b.uses(alice, fleet.USSD{Dial: "*99#"}); s.Open {
			t.Errorf("it shows %+v", s)
		}
		if got := b.told(alice); got != "dialled; sent; USSD ended; " {
			t.Errorf("told %s", got)
		}
	})
}

// The network begins sessions too: it asks, and it tells.
func TestUSSD_Pushed(t *testing.T) {
	session(t, "manual", func(b *bench, c *carrier, _ *clerk) {
		if _, err := c.Push(b.t.Context(), "10658", string(alice), "Your balance is CNY 5.00", false); err != nil {
			t.Error(err)
		}
		answered := make(chan string, 1)
		go func() {
			answer, err := c.Push(b.t.Context(), "10658", string(alice), "Pay?", true)
			answered <- answer
			if err != nil {
				t.Error(err)
			}
		}()
		if s := b.shows(alice); !s.Asks || s.Text != "Pay?" || s.Code != "10658" {
			t.Errorf("it shows %+v", s)
		}
		if s := b.uses(alice, reply("yes")); s.Open {
			t.Errorf("it shows %+v", s)
		}
		if got := <-answered; got != "yes" {
			t.Errorf("answered %q", got)
		}
	})
}

// Who gives up, takes too long, or has the phone off: the network knows, and the screen closes.
func TestUSSD_Ends(t *testing.T) {
	session(t, "manual", func(b *bench, c *carrier, k *clerk) {
		b.uses(alice, fleet.USSD{Dial: "*120#"})
		if s := b.uses(alice, fleet.USSD{Abort: true}); s.Open || k.ended[0].Result != ussd.UserAbort {
			t.Errorf("it shows %+v, the network says %v", s, k.ended[0].Result)
		}
		b.uses(alice, fleet.USSD{Dial: "*120#"})
		time.Sleep(2 * time.Minute)
		if s := b.shows(alice); s.Open || k.ended[1].Result != ussd.UserTimeout || !strings.Contains(s.Text, "too long") {
			t.Errorf("it shows %+v, the network says %v", s, k.ended[1].Result)
		}
		b.uses(alice, fleet.USSD{Dial: "*120#"})
		b.uses(alice, fleet.USSD{Dial: "*120#"})
		if k.ended[2].Result != ussd.Collision {
			t.Errorf("who dials twice: %v", k.ended[2].Result)
		}
		b.uses(alice, fleet.USSD{Abort: true})
		if err := b.fleet.Power(alice, false); err != nil {
			t.Fatal(err)
		}
		_, err := c.Push(b.t.Context(), "10658", string(alice), "Pay?", true)
		if ended, ok := errors.AsType[*ussd.SessionError](err); !ok || ended.Result != ussd.NetworkError {
			t.Errorf("a phone that is off: %v", err)
		}
		if b.fleet.Counts().Missed == 0 {
			t.Error("nothing was missed")
		}
	})
}

// A person at a menu types the PIN; it is in no event and no log (session sees to that).
func TestUSSD_Person(t *testing.T) {
	session(t, "pays", func(b *bench, _ *carrier, k *clerk) {
		b.uses(alice, fleet.USSD{Dial: "*120#"})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.turns) != 2 || k.turns[1].Inputs[0] != thePIN {
			t.Errorf("%d turns", len(k.turns))
		}
	})
}

// What cannot be read is refused, and changes nothing.
func TestUSSD_Unreadable(t *testing.T) {
	session(t, "manual", func(b *bench, _ *carrier, _ *clerk) {
		good := must(ussd.Spec.Encode(ussd.Message{Kind: ussd.Ask, Phone: string(alice), Code: "10658", Text: "Pay?", ID: 5}))(t)
		for name, spoil := range map[string]func(sm *smpp.SubmitSM){
			"no op":                 func(sm *smpp.SubmitSM) { sm.TLVs = nil },
			"an op of the handset":  func(sm *smpp.SubmitSM) { sm.TLVs[0].Value = []byte{18} },
			"half a UCS2 character": func(sm *smpp.SubmitSM) { sm.DataCoding, sm.ShortMessage = 0x48, []byte{0x4F} },
		} {
			sm := *good
			sm.TLVs = append(smpp.TLVs(nil), good.TLVs...)
			spoil(&sm)
			if status := b.smsc.deliver(0, (*smpp.DeliverSM)(&sm)); status != smpp.RXRAPPN {
				t.Errorf("%s: %v", name, status)
			}
		}
		if s := b.shows(alice); s.Shown != 0 || s.Open {
			t.Errorf("it shows %+v", s)
		}
		for coding, octets := range map[uint8][]byte{0x0F: []byte("Pay?"), 0x48: {0, 'P', 0, 'a', 0, 'y', 0, '?'}} {
			sm := *good
			sm.DataCoding, sm.ShortMessage = coding, octets
			if status := b.smsc.deliver(0, (*smpp.DeliverSM)(&sm)); status != smpp.ROK || b.shows(alice).Text != "Pay?" {
				t.Errorf("data_coding %#x: %v", coding, status)
			}
		}
	})
}
