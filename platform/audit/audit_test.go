package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/internal/memstore"
)

// Two bills: one that was paid, swept home, acknowledged and filed, one that is live.
const (
	filed = "bill_01KA4X5E000000000000000001"
	live  = "bill_01KA4X5E000000000000000002"
	day   = "2025-11-15"

	phone           = "phone:f00d"
	card, sub, home = "card:89860112345678901234/1:CNY", "sub:acct_10000001:CNY", "home:acct_10000001:CNY"
)

const shop = "10000001"

var noon = time.Date(2025, 11, 15, 12, 0, 0, 0, time.UTC)

type m = map[string]any

// posted is an event's data with postings from one account to another.
func posted(from, to string, amount int) m {
	return m{"postings": []m{{"account": from, "amount": -amount}, {"account": to, "amount": amount}}}
}

// step is an event of a bill.
func step(id, name, from, to, prev string, data ...any) engine.Event {
	e := engine.Event{Subject: id, Name: name, From: from, To: to, Prev: prev}
	if len(data) > 0 {
		e.Data = data[0]
	}
	return e
}

// till is a store with a short history.
type till struct {
	t testing.TB
	*memstore.Store
	seqs  [2]uint64
	spent int // by the phone's card
}

// enter writes one batch.
func (s *till) enter(p engine.Partition, b engine.Batch, events ...engine.Event) {
	s.t.Helper()
	s.seqs[p]++
	b.Seq, b.Journal = s.seqs[p], events
	if err := s.Partition(p).Apply(&b); err != nil {
		s.t.Fatal(err)
	}
}

// balances are the changes of accounts as a batch keeps them.
func balances(pairs ...any) (b engine.Batch) {
	for i := 0; i < len(pairs); i += 2 {
		b.Fields = append(b.Fields, engine.Field{Hash: "balances", Name: pairs[i].(string), Value: fmt.Sprint(pairs[i+1])})
	}
	return b
}

// counters are the phone's, with what it has spent.
func (s *till) counters(text string) engine.Field {
	if s.spent > 0 {
		text = strings.TrimSuffix(text, "}") + fmt.Sprintf(`,"spent":{"day":"0001-01-01","cards":{"1":%d}}}`, s.spent)
	}
	return engine.Field{Hash: "counters", Name: strings.TrimPrefix(phone, "phone:"), Value: text}
}

func register(id string) engine.Field { return engine.Field{Hash: "phones", Name: id, Value: "{}"} }

func record(id, state string) engine.Put {
	return engine.Put{Key: "bill:" + id, Value: fmt.Appendf(nil, `{"id":%q,"state":%q,"amount":300}`, id, state)}
}

// claimed is a batch that claims an order for a bill, and its event.
func claimed(id, reference string) (engine.Batch, engine.Event) {
	open := m{"id": id, "merchant": shop, "order": m{"Reference": reference, "IdempotencyKey": "k-" + reference, "Amount": 300}}
	kept := raw(m{"open": open})
	return engine.Batch{
			Puts:   []engine.Put{{Key: "order:" + shop + ":" + reference, Value: kept}, {Key: "key:" + shop + ":k-" + reference, Value: kept}},
			Scores: []engine.Score{{Set: "bills:" + shop, Member: id}},
		}, engine.Event{
			Subject: "order:" + id, Name: "claim", At: noon, Effects: []engine.Effect{{ID: id + "/open", Kind: "open", Body: raw(open)}},
		}
}

// claim claims an order in the merchant's partition.
func (s *till) claim(id, reference string) {
	b, e := claimed(id, reference)
	s.enter(1, b, e)
}

// sweep is a sub-account's sweep as it is kept.
func sweep(number int, open bool) engine.Field {
	return engine.Field{Hash: "sweeps", Name: sub, Value: string(raw(m{"number": number, "amount": 300, "open": open}))}
}

func swept(number string) engine.Field {
	return engine.Field{Hash: "swept", Name: "0:acct_10000001:CNY", Value: number}
}

