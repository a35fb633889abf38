package billing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/internal/memstore"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// tester is what a test, a benchmark and a property have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// bank is all partitions over a model store, without an engine: an input is decided
// and kept when do returns, and effects wait until the test performs them.
type bank struct {
	t       tester
	config  Config
	store   *memstore.Store
	parts   []*Partition
	seqs    []uint64
	service *Service
	effects []due
	strict  bool // hold memory against the store after every input
	logs    bytes.Buffer

	shop   platform.MerchantKeys
	orders int
	pushes int // message ids given
}

// due is an effect that waits to be performed.
type due struct {
	partition engine.Partition
	engine.Effect
}

const theShop platform.MerchantID = "10000001"

func vault() *keys.Vault { return must(keys.Generate(rand.NewChaCha8([32]byte{1}))) }

func newBank(t tester, partitions int) *bank {
	b := &bank{t: t, store: memstore.New(partitions), seqs: make([]uint64, partitions), strict: true}
	b.config = Config{Partitions: partitions, Vault: vault(), Random: rand.NewChaCha8([32]byte{2}), Log: zerolog.New(&b.logs)}
	b.config.Timing.ReportJitter = -1
	for n := range partitions {
		b.parts = append(b.parts, b.fresh(engine.Partition(n)))
	}
	b.service = must(NewService(b.config, b, b.store))
	b.shop = must(b.service.AddMerchant(context.Background(), platform.Merchant{
		ID: theShop, Name: "Sky Tickets", CallbackURL: "http://shop.example/airtill", Payees: []string{"acct_10000001_books"},
	}))
	return b
}

// inBubble runs a test on a bank of one partition in its own time.
func inBubble(t *testing.T, body func(t *testing.T, b *bank)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { body(t, newBank(t, 1)) })
}

