package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/audit"
)

const (
	back    = "refund_01KA4X5E000000000000000001_1" // of the filed bill
	records = "refunds:" + filed
	credits = "credits:" + day
)

// refundSteps give 100 of the filed bill back: each leaves right books.
type refundSteps struct{ ask, credit, post, void func() }

// keptRefund is the record of the filed bill's refunds.
func keptRefund(state string, more ...any) engine.Put {
	all := append([]any{m{"id": back, "state": state, "amount": 100}}, more...)
	return engine.Put{Key: records, Value: raw(m{"merchant": shop, "bill": m{"id": filed, "amount": 300}, "refunds": all})}
}

func keptCredit(state string) engine.Field {
	return engine.Field{Hash: credits, Name: back, Value: string(raw(m{"id": "credit:" + back, "to": card, "amount": 100, "state": state}))}
}

// refunds are the steps when so much has come home.
func (s *till) refunds(came int) refundSteps {
	entry := func() string { return fmt.Sprintf("1-%d", s.seqs[1]) }
	var asked string
	end := func(state, name string, b engine.Batch, data ...any) {
		b.Puts, b.NoWakes = []engine.Put{keptRefund(state)}, []string{back}
		b.ScoreDeletes = []engine.Score{{Set: "refunding", Member: filed}}
		e := step(back, name, "pending", state, asked, data...)
		s.enter(1, b, e, step(back, "acknowledge", state, state, asked))
	}
	return refundSteps{
		ask: func() {
			b := balances(home, came-100, "clearing:CNY", 100-came)
			b.Puts, b.Wakes = []engine.Put{keptRefund("pending")}, []engine.Due{{ID: back, At: noon}}
			b.Scores = []engine.Score{{Set: "refunded:" + shop, Member: filed}, {Set: "refunding", Member: filed}}
			e := step(back, "refund", "", "pending", "", posted(home, "clearing:CNY", 100))
			e.At = noon
			s.enter(1, b, e)
			asked = entry()
		},
		credit: func() {
			b := balances(card, 1000-came+100, "clearing:CNY", came-100)
			b.Fields = append(b.Fields, keptCredit("posted"))
			s.enter(0, b, step("credit:"+back, "credit", "", "posted", "", posted("clearing:CNY", card, 100)))
		},
		post: func() { end("posted", "post", engine.Batch{}) },
		void: func() {
			end("voided", "void", balances(home, came, "clearing:CNY", -came), posted("clearing:CNY", home, 100))
		},
	}
}