func newTill(t testing.TB) *till {
	s := &till{t: t, Store: memstore.New(2)}
	s.enter(1, engine.Batch{Fields: []engine.Field{{Hash: "merchants", Name: shop, Value: "{}"}}}, engine.Event{Subject: "merchant:" + shop, Name: "open_merchant"})
	s.claim(filed, "one")
	s.claim(live, "two")
	enrolled := balances("bank:CNY", -1000, card, 1000)
	enrolled.Fields = append(enrolled.Fields, s.counters(`{"key_version":1}`), register("f00d"))
	s.enter(0, enrolled, engine.Event{Subject: phone, Name: "enrol", Data: posted("bank:CNY", card, 1000)})
	s.enter(0, engine.Batch{Puts: []engine.Put{record(filed, "created")}, Wakes: []engine.Due{{ID: filed, At: noon}}}, step(filed, "create", "", "created", ""))
	s.enter(0, engine.Batch{Puts: []engine.Put{record(live, "created")}, Wakes: []engine.Due{{ID: live, At: noon}}},
		step(filed, "push", "created", "pushed", "1-2"), step(live, "create", "", "created", ""),
		step(filed, "deliver", "pushed", "delivered", "1-2"), step(filed, "open", "delivered", "opened", "1-2"))
	paid := balances(card, 700, sub, 300)
	paid.Wakes = []engine.Due{{ID: "sweep:" + sub, At: noon}}
	s.spent = 300
	paid.Fields = append(paid.Fields, s.counters(`{"key_version":1}`))
	s.enter(0, paid, step(filed, "decline", "opened", "opened", "1-3"), step(filed, "pay", "opened", "paid", "1-3", posted(card, sub, 300)))
	leave, come := s.sweeps(1, 300)
	leave()
	come()
	done := engine.Batch{Deletes: []string{"bill:" + filed}, NoWakes: []string{filed}}
	done.Fields = []engine.Field{{Hash: "finished:" + day, Name: filed, Value: `{"state":"settled","amount":300}`}, sweep(1, false)}
	s.enter(0, done, step(filed, "settle", "paid", "settled", "1-4"), step(filed, "report", "settled", "settled", "1-4"),
		step(filed, "answer", "settled", "settled", "1-4"), step(filed, "acknowledge", "settled", "settled", "1-4"))
	return s
}

// sweeps are the two steps that send 300 home, after which home has a sum.
func (s *till) sweeps(number, sum int) (leave, come func()) {
	leave = func() {
		b := balances(sub, 0, "clearing:CNY", sum)
		b.Fields, b.NoWakes = append(b.Fields, sweep(number, true)), []string{"sweep:" + sub}
		s.enter(0, b, engine.Event{
			Subject: sub, Name: "sweep_out", At: noon, Data: posted(sub, "clearing:CNY", 300), Effects: []engine.Effect{{ID: fmt.Sprintf("sweep:%s:%d", sub, number), Kind: "sweep"}},
		})
	}
	come = func() {
		b := balances("clearing:CNY", -sum, home, sum)
		b.Fields = append(b.Fields, swept(fmt.Sprint(number)))
		s.enter(1, b, engine.Event{Subject: fmt.Sprintf("0:acct_10000001:CNY:%d", number), Name: "sweep_in", Data: posted("clearing:CNY", home, 300)})
	}
	return leave, come
}

// acts is a phone's history: held, released, unlocked and given new keys.
func (s *till) acts() *till {
	by := m{"by": "Min", "said": "sealed:why"}
	s.enter(0, engine.Batch{Fields: []engine.Field{s.counters(`{"key_version":1,"held":{"since":"2026-11-25T08:00:00Z"}}`)}},
		engine.Event{Subject: phone, Name: "hold", From: "free", To: "held"})
	s.enter(0, engine.Batch{Fields: []engine.Field{s.counters(`{"key_version":1}`)}},
		engine.Event{Subject: phone, Name: "release", From: "held", To: "free", Data: by})
	s.enter(0, engine.Batch{Fields: []engine.Field{s.counters(`{"key_version":2}`)}},
		engine.Event{Subject: phone, Name: "unlock", From: "locked", To: "unlocked", Data: m{"by": "Min", "said": "sealed:why", "slot": 1}},
		engine.Event{Subject: phone, Name: "rekey", From: "keys 1", To: "keys 2"})
	return s
}

