package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// clone is a second element with the same keys and counters.
func (h *handset) clone() *handset {
	twin := *h
	twin.pins = must(applet.NewPINKeys(h.pers.Suite, h.pers.Initial, h.pers.KeyID))
	if err := twin.pins.Skip(h.pins.Counter()); err != nil {
		panic(err)
	}
	return &twin
}

func (b *bank) isHeld(h *handset) bool {
	return b.phone(h).held()
}

// payload is a message of the handset as it is before it is secured.
func (h *handset) payload(m applet.Message) []byte { return applet.Encode(h.pers.Suite, m) }

// What shows that there are two elements with the same keys (wire.md 5).
func TestSecondElementIsNoticed(t *testing.T) {
	tests := map[string]struct {
		speak func(b *bank, h, twin *handset, id platform.BillID) Outcome // of the second element
		sign  string
		want  Outcome
	}{
		"another packet under a counter that was taken": {func(b *bank, h, twin *handset, id platform.BillID) Outcome {
			h.say(b, h.open(id, applet.Deferred))
			return twin.say(b, twin.open(id, applet.Opened))
		}, signCounter, Outcome{Dropped: DropSecond}},
		"a payment under a counter that was taken": {func(b *bank, h, twin *handset, id platform.BillID) Outcome {
			h.say(b, h.open(id, applet.Deferred))
			return twin.say(b, twin.pay(b, id))
		}, signCounter, Outcome{Dropped: DropSecond}},
		"a PIN key that was used, in a newer packet": {func(b *bank, h, twin *handset, id platform.BillID) Outcome {
			h.say(b, h.pay(b, id, withCard(2)))
			twin.sent += 3
			twin.trades += 7
			return twin.say(b, twin.pay(b, id))
		}, signPIN, Outcome{}},
		"restored one message back": {func(b *bank, h, twin *handset, _ platform.BillID) Outcome {
			h.say(b, h.open(b.order(h).ID, applet.Delivered))
			return twin.say(b, twin.pay(b, b.order(h).ID))
		}, signCounter, Outcome{Dropped: DropSecond}},
		"restored a hundred messages back": {func(b *bank, h, twin *handset, id platform.BillID) Outcome {
			for range 100 {
				h.say(b, h.shown(id))
			}
			return twin.say(b, twin.pay(b, b.order(h).ID))
		}, signPast, Outcome{Dropped: DropSecond}},
		"restored to a counter that was never taken": {func(b *bank, h, twin *handset, id platform.BillID) Outcome {
			h.sent += 64 // the radio lost them all
			h.say(b, h.shown(id))
			return twin.say(b, twin.pay(b, b.order(h).ID))
		}, signPast, Outcome{Dropped: DropSecond}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id := b.bring(h, bill.Opened)
				time.Sleep(time.Second)
				twin := h.clone()
				got := tt.speak(b, h, twin, id)
				if got.Dropped != tt.want.Dropped {
					t.Errorf("the second element: %+v", got)
				}
				checkHeld(t, b, h, tt.sign)
				checkReleased(t, b, h, twin)
			})
		})
	}
}

// checkHeld says that a phone is held: it is told in the journal and to operators, also
// after a restart, and nothing is paid, with the right PIN neither.
func checkHeld(t *testing.T, b *bank, h *handset, sign string) {
	t.Helper()
	b.restart()
	if !b.isHeld(h) {
		t.Fatal("the phone is not held")
	}
	acts := b.told(h)
	if len(acts) != 2 || acts[1] != "hold: "+sign {
		t.Fatalf("the journal tells %q", acts)
	}
	alarms := must(b.service.Alarms(t.Context()))
	if len(alarms) != 1 || alarms[0].Kind != platform.AlarmElement || alarms[0].Phone != h.phone.Masked() || alarms[0].Count < 1 || alarms[0].Detail != sign {
		t.Errorf("alarms: %+v", alarms)
	}
	if phones := must(b.service.Phones(t.Context())); !phones[0].Held {
		t.Error("the register does not show it")
	}
	if logs := b.logs.String(); !strings.Contains(logs, h.phone.Masked()) || strings.Contains(logs, string(h.phone)) {
		t.Errorf("the log says %s", logs)
	}
	h.sent += 200
	if err := h.pins.Skip(h.pins.Counter() + 20); err != nil {
		t.Fatal(err)
	}
	b.effects = nil
	id := b.order(h).ID
	h.say(b, h.pay(b, id))
	r := b.record(id)
	if r.State != bill.Opened || r.Reason != platform.ReasonElementHeld || r.Answer.Code != applet.CodeNotPermitted || b.debits(id) != 0 {
		t.Errorf("a held phone: the bill is %s for %q, answered %q", r.State, r.Reason, r.Answer.Code)
	}
	if wrong := b.phone(h).counters.Wrong; len(wrong) != 0 {
		t.Errorf("a PIN was tried: %v", wrong)
	}
	if n := len(b.told(h)); n != 2 {
		t.Errorf("the journal tells %d things", n)
	}
}

