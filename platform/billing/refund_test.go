package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

const homeAccount = "home:acct_10000001:CNY"

// settled is a bill of 100.00 whose money has come home, with nothing left to do.
func (b *bank) settled(h *handset) platform.BillID {
	b.t.Helper()
	id := b.order(h).ID
	h.say(b, h.pay(b, id))
	b.pass(b.config.Timing.withDefaults().SweepEvery)
	b.sweepHome()
	b.want(id, bill.Settled)
	b.effects = nil
	return id
}

// give asks for a refund that must be taken.
func (b *bank) give(id platform.BillID, amount money.Amount, reference string) platform.Refund {
	b.t.Helper()
	r, err := b.service.Refund(context.Background(), theShop, id, platform.RefundOrder{Amount: amount, Reference: reference, Reason: "the seat was taken"})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bank) refundNow(id platform.RefundID) platform.Refund {
	b.t.Helper()
	r, err := b.service.FindRefund(context.Background(), theShop, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// apart runs a test on a payer and a merchant in two partitions, and on both in one.
func apart(t *testing.T, body func(t *testing.T, b *bank, h *handset)) {
	t.Helper()
	t.Run("two partitions", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBank(t, 4)
			body(t, b, b.away(1))
		})
	})
	t.Run("one partition", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bank) { body(t, b, b.payer(1)) })
	})
}

// A refund takes money out of the merchant's account at once, and posts when the payer has it.
func TestRefund(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		card := cardAccount(h, 1)
		before := b.balance(card)
		first := b.give(id, 3000, "r-1")
		if first.ID != platform.NewRefundID(id, 1) || first.State != platform.RefundPending || first.Amount != 3000 || first.Currency != "CNY" || first.Reason != "the seat was taken" {
			t.Errorf("%+v", first)
		}
		if b.balance(homeAccount) != 7000 || b.balance(ledger.Clearing("CNY")) != 3000 || b.balance(card) != before {
			t.Errorf("home %d, clearing %d, card %d", b.balance(homeAccount), b.balance(ledger.Clearing("CNY")), b.balance(card)-before)
		}
		b.audit()
		b.refundAll()
		if b.balance(card) != before+3000 || b.balance(ledger.Clearing("CNY")) != 0 {
			t.Errorf("card %d, clearing %d", b.balance(card)-before, b.balance(ledger.Clearing("CNY")))
		}
		if now := b.refundNow(first.ID); now.State != platform.RefundPosted || now.Ended.IsZero() || now.Reason != "the seat was taken" {
			t.Errorf("%+v", now)
		}
		second := b.give(id, 0, "r-2") // all that is left
		if second.Amount != 7000 || second.ID != platform.NewRefundID(id, 2) {
			t.Errorf("%+v", second)
		}
		b.refundAll()
		shown, err := b.service.Bill(t.Context(), theShop, id)
		if err != nil || shown.State != bill.Settled || shown.Refunded != 10000 || len(shown.Refunds) != 2 {
			t.Errorf("%+v, %v", shown, err)
		}
		if b.balance(card) != before+10000 || b.balance(homeAccount) != 0 {
			t.Errorf("card %d, home %d", b.balance(card)-before, b.balance(homeAccount))
		}
		if report := b.audit(); report.LedgerSum() != 0 || report.DuplicateDebits != 0 || report.Refunds != 2 {
			t.Errorf("%+v", report)
		}
	})
}

// What cannot be given back is refused, and changes nothing.
func TestRefundRefused(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		b.give(id, 6000, "r-1")
		full := b.settled(h)
		b.give(full, 0, "f-1")
		paid := b.order(h).ID
		h.say(b, h.pay(b, paid))
		open := b.order(h).ID
		tests := map[string]struct {
			id   platform.BillID
			o    platform.RefundOrder
			want string
		}{
			"more than is left":         {id, platform.RefundOrder{Amount: 4001, Reference: "r-2"}, "invalid amount"},
			"nothing left":              {full, platform.RefundOrder{Amount: 1, Reference: "f-2"}, "illegal-state id"},
			"less than nothing":         {id, platform.RefundOrder{Amount: -1, Reference: "r-2"}, "invalid amount"},
			"not known when it repeats": {id, platform.RefundOrder{Amount: 1}, "invalid reference"},
			"a bill that is open":       {open, platform.RefundOrder{Reference: "r-2"}, "illegal-state id"},
			"money that is not home":    {paid, platform.RefundOrder{Reference: "r-2"}, "illegal-state id"},
			"a reference that is taken": {id, platform.RefundOrder{Amount: 1, Reference: "r-1"}, "reference-taken reference"},
			"no such bill":              {"bill_01JDXK3Z7M0003ZZZZZZZZZZZZ", platform.RefundOrder{Reference: "r"}, "not-found id"},
		}
		for name, tt := range tests {
			b.unchanged(name, func() {
				if _, err := b.service.Refund(t.Context(), theShop, tt.id, tt.o); codeOf(err) != tt.want {
					t.Errorf("%s: %v, want %s", name, err, tt.want)
				}
			})
		}
		if _, err := b.service.Refund(t.Context(), "10000099", id, platform.RefundOrder{Reference: "r"}); codeOf(err) != "not-found id" {
			t.Errorf("another merchant's: %v", err)
		}
		for _, id := range []platform.RefundID{platform.NewRefundID(id, 2), "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1"} {
			if _, err := b.service.FindRefund(t.Context(), theShop, id); codeOf(err) != "not-found id" {
				t.Errorf("%s: %v", id, err)
			}
		}
		if len(must(b.service.Refunds(t.Context(), theShop, open))) != 0 {
			t.Error("an open bill has refunds")
		}
	})
}