// What operators and elements did is understood, and what of it does not fit is found.
func TestPhones(t *testing.T) {
	if r := run(t, newTill(t).acts()); !r.OK() || r.Acts != 2 {
		t.Errorf("%+v", r)
	}
	tests := map[string]struct {
		plant func(s *till)
		want  string
	}{
		"held by hand": {func(s *till) {
			s.set(0, "counters", "f00d", `{"key_version":2,"held":{"since":"2026-11-25T08:00:00Z"}}`)
		}, "is held: true, its history says false"},
		"released by hand":       {func(s *till) { s.event(0, phone, "release").Name = "note" }, "is held: false, its history says true"},
		"held twice":             {func(s *till) { s.event(0, phone, "release").Name = "hold" }, "hold of phone f00d, which was held: true"},
		"released when free":     {func(s *till) { s.event(0, phone, "hold").Name = "note" }, "release of phone f00d, which was held: false"},
		"released by nobody":     {func(s *till) { s.event(0, phone, "release").Data = raw(m{"said": "sealed:why"}) }, "release of phone f00d does not say who"},
		"released for no reason": {func(s *till) { s.event(0, phone, "release").Data = raw(m{"by": "Min"}) }, "does not say who did it, why"},
		"unlocked which":         {func(s *till) { s.event(0, phone, "unlock").Data = raw(m{"by": "Min", "said": "sealed:why"}) }, "unlock of phone f00d does not say who"},
		"unlocked, not readable": {func(s *till) { s.event(0, phone, "unlock").Data = raw(7) }, "cannot be read"},
		"keys put back":          {func(s *till) { s.set(0, "counters", "f00d", `{"key_version":1}`) }, "has keys 1, its history says keys 2"},
		"keys from another": {func(s *till) {
			s.enter(0, engine.Batch{}, engine.Event{Subject: phone, Name: "rekey", From: "keys 1", To: "keys 2"})
		}, "went from keys 1 to keys 2, but it had keys 2"},
		"enrolled twice":          {func(s *till) { s.event(0, phone, "hold").Name = "enrol" }, "enrol of phone f00d, which was enrolled: true"},
		"never enrolled":          {func(s *till) { s.event(0, phone, "enrol").Subject = "phone:beef" }, "hold of phone f00d, which was enrolled: false"},
		"counters gone":           {func(s *till) { delete(s.Partition(0).Hashes["counters"], "f00d") }, "phone f00d has no readable counters"},
		"counters from nowhere":   {func(s *till) { s.set(0, "counters", "beef", "{}") }, "phone beef has counters but no history"},
		"counters of other words": {func(s *till) { s.set(0, "counters", "f00d", "[]") }, "phone f00d has no readable counters"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t).acts()
			tt.plant(s)
			if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}

func run(t testing.TB, s engine.Store) *audit.Report {
	t.Helper()
	r, err := audit.Run(t.Context(), s, 2)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRightBooks(t *testing.T) {
	r := run(t, newTill(t))
	if !r.OK() || r.LedgerSum() != 0 || r.DuplicateDebits != 0 {
		t.Errorf("%+v", r)
	}
	if r.Partitions != 2 || r.Entries != 10 || r.Bills != 2 || r.Paid != 1 || r.Clearing["CNY"] != 0 {
		t.Errorf("%+v", r)
	}
	if text, err := json.Marshal(r); err != nil || !strings.Contains(string(text), `"differences":[]`) {
		t.Errorf("%s, %v", text, err)
	}
	if r := run(t, memstore.New(2)); !r.OK() || r.Entries != 0 {
		t.Errorf("an empty store: %+v", r)
	}
}

// event finds an event to spoil.
func (s *till) event(p engine.Partition, subject, name string) *engine.Event {
	for _, entry := range s.Partition(p).Entries {
		for i := range entry.Events {
			if e := &entry.Events[i]; e.Subject == subject && e.Name == name {
				return e
			}
		}
	}
	s.t.Fatalf("no %s of %s", name, subject)
	return nil
}

func (s *till) set(p engine.Partition, hash, field, value string) {
	s.Partition(p).Hashes[hash][field] = value
}

func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Every kind of difference is found, and what is found names it.
func TestPlantedDifferences(t *testing.T) {
	tests := map[string]struct {
		plant func(s *till)
		want  []string // each is part of a difference
	}{
		"a balance one off":        {func(s *till) { s.set(0, "balances", card, "699") }, []string{"partition 0: " + card + " holds 699, the journal says 700", "partition 0: the books sum to -1 CNY"}},
		"money moved by hand":      {func(s *till) { s.set(0, "balances", card, "600"); s.set(0, "balances", sub, "100") }, []string{card + " holds 600", sub + " holds 100, the journal says 0"}},
		"a balance gone":           {func(s *till) { delete(s.Partition(1).Hashes["balances"], home) }, []string{home + " holds 0, the journal says 300", "partition 1: the books sum to -300 CNY"}},
		"an account of nowhere":    {func(s *till) { s.set(1, "balances", "home:thief:CNY", "5") }, []string{"home:thief:CNY holds 5, the journal knows nothing of it", "sum to 5 CNY"}},
		"a balance that is no sum": {func(s *till) { s.set(0, "balances", card, "7OO") }, []string{`the balance of ` + card + ` is "7OO", no whole number`}},
		"a fraction of a fen":      {func(s *till) { s.set(0, "balances", card, "700.5") }, []string{`"700.5", no whole number`}},
		"clearing that holds less": {func(s *till) { s.set(0, "balances", "clearing:CNY", "299") }, []string{"clearing:CNY holds 299, the journal says 300"}},
		"postings that do not sum": {func(s *till) {
			s.event(0, filed, "pay").Data = raw(m{"postings": []m{{"account": card, "amount": -300}, {"account": sub, "amount": 299}}})
		}, []string{"pay of " + filed + " is off by -1 CNY"}},
		"postings across currency": {func(s *till) { s.event(0, filed, "pay").Data = raw(posted(card, "sub:acct_10000001:USD", 300)) }, []string{"is off by -300 CNY", "is off by 300 USD"}},
		"an amount in words": {func(s *till) {
			s.event(0, filed, "pay").Data = raw(m{"postings": []m{{"account": card, "amount": 1.5}}})
		}, []string{`amount "1.5" on ` + card + ` is no whole number`}},
		"data that cannot be read":  {func(s *till) { s.event(0, filed, "pay").Data = json.RawMessage(`{"postings":7}`) }, []string{"entry 1-4: pay of " + filed + " cannot be read"}},
		"a second debit":            {func(s *till) { s.event(0, filed, "decline").Data = raw(posted(card, sub, 300)) }, []string{filed + " was debited 2 times"}},
		"a debit of another amount": {func(s *till) { s.event(0, filed, "pay").Data = raw(posted(card, sub, 200)) }, []string{filed + " asks for 300 and was debited 200"}},
		"a payment without a debit": {func(s *till) { s.event(0, filed, "pay").Data = nil }, []string{filed + " is settled and nobody was debited"}},
		"a debit without a payment": {func(s *till) { s.event(0, live, "create").Data = raw(posted(card, sub, 300)) }, []string{live + " is created, but was debited"}},
		"a debit of no bill":        {func(s *till) { s.event(0, sub, "sweep_out").Data = raw(posted(card, sub, 5)) }, []string{"sweep_out of " + sub + " takes 5 from a card"}},
		"a history with a gap":      {func(s *till) { s.event(0, filed, "deliver").From = "created" }, []string{filed + ` deliver from "created", but it was "pushed"`}},
		"a step that is not one":    {func(s *till) { e := s.event(0, live, "create"); e.To = "paid" }, []string{live + ` went from "" to "paid" by create`, live + ` is "created", its history ended in "paid"`}},
		"a step that nobody knows":  {func(s *till) { s.event(0, filed, "decline").Name, s.event(0, filed, "settle").Name = "magic", "magic" }, []string{`went from "paid" to "settled" by magic`}},
		"made twice":                {func(s *till) { e := s.event(0, filed, "push"); e.Name, e.From, e.To = "create", "", "created" }, []string{filed + " was made twice"}},
		"never made":                {func(s *till) { e := s.event(0, live, "create"); e.Name = "push" }, []string{live + " push, but it was never made"}},
		"a chain that skips":        {func(s *till) { s.event(0, filed, "settle").Prev = "1-3" }, []string{filed + ` settle says that entry "1-3" came before, it was "1-4"`}},
		"a chain that ends":         {func(s *till) { s.event(0, filed, "pay").Prev = "" }, []string{filed + ` pay says that entry "" came before, it was "1-3"`}},
		"an entry gone":             {func(s *till) { p := s.Partition(0); p.Entries = slices.Delete(p.Entries, 3, 4) }, []string{filed + ` settle from "paid", but it was "opened"`, card + " holds 700, the journal says 1000"}},
		"a record gone":             {func(s *till) { delete(s.Partition(0).Records, "bill:"+live) }, []string{live + " has a deadline but no record"}},
		"a deadline gone":           {func(s *till) { delete(s.Partition(0).Sets["due"], live) }, []string{live + " has a record but no deadline"}},
		"both gone":                 {func(s *till) { delete(s.Partition(0).Records, "bill:"+live); delete(s.Partition(0).Sets["due"], live) }, []string{live + " was created and has no record"}},
		"a filed bill gone":         {func(s *till) { delete(s.Partition(0).Hashes["finished:"+day], filed) }, []string{filed + " was settled and has no record"}},
		"filed without a history":   {func(s *till) { s.set(0, "finished:"+day, strings.Replace(live, "2", "3", 1), "{}") }, []string{"is filed but has no history"}},
		"a deadline of nothing":     {func(s *till) { s.Partition(0).Sets["due"]["bill_01KA4X5E000000000000000009"] = 1 }, []string{"bill_01KA4X5E000000000000000009 has a deadline but no history"}},
		"filed too early":           {func(s *till) { s.set(0, "finished:"+day, live, `{"state":"created"}`) }, []string{live + " is filed, but its merchant has not acknowledged it"}},
		"a record ahead":            {func(s *till) { s.Partition(0).Records["bill:"+live] = `{"state":"paid","amount":300}` }, []string{live + ` is "paid", its history ended in "created"`}},
		"a filed record changed":    {func(s *till) { s.set(0, "finished:"+day, filed, `{"state":"refused","amount":300}`) }, []string{filed + ` is "refused", its history ended in "settled"`}},
		"a record that is not one":  {func(s *till) { s.Partition(0).Records["bill:"+live] = `{"state"` }, []string{live + " has no readable record"}},
		"a sweep that shrank": {func(s *till) {
			s.event(1, "0:acct_10000001:CNY:1", "sweep_in").Data = raw(posted("clearing:CNY", home, 200))
		}, []string{"sweep 0:acct_10000001:CNY:1 left with 300 and arrived with 200"}},
		"a sweep from nowhere": {func(s *till) { s.event(1, "0:acct_10000001:CNY:1", "sweep_in").Subject = "0:acct_10000001:CNY:2" }, []string{"sweep 0:acct_10000001:CNY:2 arrived with 300, but never left"}},
		"a sweep that came twice": {func(s *till) {
			e := *s.event(1, "0:acct_10000001:CNY:1", "sweep_in")
			s.enter(1, balances("clearing:CNY", -600, home, 600), e)
		}, []string{"sweep 1 from 0:acct_10000001:CNY came home after number 1", "sweep 0:acct_10000001:CNY:1 arrived 2 times"}},
		"late before it was due": {func(s *till) {
			s.enter(1, balances("clearing:CNY", -600, home, 600), engine.Event{Subject: "0:acct_10000001:CNY:7", Name: "sweep_late", Data: posted("clearing:CNY", home, 300)})
		}, []string{"sweep 7 from 0:acct_10000001:CNY came late, but home had come to number 1 only", "sweep 0:acct_10000001:CNY:7 arrived with 300, but never left"}},
		"late and twice": {func(s *till) {
			s.enter(1, balances("clearing:CNY", -600, home, 600), engine.Event{Subject: "0:acct_10000001:CNY:1", Name: "sweep_late", Data: posted("clearing:CNY", home, 300)})
		}, []string{"sweep 0:acct_10000001:CNY:1 arrived 2 times"}},
		"corrected for nothing": {func(s *till) {
			s.enter(0, balances("clearing:CNY", 295, sub, 5), engine.Event{Subject: sub + ":1", Name: "sweep_corrected", Data: posted("clearing:CNY", sub, 5)})
		}, []string{"sweep 0:acct_10000001:CNY:1 left with 295 and arrived with 300"}},
		"corrected before it left": {func(s *till) {
			s.enter(0, balances("clearing:CNY", 295, sub, 5), engine.Event{Subject: sub + ":9", Name: "sweep_corrected", Data: posted("clearing:CNY", sub, 5)})
		}, []string{"sweep 9 of " + sub + " was corrected before it left"}},
		"something else in clearing": {func(s *till) { s.event(0, filed, "settle").Data = raw(posted("clearing:CNY", sub, 1)) }, []string{"settle of " + filed + " moves -1 through clearing"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			tt.plant(s)
			r := run(t, s)
			for _, want := range tt.want {
				if !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, want) }) {
					t.Errorf("nothing says %q in %q", want, r.Differences)
				}
			}
			if r.OK() {
				t.Error("the books pass")
			}
		})
	}
}

