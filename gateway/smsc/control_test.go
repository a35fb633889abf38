package smsc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/trace"
)

// Sessions are listed with what they do, and can be ended: what is unanswered first.
func TestSessions(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		open := w.wire()
		synctest.Wait()
		time.Sleep(time.Second)
		phones := w.bind("phones", esme.Receiver)
		phones.set(smpp.ROK, true)
		c.sent(2, textTo(phone))
		c.asks(3, textTo("1"), smpp.RINVDSTADR)
		synctest.Wait()
		var got []string
		for _, s := range w.server.Sessions() {
			got = append(got, fmt.Sprintln(s.ID, s.Account, s.Mode, s.Peer, time.Since(s.Since), s.InFlight, s.Accepted, s.Refused, s.Sent))
		}
		same(t, got, []string{
			"1 platform transceiver pipe 1s 0 1 1 0\n", "2  open pipe 1s 0 0 0 0\n", "3 phones receiver pipe 0s 1 0 0 1\n",
		})
		if err := w.server.Kick(99); !errors.Is(err, smsc.ErrNoSession) {
			t.Errorf("kicked what is not there: %v", err)
		}
		if err := w.server.Kick(1); err != nil {
			t.Fatal(err)
		}
		c.want(smpp.IDUnbind, smpp.ROK, 1)
		c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.UnbindResp{}}))
		c.wantEnd()
		if err := w.server.Kick(2); err != nil {
			t.Fatal(err)
		}
		open.wantEnd()
		phones.set(smpp.ROK, false)
	})
}

// Messages can be listed by what they are, page by page, with every attempt.
func TestMessages(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, shop := w.bind("platform", esme.Transceiver), w.bind("shop", esme.Transceiver)
		phones := w.bind("phones", esme.Transceiver)
		phones.set(smpp.RXTAPPN, false)
		waiting := platform.send(t, text(code, phone, "waiting"))
		synctest.Wait()
		phones.set(smpp.ROK, false)
		time.Sleep(500 * time.Millisecond)
		half := time.Now()
		sm := text("10690", phone2, "caf\x05")
		sm.ESMClass, sm.ShortMessage = smpp.ESMUDHI, append([]byte{5, 0, 3, 1, 1, 1}, sm.ShortMessage...)
		shop.send(t, sm)
		phones.send(t, text(phone, code, "up"))
		synctest.Wait()
		list := func(q smsc.MessageQuery) (all []string) {
			for _, m := range w.server.Messages(q) {
				all = append(all, fmt.Sprintf("%s %v", m.Text, m.State))
			}
			return all
		}
		same(t, list(smsc.MessageQuery{}), []string{"up DELIVRD", "café DELIVRD", "waiting DELIVRD"})
		same(t, list(smsc.MessageQuery{State: gateway.Enroute}), nil)
		same(t, list(smsc.MessageQuery{Source: "+8613"}), []string{"up DELIVRD"})
		same(t, list(smsc.MessageQuery{Destination: phone}), []string{"waiting DELIVRD"})
		same(t, list(smsc.MessageQuery{Account: "platform"}), []string{"up DELIVRD", "waiting DELIVRD"})
		same(t, list(smsc.MessageQuery{Since: half}), []string{"up DELIVRD", "café DELIVRD"})
		same(t, list(smsc.MessageQuery{Text: "af"}), []string{"café DELIVRD"})
		first := w.server.Messages(smsc.MessageQuery{Limit: 2})
		if len(first) != 2 {
			t.Fatalf("a page of %d", len(first))
		}
		same(t, list(smsc.MessageQuery{Limit: 2, Before: first[1].Serial}), []string{"waiting DELIVRD"})
		found, err := w.server.Message(string(waiting))
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		m := found[0]
		if m.From != "platform" || m.To != "phones" || m.Tries != 2 || len(m.Attempts) != 2 || m.Attempts[0].Status != smpp.RXTAPPN ||
			m.Attempts[0].Next.Sub(m.Attempts[0].At) != time.Second || m.Attempts[1].Status != smpp.ROK || m.Ended.IsZero() {
			t.Errorf("%+v", m)
		}
		if _, err := w.server.Message("ffff"); !errors.Is(err, smsc.ErrNoMessage) {
			t.Errorf("no such message: %v", err)
		}
	})
}

