package world_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
)

// A paid order is given back in part: the payer has the money, the shop is told and tells
// who paid and who ordered, and the bill and its story say so.
func TestRefund(t *testing.T) {
	inBothSuites(t, people(person("pays", rich), plain()), func(r *rig) {
		o := r.endsAs(r.place(flight, payer, buyer).ID, merchant.Paid)
		id := platform.BillID(o.Bill)
		before, texts := r.card(payer, 1).Balance, len(r.texts(buyer, 2)) // of the payment and the ticket
		made, err := r.Bills.Refund(r.ctx, id, api.RefundOrder{Amount: 2500, Reason: "the seat was taken", Reference: "back-1"}, "")
		r.ok(err)
		r.until("the shop to have told of the refund", func() bool {
			now, _ := r.Merchant.Shop.Order(o.ID)
			return len(now.Refunds) == 1 && now.Notices[len(now.Notices)-1].Progress == merchant.Sent
		})
		r.until("the shop to have acknowledged the refund", func() bool {
			now, err := r.Bills.FindRefund(r.ctx, made.ID)
			return err == nil && now.State == platform.RefundPosted && !now.Acknowledged.IsZero()
		})
		if got := r.card(payer, 1).Balance; got != before+2500 {
			r.t.Errorf("the card has %d more", got-before)
		}
		shown := r.bill(id)
		if shown.State != bill.Settled || shown.Refunded != 2500 || len(shown.Refunds) != 1 || shown.Refunds[0].Reason != "the seat was taken" {
			r.t.Errorf("%+v", shown)
		}
		steps := map[string]bool{}
		for _, e := range r.events(id) {
			steps[string(e.Name)] = true
		}
		if !steps["refund"] || !steps["credit"] || !steps["post"] {
			r.t.Errorf("its story has %v", steps)
		}
		if got := r.texts(buyer, texts+1); got[texts] != "Sky Travel: CNY 25.00 of order "+string(o.ID)+" ("+o.Goods.String()+") was given back to who paid." {
			r.t.Errorf("the buyer is told %q", got[texts])
		}
		_, err = r.Bills.Refund(r.ctx, id, api.RefundOrder{Amount: shown.Amount, Reference: "back-2"}, "")
		if p, ok := errors.AsType[*api.Problem](err); !ok || p.Field != "amount" {
			r.t.Errorf("more than is left: %v", err)
		}
	})
}

// The platform falls while refunds are asked for and on their way, again and again: each
// request is repeated until it is answered, each refund comes to its payer once, the shop is
// told of each, and no bill's come to more than was paid.
func TestRefund_OverRestarts(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := people(person("pays", rich), plain())
			c.Network = k.network()
			r, c := newRig(ctx, t, c, k.store(t))
			first := r.newHost(ctx)
			c.PlatformNetwork, c.Store = first, &world.Store{Store: first.store, URL: r.store.URL}
			r.live(ctx, c, func(r *rig) { (&returns{rig: r, host: first}).all() })
		})
	}
}

// returns gives bills back while the platform falls.
type returns struct {
	*rig
	host  *host
	bills []platform.BillID
	ids   map[platform.RefundID]money.Amount
}

const (
	paidBills   = 3
	backs       = 4 // asked for of each bill; the last one does not fit
	backsAmount = money.Amount(3000)
)

func (s *returns) all() {
	for range paidBills {
		s.bills = append(s.bills, platform.BillID(s.endsAs(s.place(tea, payer, buyer).ID, merchant.Paid).Bill))
	}
	before := s.card(payer, 1).Balance
	s.ids = make(map[platform.RefundID]money.Amount)
	for n := range backs {
		for _, id := range s.bills {
			s.give(id, fmt.Sprintf("back-%d", n))
		}
		s.fall()
		for _, id := range s.bills { // the same again, of a platform that has just begun
			s.give(id, fmt.Sprintf("back-%d", n))
		}
	}
	var back money.Amount
	for id, amount := range s.ids {
		back += amount
		s.until(string(id)+" to be posted and acknowledged", func() bool {
			now, err := s.Bills.FindRefund(s.ctx, id)
			return err == nil && now.State == platform.RefundPosted && !now.Acknowledged.IsZero()
		})
	}
	if got := s.card(payer, 1).Balance; got != before+back || back != paidBills*2*backsAmount {
		s.t.Errorf("the card has %d more, %d refunds come to %d", got-before, len(s.ids), back)
	}
	s.checkTold()
	report, err := audit.Run(s.ctx, s.store, s.store.Partitions())
	s.ok(err)
	if report.Refunds != len(s.ids) || !report.OK() {
		s.t.Errorf("%+v", report)
	}
}

// give asks for a refund until there is an answer, and for no other meanwhile.
func (s *returns) give(id platform.BillID, reference string) {
	s.t.Helper()
	s.until("an answer about "+reference, func() bool {
		made, err := s.Bills.Refund(s.ctx, id, api.RefundOrder{Amount: backsAmount, Reference: reference}, "")
		if p, ok := errors.AsType[*api.Problem](err); ok && !p.Again() {
			if p.Field != "amount" {
				s.t.Fatalf("%s of %s: %v", reference, id, err)
			}
			return true // no more than was paid
		}
		if err == nil {
			s.ids[made.ID] = made.Amount
		}
		return err == nil
	})
}

// fall cuts the platform off and starts another one in its place.
func (s *returns) fall() {
	s.t.Helper()
	next := s.newHost(s.ctx)
	s.ok(s.RestartPlatform(s.ctx, s.host.fall, next.room()))
	s.host = next
	s.t.Cleanup(func() { _ = next.store.Close() })
}

// checkTold checks that the shop was told of each refund, and the same each time.
func (s *returns) checkTold() {
	s.t.Helper()
	said := make(map[platform.RefundID]string)
	for _, c := range s.seen.calls("shop", "POST", "/airtill") {
		var m api.Callback
		s.ok(json.Unmarshal(c.body, &m))
		if m.Data.Refund == nil {
			continue
		}
		if before, again := said[m.Data.Refund.ID]; again && before != string(c.body) {
			s.t.Errorf("the shop was told %s, then %s", before, c.body)
		}
		said[m.Data.Refund.ID] = string(c.body)
	}
	for id := range s.ids {
		if said[id] == "" {
			s.t.Errorf("the shop was not told of %s", id)
		}
	}
}
