package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// stage is where a demo is played: it hears of every hop and tells it at once.
type stage struct {
	config Config
	world  *world.World
	names  map[string]string
	bills  []Bill

	mu    sync.Mutex     // for telling, and for what was heard
	payer gateway.MSISDN // of the scene that is played: on the wires it is hidden
	heard map[gateway.MSISDN][]handsetsim.Event
	sent  map[gateway.MSISDN]int // texts, over all scenes
}

func newStage(c Config) *stage {
	st := &stage{config: c, names: map[string]string{}, heard: map[gateway.MSISDN][]handsetsim.Event{}, sent: map[gateway.MSISDN]int{}}
	for _, p := range people() {
		st.names[string(p.Phone)] = p.Name
	}
	return st
}

// name is whose number it is.
func (st *stage) name(number string) string {
	if name, ok := st.names[number]; ok {
		return name
	}
	switch number {
	case world.PlatformAddress:
		return "platform"
	case world.ShopAddress:
		return "shop"
	}
	return number
}

func (st *stage) phone(number string) string { return st.name(number) + "'s phone" }

// begin tells a scene.
func (st *stage) begin(sc Scene) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.payer = sc.payer
	st.config.Tell.Scene(sc)
}

// designated is the number that the order of this scene names.
func (st *stage) designated() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	return string(st.payer)
}

func (st *stage) hop(h Hop) {
	h.Type = "hop"
	st.mu.Lock()
	defer st.mu.Unlock()
	st.config.Tell.Hop(h)
}

// poll is how often the demo looks whether something has come about.
const poll = 5 * time.Millisecond

// await looks until something has come about.
func await(ctx context.Context, what string, is func() (bool, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		ok, err := is()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		}
	}
}

// acknowledged waits until the bill is final.
func (st *stage) acknowledged(ctx context.Context, id string) (b api.Bill, err error) {
	err = await(ctx, "the merchant's acknowledgement", func() (bool, error) {
		b, err = st.world.Bills.Bill(ctx, platform.BillID(id))
		return err == nil && !b.Acknowledged.IsZero(), err
	})
	return b, err
}

// tellMoney tells the transfers of a bill, as its journal has them.
func (st *stage) tellMoney(ctx context.Context, b api.Bill) error {
	events, err := st.world.Bills.Events(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Name == bill.Settle {
			st.hop(Hop{At: e.At, From: "ledger", Clause: "S19", What: "settled: " + e.Detail})
		}
		for i := 0; i+1 < len(e.Postings); i += 2 {
			from, to := e.Postings[i], e.Postings[i+1]
			st.hop(Hop{
				At: e.At, From: "ledger", Clause: "S8",
				What: fmt.Sprintf("%s from %s to %s", amount(to.Amount, b.Currency), from.Account, to.Account),
			})
		}
	}
	return nil
}

// arrived waits until the texts that were sent have come to the phones, and, of a paid
// bill, until the payer's phone has said that it showed the result.
func (st *stage) arrived(ctx context.Context, sc Scene, b api.Bill, texts map[gateway.MSISDN]int) error {
	return await(ctx, "the phones", func() (bool, error) {
		st.mu.Lock()
		defer st.mu.Unlock()
		if b.State == bill.Settled && !slices.ContainsFunc(st.heard[sc.payer], receiptOf(b.ID)) {
			return false, nil
		}
		for number, n := range texts {
			if count(st.heard[number], handsetsim.SMSReceived) < n {
				return false, nil
			}
		}
		return true, nil
	})
}

// texts counts what was sent to the phones that an order's end was told to, this scene's included.
func (st *stage) texts(o merchant.Order) map[gateway.MSISDN]int {
	expected := map[gateway.MSISDN]int{}
	for _, n := range o.Notices {
		if n.Progress == merchant.Sent {
			st.sent[n.To]++
		}
		expected[n.To] = st.sent[n.To]
	}
	return expected
}

func receiptOf(id platform.BillID) func(handsetsim.Event) bool {
	return func(e handsetsim.Event) bool {
		return e.Kind == handsetsim.Sent && e.Bill == id.Ref() && e.Detail == "RECEIPT"
	}
}

func count(events []handsetsim.Event, kind handsetsim.Kind) int {
	n := 0
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// asWritten holds a bill's end against its scene.
func (st *stage) asWritten(ctx context.Context, sc Scene, b api.Bill) error {
	if b.State != sc.state {
		return fmt.Errorf("the bill is %s (%s), not %s", b.State, b.Reason, sc.state)
	}
	if b.Attempts != sc.attempts {
		return fmt.Errorf("it took %d payments, not %d", b.Attempts, sc.attempts)
	}
	events, err := st.world.Bills.Events(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, name := range sc.passes {
		if !slices.ContainsFunc(events, func(e platform.Event) bool { return string(e.Name) == name }) {
			return fmt.Errorf("its story has no %s", name)
		}
	}
	return nil
}