// A message is injected as if an account had sent it, either way, and its id is that of
// its receipt.
func TestInject(t *testing.T) {
	for name, durable := range map[string]msgstore.Store{"memory": nil, "durable": msgstore.NewMemory(msgstore.Keep{})} {
		t.Run(name, func(t *testing.T) {
			conf := config()
			conf.Durable = durable
			inBubble(t, conf, func(t *testing.T, w *world) {
				platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Transceiver)
				sm := text(code, phone, "down")
				sm.RegisteredDelivery = smpp.ReceiptFinal
				id, err := w.server.Submit(t.Context(), "platform", sm)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if _, err := w.server.Submit(t.Context(), "phones", text(phone, code, "up")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				same(t, phones.texts(), []string{"down"})
				got := platform.texts()
				if r, err := smpp.ParseReceipt(got[0]); err != nil || r.ID != string(id) || got[1] != "up" || sm.RegisteredDelivery != smpp.ReceiptFinal {
					t.Errorf("%q of %s, %v", got, id, err)
				}
				phones.set(smpp.RXPAPPN, false)
				if _, err := w.server.Submit(t.Context(), "platform", inMode(smpp.ESMTransaction, "x")); !errors.Is(err, smpp.RXPAPPN.Err()) {
					t.Errorf("a transaction that is refused: %v", err)
				}
				if _, err := w.server.Submit(t.Context(), "platform", textTo("1")); !errors.Is(err, smpp.RINVDSTADR.Err()) {
					t.Errorf("to nobody: %v", err)
				}
				if _, err := w.server.Submit(t.Context(), "nobody", sm); !errors.Is(err, smsc.ErrUnknownAccount) {
					t.Errorf("from nobody: %v", err)
				}
			})
		})
	}
}

// Counts go on over the end of sessions.
func TestStats(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		sm := textTo(phone)
		sm.RegisteredDelivery = smpp.ReceiptFinal
		platform.send(t, sm)
		_, _ = platform.Submit(context.Background(), textTo("1"))
		synctest.Wait()
		phones.leave()
		platform.send(t, textTo(phone2))
		synctest.Wait()
		st := w.server.Stats()
		if st.Connections != 1 || st.Remembered != 2 || len(st.Accounts) != 3 {
			t.Errorf("%+v", st)
		}
		p, f := st.Accounts[0], st.Accounts[2]
		if p.SystemID != "platform" || p.Sessions != 1 || p.Counts != (smsc.Counts{Accepted: 2, Refused: 1, Sent: 1, Receipts: 1}) {
			t.Errorf("%+v", p)
		}
		if f.Sessions != 0 || f.Stored != 1 || f.Counts != (smsc.Counts{Sent: 1, Delivered: 1}) {
			t.Errorf("%+v", f)
		}
	})
}

// A discard account takes all and keeps nothing.
func TestDiscard(t *testing.T) {
	conf := config()
	conf.Accounts = append(conf.Accounts, smsc.Account{SystemID: "sink", AddressRange: "^555", Kind: smsc.Discard})
	inBubble(t, conf, func(t *testing.T, w *world) {
		platform := w.bind("platform", esme.Transceiver)
		sm := textTo("5551")
		sm.RegisteredDelivery = smpp.ReceiptFinal
		for range 3 {
			if id := platform.send(t, sm); len(id) != 16 {
				t.Errorf("id %q", id)
			}
		}
		bad := textTo("5551")
		bad.PriorityFlag = 9
		if _, err := platform.Submit(context.Background(), bad); !errors.Is(err, smpp.RINVPRTFLG.Err()) {
			t.Errorf("a bad field: %v", err)
		}
		synctest.Wait()
		if boxes, timers, stored := w.server.Kept(); boxes+timers+int(stored) != 0 || w.server.Stats().Remembered != 0 || len(platform.texts()) != 0 {
			t.Errorf("%d mailboxes, %d timers, %d stored, receipts %q", boxes, timers, stored, platform.texts())
		}
	})
}

// centre takes USSD messages, as gateway/ussd does.
type centre struct {
	taken  []string
	status smpp.Status
}

func (c *centre) Take(from string, sm *smpp.SubmitSM) smpp.Status {
	c.taken = append(c.taken, from+" "+string(sm.UserData()))
	return c.status
}

