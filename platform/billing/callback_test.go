package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// listed are the bills of a page of callbacks, and how they stand.
func (b *bank) listed(q platform.CallbackQuery) (all []string) {
	b.t.Helper()
	for {
		page, err := b.service.Callbacks(context.Background(), q)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, c := range page.Callbacks {
			of := string(c.Bill)
			if c.Refund != "" {
				of = string(c.Refund)
			}
			all = append(all, fmt.Sprintf("%s %s %d", of, c.State, c.Attempts))
		}
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

func aboutBill(id platform.BillID) platform.CallbackSubject {
	return platform.CallbackSubject{Bill: id}
}

func ofShop(s platform.CallbackState) platform.CallbackQuery {
	return platform.CallbackQuery{Merchant: theShop, State: s}
}

// exhaust lets a bill's callbacks fail until no more are made.
func (b *bank) exhaust(id platform.BillID) {
	b.t.Helper()
	outcome(b, id, Reported{Status: 410, Problem: "answered 410"})
	if got := b.record(id).callbackState(); got != platform.CallbackExhausted {
		b.t.Fatalf("the callback is %s", got)
	}
}

// A callback that is acknowledged at once costs nothing: it is in no list, and its record
// is as small as before.
func TestCallbackAtOnceCostsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Refused)
		outcome(b, id, Reported{Status: 204})
		p := b.store.Partition(0)
		if len(p.Sets[pendingSet])+len(p.Sets[exhaustedSet])+len(p.Hashes[endpointsHash]) != 0 {
			t.Errorf("listed: %v %v", p.Sets[pendingSet], p.Sets[exhaustedSet])
		}
		for _, name := range []string{"callback_trouble", "by_hand", "resent_at"} {
			if strings.Contains(p.Records[recordKey(id)], name) {
				t.Errorf("the record has %s", name)
			}
		}
		b.pass(time.Minute)
		if text := p.Hashes[finishedKey(id)][string(id)]; strings.Contains(text, "reports") {
			t.Errorf("filed as %s", text)
		}
		if got := b.listed(ofShop(platform.CallbackDelivered)); !slices.Equal(got, []string{string(id) + " delivered 1"}) {
			t.Errorf("%q", got)
		}
	})
}

// One that failed is listed: as pending, then as exhausted or delivered, over restarts too.
func TestCallbackLists(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		var ids []string
		for range 5 {
			ids = append(ids, string(b.bring(h, bill.Refused)))
			time.Sleep(time.Millisecond)
		}
		id := func(n int) platform.BillID { return platform.BillID(ids[n]) }
		outcome(b, id(0), failed)
		outcome(b, id(1), failed)
		b.exhaust(id(2))
		outcome(b, id(3), Reported{Status: 200})
		check := func(when string) {
			t.Helper()
			for state, want := range map[platform.CallbackState][]string{
				platform.CallbackPending:   {ids[1] + " pending 1", ids[0] + " pending 1"},
				platform.CallbackExhausted: {ids[2] + " exhausted 1"},
				platform.CallbackDelivered: {ids[3] + " delivered 1"},
				"":                         {ids[4] + " pending 1", ids[3] + " delivered 1", ids[2] + " exhausted 1", ids[1] + " pending 1", ids[0] + " pending 1"},
			} {
				for limit := 0; limit < 3; limit++ {
					q := ofShop(state)
					q.Limit = limit
					if diff := cmp.Diff(want, b.listed(q)); diff != "" {
						t.Errorf("%s, %q by %d: %s", when, state, limit, diff)
					}
				}
			}
			if got := b.listed(platform.CallbackQuery{State: platform.CallbackPending, Limit: 1}); len(got) != 2 {
				t.Errorf("%s: the office sees %q", when, got)
			}
			if got := b.listed(platform.CallbackQuery{Merchant: "10000000", State: platform.CallbackPending}); len(got) != 0 {
				t.Errorf("%s: another merchant sees %q", when, got)
			}
			b.audit()
		}
		check("at once")
		b.restart()
		check("after a restart")
		got := must(b.service.Tally(t.Context(), 0))
		if got.Pending != 2 || got.Exhausted != 1 || got.Oldest.IsZero() || got.States[bill.Refused]+got.Asleep != 5 {
			t.Errorf("%+v", got)
		}
		for n := range 2 {
			b.pass(5 * time.Second)
			outcome(b, id(n), Reported{Status: 200})
		}
		if got := b.listed(ofShop(platform.CallbackPending)); len(got) != 0 {
			t.Errorf("pending after all: %q", got)
		}
		b.audit()
		for _, q := range []platform.CallbackQuery{
			{Merchant: theShop, Limit: 201}, {Merchant: theShop, Limit: -1}, {State: platform.CallbackDelivered}, {}, {Merchant: theShop, State: "lost"},
			{Merchant: theShop, State: platform.CallbackPending, After: "10000009:x"},
		} {
			if _, err := b.service.Callbacks(t.Context(), q); !isCode(err, platform.CodeInvalid) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}

// A list is merged from all partitions, newest first, page by page.
func TestCallbackListOfAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		b.strict = false
		var want []string
		for n := range 12 {
			id := b.order(b.payer(n + 1)).ID
			time.Sleep(time.Millisecond)
			b.do(engine.Partition(id.Partition()), Cancel{Merchant: theShop, Bill: id})
			b.do(engine.Partition(id.Partition()), Reported{Bill: id, Attempt: 1, Status: 500, Problem: "answered 500"})
			want = append(want, string(id)+" pending 1")
		}
		slices.Reverse(want)
		for _, limit := range []int{0, 1, 5, 12} {
			if diff := cmp.Diff(want, b.listed(platform.CallbackQuery{Merchant: theShop, State: platform.CallbackPending, Limit: limit})); diff != "" {
				t.Errorf("by %d: %s", limit, diff)
			}
		}
	})
}

