package world_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// once is one run of a network in a data directory.
type once struct {
	dir     string
	suite   scp80.Suite
	profile platform.Profile
	people  []world.Person
}

func (o once) run(t *testing.T, body func(ctx context.Context, w *world.World)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := new(network.Memory)
	life, err := world.OpenLife(o.dir, "embedded", o.suite, false)
	if err != nil {
		t.Fatal(err)
	}
	store, err := world.OpenKept(ctx, n, "127.0.0.1:0", life.StoreDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.New(ctx, quick(world.Config{
		Network: n, Store: store, Life: life, Seed: 1, Suite: o.suite, Profile: o.profile, People: o.people, ShopName: "Sky Travel",
	}))
	if err == nil {
		err = w.Run(ctx, func(ctx context.Context) error {
			body(ctx, w)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Run(ctx, store, store.Partitions())
	if err != nil || len(report.Differences) > 0 {
		t.Errorf("the books: %v, %v", report.Differences, err)
	}
	if err := errors.Join(store.Close(), life.Close()); err != nil {
		t.Fatal(err)
	}
}

func lifePerson(habit string) world.Person {
	return world.Person{
		Name: "Li Na", Phone: "8613800000001", Form: "sim", Persona: habit, PIN: "246813", ID: "110105199003071218",
		Cards: []world.BankCard{{Alias: "Blue", Balance: 1_000_000, Currency: money.CNY}},
	}
}

// buy orders something and waits until it is paid and everybody was told.
func buy(ctx context.Context, t *testing.T, w *world.World) merchant.Order {
	t.Helper()
	o, err := w.Merchant.Shop.Place(ctx, merchant.Request{Item: "tea-longjing-100", Phone: "8613800000001", BuyerPhone: "8613900000002"})
	if err != nil {
		t.Fatal(err)
	}
	if o, err = w.Merchant.Shop.Await(ctx, o.ID, func(o merchant.Order) bool { return !o.Status.Open() }); err != nil || o.Status != merchant.Paid {
		t.Fatalf("order %+v: %v", o, err)
	}
	return o
}

// A network that is started again has the same keys, phones and money, the shop knows
// its orders, and everything goes on: in each profile of the shop and suite of the phones.
func TestNetworkGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for _, o := range []once{
		{suite: scp80.Modern, profile: platform.ProfileKey},
		{suite: scp80.Modern, profile: platform.ProfileModern},
		{suite: scp80.Legacy, profile: platform.ProfileLegacy},
	} {
		t.Run(string(o.profile)+" "+o.suite.String(), func(t *testing.T) {
			t.Parallel()
			o.dir = filepath.Join(t.TempDir(), "net")
			o.people = []world.Person{lifePerson("pays"), {Name: "Wang Wei", Phone: "8613900000002", Persona: "manual"}}
			var first merchant.Order
			var was world.Ready
			o.run(t, func(ctx context.Context, w *world.World) { first, was = buy(ctx, t, w), w.Ready() })
			for n := range 2 {
				o.run(t, func(ctx context.Context, w *world.World) {
					now := w.Ready()
					if now.OperatorKey != was.OperatorKey || now.CarrierKey != was.CarrierKey || now.Merchants[0] != was.Merchants[0] || now.ESMEs[0] != was.ESMEs[0] {
						t.Errorf("the keys are %+v, were %+v", now, was)
					}
					kept, ok := w.Merchant.Shop.Order(first.ID)
					if !ok || kept.Status != merchant.Paid || kept.Bill != first.Bill {
						t.Errorf("the first order is %+v", kept)
					}
					left := 1_000_000 - money.Amount(n+1)*first.Item.Amount
					if got := now.Phones[0].Cards[0].Balance; got != left {
						t.Errorf("the card has %d, want %d", got, left)
					}
					if again := buy(ctx, t, w); again.ID == first.ID || again.Bill == first.Bill {
						t.Errorf("a second order is %s with bill %s", again.ID, again.Bill)
					}
				})
			}
		})
	}
}

// Whoever is asked for and was not there before is enrolled; who was has another habit.
func TestNetworkTakesPeopleLater(t *testing.T) {
	t.Parallel()
	o := once{dir: t.TempDir(), suite: scp80.Modern, profile: platform.ProfileKey, people: []world.Person{{Name: "Wang Wei", Phone: "8613900000002", Persona: "manual"}}}
	o.run(t, func(context.Context, *world.World) {})
	o.people = append(o.people, lifePerson("manual"))
	o.run(t, func(context.Context, *world.World) {})
	o.people[1].Persona = "pays"
	o.run(t, func(ctx context.Context, w *world.World) { buy(ctx, t, w) })
}

// A start that is interrupted leaves nothing that the next one would trip over.
func TestInterruptedStartBeginsAnew(t *testing.T) {
	t.Parallel()
	o := once{dir: t.TempDir(), suite: scp80.Modern, profile: platform.ProfileKey}
	life, err := world.OpenLife(o.dir, "embedded", scp80.Modern, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"store", "elements"} {
		if err := os.MkdirAll(filepath.Join(o.dir, name, "left"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := life.Close(); err != nil {
		t.Fatal(err)
	}
	o.people = []world.Person{lifePerson("pays"), {Name: "Wang Wei", Phone: "8613900000002", Persona: "manual"}}
	o.run(t, func(ctx context.Context, w *world.World) { buy(ctx, t, w) })
}

func TestOpenLifeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := once{dir: dir, suite: scp80.Modern, profile: platform.ProfileKey}
	o.run(t, func(context.Context, *world.World) {})

	if _, err := world.OpenLife(dir, "redis://127.0.0.1:6379", scp80.Modern, false); !errors.Is(err, world.ErrOtherLife) {
		t.Errorf("with another store: %v", err)
	}
	if _, err := world.OpenLife(dir, "embedded", scp80.Legacy, false); !errors.Is(err, world.ErrOtherLife) {
		t.Errorf("with another suite: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "network.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := world.OpenLife(dir, "embedded", scp80.Modern, false); !errors.Is(err, world.ErrNoLife) {
		t.Errorf("without the keys: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "store", "appendonly.aof")); err != nil {
		t.Errorf("what was there is gone: %v", err)
	}
	life, err := world.OpenLife(dir, "embedded", scp80.Legacy, true)
	if err != nil || life.Up {
		t.Fatalf("a fresh one: %+v, %v", life, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "store")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a fresh one has the store of before: %v", err)
	}
	if err := life.Close(); err != nil {
		t.Fatal(err)
	}
}