func TestSumsOfWrongBooks(t *testing.T) {
	s := newTill(t)
	s.set(0, "balances", card, "701")
	s.set(1, "balances", home, "299") // one cancels the other over all, not in either
	if r := run(t, s); r.OK() || r.Sums["CNY"] != 0 || len(r.Differences) != 4 {
		t.Errorf("%+v", r)
	}
	s.set(1, "balances", home, "300")
	s.set(1, "balances", "home:x:USD", "-1")
	if r := run(t, s); r.LedgerSum() != 2 || r.Sums["CNY"] != 1 || r.Sums["USD"] != -1 {
		t.Errorf("%+v", r)
	}
	s = newTill(t)
	s.event(0, filed, "decline").Data = raw(posted(card, sub, 300))
	if r := run(t, s); r.DuplicateDebits != 1 {
		t.Errorf("%+v", r)
	}
}

// A sweep on its way is no difference: it is what clearing holds.
func TestSweepOnItsWay(t *testing.T) {
	s := newTill(t)
	for name := range s.Partition(1).Hashes["balances"] {
		s.set(1, "balances", name, "0")
	}
	s.Partition(1).Entries = s.Partition(1).Entries[:3] // before the sweep came home
	delete(s.Partition(1).Hashes["swept"], "0:acct_10000001:CNY")
	if r := run(t, s); !r.OK() || r.Clearing["CNY"] != 300 {
		t.Errorf("%+v", r)
	}
}

