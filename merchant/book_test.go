package merchant_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/merchant/orderbook"
)

// bookAt opens a shop over the order book at path, as a process that starts would; the
// book is closed at the test's end, or when the function it answers is called.
func bookAt(t *testing.T, path string, change func(*merchant.Config)) (*world, func()) {
	t.Helper()
	b, orders, err := orderbook.Open(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	end := func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	w := open(t, func(c *merchant.Config) {
		c.Book, c.Orders = b, orders
		if change != nil {
			change(c)
		}
	})
	return w, end
}

// A callback is acknowledged when its result is kept: the notices of a shop that ends
// before it sent them are sent by the one that starts again, once.
func TestShopGoesOnWhereItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	w, end := bookAt(t, path, nil) // nobody runs it: notices stay queued
	o := w.place(t, flight())
	if status := call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil); status != http.StatusNoContent {
		t.Fatalf("callback answered %d", status)
	}
	ended, _ := w.Order(o.ID)
	end()

	again, end := bookAt(t, path, nil)
	defer end()
	again.run(t)
	told := again.told(t, o.ID)
	if told.Status != merchant.Paid || told.Ticket != ended.Ticket || told.Ticket == "" {
		t.Errorf("order %+v, was %+v", told, ended)
	}
	if status := call(t, again.url, "evt_1", again.platform.result(o, "settled", ""), nil); status != http.StatusNoContent {
		t.Errorf("the callback again: %d", status)
	}
	if n := len(again.texts.all()); n != 3 {
		t.Errorf("%d texts, want 3: %v", n, again.texts.all())
	}
}

// An order of which it is not known whether the platform took it is sent again, under
// the same number.
func TestPlacedOrdersAreAskedAboutAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	w, end := bookAt(t, path, nil)
	w.platform.answers = []int{500, 500, 500, 500}
	o, err := w.Place(t.Context(), flight())
	if err == nil || o.Status != merchant.Placed {
		t.Fatalf("order %+v, %v", o, err)
	}
	end()

	again, end := bookAt(t, path, nil)
	defer end()
	again.run(t)
	o, err = again.Await(t.Context(), o.ID, func(o merchant.Order) bool { return o.Status == merchant.Billed })
	if err != nil {
		t.Fatal(err)
	}
	if taken := again.platform.taken(); len(taken) != 1 || taken[0].Reference != string(o.ID) {
		t.Errorf("the platform was sent %v", taken)
	}
}

var errFull = errors.New("no space left on device")

// full is a book that cannot be written for a while.
type full struct{ from, to, at int }

func (f *full) Keep(func() merchant.Order) error {
	if f.at++; f.at > f.from && f.at <= f.to {
		return errFull
	}
	return nil
}

// What cannot be kept is not answered as if it were.
func TestNothingIsTakenThatCannotBeKept(t *testing.T) {
	w := open(t, func(c *merchant.Config) { c.Book = &full{to: 1} })
	if _, err := w.Place(t.Context(), flight()); !errors.Is(err, errFull) {
		t.Errorf("an order was taken: %v", err)
	}
	if n := len(w.platform.taken()); n != 0 {
		t.Errorf("the platform was sent %d orders", n)
	}
	w = open(t, func(c *merchant.Config) { c.Book = &full{from: 2, to: 3} })
	o := w.place(t, flight())
	if status := call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil); status != http.StatusServiceUnavailable {
		t.Errorf("the callback was answered %d", status)
	}
	if status := call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil); status != http.StatusNoContent {
		t.Errorf("when there is room again it is answered %d", status)
	}
}
