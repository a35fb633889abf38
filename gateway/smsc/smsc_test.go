package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// A message to a phone goes out on the fleet's bind as it came, and one from a phone to the platform.
func TestBothWays(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		sm := text(code, phone, "\x02\x70\x00packet")
		sm.ESMClass, sm.ProtocolID, sm.DataCoding = smpp.ESMUDHI|smpp.ESMStoreForward, smpp.PIDSIMDownload, smpp.CodingClass2B
		sm.ValidityPeriod = smpp.After(time.Hour).String()
		id := platform.send(t, sm)
		synctest.Wait() // what the observer is told of two accounts has no order
		phones.send(t, text(phone, code, "PAY"))
		synctest.Wait()
		got := phones.received()
		if len(got) != 1 {
			t.Fatalf("%d delivered", len(got))
		}
		want := smpp.DeliverSM{
			Source: smpp.Address{Digits: code}, Destination: smpp.Address{TON: 1, NPI: 1, Digits: phone},
			ESMClass: smpp.ESMUDHI, ProtocolID: smpp.PIDSIMDownload, DataCoding: smpp.CodingClass2B, ShortMessage: []byte("\x02\x70\x00packet"),
		}
		if fmt.Sprintf("%+v", *got[0]) != fmt.Sprintf("%+v", want) {
			t.Errorf("\n got %+v\nwant %+v", *got[0], want)
		}
		same(t, platform.texts(), []string{"PAY"})
		w.mu.Lock()
		defer w.mu.Unlock()
		e := w.events[0]
		if e.Message.ID != id || e.From != "platform" || e.To != "phones" || e.Message.ESMClass != smpp.ESMUDHI ||
			e.Message.ProtocolID != smpp.PIDSIMDownload || e.Message.DataCoding != smpp.CodingClass2B || len(e.Message.UserData) != 9 {
			t.Errorf("observed %+v of %+v", e, e.Message)
		}
	})
}

// Every accepted message has an id of its own.
func TestMessageIDsAreUnique(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transmitter)
		seen := make(map[gateway.MessageID]bool)
		for range 1000 {
			id := platform.send(t, text(code, phone, "x"))
			if seen[id] || len(id) != 16 {
				t.Fatalf("id %q", id)
			}
			seen[id] = true
		}
	})
}

// A number in nobody's range is refused at once, §5.1.3.
func TestNoRoute(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		for _, to := range []string{"", "1", "999", "18613800000001", "861380000000x", "abc"} {
			if _, err := platform.Submit(context.Background(), text(code, to, "x")); !errors.Is(err, smpp.RINVDSTADR.Err()) {
				t.Errorf("to %q: %v", to, err)
			}
		}
		platform.send(t, text(code, "+"+phone, "a plus sign is no digit"))
	})
}

// §2.11: stored while no receiver is bound, delivered in order at once on the next bind.
func TestStoredWhileNobodyIsBound(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint("m", i))
			platform.send(t, text(code, phone, want[i]))
		}
		time.Sleep(3 * time.Hour)
		phones := w.bind("phones", esme.Receiver)
		synctest.Wait()
		same(t, phones.texts(), want)
	})
}

// A phone that is away answers 0x64 through its fleet; its messages are tried by the
// ladder, in order, and other phones are not held up.
func TestPhoneAway(t *testing.T) {
	c := config()
	c.Retry = []time.Duration{time.Second, 10 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c)
		platform := w.bind("platform", esme.Transceiver)
		away := true
		var mu sync.Mutex
		var tries []time.Time
		phones := &peer{done: make(chan struct{})}
		client, _ := esme.New(esme.Config{
			Dial: w.ln.dial, SystemID: "phones", Password: "secret",
			Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
				mu.Lock()
				defer mu.Unlock()
				if away && sm.Destination.Digits == phone {
					tries = append(tries, time.Now())
					reply(smpp.RXTAPPN)
					return
				}
				phones.deliver(sm, reply)
			},
		})
		ctx, stop := context.WithCancel(context.Background())
		w.wg.Go(func() { _ = client.Run(ctx) })
		_ = client.WaitBound(ctx)
		began := time.Now()
		for _, s := range []string{"one", "two", "three"} {
			platform.send(t, text(code, phone, s))
		}
		platform.send(t, text(code, phone2, "beside"))
		synctest.Wait()
		same(t, phones.texts(), []string{"beside"})
		time.Sleep(25 * time.Second)
		mu.Lock()
		var ladder []time.Duration
		for _, at := range tries {
			ladder = append(ladder, at.Sub(began))
		}
		away = false
		mu.Unlock()
		if want := []time.Duration{0, time.Second, 11 * time.Second, 21 * time.Second}; fmt.Sprint(ladder) != fmt.Sprint(want) {
			t.Errorf("tried at %v, want %v", ladder, want)
		}
		time.Sleep(10 * time.Second)
		same(t, phones.texts(), []string{"beside", "one", "two", "three"})
		stop()
		w.end()
	})
}

