package smsc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smsc"
)

// changed says whether a watch has been told by now.
func changed(ch <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// Who watches is told of each change of a message, once.
func TestWatch(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		first, stop := w.server.Watch()
		defer stop()
		if changed(first) {
			t.Error("told of nothing")
		}
		id, err := w.server.Submit(context.Background(), "platform", text(code, phone, "hello"))
		if err != nil || !changed(first) {
			t.Errorf("not told that it was accepted: %v", err)
		}
		second, stopSecond := w.server.Watch()
		defer stopSecond()
		w.bind("phones", 0)
		if !changed(second) {
			t.Error("not told that it was delivered")
		}
		third, stopThird := w.server.Watch()
		defer stopThird()
		if err := w.server.Cancel(t.Context(), string(id)); err == nil || changed(third) {
			t.Errorf("told of what has not changed: %v", err)
		}
	})
}

// With a durable store who watches is told when an end shows, and a cancelled message is
// shown as such at once.
func TestWatchDurable(t *testing.T) {
	c := config()
	c.Durable = msgstore.NewMemory(msgstore.Keep{})
	inBubble(t, c, func(t *testing.T, w *world) {
		synctest.Wait() // the store is open
		id, err := w.server.Submit(t.Context(), "platform", text(code, phone, "hello"))
		if err != nil {
			t.Fatal(err)
		}
		late, err := w.server.Submit(t.Context(), "platform", text(code, phone2, "taken back"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.server.Cancel(t.Context(), string(late)); err != nil {
			t.Error(err)
		}
		if found, err := w.server.Message(string(late)); err != nil || found[0].State != gateway.Deleted {
			t.Errorf("%+v %v", found, err)
		}
		seen := make(chan gateway.MessageState)
		go func() {
			for {
				told, stop := w.server.Watch()
				found, err := w.server.Message(string(id))
				if err != nil || found[0].State.Final() {
					stop()
					seen <- found[0].State
					return
				}
				<-told // a deadlock of the bubble if nobody tells
				stop()
			}
		}()
		w.bind("phones", 0)
		if got := <-seen; got != gateway.Delivered {
			t.Error(got)
		}
	})
}

// Of what waits or is scheduled everything can be taken back, of what has gone nothing.
func TestCancelByOperator(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		submit := func(schedule string) string {
			sm := text(code, phone, "hello")
			sm.ScheduleDeliveryTime = schedule
			id, err := w.server.Submit(context.Background(), "platform", sm)
			if err != nil {
				t.Fatal(err)
			}
			return string(id)
		}
		for _, schedule := range []string{"", "000001000000000R"} {
			id := submit(schedule)
			if err := w.server.Cancel(t.Context(), id); err != nil {
				t.Error(err)
			}
			found, err := w.server.Message(id)
			if err != nil || found[0].State != gateway.Deleted {
				t.Errorf("%+v %v", found, err)
			}
			if err := w.server.Cancel(t.Context(), id); !errors.Is(err, smsc.ErrOnItsWay) {
				t.Error(err)
			}
		}
		p := w.bind("phones", 0)
		synctest.Wait()
		if got := p.texts(); len(got) != 0 {
			t.Errorf("delivered all the same: %q", got)
		}
		id := submit("")
		synctest.Wait()
		if err := w.server.Cancel(t.Context(), id); !errors.Is(err, smsc.ErrOnItsWay) {
			t.Error(err)
		}
		if err := w.server.Cancel(t.Context(), "none"); !errors.Is(err, smsc.ErrNoMessage) {
			t.Error(err)
		}
	})
}

// Accounts are told with what was filled in and their rates of now, without passwords.
func TestAccountsOfNow(t *testing.T) {
	c := config()
	c.Accounts[0].OutbindPassword = "hush"
	server, err := smsc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.SetRate("shop", 20, 30); err != nil {
		t.Fatal(err)
	}
	all := server.Accounts()
	if len(all) != 3 || all[0].Kind != smsc.Application || all[2].Kind != smsc.Subscribers || all[1].Window != 10 || all[1].Rate != 20 || all[1].Burst != 30 {
		t.Errorf("%+v", all)
	}
	for _, a := range all {
		if a.Password != "" || a.OutbindPassword != "" {
			t.Errorf("%s: its password is told", a.SystemID)
		}
	}
}
