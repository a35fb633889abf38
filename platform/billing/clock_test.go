package billing

import (
	"slices"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// told lists the events of a bill's story.
func told(t *testing.T, b *bank, id platform.BillID) []fsm.Event {
	t.Helper()
	events, err := b.service.Events(t.Context(), theShop, id)
	if err != nil {
		t.Fatal(err)
	}
	var names []fsm.Event
	for _, e := range events {
		names = append(names, e.Name)
	}
	return names
}

func count(names []fsm.Event, name fsm.Event) (n int) {
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

// A bill is pushed again while the phone is not heard of, and ends undelivered (S18).
func TestS18_PushedAgainUntilItsTimeIsUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.order(h, lasting(2*time.Hour)).ID
		b.carry()
		start := time.Now()
		var at []time.Duration
		for range 6 {
			next, ok := b.nextDue(start.Add(3 * time.Hour))
			if !ok {
				break
			}
			time.Sleep(time.Until(next))
			b.dues()
			at = append(at, time.Since(start))
			b.carry()
		}
		want := []time.Duration{time.Minute, 6 * time.Minute, 36 * time.Minute, 66 * time.Minute, 96 * time.Minute, 2 * time.Hour}
		if !slices.Equal(at, want) {
			t.Errorf("pushed and ended after %v, want %v", at, want)
		}
		if r := b.record(id); r.State != bill.Undelivered || r.Reason != platform.ReasonUnreachable {
			t.Errorf("the bill is %s for %s", r.State, r.Reason)
		}
		if n := len(b.take(EffectCallback)); n != 1 {
			t.Errorf("%d callbacks", n)
		}
	})
}

// The holder is reminded half-way to the end from where the bill is, again and again (S18).
func TestS18_Reminders(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.order(h, lasting(16*time.Minute)).ID
		b.take(EffectPush)
		b.do(0, Submitted{Bill: id, MessageID: "A"})
		time.Sleep(8 * time.Minute) // no deadline is handled: the carrier keeps trying
		b.do(0, Receipt{Phone: h.phone, MessageID: "A", State: gateway.Delivered})
		start := time.Now()
		var at []time.Duration
		for {
			next, ok := b.nextDue(start.Add(time.Hour))
			if !ok || bill.Ended(b.record(id).State) {
				break
			}
			time.Sleep(time.Until(next))
			b.dues()
			if len(b.take(EffectPush)) > 0 {
				at = append(at, time.Since(start))
			}
		}
		want := []time.Duration{4 * time.Minute, 6 * time.Minute, 7 * time.Minute, 7*time.Minute + 30*time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("reminded after %v, want %v", at, want)
		}
		if r := b.record(id); r.State != bill.Expired || time.Since(start) != 8*time.Minute || r.Reason != platform.ReasonExpired {
			t.Errorf("%s for %s after %s", r.State, r.Reason, time.Since(start))
		}
	})
}

// What was due while the platform was down is not made up for: a bill whose time is up has ended.
func TestS18_AfterAnOutage(t *testing.T) {
	for from, want := range map[fsm.State]fsm.State{
		bill.Created: bill.Undelivered, bill.Pushed: bill.Undelivered,
		bill.Delivered: bill.Expired, bill.Opened: bill.Expired, bill.Deferred: bill.Expired,
	} {
		t.Run(string(from), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id := b.bring(h, from)
				time.Sleep(time.Hour)
				b.restart()
				if got := h.say(b, h.open(id, applet.Opened)); got.Dropped != DropState {
					t.Errorf("an OPEN after the end: %+v", got)
				}
				if got := h.say(b, h.pay(b, id)); got.Dropped != DropNone {
					t.Errorf("a PAY after the end: %+v", got)
				}
				if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{applet.CodeExpired}) {
					t.Errorf("answered %q", codes)
				}
				b.dues()
				b.want(id, want)
				if n := len(b.take(EffectPush)); n != 0 {
					t.Errorf("%d pushes of a bill that has ended", n)
				}
			})
		})
	}
}

