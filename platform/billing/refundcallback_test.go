package billing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

func aboutRefund(id platform.RefundID) platform.CallbackSubject {
	return platform.CallbackSubject{Bill: id.Bill(), Refund: id}
}

// settledAndTold is a settled bill of which its merchant knows.
func (b *bank) settledAndTold(h *handset) platform.BillID {
	b.t.Helper()
	id := b.order(h).ID
	h.say(b, h.pay(b, id))
	b.pass(b.config.Timing.withDefaults().SweepEvery)
	b.sweepHome()
	b.take(EffectCallback)
	b.do(engine.Partition(id.Partition()), Reported{Bill: id, Attempt: 1, Status: 204})
	return id
}

// gaveBack is a refund that has come to its payer, and of which its merchant was not told yet.
func (b *bank) gaveBack(id platform.BillID, reference string) platform.RefundID {
	b.t.Helper()
	r := b.give(id, 1000, reference)
	b.refundAll()
	return r.ID
}

// refundOutcome is the outcome of the latest callback about a refund.
func (b *bank) refundOutcome(id platform.RefundID, in Reported) {
	b.t.Helper()
	b.take(EffectCallback)
	home := b.service.merchantPartition(theShop)
	_, r := b.parts[home].refundOf(id)
	in.Bill, in.Refund, in.Attempt = id.Bill(), id, r.Reports
	b.do(home, in)
}

// A callback about a refund that is acknowledged at once is in no list, and its record is
// as small as before.
func TestRefundCallbackAtOnceCostsNothing(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.gaveBack(b.settledAndTold(h), "one")
		b.answerRefund(id, 204)
		p := b.store.Partition(b.service.merchantPartition(theShop))
		if len(p.Sets[pendingSet])+len(p.Sets[exhaustedSet]) != 0 || strings.Contains(p.Records[refundsKey(id.Bill())], "callback_trouble") {
			t.Errorf("%v %v %s", p.Sets[pendingSet], p.Sets[exhaustedSet], p.Records[refundsKey(id.Bill())])
		}
	})
}

// Callbacks about refunds are listed as those about bills are, with their bills: as pending,
// exhausted or delivered, page by page, over restarts too.
func TestRefundCallbackLists(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		var bills []platform.BillID
		for range 2 {
			bills = append(bills, b.settledAndTold(h))
		}
		started := time.Now()
		pending, spent, done := b.gaveBack(bills[0], "pending"), b.gaveBack(bills[0], "spent"), b.gaveBack(bills[1], "done")
		on := b.give(bills[1], 1000, "on its way").ID
		b.refundOutcome(pending, failed)
		b.refundOutcome(spent, Reported{Status: 410, Problem: "answered 410"})
		b.refundOutcome(done, failed)
		b.refundOutcome(done, Reported{Status: 200})
		line := func(of any, state string) string { return fmt.Sprintf("%s %s 1", of, state) }
		check := func(when string) {
			t.Helper()
			for state, want := range map[platform.CallbackState][]string{
				platform.CallbackPending:   {line(pending, "pending")},
				platform.CallbackExhausted: {line(spent, "exhausted")},
				platform.CallbackDelivered: {line(done, "delivered"), line(bills[1], "delivered"), line(bills[0], "delivered")},
				"": {
					line(done, "delivered"), line(bills[1], "delivered"),
					line(spent, "exhausted"), line(pending, "pending"), line(bills[0], "delivered"),
				},
			} {
				for limit := range 4 {
					q := ofShop(state)
					q.Limit = limit
					if diff := cmp.Diff(want, b.listed(q)); diff != "" {
						t.Errorf("%s, %q by %d: %s", when, state, limit, diff)
					}
				}
			}
			if got := b.listed(platform.CallbackQuery{State: platform.CallbackExhausted}); len(got) != 1 {
				t.Errorf("%s: the office sees %q", when, got)
			}
			if got := b.listed(platform.CallbackQuery{Merchant: "10000000", State: platform.CallbackExhausted}); len(got) != 0 {
				t.Errorf("%s: another merchant sees %q", when, got)
			}
			b.audit()
		}
		check("at once")
		b.restart()
		check("after a restart")
		b.checkAll()
		tally := must(b.service.Tally(t.Context(), b.service.merchantPartition(theShop)))
		if tally.Pending != 1 || tally.Exhausted != 1 || tally.Oldest.Before(started) {
			t.Errorf("%+v", tally)
		}
		if _, err := b.service.Callback(t.Context(), theShop, aboutRefund(on)); !isNotFound(err) {
			t.Errorf("a refund that has not ended has a callback: %v", err)
		}
		b.pass(time.Minute)
		b.refundOutcome(pending, Reported{Status: 200})
		if got := b.listed(ofShop(platform.CallbackPending)); len(got) != 0 {
			t.Errorf("pending after all: %q", got)
		}
		b.audit()
	})
}

func (b *bank) checkAll() {
	b.t.Helper()
	for n := range b.parts {
		b.check(engine.Partition(n))
	}
}