// moving is a store that goes on between any two reads of it.
type moving struct {
	*till
	step  int // so many reads so far
	moves map[int]func()
}

func (s *moving) Read(p engine.Partition) engine.Reader { return movingReader{s.till.Read(p), s} }

type movingReader struct {
	engine.Reader
	s *moving
}

func (r movingReader) move() {
	r.s.step++
	if f := r.s.moves[r.s.step]; f != nil {
		f()
	}
}

func (r movingReader) Get(ctx context.Context, keys ...string) ([]string, error) {
	r.move()
	return r.Reader.Get(ctx, keys...)
}

func (r movingReader) Field(ctx context.Context, hash, field string) (string, bool, error) {
	r.move()
	return r.Reader.Field(ctx, hash, field)
}

func (r movingReader) Fields(ctx context.Context, hash string) (map[string]string, error) {
	r.move()
	return r.Reader.Fields(ctx, hash)
}

func (r movingReader) Members(ctx context.Context, set string, q engine.Range) ([]string, error) {
	r.move()
	return r.Reader.Members(ctx, set, q)
}

func (r movingReader) Journal(ctx context.Context, from, to string, limit int) ([]engine.Entry, error) {
	r.move()
	return r.Reader.Journal(ctx, from, to, limit)
}

// A store that moves on while it is read, all at once or step by step, from whichever
// moment, is found right.
func TestLiveStore(t *testing.T) {
	for gap := range 6 {
		for at := 1; ; at++ {
			s := &moving{till: newTill(t), moves: map[int]func(){}}
			for i, move := range goOn(s.till) {
				before := s.moves[at+i*gap]
				s.moves[at+i*gap] = func() {
					if before != nil {
						before()
					}
					move()
				}
			}
			if r := run(t, s); !r.OK() {
				t.Errorf("moved from read %d in steps of %d: %q", at, gap, r.Differences)
			}
			if s.step < at {
				break // it was over before
			}
		}
	}
	for at := 1; at < 30; at++ { // and a fault is found whatever moves
		s := &moving{till: newTill(t)}
		s.set(0, "balances", card, "699")
		s.moves = map[int]func(){at: func() { s.enter(0, engine.Batch{}, step(live, "answer", "created", "created", "1-3")) }}
		if r := run(t, s); r.OK() {
			t.Errorf("moved before read %d: a fault is overlooked", at)
		}
	}
}