// checkReleased says that an operator ends a hold, and that what was before it is settled.
func checkReleased(t *testing.T, b *bank, h, twin *handset) {
	t.Helper()
	before := twin.wrapAt(twin.sent, twin.payload(twin.shown(b.order(h).ID)))
	time.Sleep(time.Second)
	release := platform.Release{Phone: h.phone, By: "Zhao Min", Note: "the old element was destroyed"}
	if err := b.service.Release(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	if err := b.service.Release(t.Context(), release); codeOf(err) != "illegal-state phone" {
		t.Errorf("released twice: %v", err)
	}
	b.restart()
	h.send(b, before)
	if b.isHeld(h) || len(must(b.service.Alarms(t.Context()))) != 0 {
		t.Error("still held")
	}
	if acts := b.told(h); len(acts) != 3 || acts[2] != "release by Zhao Min: the old element was destroyed" {
		t.Errorf("the journal tells %q", acts)
	}
	id := b.order(h).ID
	h.say(b, h.pay(b, id))
	b.want(id, bill.Paid)
	b.audit()
}

// wrapAt secures a payload under a counter.
func (h *handset) wrapAt(counter uint64, payload []byte) Message {
	return Message{Phone: h.phone, Packet: must(h.mo.Wrap(counter, payload))}
}

// told is what the journal tells of a phone, with what was sealed opened.
func (b *bank) told(h *handset) []string {
	b.t.Helper()
	var acts []string
	p := b.service.PhonePartition(h.phone)
	for _, entry := range b.store.Partition(p).Entries {
		for _, e := range entry.Events {
			if e.Subject != "phone:"+b.config.Vault.Fingerprint(phoneKind, string(h.phone)) {
				continue
			}
			var s story
			if err := e.Decode(&s); err != nil {
				b.t.Fatal(err)
			}
			line := e.Name
			if s.Slot != 0 {
				line += fmt.Sprintf(" slot %d", s.Slot)
			}
			if s.By != "" {
				line += " by " + s.By
			}
			if s.Detail != "" {
				line += ": " + s.Detail
			}
			if s.Said != "" {
				line += ": " + must(b.config.Vault.OpenText(saidText, s.Said))
			}
			acts = append(acts, line)
		}
	}
	return acts
}

// A second element that goes on after a release is noticed again, and only then.
func TestHeldAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		twin := h.clone()
		h.say(b, h.open(id, applet.Deferred))
		first := twin.wrap(twin.payload(twin.open(id, applet.Opened)))
		twin.send(b, first)
		time.Sleep(time.Second)
		if err := b.service.Release(t.Context(), platform.Release{Phone: h.phone, By: "Min", Note: "checked"}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.unchanged("what it said before", func() { twin.send(b, first) })
		}
		time.Sleep(time.Second)
		next := b.order(h).ID
		h.say(b, h.open(next, applet.Opened))
		twin.say(b, twin.open(next, applet.Deferred))
		if !b.isHeld(h) {
			t.Error("it goes on, and is not noticed")
		}
	})
}