// The same request again answers the same refund and writes nothing, from memory, after a
// restart, and when all of it rests in the store.
func TestRefundRepeated(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		keyed := platform.RefundOrder{Amount: 1000, IdempotencyKey: "k-1"}
		first := must(b.service.Refund(t.Context(), theShop, id, keyed))
		again := func(when string) {
			t.Helper()
			b.unchanged(when, func() {
				got, err := b.service.Refund(t.Context(), theShop, id, keyed)
				if err != nil || got.ID != first.ID || !got.Repeated {
					t.Errorf("%s: %+v, %v", when, got, err)
				}
				other := keyed
				other.Amount++
				if _, err := b.service.Refund(t.Context(), theShop, id, other); codeOf(err) != "idempotency-mismatch Idempotency-Key" {
					t.Errorf("%s, another amount: %v", when, err)
				}
			})
		}
		again("while it is pending")
		b.restart()
		again("pending, after a restart")
		out := b.take(EffectRefund)
		for range 3 {
			b.effects = append(b.effects, slices.Clone(out)...)
			b.refundAll()
			b.restart()
		}
		again("posted")
		b.answerRefund(first.ID, 204)
		b.restart()
		if len(b.parts[b.service.merchantPartition(theShop)].refunds) != 0 {
			t.Error("a refund that is over is still in memory")
		}
		again("all over, after a restart")
		b.unchanged("a repeat of its effect", func() {
			b.effects = append(b.effects, out...)
			b.refundAll()
		})
		if b.balance(cardAccount(h, 1)) != 500000-10000+1000 {
			t.Error("it was not given back once")
		}
		b.audit()
	})
}

// answerRefund performs the callbacks about a refund, which the merchant answers so.
func (b *bank) answerRefund(id platform.RefundID, status int) {
	b.t.Helper()
	for _, m := range b.refundCalls(id) {
		out := Reported{Bill: m.Bill, Refund: m.Refund, Attempt: m.Attempt, Status: status}
		if status/100 != 2 {
			out.Problem = fmt.Sprintf("answered %d", status)
		}
		b.do(b.service.merchantPartition(theShop), out)
	}
}

// refundCalls are the callbacks about a refund that wait to be performed.
func (b *bank) refundCalls(id platform.RefundID) (calls []Callback) {
	b.t.Helper()
	for _, d := range b.take(EffectCallback) {
		var m Callback
		if err := json.Unmarshal(d.Body, &m); err != nil {
			b.t.Fatal(err)
		}
		if m.Refund == id {
			calls = append(calls, m)
		}
	}
	return calls
}