// A claim whose bill could not be made in time still has an end that its merchant is told of.
func TestS18_OpenedTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		in := Open{ID: must(platform.NewBillID(time.Now(), 0, b.config.Random)), Merchant: theShop, Made: time.Now(), Order: platform.Order{
			Reference: "late", Amount: 1, Currency: "CNY", Phone: h.phone, ExpiresIn: time.Minute, CallbackURL: "http://shop.example/",
		}}
		time.Sleep(time.Hour)
		in.Looked = time.Now()
		b.do(0, in)
		b.dues()
		b.want(in.ID, bill.Undelivered)
		if len(b.take(EffectPush)) != 0 || len(b.take(EffectCallback)) != 1 {
			t.Error("it is pushed, or its merchant is not told")
		}
	})
}

// A carrier that refuses is asked again after a while that grows.
func TestPushRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.order(h).ID
		var at []time.Duration
		start := time.Now()
		for range 4 {
			b.take(EffectPush)
			b.do(0, Submitted{Bill: id, Refused: "throttled"})
			next, _ := b.nextDue(start.Add(time.Hour))
			time.Sleep(time.Until(next))
			at = append(at, time.Since(start))
			b.dues()
		}
		want := []time.Duration{5 * time.Second, 30 * time.Second, 3 * time.Minute, 5*time.Minute + 30*time.Second}
		if !slices.Equal(at, want) || b.record(id).State != bill.Created {
			t.Errorf("%s, pushed again after %v, want %v", b.record(id).State, at, want)
		}
		h.say(b, h.open(id, applet.Opened)) // the phone was reached all the same
		b.do(0, Submitted{Bill: id, Refused: "throttled"})
		if n := count(told(t, b, id), "push_refused"); n != 4 || b.record(id).State != bill.Opened {
			t.Errorf("%d refusals told, the bill is %s", n, b.record(id).State)
		}
	})
}

func TestDeadlinesOfNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		for _, id := range []string{"bill_01JDXK3Z7M0003ZZZZZZZZZZZZ", "nonsense", "sweep:sub:acct_1:CNY"} {
			due := b.store.Partition(0)
			if due.Sets[engine.DueSet] == nil {
				due.Sets[engine.DueSet] = map[string]float64{}
			}
			due.Sets[engine.DueSet][id] = 1
			b.dues()
			if len(due.Sets[engine.DueSet]) != 0 {
				t.Errorf("%s stays due", id)
			}
		}
	})
}

// outcome reports what became of the bill's last callback.
func outcome(b *bank, id platform.BillID, in Reported) {
	b.t.Helper()
	in.Bill = id
	if in.Attempt == 0 {
		in.Attempt = b.record(id).Reports
	}
	b.do(0, in)
}

var failed = Reported{Status: 500, Problem: "answered 500"}

// reliability.md 4: the schedule, honoured to its end; then the bill waits at hand.
func TestCallbackSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Refused)
		start := time.Now()
		var at []time.Duration
		for n := 1; n <= 10; n++ {
			if b.record(id).Reports != n {
				t.Fatalf("%d callbacks, want %d", b.record(id).Reports, n)
			}
			outcome(b, id, failed)
			b.unchanged("the same outcome again", func() { outcome(b, id, failed) })
			if next, ok := b.nextDue(start.Add(100 * time.Hour)); ok && n < 10 {
				time.Sleep(time.Until(next))
				at = append(at, time.Since(start).Round(time.Second))
				b.dues()
			}
		}
		want := []time.Duration{
			5 * time.Second, 305 * time.Second, 2105 * time.Second, 9305 * time.Second, 27305 * time.Second,
			63305 * time.Second, 113705 * time.Second, 185705 * time.Second, 272105 * time.Second,
		}
		if !slices.Equal(at, want) {
			t.Errorf("called back after %v, want %v", at, want)
		}
		b.take(EffectCallback)
		b.pass(1000 * time.Hour)
		if len(b.take(EffectCallback)) != 0 || b.record(id).Reports != 10 {
			t.Errorf("called back after the schedule's end: %d", b.record(id).Reports)
		}
		outcome(b, id, Reported{Attempt: 3, Status: 200}) // very late, but the merchant has it
		if !b.record(id).final() {
			t.Error("an acknowledgement after the end does not count")
		}
	})
}

