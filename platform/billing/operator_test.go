package billing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// lock tries a card with wrong PINs until it is locked.
func (h *handset) lock(b *bank, slot int) {
	b.t.Helper()
	id := b.order(h).ID
	for range Tries {
		h.say(b, h.pay(b, id, withCard(slot), withPIN("111111")))
	}
	b.want(id, bill.Failed)
	b.effects = nil
}

// wire.md 2.6: three wrong PINs lock a card entry until an operator unlocks it; the
// journal keeps who did it, when, to which slot, and why.
func TestUnlock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		h.lock(b, 1)
		h.lock(b, 2)
		b.restart()
		time.Sleep(24 * time.Hour) // no time unlocks
		id := b.order(h).ID
		h.say(b, h.pay(b, id))
		if r := b.record(id); r.Reason != platform.ReasonPINLocked {
			t.Fatalf("a locked card: %s", r.Reason)
		}
		u := platform.Unlock{Phone: h.phone, Slot: 1, By: "Zhao Min", Note: "came to the branch with an identity card"}
		if err := b.service.Unlock(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		b.restart()
		acts := b.told(h)
		if last := acts[len(acts)-1]; last != "unlock slot 1 by Zhao Min: came to the branch with an identity card" {
			t.Errorf("the journal tells %q", last)
		}
		entries := b.store.Partition(0).Entries
		if e := entries[len(entries)-1].Events[0]; e.Cause != CauseOperator || !e.At.Equal(time.Now()) {
			t.Errorf("by %s at %s", e.Cause, e.At)
		}
		h.say(b, h.pay(b, id, withPIN("111111")))
		if left := b.phone(h).triesLeft(1); left != Tries-1 {
			t.Errorf("%d tries left after an unlocking and a wrong PIN", left)
		}
		h.say(b, h.pay(b, id))
		b.want(id, bill.Paid)
		if left := b.phone(h).triesLeft(2); left != 0 {
			t.Errorf("the other card has %d tries left", left)
		}
		b.audit()
	})
}

func TestActsThatCannotBe(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		h.say(b, h.pay(b, id, withPIN("111111")))
		unlock := func(change func(*platform.Unlock)) error {
			u := platform.Unlock{Phone: h.phone, Slot: 1, By: "Min", Note: "why"}
			change(&u)
			return b.service.Unlock(t.Context(), u)
		}
		release := func(change func(*platform.Release)) error {
			r := platform.Release{Phone: h.phone, By: "Min", Note: "why"}
			change(&r)
			return b.service.Release(t.Context(), r)
		}
		tests := map[string]struct {
			act  func() error
			want string
			says string
		}{
			"a card that is not locked":   {func() error { return unlock(func(*platform.Unlock) {}) }, "illegal-state slot", "2 of 3 tries are left"},
			"a slot without a card":       {func() error { return unlock(func(u *platform.Unlock) { u.Slot = 4 }) }, "not-found slot", "slot 1, 2, 3"},
			"slot 0":                      {func() error { return unlock(func(u *platform.Unlock) { u.Slot = 0 }) }, "not-found slot", ""},
			"a phone that is unknown":     {func() error { return unlock(func(u *platform.Unlock) { u.Phone = "8613800009999" }) }, "not-found phone", "not enrolled"},
			"by nobody":                   {func() error { return unlock(func(u *platform.Unlock) { u.By = " " }) }, "invalid by", ""},
			"by somebody of 65":           {func() error { return unlock(func(u *platform.Unlock) { u.By = strings.Repeat("敏", 65) }) }, "invalid by", ""},
			"for no reason":               {func() error { return unlock(func(u *platform.Unlock) { u.Note = "" }) }, "invalid note", ""},
			"a reason that is no text":    {func() error { return unlock(func(u *platform.Unlock) { u.Note = "\xFF" }) }, "invalid note", ""},
			"a phone that is not held":    {func() error { return release(func(*platform.Release) {}) }, "illegal-state phone", "not held"},
			"release of a phone unknown":  {func() error { return release(func(r *platform.Release) { r.Phone = "8613800009999" }) }, "not-found phone", ""},
			"release by nobody":           {func() error { return release(func(r *platform.Release) { r.By = "" }) }, "invalid by", ""},
			"release for a reason of 201": {func() error { return release(func(r *platform.Release) { r.Note = strings.Repeat("x", 201) }) }, "invalid note", ""},
		}
		for name, tt := range tests {
			b.unchanged(name, func() {
				err := tt.act()
				if codeOf(err) != tt.want || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: %v, want %s", name, err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), string(h.phone)) {
					t.Errorf("%s: the error shows the number: %v", name, err)
				}
			})
		}
	})
}

// Wrong PINs for several bills at once, their packets in any order and twice: each
// authentic message counts once, and the fourth is not tried.
func TestWrongPINsInParallel(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		var tries []Message
		var ids []platform.BillID
		for range 5 {
			ids = append(ids, b.bring(h, bill.Opened))
		}
		for _, id := range ids {
			tries = append(tries, h.wrap(h.payload(h.pay(b, id, withPIN("111111")))))
		}
		for _, m := range slices.Concat(tries, tries) {
			h.send(b, m)
			b.restart()
		}
		if wrong := b.phone(h).counters.Wrong[1]; wrong != Tries {
			t.Errorf("%d wrong PINs are counted", wrong)
		}
		var codes []applet.ResponseCode
		for _, id := range ids {
			codes = append(codes, b.record(id).Answer.Code)
		}
		if want := []applet.ResponseCode{"55", "55", "75", "57", "57"}; !slices.Equal(codes, want) {
			t.Errorf("answered %q, want %q", codes, want)
		}
		b.audit()
	})
}
