package driver

import (
	"slices"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smsc"
)

// receipts finds out which receipt is for which bill. The carrier does not know what is in
// a message, and the phone does not know its number; but a phone is brought one message
// at a time. So a bill that reached its phone at a moment came in the message that was
// the first to be delivered after it.
type receipts struct {
	brought map[gateway.Address][]span    // what each phone was brought, oldest first
	came    map[gateway.Address][]arrival // bills that await their receipts
}

// arrival is a bill at its phone.
type arrival struct {
	trip *trip
	at   time.Time
}

// span is the time in which a message, and none but it, came to its phone; and when its
// receipt was sent, or zero.
type span struct {
	id               gateway.MessageID
	from, to, answer time.Time
}

func newReceipts() receipts {
	return receipts{brought: make(map[gateway.Address][]span), came: make(map[gateway.Address][]arrival)}
}

// mostAwaiting bounds what is remembered of one phone: older ones are of no bill, or of
// one whose event was lost.
const mostAwaiting = 4

// onCarrier takes a message's delivery, and its receipt.
func (r *receipts) onCarrier(e smsc.Event) {
	m := e.Message
	switch {
	case e.Kind == gateway.MessageDelivered && e.From != "" && isPhone(m.Destination):
		s := span{id: m.ID, to: e.At}
		if before := r.brought[m.Destination]; len(before) > 0 {
			s.from = before[len(before)-1].to
		}
		r.brought[m.Destination] = lately(append(r.brought[m.Destination], s))
	case e.Kind == gateway.ReceiptSent && isPhone(m.Source):
		r.answered(m.Source, m.ID, e.At)
	}
}

// answered notes when the receipt of a message was sent.
func (r *receipts) answered(phone gateway.Address, id gateway.MessageID, at time.Time) {
	for i := range r.brought[phone] {
		if s := &r.brought[phone][i]; s.id == id {
			s.answer = at
		}
	}
	r.match(phone)
}

// isPhone says whether an address is a subscriber's, not an application's.
func isPhone(a gateway.Address) bool {
	_, err := gateway.ParseMSISDN(string(a))
	return err == nil
}

// arrived takes a bill's coming to its phone.
func (r *receipts) arrived(t *trip, phone gateway.MSISDN, at time.Time) {
	to := gateway.Address(phone)
	r.came[to] = lately(append(r.came[to], arrival{t, at}))
	r.match(to)
}

func lately[T any](all []T) []T {
	if len(all) > mostAwaiting {
		return slices.Delete(all, 0, len(all)-mostAwaiting)
	}
	return all
}

// match brings a phone's bills and receipts together.
func (r *receipts) match(phone gateway.Address) {
	r.came[phone] = slices.DeleteFunc(r.came[phone], func(a arrival) bool {
		for _, s := range r.brought[phone] {
			if s.answer.IsZero() || !a.at.After(s.from) || a.at.After(s.to) {
				continue
			}
			if a.trip.once(receipt) {
				a.trip.record.Step(load.DLR, a.trip.since(s.answer), true)
			}
			return true
		}
		return false
	})
	if len(r.came[phone]) == 0 {
		delete(r.came, phone)
	}
}
