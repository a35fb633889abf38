package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// What the people in these tests keep to themselves. A PIN of 12 digits does not
// turn up anywhere by chance.
const (
	pin      = "736482915064"
	wrongPIN = "736482915065"
	identity = "11010519900307123X"
)

// pan is the n-th card number of these tests.
func pan(n int) string {
	body := fmt.Sprintf("62128877%07d", 5031749+n*1117)
	return body + string(applet.LuhnDigit(body))
}

// person is somebody with cards of which each has so much money.
func person(persona string, balances ...money.Amount) world.Person {
	p := world.Person{Name: "Li Na", Phone: payer, Form: "sim", Persona: persona, PIN: pin, ID: identity}
	for i, balance := range balances {
		p.Cards = append(p.Cards, world.BankCard{Alias: fmt.Sprintf("Card %d", i+1), PAN: pan(i), Balance: balance, Currency: "CNY"})
	}
	return p
}

// plain is somebody with a phone and no element.
func plain() world.Person { return world.Person{Name: "Wang Wei", Phone: buyer} }

// people have a network with them in it.
func people(all ...world.Person) world.Config { return world.Config{People: all} }

// flight and tea are items of the catalogue.
const (
	flight      = "flight-ca1405"
	flightPrice = money.Amount(128000)
	tea         = "tea-longjing-100"
	teaPrice    = money.Amount(8800)
	voucher     = "voucher-top-up-50"
	rich        = money.Amount(5_000_00)
)

// place orders something for a buyer that another phone pays.
func (r *rig) place(item string, phone, buyer gateway.MSISDN) merchant.Order {
	r.t.Helper()
	o, err := r.Merchant.Shop.Place(r.ctx, merchant.Request{Item: item, Phone: string(phone), BuyerPhone: string(buyer)})
	r.ok(err)
	return o
}

// ended waits until an order has ended and its texts are sent.
func (r *rig) ended(id merchant.OrderID) merchant.Order {
	r.t.Helper()
	o, err := r.Merchant.Shop.Await(r.ctx, id, func(o merchant.Order) bool {
		return !o.Status.Open() && !slices.ContainsFunc(o.Notices, func(n merchant.Notice) bool { return n.Progress == merchant.Queued })
	})
	r.ok(err)
	return o
}

// ends waits until an order has ended as it should.
func (r *rig) endsAs(id merchant.OrderID, want merchant.Status) merchant.Order {
	r.t.Helper()
	o := r.ended(id)
	if o.Status != want {
		story, _ := r.Bills.Events(r.ctx, platform.BillID(o.Bill)) // without it there is less to read
		r.t.Fatalf("order %s ended as %s (%s), want %s: %+v", o.ID, o.Status, o.Reason, want, story)
	}
	return o
}

// order is a bill of the merchant's own system, without a callback.
func order(reference string) api.Order {
	return api.Order{Reference: reference, Amount: 1250, Currency: money.CNY, Phone: payer, BuyerPhone: buyer}
}

// send makes a bill of an order.
func (r *rig) send(o api.Order) api.Bill {
	r.t.Helper()
	b, err := r.Bills.CreateBill(r.ctx, o, "")
	r.ok(err)
	return b
}

func (r *rig) bill(id platform.BillID) api.Bill {
	r.t.Helper()
	b, err := r.Bills.Bill(r.ctx, id)
	r.ok(err)
	return b
}

// reaches waits until a bill is in a state.
func (r *rig) reaches(id platform.BillID, want fsm.State) api.Bill {
	r.t.Helper()
	var b api.Bill
	r.until(fmt.Sprintf("bill %s to be %s", id, want), func() bool {
		b = r.bill(id)
		if b.State != want && bill.Ended(b.State) {
			r.t.Fatalf("bill %s ended as %s (%s), want %s", id, b.State, b.Reason, want)
		}
		return b.State == want
	})
	return b
}

// told waits until the merchant has acknowledged a bill's end.
func (r *rig) told(id platform.BillID) api.Bill {
	r.t.Helper()
	var b api.Bill
	r.until("the merchant to acknowledge "+string(id), func() bool {
		b = r.bill(id)
		return !b.Acknowledged.IsZero()
	})
	return b
}

func (r *rig) events(id platform.BillID) []platform.Event {
	r.t.Helper()
	events, err := r.Bills.Events(r.ctx, id)
	r.ok(err)
	return events
}

// names are the names of the events that moved a bill or were tried on it.
func names(events []platform.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, string(e.Name))
	}
	return all
}

// attempts waits until so many payments were judged for a bill.
func (r *rig) attempts(id platform.BillID, n int) api.Bill {
	r.t.Helper()
	var b api.Bill
	r.until(fmt.Sprintf("%d payments for %s", n, id), func() bool {
		b = r.bill(id)
		return b.Attempts >= n
	})
	if b.Attempts != n {
		r.t.Fatalf("%d payments were judged, want %d", b.Attempts, n)
	}
	return b
}

