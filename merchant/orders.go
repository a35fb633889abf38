package merchant

import (
	"slices"
	"sync"
	"time"
)

// Book keeps orders from one run of a shop to the next.
type Book interface {
	// Keep keeps an order as current answers it, and returns once that cannot be lost.
	Keep(current func() Order) error
}

// keep has the book, if there is one, keep an order as it stands.
func (s *Shop) keep(id OrderID) error {
	if s.config.Book == nil {
		return nil
	}
	return s.config.Book.Keep(func() Order {
		o, _ := s.orders.get(id)
		return o
	})
}

// change applies a change that the order agrees with, and keeps it; it says whether it did.
func (s *Shop) change(id OrderID, apply func(*Order) bool) (o Order, changed bool, err error) {
	if o, changed = s.orders.change(id, apply); changed {
		err = s.keep(id)
	}
	return o, changed, err
}

// orders are the shop's orders by number, in memory.
type orders struct {
	keep int

	mu      sync.Mutex
	byID    map[OrderID]Order
	ids     []OrderID // oldest first
	changed chan struct{}
}

func newOrders(keep int, known []Order) *orders {
	o := &orders{keep: keep, byID: make(map[OrderID]Order), changed: make(chan struct{})}
	for _, order := range known {
		o.add(order)
	}
	return o
}

// add takes a new order, unless its number is in use.
func (o *orders) add(order Order) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.byID[order.ID]; taken {
		return false
	}
	if len(o.ids) >= o.keep {
		delete(o.byID, o.ids[0])
		o.ids = o.ids[1:]
	}
	o.byID[order.ID] = order
	o.ids = append(o.ids, order.ID)
	o.tell()
	return true
}

func (o *orders) get(id OrderID) (Order, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	order, ok := o.byID[id]
	return order, ok
}

// change applies a change that the order agrees with, and says whether it did.
func (o *orders) change(id OrderID, apply func(*Order) bool) (Order, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	order, ok := o.byID[id]
	order.Notices = slices.Clone(order.Notices) // copies that were handed out keep theirs
	if !ok || !apply(&order) {
		return order, false
	}
	order.Updated = time.Now().UTC()
	o.byID[id] = order
	o.tell()
	return order, true
}

func (o *orders) list(status Status, limit int) []Order {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := []Order{}
	for _, id := range slices.Backward(o.ids) {
		if len(list) == limit {
			break
		}
		if order := o.byID[id]; status == "" || order.Status == status {
			list = append(list, order)
		}
	}
	return list
}

// watch is closed at the next change.
func (o *orders) watch() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

func (o *orders) tell() {
	close(o.changed)
	o.changed = make(chan struct{})
}
