package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/engine"
)

// till is an actor for the benchmark: bills of five durable steps with a debit, a
// credit, three effects and a deadline each.
type till struct {
	machine  *fsm.Machine[struct{}]
	bills    map[string]*tillBill
	balances map[string]int64
}

// tillBill is a bill as the store keeps it.
type tillBill struct {
	ID       string    `json:"id"`
	State    fsm.State `json:"state"`
	Payer    string    `json:"payer"`
	Merchant string    `json:"merchant"`
	Amount   int64     `json:"amount"`
	Expires  time.Time `json:"expires"`
	Last     string    `json:"last_entry"`
}

// step is the input that takes a bill one step further.
type step struct {
	bill  string
	event fsm.Event
}

// life is the steps of a bill, in order.
func life() []fsm.Event { return []fsm.Event{"create", "deliver", "confirm", "pay", "notify"} }

func newTill() (*till, error) {
	machine, err := fsm.New(fsm.Definition[struct{}]{
		Name: "till", Initial: "ordered", Final: []fsm.State{"notified"},
		Transitions: []fsm.Transition{
			{Event: "create", From: []fsm.State{"ordered"}, To: "created"},
			{Event: "deliver", From: []fsm.State{"created"}, To: "delivered"},
			{Event: "confirm", From: []fsm.State{"delivered"}, To: "confirmed"},
			{Event: "pay", From: []fsm.State{"confirmed"}, To: "paid"},
			{Event: "notify", From: []fsm.State{"paid"}, To: "notified"},
		},
		Guards: map[fsm.Event]fsm.Guard[struct{}]{"pay": func(struct{}) error { return nil }},
	})
	return &till{machine: machine, bills: make(map[string]*tillBill), balances: make(map[string]int64)}, err
}

// Load starts with nothing: the benchmark's store is empty.
func (a *till) Load(context.Context, engine.Reader) error { return nil }

// Handle takes one step.
func (a *till) Handle(tx *engine.Tx, in any) (any, error) {
	s, ok := in.(step)
	if !ok {
		return nil, fmt.Errorf("no rule for a %T", in)
	}
	b, known := a.bills[s.bill]
	if !known {
		b = &tillBill{
			ID: s.bill, State: "ordered", Payer: "card:" + s.bill[len(s.bill)-3:] + ":CNY",
			Merchant: "sub:10000001:CNY", Amount: 128000, Expires: tx.Now().Add(time.Hour).Truncate(time.Second),
		}
	}
	to, err := a.machine.Fire(b.State, s.event, struct{}{})
	if err != nil {
		return nil, err
	}
	event := engine.Event{Subject: b.ID, Name: string(s.event), From: string(b.State), To: string(to), Cause: "phone", Prev: b.Last}
	a.bills[s.bill] = b
	b.State, b.Last = to, tx.EntryID()
	a.follow(tx, b, &event)
	tx.Record(event)
	if s.event != "notify" {
		tx.Put("bill:"+b.ID, b)
	}
	return to, nil
}

// follow stages what comes with a step besides the record.
func (a *till) follow(tx *engine.Tx, b *tillBill, event *engine.Event) {
	switch event.Name {
	case "create":
		tx.Wake(b.ID, b.Expires)
		event.Effects = []engine.Effect{tillEffect(b, "sms", 1)}
	case "pay":
		a.move(tx, b.Payer, -b.Amount)
		a.move(tx, b.Merchant, b.Amount)
		event.Data = map[string]int64{b.Payer: -b.Amount, b.Merchant: b.Amount}
		event.Effects = []engine.Effect{tillEffect(b, "sms", 2), tillEffect(b, "callback", 3)}
	case "notify":
		tx.NoWake(b.ID)
		tx.Delete("bill:" + b.ID)
		tx.SetField("finished", b.ID, string(b.State))
		delete(a.bills, b.ID)
	}
}

func (a *till) move(tx *engine.Tx, account string, amount int64) {
	a.balances[account] += amount
	tx.SetField("balances", account, strconv.FormatInt(a.balances[account], 10))
}

func tillEffect(b *tillBill, kind string, n int) engine.Effect {
	return engine.Effect{
		ID: kind + ":" + b.ID + ":" + strconv.Itoa(n), Kind: kind, Lane: b.ID,
		Body: json.RawMessage(`{"bill":"` + b.ID + `","to":"8613800000001","text":"CNY 1,280.00"}`),
	}
}

// done is a performer that does nothing, well.
type done struct{}

func (done) Perform(context.Context, engine.Partition, engine.Effect) error { return nil }

var errBill = errors.New("enginetest: a bill did not come through")
