package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
)

// S19: the nine steps in their order, by what was seen on the wires and the phones.
func TestS19_TheNineSteps(t *testing.T) {
	everywhere(t, people(person("pays", rich), plain()), func(r *rig) {
		if a := r.ask("GET", r.Merchant.URL()+"/v1/catalogue", "", "Authorization", ""); a.status != 200 || !strings.Contains(string(a.body), flight) {
			r.t.Fatalf("the catalogue: %d %s", a.status, a.body)
		}
		a := r.ask("POST", r.Merchant.URL()+"/v1/orders", `{"item":"`+flight+`","phone":"`+string(payer)+`","buyer_phone":"`+string(buyer)+`","traveller":"Zhang San"}`, "Authorization", "")
		placed := read[merchant.View](r, a)
		if a.status != 201 || placed.Status != merchant.Billed {
			r.t.Fatalf("the order: %d %s", a.status, a.body)
		}
		o := r.endsAs(placed.ID, merchant.Paid)
		id := platform.BillID(o.Bill)
		r.told(id)
		r.texts(buyer, 2)
		r.texts(payer, 1)
		r.phoneHas(payer, id, handsetsim.StatePaid)
		shown := read[merchant.View](r, r.ask("GET", r.Merchant.URL()+"/v1/orders/"+string(placed.ID), "", "Authorization", ""))
		if shown.Status != merchant.Paid || shown.Ticket == "" {
			r.t.Errorf("the order is shown as %+v", shown)
		}
		r.inOrder(steps(o, id))
		if got := states(r.events(id)); !slices.Equal(got[len(got)-2:], []fsm.State{"paid", "settled"}) {
			r.t.Errorf("the accounts: %v", got)
		}
	})
}

// step is one of the nine, and how it is known.
type step struct {
	what string
	is   func(s sight) bool
}

func steps(o merchant.Order, id platform.BillID) []step {
	request := func(at, method, path string) func(sight) bool {
		return func(s sight) bool {
			return s.request != nil && s.request.at == at && s.request.method == method && s.request.path == path
		}
	}
	phone := func(kind handsetsim.Kind, detail string) func(sight) bool {
		return func(s sight) bool {
			return s.event != nil && s.event.Phone == payer && s.event.Kind == kind && strings.HasPrefix(s.event.Detail, detail) &&
				(s.event.Bill == id.Ref() || kind == handsetsim.SMSReceived)
		}
	}
	text := func(to gateway.MSISDN) func(sight) bool {
		return func(s sight) bool {
			return s.message != nil && s.message.kind == gateway.MessageAccepted && s.message.Source == world.ShopAddress && s.message.Destination == gateway.Address(to)
		}
	}
	return []step{
		{"1 the buyer browses", request("shop", "GET", "/v1/catalogue")},
		{"2 and orders with a phone number", request("shop", "POST", "/v1/orders")},
		{"3 the order goes to the platform", request("platform", "POST", "/v1/bills")},
		{"4 the bill comes to the phone", phone(handsetsim.Received, "BILL")},
		{"  and shows itself", phone(handsetsim.Shown, "CNY 1,280.00 to Sky Travel")},
		{"5 its holder confirms", phone(handsetsim.Confirmed, "")},
		{"6 picks a card", phone(handsetsim.CardPicked, "Card 1")},
		{"  types the PIN", phone(handsetsim.PINTyped, "")},
		{"  and the client pays", phone(handsetsim.Sent, "PAY")},
		{"7 the accounts are settled and the shop is told", request("shop", "POST", "/airtill")},
		{"8 the shop has its order paid: it tells the buyer", text(buyer)},
		{"9 and success comes to the phone", phone(handsetsim.SMSReceived, "Sky Travel: you paid CNY 1,280.00 for order "+string(o.ID))},
	}
}

// inOrder checks that the steps were seen one after the other.
func (r *rig) inOrder(all []step) {
	r.t.Helper()
	seen := r.seen.all()
	at := 0
	for _, st := range all {
		i := slices.IndexFunc(seen[at:], st.is)
		if i < 0 {
			r.t.Fatalf("step %q was not seen after the one before; before it were %d of %d sights\n%s", st.what, at, len(seen), told(seen))
		}
		at += i + 1
	}
}

// told is a story in words.
func told(seen []sight) string {
	var text strings.Builder
	for _, s := range seen {
		switch {
		case s.message != nil:
			fmt.Fprintf(&text, "%v %s > %s\n", s.message.kind, s.message.Source, s.message.Destination)
		case s.event != nil:
			fmt.Fprintf(&text, "phone %s: %s %s\n", s.event.Phone, s.event.Kind, s.event.Detail)
		case s.request != nil:
			fmt.Fprintf(&text, "%s: %s %s\n", s.request.at, s.request.method, s.request.path)
		}
	}
	return text.String()
}