// What a subscriber sends shows that it is there: its messages are tried at once.
func TestHeardFrom(t *testing.T) {
	c := config()
	c.Retry = []time.Duration{time.Hour}
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		phones.set(smpp.RXTAPPN, false)
		platform.send(t, text(code, phone, "bill"))
		synctest.Wait()
		phones.set(smpp.ROK, false)
		phones.send(t, text(phone2, code, "another phone"))
		synctest.Wait()
		same(t, phones.texts(), nil)
		phones.send(t, text(phone, code, "here"))
		synctest.Wait()
		same(t, phones.texts(), []string{"bill"})
	})
}

// §5.1.3: 0x65 and 0x66 are final.
func TestRefusedForGood(t *testing.T) {
	for status, state := range map[smpp.Status]string{smpp.RXPAPPN: "UNDELIV", smpp.RXRAPPN: "REJECTD"} {
		inBubble(t, config(), func(t *testing.T, w *world) {
			platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
			phones.set(status, false)
			sm := text(code, phone, "no")
			sm.RegisteredDelivery = smpp.ReceiptFailure
			platform.send(t, sm)
			synctest.Wait()
			r, err := smpp.ParseReceipt(platform.texts()[0])
			if err != nil || r.Stat != state || r.Dlvrd != 0 || r.Err != fmt.Sprintf("%03d", status) {
				t.Errorf("%v: %+v, %v", status, r, err)
			}
			same(t, w.story(), []string{
				"accepted ENROUTE platform>phones 10658>" + phone, "failed " + state + " platform>phones 10658>" + phone,
				"receipt sent DELIVRD >platform " + phone + ">10658",
			})
		})
	}
}

// A message is not tried for ever: its validity ends it, §5.2.16.
func TestExpires(t *testing.T) {
	for name, c := range map[string]struct {
		validity string
		bound    bool
		after    time.Duration
	}{
		"nobody bound, its own validity": {smpp.After(10 * time.Minute).String(), false, 10 * time.Minute},
		"phone away, its own validity":   {smpp.After(10 * time.Minute).String(), true, 10 * time.Minute},
		"the server's validity":          {"", false, 24 * time.Hour},
		"longer than the server's":       {smpp.After(90 * 24 * time.Hour).String(), false, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, config(), func(t *testing.T, w *world) {
				platform := w.bind("platform", esme.Transceiver)
				if c.bound {
					w.bind("phones", esme.Receiver).set(smpp.RXTAPPN, false)
				}
				sm := text(code, phone, "late")
				sm.RegisteredDelivery, sm.ValidityPeriod = smpp.ReceiptFinal, c.validity
				began := time.Now()
				platform.send(t, sm)
				time.Sleep(c.after + time.Minute)
				if len(platform.texts()) != 1 {
					t.Fatalf("receipts %q", platform.texts())
				}
				r, err := smpp.ParseReceipt(platform.texts()[0])
				if err != nil || r.Stat != "EXPIRED" {
					t.Errorf("%+v, %v", r, err)
				}
				if at := platform.at[0].Sub(began); at != c.after {
					t.Errorf("expired after %v, want %v", at, c.after)
				}
			})
		})
	}
}

// schedule_delivery_time, §5.2.15.
func TestScheduled(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		sm := text(code, phone, "later")
		sm.ScheduleDeliveryTime = smpp.After(time.Hour).String()
		platform.send(t, sm)
		platform.send(t, text(code, phone, "now"))
		time.Sleep(59 * time.Minute)
		same(t, phones.texts(), []string{"now"})
		time.Sleep(time.Minute)
		synctest.Wait()
		same(t, phones.texts(), []string{"now", "later"})
	})
}

// A response that does not come is a temporary failure; the message is delivered again.
func TestResponseTimeout(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		phones.set(smpp.ROK, true)
		platform.send(t, text(code, phone, "again"))
		time.Sleep(9 * time.Second)
		phones.set(smpp.ROK, false)
		time.Sleep(5 * time.Second)
		same(t, phones.texts(), []string{"again", "again"})
		time.Sleep(time.Hour)
		same(t, phones.texts(), []string{"again", "again"})
	})
}

// A session that ends with messages unanswered gives them back, in order (Jasmin #706).
func TestSessionLostWithMessagesInFlight(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		platform.set(smpp.ROK, true)
		want := []string{"a", "b", "c"}
		for _, s := range want {
			phones.send(t, text(phone, code, s))
		}
		synctest.Wait()
		same(t, platform.texts(), want)
		platform.leave()
		again := w.bind("platform", esme.Receiver)
		synctest.Wait()
		same(t, again.texts(), want)
	})
}

