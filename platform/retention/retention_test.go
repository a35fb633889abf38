package retention_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/archive"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/retention"
)

const (
	partitions = 3
	shop       = platform.MerchantID("10000001")
	phone      = gateway.MSISDN("8613800000001")
	later      = 40 * 24 * time.Hour
)

// office is a platform on a miniredis, with its archive.
type office struct {
	t       *testing.T
	vault   *keys.Vault
	store   *redisstore.Store
	archive *archive.Archive
	addr    string // of the Redis
	dir     string
	engine  *engine.Engine
	service *billing.Service
	keeper  *retention.Keeper
	end     func()
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir()}
	o.vault = must(keys.Generate(rand.Reader))
	o.archive = must(archive.Open(o.dir))
	o.addr = enginetest.Miniredis(t)
	o.start()
	_, err := o.service.AddMerchant(t.Context(), platform.Merchant{ID: shop, Name: "Sky Tickets", Payees: []string{shop.DefaultPayee()}})
	o.check(err)
	_, err = o.engine.Do(t.Context(), o.service.PhonePartition(phone), billing.Enrol{Phone: billing.Register{MSISDN: phone, Name: "Ouyang", Identity: "f"}})
	o.check(err)
	return o
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func (o *office) check(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// start runs the partitions, from what the store has.
func (o *office) start() {
	store := must(redisstore.Open(o.t.Context(), redisstore.Options{
		Redis: &redis.UniversalOptions{Addrs: []string{o.addr}}, Partitions: partitions,
	}))
	o.t.Cleanup(func() { _ = store.Close() })
	o.store = store
	rules := billing.Config{
		Partitions: partitions, Vault: o.vault, Random: rand.Reader, Log: zerolog.Nop(),
		Timing: billing.Timing{Linger: time.Second}, USSDCap: map[money.Currency]money.Amount{"CNY": 1 << 30},
	}
	effects := &billing.Effects{Phones: nobody{}, Callbacks: nobody{}}
	o.engine = must(engine.New(engine.Config{Partitions: partitions, CursorEvery: time.Millisecond}, o.store,
		func(p engine.Partition) engine.Actor { return must(billing.New(rules, p)) }, effects))
	o.service = must(billing.NewService(rules, o.engine, o.archive.Over(o.store)))
	effects.Service = o.service
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.engine.Run(ctx) }()
	if err := o.engine.Ready(ctx); err != nil {
		o.t.Fatal(err, <-ended)
	}
	o.keeper = &retention.Keeper{Engine: o.engine, Store: o.store, Archive: o.archive, Partitions: partitions, Retain: 30 * 24 * time.Hour}
	o.end = func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Fatal(err)
		}
	}
}

// nobody performs what goes to phones and merchants.
type nobody struct{}

func (nobody) Perform(context.Context, engine.Partition, engine.Effect) error { return nil }

func (o *office) order(reference string) (platform.Bill, error) {
	return o.service.CreateBill(o.t.Context(), shop, platform.Order{
		Reference: reference, IdempotencyKey: "key of " + reference, Amount: 100, Currency: "CNY", Phone: phone, ExpiresIn: time.Hour,
	})
}

// finished makes bills that are final, and filed.
func (o *office) finished(n int, name string) (ids []platform.BillID) {
	o.t.Helper()
	for i := range n {
		made, err := o.order(fmt.Sprintf("%s-%d", name, i))
		o.check(err)
		_, err = o.service.CancelBill(o.t.Context(), shop, made.ID)
		o.check(err)
		ids = append(ids, made.ID)
	}
	o.until("all are filed", func() bool {
		for _, id := range ids {
			if _, ok, err := o.store.Read(engine.Partition(id.Partition())).Field(o.t.Context(), "finished:"+id.Day(), string(id)); err != nil || !ok {
				return false
			}
		}
		return true
	})
	o.settled()
	return ids
}

// settled waits until no effect is open.
func (o *office) settled() {
	o.t.Helper()
	o.until("all effects are done", func() bool {
		for n := range partitions {
			r := o.store.Read(engine.Partition(n))
			entries := must(r.Journal(o.t.Context(), "-", "+", 0))
			if cursor := must(r.Get(o.t.Context(), "cursor")); len(entries) > 0 && cursor[0] != entries[len(entries)-1].ID {
				return false
			}
		}
		return true
	})
}