func TestCallbackOutcomes(t *testing.T) {
	tests := map[string]struct {
		in   Reported
		want time.Duration // until the next callback; 0 is never
	}{
		"failed":             {failed, 5 * time.Second},
		"no answer":          {Reported{Problem: "no answer within 15s"}, 5 * time.Second},
		"asked to wait":      {Reported{Status: 429, Problem: "answered 429", RetryAfter: time.Hour}, time.Hour},
		"asked to hurry":     {Reported{Status: 503, Problem: "answered 503", RetryAfter: time.Second}, 5 * time.Second},
		"gone":               {Reported{Status: 410, Problem: "answered 410"}, 0},
		"no outcome at all":  {Reported{Attempt: 99, Problem: "of no attempt"}, 45 * time.Second},
		"an attempt unmade":  {Reported{Attempt: 2, Status: 200}, 45 * time.Second},
		"a negative attempt": {Reported{Attempt: -1, Status: 200}, 45 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id := b.bring(h, bill.Cancelled)
				start := time.Now()
				outcome(b, id, tt.in)
				b.restart()
				for b.record(id).Reports == 1 && time.Since(start) < 2*time.Hour {
					next, ok := b.nextDue(start.Add(3 * time.Hour))
					if !ok {
						break
					}
					time.Sleep(time.Until(next))
					b.dues()
				}
				if got := time.Since(start); b.record(id).Reports == 2 && got != tt.want || b.record(id).Reports == 1 && tt.want != 0 {
					t.Errorf("%d callbacks after %s, want the second after %s", b.record(id).Reports, got, tt.want)
				}
			})
		})
	}
}

// The merchant has the result: the bill is final, lingers for its phone, and is filed under its day.
func TestAcknowledgedBillIsFiled(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Settled)
		outcome(b, id, failed)
		b.pass(5 * time.Second)
		outcome(b, id, Reported{Attempt: 1, Status: 200}) // the first attempt's answer was slow
		b.unchanged("a failure after that", func() { outcome(b, id, failed) })
		b.restart()
		story := told(t, b, id)

		h.say(b, h.pay(b, id))
		if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{applet.CodeDuplicate}) {
			t.Errorf("a phone that asks again while the bill lingers is answered %q", codes)
		}
		b.pass(time.Minute)
		p := b.store.Partition(0)
		if p.Hashes["finished:"+id.Day()][string(id)] == "" || p.Records[recordKey(id)] != "" {
			t.Error("the bill is not filed under its day")
		}
		if live := b.parts[0]; len(live.bills)+len(live.messages)+len(b.phone(h).bills) != 0 {
			t.Error("the bill is still in memory")
		}
		kept, err := b.service.Bill(t.Context(), theShop, id)
		if err != nil || kept.State != bill.Settled || kept.Acknowledged.IsZero() || kept.Paid.IsZero() {
			t.Errorf("%+v, %v", kept, err)
		}
		if after := told(t, b, id); !slices.Equal(after, append(story, "answer")) {
			t.Errorf("the story was %q and is %q", story, after)
		}
		for _, m := range []applet.Message{h.refuse(id), h.open(id, applet.Opened)} {
			if got := h.say(b, m); got.Dropped != DropNoBill {
				t.Errorf("%+v", got)
			}
		}
		b.audit()
	})
}

// A bill that nobody is to be told of is final when it has ended.
func TestNobodyToTell(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		quiet, err := b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Quiet"})
		if err != nil {
			t.Fatal(err)
		}
		h := b.payer(1)
		made, err := b.service.CreateBill(t.Context(), quiet.ID, platform.Order{
			Reference: "1", Amount: 1, Currency: "CNY", Phone: h.phone, ExpiresIn: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		h.say(b, h.refuse(made.ID))
		if r := b.record(made.ID); !r.final() || r.Reports != 0 {
			t.Errorf("final %t after %d callbacks", r.final(), r.Reports)
		}
		b.pass(time.Minute)
		if b.live() != 0 {
			t.Error("the bill stays")
		}
	})
}