// A callback about a refund is made by hand: while it is pending, exhausted or acknowledged,
// also when nothing of it is in memory any more. It has the same id.
func TestResendOfRefund(t *testing.T) {
	gone, taken := Reported{Status: 410, Problem: "answered 410"}, Reported{Status: 200}
	for when, tt := range map[string]struct {
		first Reported
		then  platform.CallbackState // after one by hand that failed
	}{
		"pending":   {failed, platform.CallbackPending},
		"exhausted": {gone, platform.CallbackExhausted},
		"delivered": {taken, platform.CallbackDelivered},
	} {
		for _, in := range []platform.Resend{{Merchant: theShop}, {By: "Zhao Min", Note: "their server is back"}} {
			t.Run(when+" "+in.By, func(t *testing.T) {
				apart(t, func(t *testing.T, b *bank, h *handset) {
					id := b.gaveBack(b.settledAndTold(h), "back")
					b.refundOutcome(id, tt.first)
					b.restart()
					in.Bill, in.Refund = id.Bill(), id
					first, err := b.service.Resend(t.Context(), in)
					if err != nil || first.Attempts != 2 || first.Refund != id || first.State == platform.CallbackExhausted {
						t.Fatalf("%+v, %v", first, err)
					}
					var again platform.Callback
					b.unchanged("while it is under way", func() { again = must(b.service.Resend(t.Context(), in)) })
					calls := b.refundCalls(id)
					if again.Attempts != 2 || len(calls) == 0 {
						t.Fatalf("%d attempts, %d effects", again.Attempts, len(calls))
					}
					if c := calls[len(calls)-1]; !c.ByHand || c.Attempt != 2 || c.ID() != first.ID || !strings.HasSuffix(string(c.ID()), "_1_posted") {
						t.Errorf("%+v", c)
					}
					b.audit()
					b.restart()
					b.refundOutcome(id, failed)
					if now := must(b.service.Callback(t.Context(), "", aboutRefund(id))); now.State != tt.then {
						t.Errorf("after one by hand that failed it is %s", now.State)
					}
					b.audit()
					must(b.service.Resend(t.Context(), in))
					b.refundOutcome(id, taken)
					b.restart()
					c := must(b.service.Callback(t.Context(), theShop, aboutRefund(id)))
					if c.State != platform.CallbackDelivered || c.Attempts != 3 || len(c.Tries) != 3 || !c.Tries[1].ByHand || c.Tries[1].OK || !c.Tries[2].OK {
						t.Errorf("%+v", c)
					}
					if got := b.listed(platform.CallbackQuery{State: platform.CallbackExhausted}); len(got) != 0 || len(b.parts[b.service.merchantPartition(theShop)].refunds) != 0 {
						t.Errorf("%q is still to be told", got)
					}
					b.checkAll()
					b.audit()
				})
			})
		}
	}
}

// An attempt by hand of which nothing is heard is over after a while, whatever it was of,
// and takes nothing from the schedule.
func TestResendOfRefundUnheard(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		bill := b.settledAndTold(b.payer(1))
		done, on := b.gaveBack(bill, "done"), b.gaveBack(bill, "on")
		b.refundOutcome(done, Reported{Status: 200})
		for range 20 {
			for _, id := range []platform.RefundID{done, on} {
				must(b.service.Resend(t.Context(), platform.Resend{Merchant: theShop, Bill: bill, Refund: id}))
			}
			b.pass(41 * time.Second)
		}
		if c := must(b.service.Callback(t.Context(), theShop, aboutRefund(done))); c.State != platform.CallbackDelivered || !c.Next.IsZero() || c.Attempts != 21 {
			t.Errorf("%+v", c)
		}
		b.pass(30 * 24 * time.Hour)
		c := must(b.service.Callback(t.Context(), theShop, aboutRefund(on)))
		if c.State != platform.CallbackExhausted || c.Problem != "no outcome within 40s" {
			t.Errorf("%+v", c)
		}
		bySchedule := slices.DeleteFunc(slices.Clone(c.Tries), func(t platform.CallbackTry) bool { return t.ByHand })
		if len(bySchedule) != 10 || len(c.Tries) != c.Attempts {
			t.Errorf("%d of %d attempts are the schedule's", len(bySchedule), len(c.Tries))
		}
		b.audit()
	})
}