// What has come to its end leaves nothing behind.
func TestNothingIsKept(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		for i := range 100 {
			sm := text(code, fmt.Sprintf("86138000000%02d", i), "x")
			sm.RegisteredDelivery = smpp.ReceiptFinal
			if i%3 == 0 {
				sm.ValidityPeriod = smpp.After(time.Minute).String()
			}
			platform.send(t, sm)
		}
		synctest.Wait()
		if boxes, timers, stored := w.server.Kept(); boxes != 100 || timers != 100 || stored != 100 {
			t.Errorf("while nobody is bound: %d mailboxes, %d timers, %d stored", boxes, timers, stored)
		}
		time.Sleep(2 * time.Minute)
		phones := w.bind("phones", esme.Receiver)
		synctest.Wait()
		if got := len(phones.texts()); got != 66 {
			t.Errorf("%d delivered", got)
		}
		if got := len(platform.texts()); got != 100 {
			t.Errorf("%d receipts", got)
		}
		if boxes, timers, stored := w.server.Kept(); boxes != 0 || timers != 0 || stored != 0 {
			t.Errorf("at the end: %d mailboxes, %d timers, %d stored", boxes, timers, stored)
		}
	})
}

// A window bounds what is unanswered; an application may have many in flight from
// one sender, a subscriber one.
func TestWindows(t *testing.T) {
	c := config()
	c.Accounts[0].Window = 4
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		platform.set(smpp.ROK, true)
		phones.set(smpp.ROK, true)
		for i := range 10 {
			phones.send(t, text(phone, code, fmt.Sprint("mo", i)))
			platform.send(t, text(code, phone, fmt.Sprint("mt", i)))
		}
		synctest.Wait()
		same(t, platform.texts(), []string{"mo0", "mo1", "mo2", "mo3"})
		same(t, phones.texts(), []string{"mt0"})
	})
}

// The store has a bound, and says so with 0x14.
func TestStoreFull(t *testing.T) {
	c := config()
	c.Store = 3
	inBubble(t, c, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		for range 3 {
			platform.send(t, text(code, phone, "x"))
		}
		if _, err := platform.Submit(context.Background(), text(code, phone, "x")); !errors.Is(err, smpp.RMSGQFUL.Err()) {
			t.Errorf("fourth: %v", err)
		}
		phones := w.bind("phones", esme.Transceiver)
		synctest.Wait()
		platform.send(t, text(code, phone, "x"))
		synctest.Wait()
		if got := len(phones.texts()); got != 4 {
			t.Errorf("%d delivered", got)
		}
	})
}

// A message lost on the air is retried by the store; one that crosses twice arrives twice.
func TestRadio(t *testing.T) {
	c := config()
	air, err := radio.New(1, radio.Profile{Latency: radio.Constant(3 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	c.Radio, c.Retry = air, []time.Duration{10 * time.Second}
	inBubble(t, c, func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
		_ = air.Set(radio.Settings{Number: phone, Profile: &radio.Profile{Latency: radio.Constant(3 * time.Second), Loss: 1}})
		platform.send(t, text(code, phone, "lost"))
		platform.send(t, text(code, phone, "behind it"))
		platform.send(t, text(code, phone2, "beside"))
		phones.send(t, text(phone2, code, "applications are on a wire"))
		synctest.Wait()
		same(t, platform.texts(), []string{"applications are on a wire"})
		same(t, phones.texts(), nil)
		time.Sleep(4 * time.Second)
		same(t, phones.texts(), []string{"beside"})
		_ = air.Set(radio.Settings{Number: phone, Profile: &radio.Profile{Latency: radio.Constant(time.Second), Duplication: 1}})
		time.Sleep(13 * time.Second)
		same(t, phones.texts(), []string{"beside", "lost", "lost", "behind it", "behind it"})
	})
}

// The same seed gives the same deliveries at the same instants, twice.
func TestReplaysFromItsSeed(t *testing.T) {
	run := func() (trace string) {
		c := config()
		air, err := radio.New(42, radio.Profile{Latency: radio.Uniform(time.Second, 2*time.Second), Loss: 0.3, Duplication: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		c.Radio = air
		inBubble(t, c, func(t *testing.T, w *world) {
			platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
			began := time.Now()
			for i := range 200 {
				platform.send(t, text(code, fmt.Sprintf("8613800000%03d", i%20), fmt.Sprint(i)))
			}
			time.Sleep(30 * time.Minute)
			phones.mu.Lock()
			defer phones.mu.Unlock()
			if len(phones.got) < 200 {
				t.Errorf("%d delivered", len(phones.got))
			}
			for i, sm := range phones.got {
				trace += fmt.Sprintln(phones.at[i].Sub(began), sm.Destination.Digits, string(sm.ShortMessage))
			}
		})
		return trace
	}
	if first, second := run(), run(); first != second {
		t.Error("two runs differ")
	}
}
