package world_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
)

// The platform is stopped in the middle of a run, again and again, and started on the
// same store: every bill goes on to its end, none is paid twice, every merchant is told.
func TestRestart_StoppedInOrder(t *testing.T) {
	restarts(t, world.Drain{}, func(*host) func() { return nil })
}

// The same, and harder: all its connections are cut in one moment, those to the store first.
// Nobody waits for what a platform that was killed would still do.
func TestRestart_Killed(t *testing.T) {
	restarts(t, world.Drain{Timeout: 10 * time.Millisecond}, func(h *host) func() { return h.fall })
}

func restarts(t *testing.T, drain world.Drain, how func(*host) func()) {
	t.Helper()
	t.Parallel()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := crowd()
			c.Network, c.Drain = k.network(), drain
			r, c := newRig(ctx, t, c, k.store(t))
			first := r.newHost(ctx)
			c.PlatformNetwork, c.Store = first, &world.Store{Store: first.store, URL: r.store.URL}
			r.live(ctx, c, func(r *rig) {
				s := &siege{rig: r, host: first, how: how, rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}
				t.Cleanup(func() { _ = s.host.store.Close() })
				s.hold()
			})
		})
	}
}

// The crowd of a siege, by persona: phones, bills for each, and how they all end.
var crowds = []struct {
	persona  string
	phones   int
	bills    int
	item     string
	end      merchant.Status
	balances []money.Amount
}{
	{"pays", 32, 4, tea, merchant.Paid, []money.Amount{rich}},
	{"poor-first-card", 6, 3, tea, merchant.Paid, []money.Amount{1, rich}},
	{"pays-later", 6, 3, tea, merchant.Paid, []money.Amount{rich}},
	{"wrong-pin-once", 7, 2, tea, merchant.Paid, []money.Amount{rich}},
	{"refuses", 5, 3, tea, merchant.Refused, []money.Amount{rich}},
	{"never", 4, 2, held, merchant.Expired, []money.Amount{rich}},
}

// held is an item whose bill is over soon.
const held = "seat-held"

// member is a number that its mask tells from all others.
func member(crowd, n int) gateway.MSISDN {
	return gateway.MSISDN(fmt.Sprintf("861380000%02d%02d", crowd+1, n))
}

func crowd() world.Config {
	c := world.Config{Catalogue: append(merchant.DefaultCatalogue(), merchant.Item{
		SKU: held, Name: "a seat that is held", Amount: 100, Currency: money.CNY, Goods: merchant.Goods{Kind: merchant.Train, Train: "G1"}, Hold: 2 * time.Second,
	})}
	for i, group := range crowds {
		for n := range group.phones {
			p := person(group.persona, group.balances...)
			p.Phone, p.Form = member(i, n), []string{"sim", "standalone", "sdtf"}[n%3]
			c.People = append(c.People, p)
		}
	}
	c.People = append(c.People, plain())
	return c
}

// siege is a run of bills during which the platform falls.
type siege struct {
	*rig
	host *host
	how  func(*host) func()
	rng  *rand.Rand

	placed atomic.Int32
	mu     sync.Mutex
	orders map[merchant.OrderID]errand
	lost   map[merchant.OrderID]errand // that the shop had no answer to: they may be bills or not
}

// errand is an order to be placed, and how it must end.
type errand struct {
	item  string
	phone gateway.MSISDN
	end   merchant.Status
}