// A merchant without money, or a payer without the account, ends in a refund that is voided:
// nobody has lost anything, and the bill can still be given back.
func TestRefundVoided(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		first, second := b.settled(h), b.settled(h)
		merchant := b.parts[b.service.merchantPartition(theShop)]
		b.drain(merchant, 15000)
		b.give(first, 4000, "one")
		poor := b.give(second, 2000, "two")
		if poor.State != platform.RefundVoided || poor.Failure != platform.ReasonFunds || poor.Ended.IsZero() {
			t.Errorf("%+v", poor)
		}
		b.refundAll()
		b.restart()
		if again := b.give(second, 2000, "two"); again.ID != poor.ID || !again.Repeated {
			t.Errorf("again: %+v", again)
		}
		if b.balance(homeAccount) != 1000 {
			t.Errorf("home holds %d", b.balance(homeAccount))
		}
		if next := b.give(second, 1000, "three"); next.State != platform.RefundPending || next.ID != platform.NewRefundID(second, 2) {
			t.Errorf("%+v", next)
		}
	})
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		payer := b.parts[b.service.PhonePartition(h.phone)]
		r := b.give(id, 2500, "gone")
		account := cardAccount(h, 1)
		b.record(id).Account = "card:none/1:CNY"
		out := b.take(EffectRefund)
		var in Credit
		if err := json.Unmarshal(out[0].Body, &in); err != nil {
			t.Fatal(err)
		}
		in.Account = "card:none/1:CNY"
		out[0].Body = body(in)
		before := payer.book.Balance(account)
		for range 2 {
			b.effects = append(b.effects, out...)
			b.strict = false // the record was changed by hand
			b.refundAll()
		}
		if now := b.refundNow(r.ID); now.State != platform.RefundVoided || now.Failure != platform.ReasonNoAccount {
			t.Errorf("%+v", now)
		}
		if b.balance(homeAccount) != 10000 || b.balance(ledger.Clearing("CNY")) != 0 || payer.book.Balance(account) != before {
			t.Errorf("home %d, clearing %d", b.balance(homeAccount), b.balance(ledger.Clearing("CNY")))
		}
	})
}

// drain takes money out of the merchant's account, as if it had been paid out.
func (b *bank) drain(p *Partition, a money.Amount) {
	b.t.Helper()
	if err := p.book.Post(ledger.Move(homeAccount, ledger.Bank("CNY"), a)); err != nil {
		b.t.Fatal(err)
	}
	for _, account := range []string{homeAccount, ledger.Bank("CNY")} {
		b.store.Partition(p.number).Hashes["balances"][account] = fmt.Sprint(int64(p.book.Balance(account)))
	}
}

// Requests that look at the same moment cannot give back more than was paid: the second
// one's look is too old, or the partition knows better.
func TestRefundsAtOnce(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		home := b.service.merchantPartition(theShop)
		look := func(reference string) Refund {
			kept := must(b.service.own(t.Context(), theShop, id))
			in := Refund{
				Merchant: theShop, Order: platform.RefundOrder{Amount: 6000, Reference: reference, Fingerprint: reference},
				Bill: Refundable{Result: api.CallbackOf(kept.Bill).Data, CallbackURL: kept.CallbackURL, Account: kept.Account},
			}
			var err error
			if in.Kept, in.Seen, err = b.service.lookForRefunds(t.Context(), home, id); err != nil {
				t.Fatal(err)
			}
			return in
		}
		first, second := look("one"), look("two")
		b.do(home, first)
		if _, err := b.Do(t.Context(), home, second); codeOf(err) != "invalid amount" {
			t.Errorf("while the first is in memory: %v", err)
		}
		b.refundAll()
		b.answerRefund(platform.NewRefundID(id, 1), 200)
		b.restart()
		if _, err := b.Do(t.Context(), home, second); err != ErrLookAgain {
			t.Errorf("when nothing of it is in memory: %v", err)
		}
		if _, err := b.Do(t.Context(), home, look("two")); codeOf(err) != "invalid amount" {
			t.Errorf("after another look: %v", err)
		}
		payer := b.service.PhonePartition(h.phone)
		credit := Credit{Refund: platform.NewRefundID(id, 1), Account: cardAccount(h, 1), Amount: 6000, Currency: "CNY"}
		if _, err := b.Do(t.Context(), payer, credit); err != ErrLookAgain {
			t.Errorf("a credit of which nothing is in memory: %v", err)
		}
		credit.Kept = b.store.Partition(payer).Hashes[creditsKey(credit.Refund)][string(credit.Refund)]
		credit.Seen = must(seqOf(t.Context(), b.store.Read(payer)))
		b.unchanged("a credit that was made", func() { b.do(payer, credit) })
		credit.Amount++
		b.unchanged("another credit under its id", func() {
			if _, err := b.Do(t.Context(), payer, credit); err == nil {
				t.Error("another credit under its id is taken")
			}
		})
	})
}

// What rests is forgotten after a while, and a look from before that is not believed.
func TestLately(t *testing.T) {
	var l lately
	forgotten := 0
	for n := range uint64(mostLately + 10) {
		l.add(fmt.Sprint(n), n+1, func(change) { forgotten++ })
	}
	if forgotten != 10 || l.since != 10 || !l.missed(9) || l.missed(10) {
		t.Errorf("%d forgotten, since %d", forgotten, l.since)
	}
}