// What is not retried at one time is spread; none comes before its time.
func TestCallbackJitter(t *testing.T) {
	timing := Timing{ReportJitter: 0.1}
	var seen []time.Duration
	for n := range 200 {
		id := platform.BillID(fmt.Sprintf("bill_01JDXK3Z7M0003ZZZZZZZZZ%03d", n))
		wait := timing.jittered(time.Hour, string(id), 3)
		if wait < time.Hour || wait > 66*time.Minute || wait != timing.jittered(time.Hour, string(id), 3) {
			t.Fatalf("%s", wait)
		}
		seen = append(seen, wait)
	}
	if least, most := slices.Min(seen), slices.Max(seen); least > 61*time.Minute || most < 65*time.Minute {
		t.Errorf("200 callbacks come after %s to %s", least, most)
	}
}

// A callback is made by hand: while it is pending, when it is exhausted, when the bill
// lingers, and when it was filed long ago. It is counted, has the same id, and takes
// nothing from the schedule.
func TestResend(t *testing.T) {
	for when, prepare := range map[string]func(b *bank, id platform.BillID){
		"pending":   func(b *bank, id platform.BillID) { outcome(b, id, failed) },
		"exhausted": func(b *bank, id platform.BillID) { b.exhaust(id) },
		"lingering": func(b *bank, id platform.BillID) { outcome(b, id, Reported{Status: 200}) },
		"filed":     func(b *bank, id platform.BillID) { outcome(b, id, Reported{Status: 200}); b.pass(48 * time.Hour) },
	} {
		for _, in := range []platform.Resend{{Merchant: theShop}, {By: "Zhao Min", Note: "their server is back"}} {
			t.Run(when+" "+in.By, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bank) {
					h := b.payer(1)
					id := b.bring(h, bill.Settled)
					prepare(b, id)
					in.Bill = id
					first, err := b.service.Resend(t.Context(), in)
					if err != nil || first.Attempts != 2 {
						t.Fatalf("%+v, %v", first, err)
					}
					again := must(b.service.Resend(t.Context(), in)) // while it is under way
					effects := b.take(EffectCallback)
					if again.Attempts != 2 || len(effects) != 1 {
						t.Fatalf("%d attempts, %d effects", again.Attempts, len(effects))
					}
					var c Callback
					if err := json.Unmarshal(effects[0].Body, &c); err != nil || !c.ByHand || c.Attempt != 2 || c.ID() != first.ID || !strings.HasSuffix(string(c.ID()), "_settled") {
						t.Errorf("%+v, %v", c, err)
					}
					b.restart()
					outcome(b, id, failed)
					if state, want := b.record(id).callbackState(), map[string]platform.CallbackState{
						"pending": platform.CallbackPending, "exhausted": platform.CallbackExhausted,
					}[when]; want != "" && state != want {
						t.Errorf("after one by hand that failed it is %s", state)
					}
					must(b.service.Resend(t.Context(), in))
					outcome(b, id, Reported{Status: 200})
					b.pass(2 * time.Minute)
					c3 := must(b.service.Callback(t.Context(), theShop, aboutBill(id)))
					if c3.State != platform.CallbackDelivered || c3.Attempts != 3 || len(c3.Tries) != 3 || !c3.Tries[1].ByHand || c3.Tries[1].OK || !c3.Tries[2].OK {
						t.Errorf("%+v", c3)
					}
					if b.store.Partition(0).Hashes[finishedKey(id)][string(id)] == "" {
						t.Error("the bill is not filed again")
					}
					b.audit()
				})
			})
		}
	}
}