// ref is how a phone knows a bill.
func ref(id platform.BillID) string { return id.Ref().String() }

// onPhone is a bill as the phone has it; ok is false when it has none.
func (r *rig) onPhone(n gateway.MSISDN, id platform.BillID) (b fleet.Bill, ok bool) {
	r.t.Helper()
	all, err := r.Phones.Bills(r.ctx, n)
	r.ok(err)
	for _, b := range all {
		if b.Bill == ref(id) {
			return b, true
		}
	}
	return b, false
}

// phoneHas waits until a bill is in a state on the phone.
func (r *rig) phoneHas(n gateway.MSISDN, id platform.BillID, want handsetsim.State) fleet.Bill {
	r.t.Helper()
	var b fleet.Bill
	r.until(fmt.Sprintf("the phone to have %s as %s", id, want), func() bool {
		b, _ = r.onPhone(n, id)
		return b.State == want.String()
	})
	return b
}

// pay pays from the control face of a phone.
func (r *rig) pay(n gateway.MSISDN, id platform.BillID, slot int, pin string) {
	r.t.Helper()
	_, err := r.Phones.Pay(r.ctx, n, fleet.Payment{Bill: ref(id), Slot: slot, PIN: fleet.Digits(pin)})
	r.ok(err)
}

// inbox is the texts on a phone.
func (r *rig) inbox(n gateway.MSISDN) []string {
	r.t.Helper()
	messages, err := r.Phones.Inbox(r.ctx, n)
	r.ok(err)
	var texts []string
	for _, m := range messages {
		texts = append(texts, m.Text)
	}
	return texts
}

// texts waits until a phone has so many texts, and looks whether it has more.
func (r *rig) texts(n gateway.MSISDN, count int) []string {
	r.t.Helper()
	var all []string
	r.until(fmt.Sprintf("%d texts on %s", count, n), func() bool {
		all = r.inbox(n)
		return len(all) >= count
	})
	if len(all) != count {
		r.t.Fatalf("%d texts on %s, want %d: %q", len(all), n, count, all)
	}
	return all
}

// card is one card of a phone as the operator sees it.
func (r *rig) card(n gateway.MSISDN, slot int) api.Card {
	r.t.Helper()
	for _, c := range r.enrolled(n).Cards {
		if c.Slot == slot {
			return c
		}
	}
	r.t.Fatalf("%s has no card %d", n, slot)
	return api.Card{}
}

func (r *rig) enrolled(n gateway.MSISDN) api.Phone {
	r.t.Helper()
	phones, err := r.Office.Phones(r.ctx)
	r.ok(err)
	for _, p := range phones {
		if p.MSISDN == n.Masked() {
			return p
		}
	}
	r.t.Fatalf("%s is not enrolled", n)
	return api.Phone{}
}

// earned is what the shop's merchant has.
func (r *rig) earned() money.Amount {
	r.t.Helper()
	merchants, err := r.Office.Merchants(r.ctx)
	r.ok(err)
	for _, m := range merchants {
		if m.ID == world.ShopMerchant {
			return m.Balances[money.CNY]
		}
	}
	r.t.Fatal("the shop is no merchant")
	return 0
}

// raw asks the platform over HTTP in the octets given.
func (r *rig) raw(method, path, body string, header ...string) answered {
	r.t.Helper()
	return r.ask(method, r.Platform.URL()+path, body, header...)
}

// answered is an answer as it came.
type answered struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

func (r *rig) ask(method, url, body string, header ...string) answered {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, method, url, strings.NewReader(body))
	r.ok(err)
	request.Header.Set("Authorization", "Bearer "+r.Keys.APIKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := world.HTTPClient(r.net)
	defer client.CloseIdleConnections()
	begun := time.Now()
	response, err := client.Do(request)
	r.ok(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	r.ok(err)
	return answered{status: response.StatusCode, header: response.Header, body: text, took: time.Since(begun)}
}

// read takes an answer's JSON.
func read[T any](r *rig, a answered) T {
	r.t.Helper()
	var v T
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		r.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

// refusedAs checks that an answer is a problem of a code that blames a field.
func (r *rig) refusedAs(a answered, status int, code platform.Code, field string) {
	r.t.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		r.t.Fatalf("answered %d %s %s, want a problem %d", a.status, a.header.Get("Content-Type"), a.body, status)
	}
	p := read[api.Problem](r, a)
	if p.Status != status || p.Code() != code || p.Field != field || p.Detail == "" || p.Title == "" {
		r.t.Fatalf("answered %+v, want %d %s that blames %q", p, status, code, field)
	}
}