// USSD (§5.2.11, §5.3.2.44) is neither stored nor forwarded: what comes is handed over, what
// goes is tried once, in order.
func TestUSSD(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		var u centre
		w.server.SetUSSD(&u)
		byType, byOp := textTo(phone), dataSM(phone, "op")
		byType.ServiceType = smpp.USSDServiceType
		byOp.TLVs = append(byOp.TLVs, smpp.Uint8TLV(smpp.TagUSSDServiceOp, 2))
		c.asks(2, byType, smpp.ROK)
		c.asks(3, byOp, smpp.ROK)
		u.status = smpp.RMSGQFUL
		c.asks(4, byType, smpp.RMSGQFUL)
		c.asks(5, textTo(phone), smpp.ROK)
		same(t, u.taken, []string{"platform x", "platform op", "platform x"})

		answers := make(chan smpp.Status, 10)
		done := func(s smpp.Status) { answers <- s }
		w.server.Deliver("nobody", textTo(phone), done)
		w.server.Deliver("shop", textTo("10690"), done)
		for _, want := range []smpp.Status{smpp.RINVSYSID, smpp.RDELIVERYFAILURE} {
			if got := <-answers; got != want {
				t.Errorf("answered %v, want %v", got, want)
			}
		}
		for i := range 3 {
			w.server.Deliver("platform", text(phone, code, fmt.Sprint(i)), done)
		}
		for i := range uint32(3) {
			if got := c.want(smpp.IDDeliverSM, smpp.ROK, 1+i).Body.(*smpp.DeliverSM); string(got.ShortMessage) != fmt.Sprint(i) {
				t.Errorf("%q as number %d", got.ShortMessage, i)
			}
		}
		c.send(pdu(t, smpp.PDU{Status: smpp.RXTAPPN, Sequence: 2, Body: &smpp.DeliverSMResp{}}))
		if got := <-answers; got != smpp.RXTAPPN {
			t.Errorf("answered %v", got)
		}
		c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
		if got := <-answers; got != smpp.ROK {
			t.Errorf("answered %v", got)
		}
		began := time.Now()
		if got := <-answers; got != smpp.RDELIVERYFAILURE || time.Since(began) != 10*time.Second {
			t.Errorf("answered %v after %v", got, time.Since(began))
		}
		for number, want := range map[string]string{phone: "phones true", code: "platform false", "1": " false"} {
			if id, phones := w.server.Owner(number); fmt.Sprint(id, " ", phones) != want {
				t.Errorf("%s is owned by %s, %v", number, id, phones)
			}
		}
	})
}

// A phone that is off, out of coverage or busy holds no USSD session; a full memory is no
// matter, and an application is not reached by radio.
func TestUSSDOverTheAir(t *testing.T) {
	c := config()
	var err error
	if c.Radio, err = radio.New(1, radio.Profile{}); err != nil {
		t.Fatal(err)
	}
	inBubble(t, c, func(t *testing.T, w *world) {
		answers := make(chan smpp.Status, 10)
		w.bind("phones", 0)
		w.bind("shop", 0)
		for _, tc := range []struct {
			set  radio.Settings
			want smpp.Status
		}{
			{radio.Settings{}, smpp.ROK},
			{radio.Settings{Off: true}, smpp.RDELIVERYFAILURE},
			{radio.Settings{Coverage: "out"}, smpp.RDELIVERYFAILURE},
			{radio.Settings{Busy: true}, smpp.RDELIVERYFAILURE},
			{radio.Settings{Memory: new(int)}, smpp.ROK},
		} {
			tc.set.Number = phone
			if err := c.Radio.Set(tc.set); err != nil {
				t.Fatal(err)
			}
			w.server.Deliver("phones", textTo(phone), func(s smpp.Status) { answers <- s })
			if got := <-answers; got != tc.want {
				t.Errorf("%+v: answered %v", tc.set, got)
			}
		}
		if err := c.Radio.Set(radio.Settings{Number: "10690", Off: true}); err != nil {
			t.Fatal(err)
		}
		w.server.Deliver("shop", textTo("10690"), func(s smpp.Status) { answers <- s })
		if got := <-answers; got != smpp.ROK {
			t.Errorf("an application: answered %v", got)
		}
	})
}

// Every PDU either way is in the trace.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		conf := config()
		conf.Trace = trace.New(trace.Config{To: &file})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- conf.Trace.Serve(ctx) }()
		w := newWorld(t, conf)
		platform, phones := w.bind("platform", esme.Transceiver), w.bind("phones", esme.Receiver)
		platform.send(t, text(code, phone, "seen on the way"))
		synctest.Wait()
		same(t, phones.texts(), []string{"seen on the way"})
		w.end()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(file.Bytes(), []byte("seen on the way")); n != 2 {
			t.Errorf("the text is there %d times", n)
		}
		if bytes.Contains(file.Bytes(), []byte("secret")) {
			t.Error("the password is there")
		}
	})
}