// goOn pays the live bill, sweeps, settles and files it, and makes another; operators and
// elements act, and a phone is enrolled and a merchant opened. Each step leaves right books.
func goOn(s *till) []func() {
	const third = "bill_01KA4X5E000000000000000003"
	leave, come := s.sweeps(2, 600)
	back := s.refunds(600)
	return []func(){
		func() {
			paid := balances(card, 400, sub, 300)
			paid.Puts = []engine.Put{record(live, "paid")}
			paid.Wakes = []engine.Due{{ID: "sweep:" + sub, At: noon}}
			s.spent = 600
			paid.Fields = append(paid.Fields, s.counters(`{"key_version":1}`))
			s.enter(0, paid, step(live, "deliver", "created", "delivered", "1-3"),
				step(live, "open", "delivered", "opened", "1-3"), step(live, "pay", "opened", "paid", "1-3", posted(card, sub, 300)))
		},
		leave, come, back.ask, back.credit, back.post,
		func() {
			s.enter(0, engine.Batch{
				Puts: []engine.Put{record(live, "settled")}, Fields: []engine.Field{sweep(2, false)},
			}, step(live, "settle", "paid", "settled", "1-7"), step(live, "acknowledge", "settled", "settled", "1-7"))
		},
		func() { s.claim(third, "three") },
		func() {
			s.enter(0, engine.Batch{ // filing leaves no trace in the journal
				Deletes: []string{"bill:" + live}, NoWakes: []string{live},
				Fields: []engine.Field{{Hash: "finished:" + day, Name: live, Value: `{"state":"settled","amount":300}`}},
			})
		},
		func() {
			s.enter(0, engine.Batch{Puts: []engine.Put{record(third, "created")}, Wakes: []engine.Due{{ID: third, At: noon}}}, step(third, "create", "", "created", ""))
		},
		func() { s.acts() },
		func() {
			s.enter(1, engine.Batch{Fields: []engine.Field{{Hash: "merchants", Name: "10000002", Value: "{}"}}}, engine.Event{Subject: "merchant:10000002", Name: "open_merchant"})
			enrolled := balances("bank:CNY", -1005, "card:beef/1:CNY", 5)
			enrolled.Fields = append(enrolled.Fields, register("beef"), engine.Field{Hash: "counters", Name: "beef", Value: `{"key_version":2,"held":{"since":"2026-11-25T09:00:00Z"}}`})
			s.enter(0, enrolled, engine.Event{Subject: "phone:beef", Name: "enrol", Data: posted("bank:CNY", "card:beef/1:CNY", 5)},
				engine.Event{Subject: "phone:beef", Name: "hold", From: "free", To: "held"})
		},
	}
}