// Attempts by hand take nothing from the schedule.
func TestResendLeavesTheSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Refused)
		outcome(b, id, failed)
		for range 20 {
			must(b.service.Resend(t.Context(), platform.Resend{Merchant: theShop, Bill: id}))
			outcome(b, id, failed)
		}
		start, by := time.Now(), b.record(id).Reports
		for b.record(id).callbackState() == platform.CallbackPending {
			next, _ := b.nextDue(start.Add(200 * time.Hour))
			time.Sleep(time.Until(next))
			b.dues()
			outcome(b, id, failed)
		}
		if n := b.record(id).Reports - by; n != 9 || time.Since(start) < 75*time.Hour {
			t.Errorf("%d more after %s, want the 9 of the schedule", n, time.Since(start))
		}
	})
}

func TestResendRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		open, ended := b.order(h).ID, b.bring(h, bill.Refused)
		other := must(b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Other"}))
		quiet := must(b.service.CreateBill(t.Context(), other.ID, platform.Order{Reference: "1", Amount: 1, Currency: "CNY", Phone: h.phone, ExpiresIn: time.Minute}))
		h.say(b, h.refuse(quiet.ID))
		for name, tt := range map[string]struct {
			in   platform.Resend
			want string
		}{
			"not ended":     {platform.Resend{Merchant: theShop, Bill: open}, "illegal-state id"},
			"nobody":        {platform.Resend{Merchant: other.ID, Bill: quiet.ID}, "illegal-state id"},
			"another's":     {platform.Resend{Merchant: other.ID, Bill: ended}, "not-found id"},
			"no bill":       {platform.Resend{Merchant: theShop, Bill: "bill_01JDXK3Z7M0000ZZZZZZZZZZZZ"}, "not-found id"},
			"no reason":     {platform.Resend{Bill: ended, By: "Zhao Min"}, "invalid note"},
			"nobody's name": {platform.Resend{Bill: ended, Note: "why"}, "invalid by"},
		} {
			b.unchanged(name, func() {
				if _, err := b.service.Resend(t.Context(), tt.in); codeOf(err) != tt.want {
					t.Errorf("%s: %v, want %s", name, err, tt.want)
				}
			})
		}
		for _, m := range []platform.MerchantID{other.ID, theShop} {
			if _, err := b.service.Callback(t.Context(), m, aboutBill(open)); !isNotFound(err) {
				t.Errorf("%s: %v", m, err)
			}
		}
	})
}

// A filed bill is not taken up from a text that may be old.
func TestResendOfAnOldText(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Refused)
		outcome(b, id, Reported{Status: 200})
		b.pass(time.Hour)
		text := must(b.service.filedText(t.Context(), id))
		in := Resend{Merchant: theShop, Bill: id, Filed: text, Looked: time.Now().Add(-31 * time.Second)}
		if _, err := b.Do(t.Context(), 0, in); !errors.Is(err, ErrLookAgain) {
			t.Errorf("%v", err)
		}
		in.Looked, in.Filed = time.Now(), ""
		if _, err := b.Do(t.Context(), 0, in); !errors.Is(err, ErrLookAgain) {
			t.Errorf("%v", err)
		}
	})
}

