package orderbook_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/merchant/orderbook"
)

func order(id string, s merchant.Status) merchant.Order {
	at := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	return merchant.Order{
		ID: merchant.OrderID(id), Item: merchant.DefaultCatalogue()[0], Phone: "8613800000001", Buyer: "8613900000002",
		Status: s, Created: at, Updated: at,
		Notices: []merchant.Notice{{To: "8613900000002", Purpose: merchant.TellBuyer, Text: "paid", Progress: merchant.Queued}},
	}
}

func keep(t *testing.T, b *orderbook.Book, orders ...merchant.Order) {
	t.Helper()
	for _, o := range orders {
		if err := b.Keep(func() merchant.Order { return o }); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, path string, most int) (*orderbook.Book, []merchant.Order) {
	t.Helper()
	b, orders, err := orderbook.Open(path, most)
	if err != nil {
		t.Fatal(err)
	}
	return b, orders
}

// reopened are the orders that are found by whoever opens the file next.
func reopened(t *testing.T, path string, most int) []merchant.Order {
	t.Helper()
	b, orders := open(t, path, most)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return orders
}

func TestOrdersAreThereAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	b, none := open(t, path, 10)
	if len(none) != 0 {
		t.Errorf("a new book has %d orders", len(none))
	}
	keep(t, b, order("A1", merchant.Placed), order("A2", merchant.Placed), order("A1", merchant.Paid))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	want := []merchant.Order{order("A1", merchant.Paid), order("A2", merchant.Placed)}
	for range 2 { // what was opened was written anew
		if diff := cmp.Diff(want, reopened(t, path, 10)); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(want[1:], reopened(t, path, 1)); diff != "" {
		t.Errorf("the newest alone: %s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v (%v)", info.Mode(), err)
	}
	if err := b.Keep(func() merchant.Order { return want[0] }); !errors.Is(err, orderbook.ErrClosed) {
		t.Errorf("a closed book answers %v", err)
	}
}

// A process that is killed leaves any part of its last line.
func TestTornLineDidNotHappen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	b, _ := open(t, path, 10)
	keep(t, b, order("A1", merchant.Placed), order("A1", merchant.Paid))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		orders := reopened(t, path, 10)
		if cut < first && len(orders) != 0 || cut >= first && (len(orders) != 1 || orders[0].Status != merchant.Placed) {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), orders)
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	for text, want := range map[string]string{"{}\n": "line 1 has no order number", "{\"id\":\"A1\"}\nx\n": "line 2 is no order"} {
		path := filepath.Join(t.TempDir(), "orders.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := orderbook.Open(path, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
			t.Errorf("the file is %q now (%v)", kept, err)
		}
	}
	if _, _, err := orderbook.Open(filepath.Join(t.TempDir(), "away", "orders.jsonl"), 10); err == nil {
		t.Error("a directory that is not there was opened")
	}
}

// Many keep orders at the same time; what is kept last is the latest.
func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.jsonl")
	b, _ := open(t, path, 1000)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			for _, s := range []merchant.Status{merchant.Placed, merchant.Billed, merchant.Paid} {
				keep(t, b, order(fmt.Sprintf("A%d", n), s))
			}
		})
	}
	all.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	orders := reopened(t, path, 1000)
	for _, o := range orders {
		if o.Status != merchant.Paid {
			t.Errorf("order %s is %s", o.ID, o.Status)
		}
	}
	if len(orders) != 50 {
		t.Errorf("%d orders", len(orders))
	}
}
