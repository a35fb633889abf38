// Package till is a load to measure an engine and a store with: bills of five durable
// steps, with a debit, a credit, three effects and a deadline each. It decides as
// little as a payment can, so what is measured is what keeps it.
//
// A [Load] begins bills in a closed loop, so many at a time, or in an open one, at a
// rate. A bill's next step is sent when the last one was answered, which is after it
// was kept.
package till

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/engine"
)

// Actor keeps the bills of a partition, whose store must be empty.
type Actor struct {
	machine  *fsm.Machine[struct{}]
	bills    map[string]*bill
	balances map[string]*int64
}

var _ engine.Actor = (*Actor)(nil)

// bill is a bill as the store keeps it.
type bill struct {
	key      string // that it is kept under
	ID       string
	State    fsm.State
	Payer    string
	Merchant string
	Amount   int64
	Expires  time.Time
	Last     string
}

// AppendJSON encodes the bill.
func (b *bill) AppendJSON(dst []byte) ([]byte, error) {
	return engine.NewObject(dst).Text("id", b.ID).Text("state", string(b.State)).Text("payer", b.Payer).
		Text("merchant", b.Merchant).Int("amount", b.Amount).Time("expires", b.Expires).Text("last_entry", b.Last).End(), nil
}

// moves is what a payment moves.
type moves struct {
	payer, merchant string
	amount          int64
}

// AppendJSON encodes both sides.
func (m moves) AppendJSON(dst []byte) ([]byte, error) {
	return engine.NewObject(dst).Int(m.payer, -m.amount).Int(m.merchant, m.amount).End(), nil
}

// Step is the input that takes a bill one step further.
type Step struct {
	Bill  string
	Event fsm.Event
}

// life is the steps of a bill, in order.
var life = [Steps]fsm.Event{"create", "deliver", "confirm", "pay", "notify"}

// Steps is how many steps a bill has.
const Steps = 5

// New makes an actor.
func New(engine.Partition) engine.Actor {
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
	if err != nil {
		panic(err) // the table is a constant
	}
	return &Actor{machine: machine, bills: make(map[string]*bill), balances: make(map[string]*int64)}
}

// Load starts with nothing.
func (a *Actor) Load(context.Context, engine.Reader) error { return nil }

// Handle takes one *Step.
func (a *Actor) Handle(tx *engine.Tx, in any) (any, error) {
	s, ok := in.(*Step)
	if !ok {
		return nil, fmt.Errorf("no rule for a %T", in)
	}
	b, known := a.bills[s.Bill]
	if !known {
		b = &bill{
			key: "bill:" + s.Bill, ID: s.Bill, State: "ordered", Payer: "card:" + s.Bill[len(s.Bill)-3:] + ":CNY",
			Merchant: "sub:10000001:CNY", Amount: 128000, Expires: tx.Now().Add(time.Hour).Truncate(time.Second),
		}
	}
	to, err := a.machine.Fire(b.State, s.Event, struct{}{})
	if err != nil {
		return nil, err
	}
	event := engine.Event{Subject: b.ID, Name: string(s.Event), From: string(b.State), To: string(to), Cause: "phone", Prev: b.Last}
	if !known {
		a.bills[s.Bill] = b
	}
	b.State, b.Last = to, tx.EntryID()
	a.follow(tx, b, &event)
	tx.Record(event)
	if s.Event != "notify" {
		tx.Put(b.key, b)
	}
	return nil, nil
}

// follow stages what comes with a step besides the record.
func (a *Actor) follow(tx *engine.Tx, b *bill, event *engine.Event) {
	switch event.Name {
	case "create":
		tx.Wake(b.ID, b.Expires)
		event.Effects = []engine.Effect{effect(b, "sms", 1)}
	case "pay":
		a.move(tx, b.Payer, -b.Amount)
		a.move(tx, b.Merchant, b.Amount)
		event.Data = moves{b.Payer, b.Merchant, b.Amount}
		event.Effects = []engine.Effect{effect(b, "sms", 2), effect(b, "callback", 3)}
	case "notify":
		tx.NoWake(b.ID)
		tx.Delete(b.key)
		tx.SetField("finished", b.ID, string(b.State))
		delete(a.bills, b.ID)
	}
}

func (a *Actor) move(tx *engine.Tx, account string, amount int64) {
	balance, known := a.balances[account]
	if !known {
		balance = new(int64)
		a.balances[account] = balance
	}
	*balance += amount
	tx.SetField("balances", account, strconv.FormatInt(*balance, 10))
}

func effect(b *bill, kind string, n int) engine.Effect {
	return engine.Effect{
		ID: kind + ":" + b.ID + ":" + strconv.Itoa(n), Kind: kind, Lane: b.ID,
		Body: json.RawMessage(`{"bill":"` + b.ID + `","to":"8613800000001","text":"CNY 1,280.00"}`),
	}
}

// Performer does nothing, well.
type Performer struct{}

// Perform does nothing.
func (Performer) Perform(context.Context, engine.Partition, engine.Effect) error { return nil }

// Commits counts the batches that a store has.
func Commits(ctx context.Context, store engine.Store, partitions int) (n int, err error) {
	for p := range partitions {
		seq, err := store.Read(engine.Partition(p)).Get(ctx, "seq")
		if err != nil {
			return 0, err
		}
		count, _ := strconv.Atoi(seq[0]) // none is none
		n += count
	}
	return n, nil
}