func (s *siege) errands() []errand {
	var all []errand
	for i, group := range crowds {
		for n := range group.phones {
			for range group.bills {
				all = append(all, errand{item: group.item, phone: member(i, n), end: group.end})
			}
		}
	}
	s.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// falls is how often the platform falls in one run.
const falls = 4

func (s *siege) hold() {
	all := s.errands()
	s.orders, s.lost = make(map[merchant.OrderID]errand), make(map[merchant.OrderID]errand)
	queue := make(chan errand)
	var shoppers sync.WaitGroup
	for range 6 {
		shoppers.Go(func() {
			for e := range queue {
				s.run(e)
			}
		})
	}
	go func() {
		defer close(queue)
		for _, e := range all {
			select {
			case queue <- e:
			case <-s.ctx.Done():
				return
			}
		}
	}()
	inTheMiddle := 0
	for n := range falls {
		at := int32(len(all)*(n+1)/(falls+1) + s.rng.IntN(len(all)/(falls+2)))
		s.until(fmt.Sprintf("%d orders", at), func() bool { return s.placed.Load() >= at })
		inTheMiddle += s.open()
		next := s.newHost(s.ctx)
		s.ok(s.RestartPlatform(s.ctx, s.how(s.host), next.room()))
		_ = s.host.store.Close() // when it fell it is closed already
		s.host = next
	}
	shoppers.Wait()
	if inTheMiddle == 0 {
		s.t.Error("no bill was open when the platform fell")
	}
	s.check(len(all))
}

// run places an order; who gets no answer from the shop orders anew.
func (s *siege) run(e errand) {
	for {
		o, err := s.Merchant.Shop.Place(s.ctx, merchant.Request{Item: e.item, Phone: string(e.phone), BuyerPhone: string(buyer)})
		switch {
		case err == nil:
			s.note(s.orders, o.ID, e)
			s.placed.Add(1)
			return
		case s.ctx.Err() != nil || !errors.Is(err, api.ErrUnknown):
			s.t.Errorf("order for %s: %v", e.phone, err)
			return
		}
		s.note(s.lost, o.ID, e)
	}
}

func (s *siege) note(in map[merchant.OrderID]errand, id merchant.OrderID, e errand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in[id] = e
}

// find looks which orders without an answer are bills all the same.
func (s *siege) find() {
	for id, e := range s.lost {
		page, err := s.Bills.Bills(s.ctx, api.Query{Reference: string(id)})
		s.ok(err)
		if len(page.Bills) > 0 {
			s.orders[id] = e
		}
	}
}

// open counts the orders that have not ended.
func (s *siege) open() int {
	return len(s.Merchant.Shop.Orders(merchant.Billed, 1000)) + len(s.Merchant.Shop.Orders(merchant.Placed, 1000))
}

// check looks at everything once all bills have ended.
func (s *siege) check(errands int) {
	s.t.Helper()
	if len(s.orders) != errands {
		s.t.Fatalf("%d of %d orders were placed", len(s.orders), errands)
	}
	for id, e := range s.orders {
		s.endsAs(id, e.end)
	}
	s.find()
	spent := make(map[string]money.Amount) // by masked number
	var earned money.Amount
	paid := 0
	for id, e := range s.orders {
		o := s.endsAs(id, e.end)
		b := s.told(platform.BillID(o.Bill))
		if merchant.Status(b.State) != e.end && !(b.State == "settled" && e.end == merchant.Paid) {
			s.t.Errorf("order %s is %s, its bill %s", id, e.end, b.State)
		}
		if o.Status == merchant.Paid {
			spent[e.phone.Masked()] += b.Amount
			earned += b.Amount
			paid++
		}
	}
	s.checkMoney(spent, earned)
	s.checkCallbacks()
	report, err := audit.Run(s.ctx, s.store, s.store.Partitions())
	s.ok(err)
	if report.Bills != len(s.orders) || report.Paid != paid || report.DuplicateDebits != 0 || !report.OK() {
		s.t.Errorf("the audit: %+v; %d bills, %d paid", report, len(s.orders), paid)
	}
}

func (s *siege) checkMoney(spent map[string]money.Amount, earned money.Amount) {
	s.t.Helper()
	phones, err := s.Office.Phones(s.ctx)
	s.ok(err)
	for _, p := range phones {
		had, has := money.Amount(0), money.Amount(0)
		for i, c := range p.Cards {
			has += c.Balance
			had += s.balances(p.MSISDN)[i]
		}
		if had-has != spent[p.MSISDN] {
			s.t.Errorf("%s had %d and has %d, its paid bills come to %d", p.MSISDN, had, has, spent[p.MSISDN])
		}
	}
	if got := s.earned(); got != earned {
		s.t.Errorf("the shop has %d, its paid bills come to %d", got, earned)
	}
}

func (s *siege) balances(masked string) []money.Amount {
	for i, group := range crowds {
		for k := range group.phones {
			if member(i, k).Masked() == masked {
				return group.balances
			}
		}
	}
	s.t.Fatalf("%s is in no crowd", masked)
	return nil
}

// checkCallbacks checks that each bill's result came to the shop, and that repeats say the same.
func (s *siege) checkCallbacks() {
	s.t.Helper()
	said := make(map[string]string)
	came := make(map[platform.BillID]bool)
	for _, c := range s.seen.calls("shop", "POST", "/airtill") {
		id := c.header.Get("Webhook-Id")
		if before, again := said[id]; again && before != string(c.body) {
			s.t.Errorf("callback %s said %s, then %s", id, before, c.body)
		}
		said[id] = string(c.body)
		var m api.Callback
		s.ok(json.Unmarshal(c.body, &m))
		if came[m.Data.ID] = true; c.status != 204 {
			s.t.Errorf("callback %s was answered %d", id, c.status)
		}
	}
	for id := range s.orders {
		o, _ := s.Merchant.Shop.Order(id)
		if !came[platform.BillID(o.Bill)] {
			s.t.Errorf("no callback for %s", o.Bill)
		}
	}
}