func (o *office) until(what string, ok func() bool) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			o.t.Fatalf("waited in vain until %s", what)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-o.t.Context().Done():
			o.t.FailNow()
		}
	}
}

// move moves what is old in so much time from now.
func (o *office) move(k *retention.Keeper, in time.Duration) (all retention.Moved, err error) {
	for n := range partitions {
		moved, failed := k.Move(o.t.Context(), engine.Partition(n), time.Now().Add(in))
		all.Bills += moved.Bills
		all.Entries += moved.Entries
		err = errors.Join(err, failed)
	}
	return all, err
}

// audits looks from the checkpoint, and from the first entry of all.
func (o *office) audits(when string) {
	o.t.Helper()
	for name, store := range map[string]engine.Store{"the checkpoint": o.store, "the first entry": o.archive.Over(o.store)} {
		report := must(audit.Run(o.t.Context(), store, partitions))
		if len(report.Differences) > 0 {
			o.t.Errorf("%s, the audit from %s found:\n%s", when, name, strings.Join(report.Differences, "\n"))
		}
	}
}

// story is all that a merchant can see of bills.
func (o *office) story(ids []platform.BillID) (all []any) {
	o.t.Helper()
	for _, id := range ids {
		b, err := o.service.Bill(o.t.Context(), shop, id)
		o.check(err)
		events, err := o.service.Events(o.t.Context(), shop, id)
		o.check(err)
		if len(events) < 3 {
			o.t.Errorf("%s has %d events", id, len(events))
		}
		all = append(all, b, events)
	}
	page, err := o.service.Bills(o.t.Context(), shop, platform.Query{})
	o.check(err)
	return append(all, page)
}

func TestMove(t *testing.T) {
	o := newOffice(t)
	ids := o.finished(12, "old")
	live, err := o.order("live")
	o.check(err)
	o.settled()
	before := o.story(ids)

	moved, err := o.move(o.keeper, later)
	o.check(err)
	if moved.Bills != len(ids) || moved.Entries < len(ids) {
		t.Errorf("%+v was moved", moved)
	}
	for n := range partitions {
		r := o.store.Read(engine.Partition(n))
		if left := must(r.Fields(t.Context(), "finished:"+ids[0].Day())); len(left) != 0 {
			t.Errorf("%d finished bills are left in partition %d", len(left), n)
		}
		if left := must(r.Journal(t.Context(), "-", "+", 0)); len(left) > 3 {
			t.Errorf("%d entries are left in partition %d", len(left), n)
		}
	}
	if after := o.story(ids); !reflect.DeepEqual(before, after) {
		t.Errorf("what a merchant sees was\n%v\nand is\n%v", before, after)
	}
	o.audits("after the move")

	if moved, err := o.move(o.keeper, later); err != nil || moved.Bills != 0 {
		t.Errorf("a second look moved %+v, %v", moved, err)
	}
	if again, err := o.order("old-3"); err != nil || again.ID != ids[3] || !again.Repeated {
		t.Errorf("the order again: %s, repeated %t, %v", again.ID, again.Repeated, err)
	}
	other := platform.Order{Reference: "old-3", Amount: 7, Currency: "CNY", Phone: phone, ExpiresIn: time.Hour}
	if _, err := o.service.CreateBill(t.Context(), shop, other); err == nil || !strings.Contains(err.Error(), "reference") {
		t.Errorf("a reference was taken twice: %v", err)
	}

	o.end()
	o.start()
	if _, err := o.service.CancelBill(t.Context(), shop, live.ID); err != nil {
		t.Errorf("the bill that lives on: %v", err)
	}
	o.finished(3, "new")
	o.audits("after more")
	moved, err = o.move(o.keeper, later)
	o.check(err)
	if moved.Bills != 4 {
		t.Errorf("then %+v was moved", moved)
	}
	o.audits("after the second move")
	o.end()
}

func TestNothingIsOld(t *testing.T) {
	o := newOffice(t)
	o.finished(2, "b")
	if moved, err := o.move(o.keeper, 24*time.Hour); err != nil || moved != (retention.Moved{}) {
		t.Errorf("%+v was moved, %v", moved, err)
	}
	o.end()
}

