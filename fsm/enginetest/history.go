package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/history"
)

// desk is an actor for the suite's histories: it takes orders, and has bills of one open
// state and several ends, as clients of the platform see them.
type desk struct {
	forgets bool // the planted error: nothing is kept
	bills   map[string]deskBill
}

type deskBill struct{ Bill, Content, State string }

// question is its input.
type question struct {
	Key string
	Ask history.Ask
}

func newDesk(forgets bool) func(engine.Partition) engine.Actor {
	return func(engine.Partition) engine.Actor {
		return &desk{forgets: forgets, bills: make(map[string]deskBill)}
	}
}

// Load reads the bills.
func (a *desk) Load(ctx context.Context, r engine.Reader) error {
	kept, err := r.Fields(ctx, "desk")
	if err != nil {
		return err
	}
	for key, text := range kept {
		var b deskBill
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return err
		}
		a.bills[key] = b
	}
	return nil
}

// Handle answers a question.
func (a *desk) Handle(tx *engine.Tx, in any) (any, error) {
	q, ok := in.(question)
	if !ok {
		return nil, fmt.Errorf("no rule for a %T", in)
	}
	switch ask := q.Ask.(type) {
	case history.Order:
		return a.order(tx, q.Key, ask), nil
	case history.Cancel:
		return a.end(tx, q.Key, history.Cancelled), nil
	case history.End:
		return a.end(tx, q.Key, ask.State), nil
	case history.Status:
		return history.Seen{State: a.bills[q.Key].State}, nil
	}
	return nil, fmt.Errorf("no rule for a %T", q.Ask)
}

func (a *desk) order(tx *engine.Tx, key string, o history.Order) history.Answer {
	b, ok := a.bills[key]
	switch {
	case ok && b.Content != o.Content:
		return history.Refused{}
	case !ok:
		b = deskBill{Bill: tx.EntryID() + "/" + key, Content: o.Content, State: history.Open}
		a.bills[key] = b
		a.keep(tx, key)
	}
	return history.Made{Bill: b.Bill}
}

func (a *desk) end(tx *engine.Tx, key, state string) history.Answer {
	b := a.bills[key]
	if b.State == history.Open {
		b.State = state
		a.bills[key] = b
		a.keep(tx, key)
	}
	if b.State != state {
		return history.Refused{}
	}
	return history.Done{}
}

func (a *desk) keep(tx *engine.Tx, key string) {
	tx.Record(engine.Event{Subject: key, Name: "keep"})
	if a.forgets {
		return
	}
	text, err := json.Marshal(a.bills[key])
	if err != nil {
		panic(err) // it is made of texts
	}
	tx.SetField("desk", key, string(text))
}

// Clients of the histories, what each asks in one life of the engine, and of how many orders.
const (
	deskClients = 6
	deskAsks    = 25
	deskLives   = 4
	deskOrders  = 12
)

// testHistories has clients ask an engine that is cut off, loses replies and is taken
// over. What they were answered has to be linearizable, unknown outcomes included.
func testHistories(t *testing.T, b Backend) {
	log := askDesk(t, b, newDesk(false))
	if log.Len() < deskOrders {
		t.Errorf("%d questions say nothing", log.Len())
	}
	for _, v := range log.Judge() {
		t.Error(v)
	}
}

// testHistoriesPlanted has an actor that keeps nothing, which has to show.
func testHistoriesPlanted(t *testing.T, b Backend) {
	found := askDesk(t, b, newDesk(true)).Judge()
	if len(found) == 0 {
		t.Fatal("nothing is kept, and every history is linearizable")
	}
	if !strings.Contains(found[0].String(), "history.Order") {
		t.Errorf("the violation says %q", found[0])
	}
}

// askDesk lets engines live one after the other on a backend, each with faults of its
// own, and answers what clients saw.
func askDesk(t *testing.T, b Backend, actor func(engine.Partition) engine.Actor) *history.Log {
	log := new(history.Log)
	var late []*Link // with requests that arrive when others have taken over
	for life := range deskLives {
		r := startActor(t, b, actor)
		for _, link := range late {
			_ = link.Release() // refused or broken: it must do no harm
		}
		late = append(late, r.link)
		var work sync.WaitGroup
		for client := range deskClients {
			work.Go(func() { askAll(r, log, rand.New(rand.NewPCG(uint64(life), uint64(client)))) })
		}
		stop := make(chan struct{})
		var trouble sync.WaitGroup
		trouble.Go(func() { makeTrouble(r, rand.New(rand.NewPCG(uint64(life), 99)), stop) })
		work.Wait()
		close(stop)
		trouble.Wait()
		r.kill()
	}
	r := startActor(t, b, actor)
	for n := range deskOrders {
		askOnce(r, log, fmt.Sprint("order-", n), history.Status{})
	}
	r.halt()
	return log
}

func startActor(t *testing.T, b Backend, actor func(engine.Partition) engine.Actor) *running {
	t.Helper()
	link := new(Link)
	r := startActorOn(t, b.Open(t, link), actor, nil, 50*time.Millisecond)
	r.link, r.hasty = link, true
	return r
}

// askAll asks at random, about few orders, so that clients meet.
func askAll(r *running, log *history.Log, random *rand.Rand) {
	for range deskAsks {
		key := fmt.Sprint("order-", random.IntN(deskOrders))
		asks := []history.Ask{
			history.Order{Content: "tea"}, history.Order{Content: "tea"}, history.Order{Content: "coffee"},
			history.Cancel{}, history.End{State: "paid"}, history.End{State: "refused"}, history.Status{}, history.Status{},
		}
		askOnce(r, log, key, asks[random.IntN(len(asks))])
	}
}

// askOnce asks, and notes whether it was done, was not, or may have been.
func askOnce(r *running, log *history.Log, key string, ask history.Ask) {
	call := log.Ask(key, ask)
	reply, err := r.Do(r.t.Context(), 1, question{key, ask})
	switch {
	case err == nil:
		call.Answer(reply.(history.Answer))
	case errors.Is(err, engine.ErrUnknown):
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrBusy):
		call.Never()
		pause(r.t)
	default:
		r.t.Errorf("%T of %s: %v", ask, key, err)
	}
}

// makeTrouble plans faults for the commits to come, until it is told to stop.
func makeTrouble(r *running, random *rand.Rand, stop <-chan struct{}) {
	for {
		target := r.link.Commits() + 1 + random.IntN(4)
		for r.link.Commits() < target {
			select {
			case <-stop:
				return
			default:
				pause(r.t)
			}
		}
		switch n := random.IntN(8); {
		case n < 3:
			r.link.Fail(LoseReply)
		case n < 5:
			r.link.Fail(LoseRequest)
		case n < 6:
			r.link.Fail(HoldRequest)
		default:
			r.link.Cut()
			pause(r.t)
			r.link.Mend()
		}
	}
}
