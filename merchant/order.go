package merchant

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// OrderID is the shop's number for an order, and its reference at the platform.
type OrderID string

// Status is where an order is.
type Status string

// The statuses. The first two are open; what ends an order is the bill's end.
const (
	Placed      Status = "placed" // the platform has not said yet that it took the order
	Billed      Status = "billed" // the bill is on its way to the phone, or on it
	Paid        Status = "paid"
	Refused     Status = "refused"
	Expired     Status = "expired"
	Cancelled   Status = "cancelled"
	Failed      Status = "failed"
	Undelivered Status = "undelivered"
	Rejected    Status = "rejected" // the platform did not take the order
)

// Open says that the order has not ended.
func (s Status) Open() bool { return s == Placed || s == Billed }

// Order is one order. The shop knows its customers' numbers; others see them masked.
type Order struct {
	ID      OrderID
	Item    Item
	Goods   Goods          // the item's, with what the customer filled in
	Phone   gateway.MSISDN // designated: the payer's
	Buyer   gateway.MSISDN // who ordered; the payer too when they are the same
	Status  Status
	Reason  string // as the platform says it
	Bill    string
	Ticket  string // number of the e-ticket, or the code, once paid
	Notices []Notice
	Refunds []string // of its bill, that were given back
	Created time.Time
	Updated time.Time
}

// Subject is one line for the payer's screen.
func (o Order) Subject() string {
	const most = api.MaxSubject
	subject := []rune(o.Goods.String())
	return string(subject[:min(len(subject), most)])
}

// Request is what a customer asks for.
type Request struct {
	Item       string `json:"item"`                  // a SKU of the catalogue
	Phone      string `json:"phone"`                 // that pays
	BuyerPhone string `json:"buyer_phone,omitempty"` // that is told; the same when left out
	Traveller  string `json:"traveller,omitempty"`
	Date       string `json:"date,omitempty"`
	Seat       string `json:"seat,omitempty"`
	Address    string `json:"address,omitempty"`
}

// Place takes an order and sends it to the platform at once (S4, S19). A refusal is an
// *api.Problem that names a field of the request. When it is not known whether the
// platform took the order, the error wraps api.ErrUnknown and the order stays placed
// until a callback says how it ended.
func (s *Shop) Place(ctx context.Context, r Request) (Order, error) {
	o, err := s.read(r)
	if err != nil {
		return Order{}, err
	}
	if o, err = s.open(o); err != nil {
		return Order{}, err
	}
	bill, err := s.order(ctx, o)
	if problem, refused := errors.AsType[*api.Problem](err); refused && !errors.Is(err, api.ErrUnknown) {
		o, _ = s.orders.change(o.ID, func(o *Order) bool {
			o.Status, o.Reason = Rejected, string(problem.Code())
			return true
		})
	}
	if err != nil {
		return o, fmt.Errorf("order %s: %w", o.ID, err)
	}
	o, _ = s.orders.change(o.ID, func(o *Order) bool {
		if o.Status == Placed { // its end may have been quicker
			o.Status = Billed
		}
		o.Bill = string(bill.ID)
		return true
	})
	return o, nil
}

// read checks a request against the catalogue.
func (s *Shop) read(r Request) (Order, error) {
	item, err := s.item(r.Item)
	if err != nil {
		return Order{}, err
	}
	o := Order{Item: item, Goods: item.Goods, Status: Placed}
	if o.Phone, err = gateway.ParseMSISDN(r.Phone); err != nil {
		return o, invalid("phone", "write country code and number, 7 to 15 digits")
	}
	o.Buyer = o.Phone
	if r.BuyerPhone != "" {
		if o.Buyer, err = gateway.ParseMSISDN(r.BuyerPhone); err != nil {
			return o, invalid("buyer_phone", "write country code and number, 7 to 15 digits")
		}
	}
	for _, f := range []struct {
		name, value string
		into        *string
	}{
		{"traveller", r.Traveller, &o.Goods.Traveller}, {"date", r.Date, &o.Goods.Date},
		{"seat", r.Seat, &o.Goods.Seat}, {"address", r.Address, &o.Goods.Address},
	} {
		if err := fill(f.into, f.name, f.value); err != nil {
			return o, err
		}
	}
	return o, nil
}

// fill takes what a customer filled in, unless that is nothing.
func fill(into *string, name, value string) error {
	const most = 100
	if len([]rune(value)) > most {
		return invalid(name, fmt.Sprintf("is longer than %d characters", most))
	}
	if !printable(value) {
		return invalid(name, "has a character that cannot be printed")
	}
	if value != "" {
		*into = value
	}
	return nil
}

// open gives an order its number and keeps it.
func (s *Shop) open(o Order) (Order, error) {
	for {
		now := time.Now().UTC()
		octets, err := s.draw(10)
		if err != nil {
			return o, err
		}
		var u ulid.ULID
		if err := u.SetTime(ulid.Timestamp(now)); err != nil {
			return o, fmt.Errorf("number an order: %w", err)
		}
		copy(u[6:], octets)
		const time, random = 10, 6 // characters
		o.ID, o.Created, o.Updated = OrderID("A"+u.String()[:time+random]), now, now
		if s.orders.add(o) {
			return o, nil
		}
	}
}

// The platform is asked again while it is not known whether it took an order.
const orderTries = 4

// order sends an order to the platform. Its number makes every repeat the same order.
func (s *Shop) order(ctx context.Context, o Order) (api.Bill, error) {
	goods, err := json.Marshal(o.Goods)
	if err != nil {
		return api.Bill{}, fmt.Errorf("write the goods: %w", err)
	}
	wire := api.Order{
		Reference: string(o.ID), Amount: o.Item.Amount, Currency: o.Item.Currency,
		Phone: o.Phone, BuyerPhone: o.Buyer, ExpiresIn: api.Duration(cmp.Or(o.Item.Hold, s.config.ExpiresIn)),
		CallbackURL: s.config.CallbackURL, Subject: o.Subject(), Goods: goods,
	}
	for try, wait := 1, s.config.AskAgain; ; try, wait = try+1, 4*wait {
		bill, err := s.config.Platform.CreateBill(ctx, wire, string(o.ID))
		if try == orderTries || !again(err) || pause(ctx, wait) != nil {
			return bill, err
		}
	}
}

func again(err error) bool {
	problem, answered := errors.AsType[*api.Problem](err)
	return errors.Is(err, api.ErrUnknown) || answered && problem.Again()
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Price is what the order costs.
func (o Order) Price() money.Money { return o.Item.Price() }