// A refund is understood at each of its steps, and clearing holds what is on its way.
func TestRefunds(t *testing.T) {
	tests := map[string]struct {
		steps    func(r refundSteps) []func()
		clearing int64
	}{
		"asked for":              {func(r refundSteps) []func() { return []func(){r.ask} }, 100},
		"with the payer":         {func(r refundSteps) []func() { return []func(){r.ask, r.credit} }, 0},
		"posted":                 {func(r refundSteps) []func() { return []func(){r.ask, r.credit, r.post} }, 0},
		"voided":                 {func(r refundSteps) []func() { return []func(){r.ask, r.void} }, 0},
		"voided as it was asked": {nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			if tt.steps == nil {
				s.enter(1, engine.Batch{Puts: []engine.Put{keptRefund("voided")}, Scores: []engine.Score{{Set: "refunded:" + shop, Member: filed}}},
					step(back, "refund", "", "voided", ""), step(back, "acknowledge", "voided", "voided", ""))
			} else {
				for _, f := range tt.steps(s.refunds(300)) {
					f()
				}
			}
			if r := run(t, s); !r.OK() || r.Refunds != 1 || r.Clearing["CNY"] != tt.clearing {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Every way in which a refund can be wrong is named.
func TestPlantedInRefunds(t *testing.T) {
	tests := map[string]struct {
		plant func(s *till)
		want  string
	}{
		"posted twice":             {func(s *till) { s.again(1, back, "post", "1-7") }, back + ` post from "pending", but it was "posted"`},
		"voided when posted":       {func(s *till) { s.again(1, back, "post", "1-7").Name = "void" }, back + ` void from "pending", but it was "posted"`},
		"asked for twice":          {func(s *till) { s.again(1, back, "refund", "1-7") }, back + ` refund from "", but it was "posted"`},
		"posted by another step":   {func(s *till) { s.event(1, back, "post").Name = "settle" }, back + ` went from "pending" to "posted" by settle`},
		"a lost entry":             {func(s *till) { s.event(1, back, "post").Prev = "1-1" }, back + ` post says that entry "1-1" came before, it was "1-5"`},
		"credited twice":           {func(s *till) { s.again(0, "credit:"+back, "credit", "") }, back + " was credited twice"},
		"credited more than it is": {func(s *till) { s.event(0, "credit:"+back, "credit").Data = raw(posted("clearing:CNY", card, 150)) }, back + " was posted with 100, and the payer has 150 of it"},
		"credited to another": {func(s *till) {
			s.event(0, "credit:"+back, "credit").Data = raw(posted("clearing:CNY", "card:x/1:CNY", 100))
		}, back + ` went to card:x/1:CNY, but its bill was paid from "` + card + `"`},
		"posted, never credited":      {func(s *till) { s.event(0, "credit:"+back, "credit").Subject = "note" }, back + " was posted with 100, and the payer has 0 of it; look at {p01}:journal"},
		"credited, never left":        {func(s *till) { s.event(0, "credit:"+back, "credit").Subject = "credit:" + back[:len(back)-1] + "2" }, back[:len(back)-1] + "2 was credited with 100, but never left; look at {p00}:journal"},
		"more than was paid":          {func(s *till) { s.event(1, back, "refund").Data = raw(posted(home, "clearing:CNY", 301)) }, filed + " was given back 301, its order asked for 300"},
		"of no order":                 {func(s *till) { s.event(1, back, "refund").Subject = "refund_01KA4X5E000000000000000009_1" }, "bill_01KA4X5E000000000000000009 was given back 100, its order asked for 0"},
		"less than nothing":           {func(s *till) { s.event(1, back, "refund").Data = raw(posted("clearing:CNY", home, 100)) }, back + " refund moves -100 through clearing"},
		"pending with nothing":        {func(s *till) { s.event(1, back, "refund").Data = nil }, back + " refund moves 0 through clearing"},
		"a post that moves":           {func(s *till) { s.event(1, back, "post").Data = raw(posted("clearing:CNY", home, 100)) }, back + " post moves -100 through clearing"},
		"a credit that moves nothing": {func(s *till) { s.event(0, "credit:"+back, "credit").Data = nil }, "credit of credit:" + back + " moves 0 through clearing"},
		"not kept":                    {func(s *till) { delete(s.Partition(1).Records, records) }, back + " was posted and is not kept; look at {p01}:" + records},
		"kept in other words":         {func(s *till) { s.Partition(1).Records[records] = "[]" }, "the refunds of " + filed + " cannot be read; look at {p01}:" + records},
		"kept as pending":             {func(s *till) { s.keep(keptRefund("pending")) }, back + ` is "pending" with 100, its history ended in "posted" with 100`},
		"kept with one more": {func(s *till) {
			s.keep(keptRefund("posted", m{"id": back[:len(back)-1] + "2", "state": "posted", "amount": 1}))
		}, back[:len(back)-1] + "2 is kept but has no history"},
		"kept with more than was paid": {func(s *till) {
			s.keep(keptRefund("posted", m{"id": back[:len(back)-1] + "2", "state": "pending", "amount": 201}))
		}, filed + " asks for 300, its refunds come to 301"},
		"held against another amount": {func(s *till) {
			s.Partition(1).Records[records] = strings.Replace(s.Partition(1).Records[records], `"amount":300`, `"amount":900`, 1)
		}, "the refunds of " + filed + " are held against 900, its order asked for 300"},
		"not in the list": {func(s *till) { delete(s.Partition(1).Sets["refunded:"+shop], filed) }, filed + " has refunds and is not in its merchant's list of them; look at {p01}:refunded:" + shop},
		"on its way from nowhere": {func(s *till) {
			s.Partition(1).Sets["refunding"] = map[string]float64{live: 0}
		}, live + " has refunds on their way, but no history of any; look at {p01}:refunding"},
		"a credit gone":        {func(s *till) { delete(s.Partition(0).Hashes[credits], back) }, "the credit of " + back + " is gone: it would be made again; look at {p00}:" + credits},
		"a credit in words":    {func(s *till) { s.set(0, credits, back, "[]") }, "the credit of " + back + " cannot be read"},
		"a credit of more":     {func(s *till) { s.set(0, credits, back, string(raw(m{"to": card, "amount": 99, "state": "posted"}))) }, back + " is posted with 99 to " + card + ", the journal says posted with 100"},
		"a credit from no one": {func(s *till) { s.set(0, credits, back[:len(back)-1]+"7", "{}") }, back[:len(back)-1] + "7 has a credit that was never made: it would never be"},
		"due without history":  {func(s *till) { s.Partition(1).Sets["due"] = map[string]float64{back[:len(back)-1] + "3": 1} }, back[:len(back)-1] + "3 has a deadline but no history"},
		"more in a day": {func(s *till) {
			s.set(0, "counters", "f00d", `{"key_version":1,"spent":{"day":"0001-01-01","cards":{"1":299}}}`)
		}, `phone f00d has paid "0001-01-01 1=299", its history says "0001-01-01 1=300"`},
		"another day": {func(s *till) {
			s.set(0, "counters", "f00d", `{"key_version":1,"spent":{"day":"0001-01-02","cards":{"1":300}}}`)
		}, `phone f00d has paid "0001-01-02 1=300"`},
		"another card": {func(s *till) {
			s.set(0, "counters", "f00d", `{"key_version":1,"spent":{"day":"0001-01-01","cards":{"2":300}}}`)
		}, `phone f00d has paid "0001-01-01 2=300"`},
		"nothing in a day": {func(s *till) { s.set(0, "counters", "f00d", `{"key_version":1}`) }, `phone f00d has paid "", its history says "0001-01-01 1=300"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			r := s.refunds(300)
			r.ask()
			r.credit()
			r.post()
			tt.plant(s)
			if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
	t.Run("voided and credited", func(t *testing.T) {
		s := newTill(t)
		r := s.refunds(300)
		r.ask()
		r.credit()
		r.void()
		if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, back+" was voided, and the payer has 100 of it") }) {
			t.Errorf("%q", r.Differences)
		}
	})
	t.Run("pending, not to be gone on with", func(t *testing.T) {
		s := newTill(t)
		s.refunds(300).ask()
		delete(s.Partition(1).Sets["refunding"], filed)
		if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool {
			return strings.Contains(d, back+" is pending, and its bill is not among those with refunds on their way; look at {p01}:refunding")
		}) {
			t.Errorf("%q", r.Differences)
		}
	})
	t.Run("pending without a deadline", func(t *testing.T) {
		s := newTill(t)
		s.refunds(300).ask()
		delete(s.Partition(1).Sets["due"], back)
		if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool {
			return strings.Contains(d, back+" is pending and has no deadline; look at {p01}:due")
		}) {
			t.Errorf("%q", r.Differences)
		}
	})
}

// A refund that is pending for too long is named, though nothing about it is wrong.
func TestRefundOverdue(t *testing.T) {
	s := newTill(t)
	s.refunds(300).ask()
	e := step(live, "answer", "created", "created", "1-3")
	e.At = noon.Add(2 * audit.Late)
	s.enter(0, engine.Batch{}, e)
	r := run(t, s)
	want := back + " has been pending since 2025-11-15T12:00:00Z; look at {p01}:" + records
	if len(r.Differences) > 0 || !slices.ContainsFunc(r.Overdue, func(d string) bool { return strings.Contains(d, want) }) {
		t.Errorf("nothing says %q in %+v", want, r)
	}
}

// again enters an event of a subject once more, as if after an entry.
func (s *till) again(p engine.Partition, subject, name, prev string) *engine.Event {
	e := *s.event(p, subject, name)
	e.Prev = prev
	s.enter(p, engine.Batch{}, e)
	entries := s.Partition(p).Entries
	return &entries[len(entries)-1].Events[0]
}

// keep writes a record of the merchant's partition.
func (s *till) keep(p engine.Put) { s.Partition(1).Records[p.Key] = string(p.Value) }