// fresh builds a partition's memory from the store.
func (b *bank) fresh(n engine.Partition) *Partition {
	p := must(New(b.config, n))
	if err := b.load(p); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// load builds a partition's memory as the engine does: nothing is awake.
func (b *bank) load(p *Partition) error {
	if err := p.Load(context.Background(), b.store.Read(p.number)); err != nil {
		return err
	}
	return p.Index(b.store.Partition(p.number).Due(time.Now().AddDate(100, 0, 0)))
}

// feed reads what an input misses.
func (b *bank) feed(p *Partition, missing []engine.Key) {
	b.t.Helper()
	var all []engine.Kept
	for _, k := range missing {
		r := b.store.Partition(p.number)
		text := r.Records[k.Name]
		if k.Hash != "" {
			text = r.Hashes[k.Hash][k.Name]
		}
		all = append(all, engine.Kept{Key: k, Text: text})
	}
	p.Feed(all)
}

// awake is a partition with all in memory that the store has.
func (b *bank) awake(n engine.Partition) *Partition {
	b.t.Helper()
	p := b.fresh(n)
	r := b.store.Partition(n)
	var all []engine.Key
	for name := range r.Hashes["phones"] {
		all = append(all, phoneKeys(name)...)
	}
	for tail := range r.Hashes["elements"] {
		all = append(all, engine.Key{Hash: "elements", Name: tail})
	}
	for _, name := range p.asleep.bills {
		all = append(all, billKey(name))
	}
	b.feed(p, all)
	for _, err := range p.asleep.spoiled {
		b.t.Fatal(err)
	}
	return p
}

// restart drops all memory and loads it again; what was an effect may come twice.
func (b *bank) restart() {
	for n := range b.parts {
		b.parts[n] = b.fresh(engine.Partition(n))
	}
}

// Do decides an input, keeps what is staged and gathers the effects.
func (b *bank) Do(_ context.Context, n engine.Partition, in any) (any, error) {
	b.t.Helper()
	b.seqs[n]++
	reply, batch, err := engine.Decide(b.parts[n], n, b.seqs[n], time.Now(), in)
	for missing, ok := err.(*engine.Missing); ok; missing, ok = err.(*engine.Missing) {
		b.feed(b.parts[n], missing.Keys)
		reply, batch, err = engine.Decide(b.parts[n], n, b.seqs[n], time.Now(), in)
	}
	if err != nil && !isEmpty(batch) {
		b.t.Fatalf("%T was refused (%v) and staged something", in, err)
	}
	if err := b.store.Partition(n).Apply(batch); err != nil {
		b.t.Fatal(err)
	}
	if d, ok := in.(engine.Due); ok && d.ID != resumeID && !touches(batch, d.ID) && err == nil {
		b.t.Fatalf("the wake-up %s was not set again and not taken away", d.ID)
	}
	for _, e := range batch.Journal {
		for _, effect := range e.Effects {
			b.agree(effect)
			b.effects = append(b.effects, due{n, effect})
		}
	}
	if b.strict {
		b.check(n)
	}
	return reply, err
}

func isEmpty(b *engine.Batch) bool {
	return len(b.Puts)+len(b.Deletes)+len(b.Fields)+len(b.FieldDeletes)+len(b.Scores)+len(b.ScoreDeletes)+
		len(b.Wakes)+len(b.NoWakes)+len(b.Journal) == 0
}

func touches(b *engine.Batch, id string) bool {
	return slices.Contains(b.NoWakes, id) || slices.ContainsFunc(b.Wakes, func(d engine.Due) bool { return d.ID == id })
}

// do is Do for inputs that must not be refused.
func (b *bank) do(n engine.Partition, in any) any {
	b.t.Helper()
	reply, err := b.Do(context.Background(), n, in)
	if err != nil {
		b.t.Fatalf("%T: %v", in, err)
	}
	return reply
}

// memory is a partition's memory in a form that can be compared, without what is asleep
// in another.
func memory(p, other *Partition) map[string]string {
	m := map[string]string{"book": fmt.Sprintf("%+v", p.book)}
	asleep := func(ref applet.BillRef) bool {
		return other.asleep.bills[ref] != "" || other.asleep.orphans[ref] != nil
	}
	for ref, r := range p.bills {
		if !asleep(ref) {
			m["bill "+string(r.ID)] = encode(r) + encode(r.Bill) + r.deadline
		}
	}
	for id, r := range p.messages {
		if !asleep(r.ID.Ref()) {
			m["message "+string(id)] = string(r.ID)
		}
	}
	for number, ph := range p.phones {
		if other.phones[number] == nil {
			continue
		}
		var ids []string
		for _, r := range ph.bills {
			if !asleep(r.ID.Ref()) {
				ids = append(ids, string(r.ID))
			}
		}
		slices.Sort(ids)
		m["phone "+string(number)] = fmt.Sprintf("%s %s %v %q %s", encode(ph.Register), encode(ph.counters), ph.recent, ids, ph.id)
	}
	for id, c := range p.merchants {
		m["merchant "+string(id)] = encode(c)
	}
	for id, owner := range p.elements {
		if _, awake := other.elements[id]; awake {
			m["element "+id] = fmt.Sprint(owner)
		}
	}
	for sub, pl := range p.pools {
		waiting := slices.DeleteFunc(pl.inOrder(), asleep)
		if kept := encode(pl); len(waiting) > 0 || pl.Number > 0 {
			m["pool "+sub] = fmt.Sprintf("%s %v", kept, waiting)
		}
	}
	for key, e := range p.endpoints {
		m["endpoint "+key] = encode(e)
	}
	m["callbacks"] = fmt.Sprint(slices.Sorted(maps.Keys(p.pending)), slices.Sorted(maps.Keys(p.exhausted)))
	for origin, n := range p.swept {
		m["swept "+origin] = fmt.Sprint(n)
	}
	for what, amount := range p.mended {
		m["mended "+what] = fmt.Sprint(amount)
	}
	for account, t := range p.returns {
		m["returns "+account] = encode(t)
	}
	for id, kept := range p.refunds {
		if !kept.live() { // it is in memory only because it was there lately
			continue
		}
		m["refunds "+string(id)] = encode(kept)
		for _, r := range kept.Refunds {
			made, _ := p.transfers.Find(string(r.ID))
			m["transfer "+string(r.ID)] = fmt.Sprint(made)
		}
	}
	return m
}

// check holds a partition's memory against what the store would give back, and the
// books and deadlines against their rules.
func (b *bank) check(n engine.Partition) {
	b.t.Helper()
	p := b.parts[n]
	if diff := cmp.Diff(memory(b.awake(n), p), memory(p, p)); diff != "" {
		b.t.Fatalf("memory is not what was staged (-loaded +memory):\n%s", diff)
	}
	for currency, sum := range p.book.Sums() {
		if sum != 0 {
			b.t.Fatalf("partition %d sums to %d %s", n, sum, currency)
		}
	}
	for _, r := range p.bills {
		if _, ok := b.store.Partition(n).Sets[engine.DueSet][r.deadline]; !ok {
			b.t.Fatalf("the live bill %s (%s) has no deadline", r.ID, r.State)
		}
		if set := r.index().set(); set != "" {
			if _, ok := b.store.Partition(n).Sets[set][member(r.Merchant, r.ID)]; !ok {
				b.t.Fatalf("%s is not in %s", r.ID, set)
			}
		}
	}
	for _, kept := range p.refunds {
		for _, r := range kept.Refunds {
			if set := r.belongs(r.final()).set(); set != "" {
				if _, ok := b.store.Partition(n).Sets[set][refundMember(kept.Merchant, r.ID)]; !ok {
					b.t.Fatalf("%s is not in %s", r.ID, set)
				}
			}
		}
	}
	if sets := b.store.Partition(n).Sets; len(sets[pendingSet]) != len(p.pending) || len(sets[exhaustedSet]) != len(p.exhausted) {
		b.t.Fatalf("%d and %d callbacks are listed, want %d and %d", len(sets[pendingSet]), len(sets[exhaustedSet]), len(p.pending), len(p.exhausted))
	}
}

// state is all that the store holds of the partitions, without the journal.
func (b *bank) state() map[string]string {
	all := make(map[string]string)
	for n := range b.parts {
		p := b.store.Partition(engine.Partition(n))
		for key, text := range p.Records {
			all[fmt.Sprintf("%d %s", n, key)] = text
		}
		for hash, fields := range p.Hashes {
			for field, text := range fields {
				all[fmt.Sprintf("%d %s %s", n, hash, field)] = text
			}
		}
		for set, scores := range p.Sets {
			all[fmt.Sprintf("%d %s", n, set)] = fmt.Sprint(scores)
		}
		all[fmt.Sprintf("%d journal", n)] = fmt.Sprint(len(p.Entries))
	}
	all["effects"] = fmt.Sprint(len(b.effects))
	return all
}

// unchanged runs body and fails if anything was staged by it.
func (b *bank) unchanged(what string, body func()) {
	b.t.Helper()
	before := b.state()
	body()
	if diff := cmp.Diff(before, b.state()); diff != "" {
		b.t.Errorf("%s changed something:\n%s", what, diff)
	}
}

// audit recomputes the books. What is overdue does not count: a bank performs effects when
// the test says so, and keeps no cursor.
func (b *bank) audit() *audit.Report {
	b.t.Helper()
	report := must(audit.Run(context.Background(), b.store, len(b.parts)))
	if len(report.Differences) > 0 {
		b.t.Errorf("the audit found: %s", strings.Join(report.Differences, "; "))
	}
	return report
}

// order makes a bill of 100.00 for a phone, and leaves its effects for the test.
func (b *bank) order(h *handset, change ...func(*platform.Order)) platform.Bill {
	b.t.Helper()
	b.orders++
	o := platform.Order{
		Reference: fmt.Sprintf("order-%d", b.orders), Amount: 10000, Currency: "CNY", Phone: h.phone,
		BuyerPhone: "8613900000002", ExpiresIn: 15 * time.Minute, Goods: json.RawMessage(`{"kind":"flight","flight":"CA1405"}`),
	}
	for _, f := range change {
		f(&o)
	}
	made, err := b.service.CreateBill(context.Background(), theShop, o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.take(EffectOpen)
	return made
}

func lasting(d time.Duration) func(*platform.Order) {
	return func(o *platform.Order) { o.ExpiresIn = d }
}

func asking(a money.Amount, c money.Currency) func(*platform.Order) {
	return func(o *platform.Order) { o.Amount, o.Currency = a, c }
}

// take removes the effects of a kind and answers them.
func (b *bank) take(kind string) []due {
	var taken []due
	b.effects = slices.DeleteFunc(b.effects, func(d due) bool {
		if d.Kind == kind {
			taken = append(taken, d)
		}
		return d.Kind == kind
	})
	return taken
}

// results are the codes that phones were sent since the last look.
func (b *bank) results(h *handset) []applet.ResponseCode {
	b.t.Helper()
	var codes []applet.ResponseCode
	for _, d := range b.take(EffectResult) {
		codes = append(codes, h.receive(b, d).(*applet.Result).Code)
	}
	return codes
}

// carry performs the pushes: the carrier takes them under new ids.
func (b *bank) carry() (last gateway.MessageID) {
	b.t.Helper()
	for _, d := range b.take(EffectPush) {
		m := b.opened(d)
		b.pushes++
		last = gateway.MessageID(fmt.Sprintf("%08X", b.pushes))
		b.do(d.partition, Submitted{Bill: m.Bill, MessageID: last})
	}
	return last
}

// opened is the message that an effect sends to a phone.
func (b *bank) opened(d due) PhoneMessage {
	b.t.Helper()
	m, err := OpenPhoneMessage(b.config.Vault, d.Effect)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// sweepHome performs the sweeps.
func (b *bank) sweepHome() {
	b.t.Helper()
	perform := Effects{Service: b.service}
	for _, d := range b.take(EffectSweep) {
		if err := perform.Perform(context.Background(), d.partition, d.Effect); err != nil {
			b.t.Fatal(err)
		}
	}
}

// refundAll performs the refunds that are on their way.
func (b *bank) refundAll() {
	b.t.Helper()
	perform := Effects{Service: b.service}
	for _, d := range b.take(EffectRefund) {
		if err := perform.Perform(context.Background(), d.partition, d.Effect); err != nil {
			b.t.Fatal(err)
		}
	}
}

// pass lets time go by, with the deadlines that come meanwhile.
func (b *bank) pass(d time.Duration) {
	b.t.Helper()
	until := time.Now().Add(d)
	for {
		next, ok := b.nextDue(until)
		if !ok {
			break
		}
		time.Sleep(time.Until(next))
		b.dues()
	}
	time.Sleep(time.Until(until))
}

func (b *bank) nextDue(until time.Time) (next time.Time, ok bool) {
	for n := range b.parts {
		if due := b.store.Partition(engine.Partition(n)).Due(until); len(due) > 0 && (!ok || due[0].At.Before(next)) {
			next, ok = due[0].At, true
		}
	}
	return next, ok
}

// dues handles the deadlines that have come.
func (b *bank) dues() {
	b.t.Helper()
	for n := range b.parts {
		for _, d := range b.store.Partition(engine.Partition(n)).Due(time.Now()) {
			b.do(engine.Partition(n), d)
		}
	}
}

func (b *bank) record(id platform.BillID) *record {
	b.t.Helper()
	p := b.parts[id.Partition()]
	b.wake(p, func(w *want) { w.bill(id.Ref()) })
	r := p.bills[id.Ref()]
	if r == nil {
		b.t.Fatalf("%s is not live", id)
	}
	return r
}

// live counts the live bills of all partitions.
func (b *bank) live() (n int) {
	for _, p := range b.parts {
		n += len(p.bills) + len(p.asleep.bills) + len(p.asleep.orphans)
		for _, kept := range p.refunds {
			n += b2i(kept.live())
		}
	}
	return n
}

// phone is a phone with its bills.
func (b *bank) phone(h *handset) *phone {
	b.t.Helper()
	p := b.parts[b.service.PhonePartition(h.phone)]
	b.wake(p, func(w *want) { w.phone(h.phone) })
	return p.phones[h.phone]
}

// wake feeds a partition until it has what is wanted.
func (b *bank) wake(p *Partition, what func(*want)) {
	b.t.Helper()
	for {
		w := want{p: p}
		what(&w)
		if w.err != nil {
			b.t.Fatal(w.err)
		}
		if len(w.keys) == 0 {
			return
		}
		b.feed(p, w.keys)
	}
}

func (b *bank) want(id platform.BillID, s fsm.State) {
	b.t.Helper()
	if got := b.record(id).State; got != s {
		b.t.Fatalf("the bill is %s, want %s", got, s)
	}
}

func (b *bank) balance(account string) money.Amount {
	var sum money.Amount
	for _, p := range b.parts {
		sum += p.book.Balance(account)
	}
	return sum
}

// debits counts how often the journal takes a bill's money from a card.
func (b *bank) debits(id platform.BillID) (n int) {
	for _, p := range b.parts {
		for _, entry := range b.store.Partition(p.number).Entries {
			for _, e := range entry.Events {
				var told story
				if err := e.Decode(&told); err != nil {
					b.t.Fatal(err)
				}
				for _, posting := range told.Postings {
					if e.Subject == string(id) && posting.Amount < 0 && strings.HasPrefix(posting.Account, "card:") {
						n++
					}
				}
			}
		}
	}
	return n
}

// bring makes a bill of a phone and brings it into a state.
func (b *bank) bring(h *handset, s fsm.State) platform.BillID {
	b.t.Helper()
	id := b.order(h).ID
	steps := map[fsm.State]func(){
		bill.Created:     func() {},
		bill.Pushed:      func() { b.carry() },
		bill.Delivered:   func() { h.say(b, h.open(id, applet.Delivered)) },
		bill.Opened:      func() { h.say(b, h.open(id, applet.Opened)) },
		bill.Deferred:    func() { h.say(b, h.open(id, applet.Deferred)) },
		bill.Paid:        func() { h.say(b, h.pay(b, id)) },
		bill.Settled:     func() { h.say(b, h.pay(b, id)); b.dues(); b.sweepHome() },
		bill.Refused:     func() { h.say(b, h.refuse(id)) },
		bill.Cancelled:   func() { b.do(0, Cancel{Merchant: theShop, Bill: id}) },
		bill.Undelivered: func() { b.pass(16 * time.Minute) },
		bill.Expired:     func() { h.say(b, h.open(id, applet.Delivered)); b.pass(15 * time.Minute) },
		bill.Failed: func() {
			for range Tries {
				h.say(b, h.pay(b, id, withPIN("000000")))
			}
		},
	}
	steps[s]()
	b.want(id, s)
	b.effects = nil
	return id
}

func cardAccount(h *handset, slot int) string {
	return ledger.Card(h.element, slot, h.cards[slot-1].currency)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