func TestResendOfRefundRefused(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		bill := b.settledAndTold(h)
		ended, on := b.gaveBack(bill, "ended"), b.give(bill, 1, "on its way").ID
		other := must(b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Other"}))
		for name, tt := range map[string]struct {
			in   platform.Resend
			want string
		}{
			"not ended":     {platform.Resend{Merchant: theShop, Bill: bill, Refund: on}, "illegal-state id"},
			"another's":     {platform.Resend{Merchant: other.ID, Bill: bill, Refund: ended}, "not-found id"},
			"no such":       {platform.Resend{Merchant: theShop, Bill: bill, Refund: platform.NewRefundID(bill, 9)}, "not-found id"},
			"of no bill":    {platform.Resend{Merchant: theShop, Refund: "refund_01JDXK3Z7M0000ZZZZZZZZZZZZ_1"}, "not-found id"},
			"of nobody's":   {platform.Resend{Refund: "refund_01JDXK3Z7M0000ZZZZZZZZZZZZ_1", By: "Zhao Min", Note: "why"}, "not-found id"},
			"no reason":     {platform.Resend{Bill: bill, Refund: ended, By: "Zhao Min"}, "invalid note"},
			"nobody's name": {platform.Resend{Bill: bill, Refund: ended, Note: "why"}, "invalid by"},
		} {
			b.unchanged(name, func() {
				if _, err := b.service.Resend(t.Context(), tt.in); codeOf(err) != tt.want {
					t.Errorf("%s: %v, want %s", name, err, tt.want)
				}
			})
		}
		for _, m := range []platform.MerchantID{other.ID, theShop} {
			if _, err := b.service.Callback(t.Context(), m, aboutRefund(platform.NewRefundID(bill, 9))); !isNotFound(err) {
				t.Errorf("%s: %v", m, err)
			}
		}
		b.strict = false // what is in memory is forgotten by hand
		home := b.service.merchantPartition(theShop)
		b.parts[home].refunds = map[platform.BillID]*refunds{}
		b.parts[home].restingRefunds.since = b.seqs[home] + 1
		if _, err := b.Do(t.Context(), home, Resend{Merchant: theShop, Bill: bill, Refund: ended}); err != ErrLookAgain {
			t.Errorf("a look from before all that is known: %v", err)
		}
	})
}

// A bill that nobody is to be told of has no callbacks about its refunds either.
func TestRefundOfAQuietMerchant(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		bill := b.settledAndTold(b.payer(1))
		id := b.gaveBack(bill, "quiet")
		kept := b.parts[0].refunds[bill]
		kept.CallbackURL = ""
		b.store.Partition(0).Records[refundsKey(bill)] = encode(kept)
		if _, err := b.service.Resend(t.Context(), platform.Resend{Merchant: theShop, Bill: bill, Refund: id}); codeOf(err) != "illegal-state id" {
			t.Error(err)
		}
		if _, err := b.service.Callback(t.Context(), theShop, aboutRefund(id)); !isNotFound(err) {
			t.Error(err)
		}
	})
}

// Who takes a partition over makes the callbacks about refunds again that were under way:
// the same attempts.
func TestRefundCallbacksAreTakenUp(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		bill := b.settledAndTold(h)
		under, waits := b.gaveBack(bill, "under way"), b.gaveBack(bill, "waits")
		b.refundOutcome(waits, failed)
		b.restart()
		time.Sleep(30 * time.Second)
		b.do(b.service.merchantPartition(theShop), engine.Due{ID: resumeID, At: time.Now()})
		var made []string
		for _, d := range b.take(EffectCallback) {
			var c Callback
			if err := json.Unmarshal(d.Body, &c); err != nil {
				t.Fatal(err)
			}
			if c.Refund != "" {
				made = append(made, d.ID)
			}
		}
		if diff := cmp.Diff([]string{string(under) + "/callback/1"}, made); diff != "" {
			t.Error(diff)
		}
		b.pass(30 * time.Second) // it would have been given up by now
		b.refundOutcome(under, Reported{Status: 200})
		c := must(b.service.Callback(t.Context(), theShop, aboutRefund(under)))
		if c.State != platform.CallbackDelivered || c.Attempts != 1 {
			t.Errorf("%+v", c)
		}
		b.audit()
	})
}

// Each attempt is told with its time, status, problem and what came next.
func TestRefundCallbackIsShown(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.gaveBack(b.settledAndTold(h), "shown")
		ended := time.Now().UTC()
		time.Sleep(time.Second)
		b.refundOutcome(id, Reported{Status: 503, Problem: "answered 503", RetryAfter: time.Minute})
		b.pass(time.Minute)
		want := platform.Callback{
			ID:   platform.CallbackID("evt_" + strings.TrimPrefix(string(id), "refund_") + "_posted"),
			Bill: id.Bill(), Refund: id, Merchant: theShop, URL: "http://shop.example/airtill",
			State: platform.CallbackPending, Attempts: 2, Status: 503, Problem: "answered 503", Failed: ended.Add(time.Second),
			Next: ended.Add(101 * time.Second), Ended: ended, Tries: []platform.CallbackTry{
				{Number: 1, At: ended, Ended: ended.Add(time.Second), Status: 503, Problem: "answered 503", Next: ended.Add(61 * time.Second)},
				{Number: 2, At: ended.Add(61 * time.Second)},
			},
		}
		for _, m := range []platform.MerchantID{theShop, ""} {
			if diff := cmp.Diff(want, must(b.service.Callback(t.Context(), m, aboutRefund(id))), cmpopts.EquateApproxTime(time.Microsecond)); diff != "" {
				t.Error(diff)
			}
		}
		if got, err := platform.ParseCallbackID(string(want.ID)); got != aboutRefund(id) || err != nil {
			t.Error(got, err)
		}
	})
}