var errRead = errors.New("the store is away")

func TestStoreThatCannotBeRead(t *testing.T) {
	reads := 0
	for at := 1; ; at++ {
		s := &moving{till: newTill(t)}
		_, err := audit.Run(t.Context(), failing{s, at}, 2)
		if s.step < at {
			reads = s.step
			break
		}
		if !errors.Is(err, errRead) || !strings.HasPrefix(err.Error(), "audit partition ") {
			t.Errorf("read %d fails: %v", at, err)
		}
	}
	if reads < 8 {
		t.Errorf("only %d reads", reads)
	}
}

type failing struct {
	*moving
	at int
}

func (s failing) Read(p engine.Partition) engine.Reader {
	return failingReader{movingReader{s.till.Read(p), s.moving}, s.at}
}

type failingReader struct {
	movingReader
	at int
}

func fail[V any](r failingReader, v V, err error) (V, error) {
	if r.s.step == r.at {
		return v, errRead
	}
	return v, err
}

func (r failingReader) Get(ctx context.Context, keys ...string) ([]string, error) {
	v, err := r.movingReader.Get(ctx, keys...)
	return fail(r, v, err)
}

func (r failingReader) Fields(ctx context.Context, hash string) (map[string]string, error) {
	v, err := r.movingReader.Fields(ctx, hash)
	return fail(r, v, err)
}

func (r failingReader) Members(ctx context.Context, set string, q engine.Range) ([]string, error) {
	v, err := r.movingReader.Members(ctx, set, q)
	return fail(r, v, err)
}

func (r failingReader) Journal(ctx context.Context, from, to string, limit int) ([]engine.Entry, error) {
	v, err := r.movingReader.Journal(ctx, from, to, limit)
	return fail(r, v, err)
}

// The audit shares no code with what it audits.
func TestSharesNothingWithTheLedger(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"platform/ledger", "platform/billing", "platform/keys", "platform/push"} {
		if slices.Contains(strings.Fields(string(out)), "github.com/airtill/airtill/"+other) {
			t.Errorf("the audit depends on %s", other)
		}
	}
}