// An endpoint is noted while it fails, disabled after 410 or 5 days of nothing but
// failures, and forgotten when it works or is enabled.
func TestEndpoints(t *testing.T) {
	const url = "http://shop.example/airtill"
	fails := EndpointFailed{Merchant: theShop, URL: url, Status: 500, Problem: "answered 500"}
	works := EndpointWorks{Merchant: theShop, URL: url}
	state := func(b *bank) string {
		all := must(b.service.Endpoints(context.Background(), theShop))
		e, failing, err := b.service.Endpoint(context.Background(), theShop, url)
		if err != nil || failing != (len(all) == 1) || failing && cmp.Diff(all[0], e) != "" {
			b.t.Errorf("%+v, %+v, %v", all, e, err)
		}
		switch {
		case !failing:
			return "works"
		case e.Disabled.IsZero():
			return "fails"
		}
		return "disabled"
	}
	inBubble(t, func(t *testing.T, b *bank) {
		step := func(in any, want string) {
			t.Helper()
			b.do(0, in)
			b.restart()
			time.Sleep(2 * time.Second) // for what was read to be old
			if got := state(b); got != want {
				t.Errorf("after %T it %s, want %s", in, got, want)
			}
			b.audit()
		}
		b.unchanged("a success of one that works", func() { b.do(0, works) })
		b.unchanged("a failure of no merchant's", func() { b.do(0, EndpointFailed{Merchant: "10000009", URL: url}) })
		step(fails, "fails")
		b.unchanged("another failure at once", func() { b.do(0, fails) })
		step(works, "works")
		for range 4 {
			step(fails, "fails")
			time.Sleep(30 * time.Hour)
		}
		step(fails, "disabled")
		b.unchanged("a failure of a disabled one", func() { b.do(0, fails) })
		step(works, "works") // by hand
		step(EndpointFailed{Merchant: theShop, URL: url, Status: 410, Problem: "answered 410"}, "disabled")
		if err := b.service.EnableEndpoint(t.Context(), platform.EnableEndpoint{Merchant: theShop, URL: url, By: "x"}); !isCode(err, platform.CodeInvalid) {
			t.Error(err)
		}
		if err := b.service.EnableEndpoint(t.Context(), platform.EnableEndpoint{Merchant: theShop, URL: url, By: "Zhao Min", Note: "they asked"}); err != nil || state(b) != "works" {
			t.Error(err)
		}
		if err := b.service.EnableEndpoint(t.Context(), platform.EnableEndpoint{Merchant: theShop, URL: url}); !isNotFound(err) {
			t.Error(err)
		}
		b.audit()
		for n := range mostEndpoints + 5 {
			b.do(0, EndpointFailed{Merchant: theShop, URL: fmt.Sprint(url, n), Problem: "x"})
		}
		if n := len(b.parts[0].endpoints); n != mostEndpoints {
			t.Errorf("%d endpoints of one merchant are kept", n)
		}
	})
}

// Each attempt is told with its time, status, problem and what came next.
func TestCallbackIsShown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Refused)
		ended := time.Now().UTC()
		time.Sleep(time.Second)
		outcome(b, id, Reported{Status: 503, Problem: "answered 503", RetryAfter: time.Minute})
		b.pass(time.Minute)
		want := platform.Callback{
			ID: platform.CallbackID("evt_" + strings.TrimPrefix(string(id), "bill_") + "_refused"), Bill: id, Merchant: theShop, URL: "http://shop.example/airtill",
			State: platform.CallbackPending, Attempts: 2, Status: 503, Problem: "answered 503", Failed: ended.Add(time.Second),
			Next: ended.Add(101 * time.Second), Ended: ended, Tries: []platform.CallbackTry{
				{Number: 1, At: ended, Ended: ended.Add(time.Second), Status: 503, Problem: "answered 503", Next: ended.Add(61 * time.Second)},
				{Number: 2, At: ended.Add(61 * time.Second)},
			},
		}
		for _, m := range []platform.MerchantID{theShop, ""} {
			if diff := cmp.Diff(want, must(b.service.Callback(t.Context(), m, aboutBill(id))), cmpopts.EquateApproxTime(time.Microsecond)); diff != "" {
				t.Error(diff)
			}
		}
		if got, err := platform.ParseCallbackID(string(want.ID)); got != aboutBill(id) || err != nil {
			t.Error(got, err)
		}
	})
}