// The merchant is told how a refund ended as it is told of a bill, until it acknowledges.
func TestRefundReported(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		b.give(id, 1000, "first")
		b.refundAll()
		b.take(EffectCallback)
		r := b.give(id, 2500, "second")
		if n := len(b.take(EffectCallback)); n != 0 {
			t.Errorf("%d callbacks before the end", n)
		}
		b.refundAll()
		var bodies []string
		for range 3 {
			calls := b.refundCalls(r.ID)
			if len(calls) == 0 {
				t.Fatal("no callback")
			}
			last := calls[len(calls)-1]
			bodies = append(bodies, string(last.Event))
			b.restart()
			b.do(b.service.merchantPartition(theShop), Reported{Bill: id, Refund: r.ID, Attempt: last.Attempt, Status: 500, Problem: "answered 500"})
			b.restart()
			b.pass(12 * time.Hour)
		}
		if bodies[0] != bodies[1] || bodies[1] != bodies[2] {
			t.Errorf("callbacks differ: %q", bodies)
		}
		var c api.Callback
		if err := json.Unmarshal([]byte(bodies[0]), &c); err != nil {
			t.Fatal(err)
		}
		if c.Type != "refund.posted" || c.Data.ID != id || c.Data.Refund == nil || c.Data.Refund.ID != r.ID || c.Data.Refund.Amount != 2500 || c.Data.Refunded != 3500 || c.Data.Amount != 10000 {
			t.Errorf("%s", bodies[0])
		}
		b.pass(24 * time.Hour)
		b.answerRefund(r.ID, 204)
		if now := b.refundNow(r.ID); now.Acknowledged.IsZero() {
			t.Errorf("%+v", now)
		}
		b.audit()
	})
}

// A merchant that never answers is given up on; one that wants none is told nothing.
func TestRefundReportEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.settled(h)
		r := b.give(id, 2500, "never")
		b.refundAll()
		b.pass(30 * 24 * time.Hour)
		calls := len(b.refundCalls(r.ID))
		if want := len(b.config.Timing.withDefaults().Reports) + 1; calls != want {
			t.Errorf("%d callbacks, want %d", calls, want)
		}
		if _, due := b.store.Partition(0).Sets[engine.DueSet][string(r.ID)]; due {
			t.Error("it is still due")
		}
		gone := b.give(id, 100, "gone")
		b.refundAll()
		b.answerRefund(gone.ID, 410)
		b.pass(48 * time.Hour)
		if calls := b.take(EffectCallback); slices.ContainsFunc(calls, func(d due) bool { return d.ID == string(gone.ID)+"/callback/2" }) {
			t.Error("a merchant that wants no more is told again")
		}
		b.unchanged("the outcome of no callback", func() {
			b.do(0, Reported{Refund: gone.ID, Attempt: 9, Status: 204})
			b.do(0, Reported{Refund: "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1", Attempt: 1, Status: 204})
		})
		b.audit()
	})
}

// The story of a bill tells its refunds, from both partitions.
func TestRefundStory(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		id := b.settled(h)
		r := b.give(id, 2500, "back")
		b.refundAll()
		b.answerRefund(r.ID, 204)
		b.pass(time.Hour)
		var got []string
		var moved []platform.Posting
		for _, e := range must(b.service.Events(t.Context(), theShop, id)) {
			got = append(got, string(e.Name))
			if e.Name == "refund" || e.Name == "credit" {
				moved = append(moved, e.Postings...)
			}
		}
		i := slices.Index(got, "refund")
		if i < 0 {
			t.Fatalf("no refund in %q", got)
		}
		if diff := cmp.Diff([]string{"refund", "credit", "post", "report", "acknowledge"}, got[i:]); diff != "" {
			t.Error(diff)
		}
		want := slices.Concat(ledger.Move(homeAccount, "clearing:CNY", 2500), ledger.Move("clearing:CNY", cardAccount(h, 1), 2500))
		if diff := cmp.Diff(want, moved); diff != "" {
			t.Error(diff)
		}
	})
}

// A bill has so many refunds, and no more.
func TestMostRefunds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.strict = false
		id := b.settled(b.payer(1))
		for n := range platform.MostRefunds {
			b.give(id, 1, fmt.Sprint(n))
		}
		if _, err := b.service.Refund(t.Context(), theShop, id, platform.RefundOrder{Amount: 1, Reference: "more"}); codeOf(err) != "illegal-state id" {
			t.Error(err)
		}
		b.refundAll()
		b.restart()
		b.check(0)
		b.audit()
	})
}

// A merchant's own words are not readable at rest.
func TestRefundReasonIsSealed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		id := b.settled(b.payer(1))
		b.give(id, 1, "r")
		for key, text := range b.state() {
			if strings.Contains(text, "the seat was taken") {
				t.Errorf("%s holds the reason", key)
			}
		}
		if got := must(b.service.Refunds(t.Context(), theShop, id)); got[0].Reason != "the seat was taken" {
			t.Errorf("%+v", got)
		}
	})
}