// faulty hands over so many inputs, then none.
type faulty struct {
	billing.Doer
	left int
}

func (f *faulty) Do(ctx context.Context, p engine.Partition, in any) (any, error) {
	if f.left--; f.left < 0 {
		return nil, engine.ErrUnavailable
	}
	return f.Doer.Do(ctx, p, in)
}

// Wherever a move is broken off, the next one completes it, and nothing is there twice.
func TestMoveIsBrokenOff(t *testing.T) {
	for left := range 7 {
		o := newOffice(t)
		ids := o.finished(6, "b")
		before := o.story(ids)
		broken := *o.keeper
		broken.Engine = &faulty{o.engine, left}
		_, _ = o.move(&broken, later) // it fails, or finds that the partition is not available
		if after := o.story(ids); !reflect.DeepEqual(before, after) {
			t.Errorf("after %d inputs a merchant sees\n%v\nnot\n%v", left, after, before)
		}
		o.audits(fmt.Sprintf("broken off after %d inputs", left))
		if _, err := o.move(o.keeper, later); err != nil {
			t.Error(err)
		}
		if after := o.story(ids); !reflect.DeepEqual(before, after) {
			t.Errorf("in the end a merchant sees\n%v\nnot\n%v", after, before)
		}
		o.audits("in the end")
		var lines []string
		for _, path := range must(filepath.Glob(filepath.Join(o.dir, "*", "*.jsonl"))) {
			for line := range strings.Lines(string(must(os.ReadFile(path)))) {
				lines = append(lines, filepath.Dir(path)+line[:min(len(line), 40)])
			}
		}
		if slices.Sort(lines); len(slices.Compact(slices.Clone(lines))) != len(lines) {
			t.Errorf("something is in the archive twice: %q", lines)
		}
		o.end()
	}
}

// What is wrong with the archive or the checkpoint is found.
func TestAuditFindsWhatIsWrong(t *testing.T) {
	o := newOffice(t)
	ids := o.finished(4, "b")
	if _, err := o.move(o.keeper, later); err != nil {
		t.Fatal(err)
	}
	o.end()
	home := engine.Partition(ids[0].Partition())
	journals := must(filepath.Glob(filepath.Join(o.dir, home.String(), "journal-*.jsonl")))
	bills := must(filepath.Glob(filepath.Join(o.dir, home.String(), "bills-*.jsonl")))
	for name, tt := range map[string]struct {
		path  string
		spoil func(text string) string
		want  string
	}{
		"a bill is gone":      {bills[0], func(text string) string { return text[strings.IndexByte(text, '\n')+1:] }, "and has no record"},
		"a bill is another":   {bills[0], func(text string) string { return strings.Replace(text, `"cancelled"`, `"settled"`, 1) }, "its history ended in"},
		"a step is gone":      {journals[0], func(text string) string { return strings.Replace(text, `"name":"create"`, `"name":"answer"`, 1) }, "but it was never made"},
		"the journal is gone": {journals[0], func(string) string { return "" }, "the archive does not have the journal"},
		"a chain is another": {journals[0], func(text string) string {
			i := strings.LastIndex(text, `"chain":"`)
			return text[:i+9] + "0000" + text[i+13:]
		}, "has chain"},
	} {
		text := must(os.ReadFile(tt.path))
		o.check(os.WriteFile(tt.path, []byte(tt.spoil(string(text))), 0o600))
		report := must(audit.Run(t.Context(), o.archive.Over(o.store), partitions))
		if !strings.Contains(strings.Join(report.Differences, "\n"), tt.want) {
			t.Errorf("%s: nothing says %q in %q", name, tt.want, report.Differences)
		}
		o.check(os.WriteFile(tt.path, text, 0o600))
	}
	o.audits("once all is right again")
}

func TestValidate(t *testing.T) {
	if err := (&retention.Keeper{}).Validate(); err == nil {
		t.Error("a keeper of nothing is fine")
	}
	o := newOffice(t)
	o.keeper.Retain = time.Hour
	if err := o.keeper.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("an hour is enough: %v", err)
	}
	o.end()
}