// What the radio does, and what somebody does who captures and plays back, shows no
// second element: no hold, at any distance in time and counters.
func TestRadioIsNoSign(t *testing.T) {
	tests := map[string]func(b *bank, h *handset, id platform.BillID){
		"the same packet again, later and later": func(b *bank, h *handset, id platform.BillID) {
			m := h.wrap(h.payload(h.pay(b, id, withCard(2))))
			for n := range 60 {
				h.send(b, m)
				for range n % 4 {
					h.say(b, h.shown(id))
				}
			}
		},
		"a packet that was overtaken by a hundred": func(b *bank, h *handset, id platform.BillID) {
			late := h.wrap(h.payload(h.pay(b, id)))
			for range 100 {
				h.say(b, h.shown(id))
			}
			for range 3 {
				h.send(b, late)
			}
		},
		"a payment again in newer packets": func(b *bank, h *handset, id platform.BillID) {
			pay := h.pay(b, id, withCard(2))
			for range 5 {
				h.say(b, pay)
			}
		},
		"a payment again after its first packet was lost and another paid": func(b *bank, h *handset, id platform.BillID) {
			lost := h.pay(b, id)
			h.sent++
			other := b.order(h).ID
			h.say(b, h.pay(b, other))
			h.say(b, lost)
		},
		"a bill after a bill, all in reverse": func(b *bank, h *handset, id platform.BillID) {
			var all []Message
			for range 40 {
				next := b.order(h).ID
				all = append(all, h.wrap(h.payload(h.open(next, applet.Opened))), h.wrap(h.payload(h.pay(b, next, withCard(2)))))
			}
			slices.Reverse(all)
			for range 2 {
				for _, m := range all {
					h.send(b, m)
				}
			}
		},
		"counters with gaps": func(b *bank, h *handset, id platform.BillID) {
			for range 30 {
				h.sent += 64
				m := h.wrap(h.payload(h.shown(id)))
				h.send(b, m)
				h.send(b, m)
			}
		},
		"payloads that are none, twice": func(b *bank, h *handset, _ platform.BillID) {
			m := h.wrap([]byte{3})
			h.send(b, m)
			h.send(b, m)
		},
	}
	for name, radio := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				b.strict = false
				h := b.payer(1)
				radio(b, h, b.bring(h, bill.Opened))
				if b.isHeld(h) {
					t.Fatalf("the phone is held: %q", b.told(h))
				}
				b.audit()
			})
		})
	}
}

// However a carrier loses, repeats, delays and reorders what one element says, and
// whoever plays any of it back, no phone is held; and whenever an element that was put
// back speaks of a newer bill, it is.
func TestHoldsExactlySecondElements(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var stopped any // a property ends by a panic, which must not leave the bubble
		synctest.Test(t, func(*testing.T) {
			defer func() { stopped = recover() }()
			playElements(rt)
		})
		if stopped != nil {
			panic(stopped)
		}
	})
}

func playElements(t *rapid.T) {
	b := newBank(t, 1)
	b.strict = false
	h := b.payer(1)
	backup := h.clone()
	var air, seen []Message
	var ids []platform.BillID
	emit := func(m applet.Message) { air = append(air, h.wrap(h.payload(m))) }
	bring := func(n int) {
		m := air[n]
		if rapid.IntRange(0, 3).Draw(t, "and stays") > 0 {
			air = slices.Delete(air, n, n+1)
		}
		seen = append(seen, m)
		h.send(b, m)
	}
	for range rapid.IntRange(1, 80).Draw(t, "steps") {
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what == 0 || len(ids) == 0:
			ids = append(ids, b.order(h).ID)
			b.effects = nil
		case what <= 4:
			id := rapid.SampledFrom(ids).Draw(t, "bill")
			said := []applet.Message{h.open(id, applet.Opened), h.pay(b, id), h.pay(b, id, withCard(2)), h.shown(id), h.refuse(id)}
			m := rapid.SampledFrom(said).Draw(t, "said")
			for range rapid.IntRange(1, 3).Draw(t, "packets") {
				emit(m)
			}
		case what == 5 && len(seen) > 0:
			h.send(b, rapid.SampledFrom(seen).Draw(t, "captured"))
		case what == 6:
			time.Sleep(time.Second)
			b.restart()
		case len(air) > 0:
			bring(rapid.IntRange(0, len(air)-1).Draw(t, "brought"))
		}
		if b.isHeld(h) {
			t.Fatalf("the phone is held: %q", b.told(h))
		}
	}
	for _, id := range ids {
		if n := b.debits(id); n > 1 {
			t.Fatalf("%s was debited %d times", id, n)
		}
	}
	h.say(b, h.shown(ids[0])) // newer than all that the backup knows
	next := b.order(h).ID
	if backup.say(b, backup.open(next, applet.Opened)); !b.isHeld(h) {
		t.Fatal("an element that was put back is not noticed")
	}
	if _, err := b.service.Bill(context.Background(), theShop, next); err != nil {
		t.Fatal(err)
	}
}
