package world_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// forced is a network with numbers that say what becomes of their bills, over SMS and over USSD.
func forced() world.Config {
	c := byUSSD(flightPrice)
	c.Forced = true
	c.Timing.PushAgain = []time.Duration{6 * time.Second} // a twelfth of it after a refusal
	return c
}

// forcedBill asks a number for a little money; what is never paid is over soon.
func (r *rig) forcedBill(n gateway.MSISDN, state fsm.State, run int) api.Bill {
	r.t.Helper()
	o := api.Order{
		Reference: fmt.Sprintf("%s run %d", n, run), Amount: 1250, Currency: money.CNY, Phone: n,
		CallbackURL: r.Merchant.URL() + world.CallbackPath,
	}
	if state == "expired" || state == "undelivered" {
		o.ExpiresIn = api.Duration(3 * time.Second)
	}
	return r.send(o)
}

// forcedTold waits until the merchant has acknowledged how a number's bill ended.
func (r *rig) forcedTold(n gateway.MSISDN, id platform.BillID) (b api.Bill) {
	r.t.Helper()
	late := time.Now().Add(patience - time.Second)
	r.until("the bill for "+string(n), func() bool {
		if b = r.bill(id); b.Acknowledged.IsZero() && time.Now().After(late) {
			r.t.Fatalf("the bill for %s is %s: %v", n, b.State, names(r.events(id)))
		}
		return !b.Acknowledged.IsZero()
	})
	return b
}

// toldOf are the types of the callbacks that the shop has got for a bill.
func (r *rig) toldOf(id platform.BillID) (types []string) {
	r.t.Helper()
	for _, c := range r.seen.calls("shop", "POST", world.CallbackPath) {
		var told api.Callback
		r.ok(json.Unmarshal(c.body, &told))
		if told.Data.ID == id {
			types = append(types, told.Type)
		}
	}
	return types
}

// Issue 6, item 5: each number ends as the table says, with the callbacks that it says,
// in SMS and in USSD, and does so again.
func TestForced(t *testing.T) {
	everywhere(t, forced(), func(r *rig) {
		for run := range 2 {
			made := make(map[gateway.MSISDN]api.Bill)
			for _, f := range world.ForcedOutcomes() {
				for _, n := range f.Numbers(true) {
					made[n] = r.forcedBill(n, f.State, run)
				}
			}
			for _, f := range world.ForcedOutcomes() {
				for _, n := range f.Numbers(true) {
					b := r.forcedTold(n, made[n].ID)
					if b.State != f.State {
						r.t.Errorf("%s (%s) ended as %s (%s), want %s: %v", n, f.What, b.State, b.Reason, f.State, names(r.events(b.ID)))
					}
					if got := r.toldOf(b.ID); !slices.Equal(got, f.Callbacks) {
						r.t.Errorf("%s (%s): the merchant was told %v, want %v", n, f.What, got, f.Callbacks)
					}
				}
			}
			r.forcedWays(made)
			if run == 0 {
				r.receiptAfter(world.ForcedPrefix+"0007", made[world.ForcedPrefix+"0007"].ID)
			}
			r.until("the branch to unlock the cards", func() bool {
				return !r.card(world.ForcedPrefix+"0004", 1).Locked && !r.card(world.ForcedUSSDPrefix+"0004", 1).Locked
			})
		}
	})
}

// forcedWays looks whether each number went the way that its outcome names.
func (r *rig) forcedWays(made map[gateway.MSISDN]api.Bill) {
	r.t.Helper()
	story := func(prefix, digits string) string {
		var all []string
		for _, e := range r.events(made[gateway.MSISDN(prefix+digits)].ID) {
			all = append(all, strings.TrimSpace(string(e.Name)+" "+e.Detail))
		}
		return strings.Join(all, "; ")
	}
	for _, w := range []struct{ prefix, digits, says string }{
		{world.ForcedPrefix, "0001", "defer"},
		{world.ForcedUSSDPrefix, "0001", "defer"},
		{world.ForcedPrefix, "0002", "deliver"},
		{world.ForcedUSSDPrefix, "0002", "deliver"},
		{world.ForcedPrefix, "0004", "decline card"},
		{world.ForcedPrefix, "0005", "answered 51"},
		{world.ForcedUSSDPrefix, "0005", "answered 51"},
		{world.ForcedPrefix, "0008", "push_refused"},
		{world.ForcedPrefix, "0009", "answered 94"},
		{world.ForcedPrefix, "0010", "answered 54"},
		{world.ForcedPrefix, "0011", "open"},
		{world.ForcedUSSDPrefix, "0011", "open"},
	} {
		r.until(w.prefix+w.digits+" to go by "+w.says, func() bool { return strings.Contains(story(w.prefix, w.digits), w.says) })
	}
	for _, digits := range []string{"0005", "0009", "0010"} {
		if b := r.bill(made[gateway.MSISDN(world.ForcedPrefix+digits)].ID); b.Attempts != 1 && digits != "0010" || b.Attempts != 0 && digits == "0010" {
			r.t.Errorf("%s was tried %d times", digits, b.Attempts)
		}
	}
	if b := r.bill(made[world.ForcedPrefix+"0004"].ID); b.Attempts != 3 {
		r.t.Errorf("0004 was tried %d times", b.Attempts)
	}
	ucs2 := r.seen.hops(func(h *hop) bool { return h.Source == world.ForcedPrefix+"0012" && h.DataCoding == smpp.CodingUCS2 })
	if len(ucs2) == 0 {
		r.t.Error("0012 wrote nothing in UCS-2")
	}
}

// receiptAfter waits until the platform has the carrier's receipt for a phone, which
// comes after the merchant was told how the bill ended.
func (r *rig) receiptAfter(n gateway.Address, id platform.BillID) {
	r.t.Helper()
	r.until("the receipt of "+string(n), func() bool {
		told := false
		for _, one := range r.seen.all() {
			if c := one.call; c != nil && c.at == "shop" && strings.Contains(string(c.body), string(id)) {
				told = true
			}
			if h := one.message; h != nil && h.kind == gateway.ReceiptSent && h.Source == n {
				return told
			}
		}
		return false
	})
}
