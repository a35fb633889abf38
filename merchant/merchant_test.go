package merchant_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform/api"
)

func flight() merchant.Request {
	return merchant.Request{Item: "flight-ca1405", Phone: payer, BuyerPhone: buyer, Traveller: "LI LEI"}
}

func TestS4_OrderGoesToThePlatformAtOnce(t *testing.T) {
	w := open(t, nil)
	o := w.place(t, flight())
	if o.Status != merchant.Billed || o.Bill != "bill_of_"+string(o.ID) {
		t.Errorf("order %+v", o)
	}
	want := []api.Order{{
		Reference: string(o.ID), Amount: 128000, Currency: "CNY", Phone: payer, BuyerPhone: buyer, ExpiresIn: api.Duration(10 * time.Minute),
		CallbackURL: "http://shop.example/airtill", Subject: "CA1405 PEK-CTU 2026-12-01 12A",
		Goods: []byte(`{"kind":"flight","flight":"CA1405","from":"PEK","to":"CTU","date":"2026-12-01","seat":"12A","traveller":"LI LEI"}`),
	}}
	if diff := cmp.Diff(want, w.platform.taken()); diff != "" {
		t.Error(diff)
	}
	if w.platform.keys[0] != `"`+string(o.ID)+`"` {
		t.Errorf("idempotency key %s", w.platform.keys[0])
	}
}

// Somebody else pays: both are told, and the ticket goes to the buyer's phone.
func TestS9_S17_NoticesAndTicket(t *testing.T) {
	w := open(t, nil).run(t)
	o := w.place(t, flight())
	if status := call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil); status != http.StatusNoContent {
		t.Fatalf("callback answered %d", status)
	}
	o = w.told(t, o.ID)
	if o.Status != merchant.Paid || !strings.HasPrefix(o.Ticket, "999-") || len(o.Ticket) != 14 {
		t.Errorf("order %+v", o)
	}
	want := []text{
		{buyer, "Sky: order " + string(o.ID) + " (CA1405 PEK-CTU 2026-12-01 12A) is paid, CNY 1,280.00. Your e-ticket follows."},
		{payer, "Sky: you paid CNY 1,280.00 for order " + string(o.ID) + " (CA1405 PEK-CTU 2026-12-01 12A). Thank you."},
		{buyer, "E-ticket " + o.Ticket + ": CA1405 PEK-CTU 2026-12-01 12A, LI LEI. Order " + string(o.ID)},
	}
	if diff := cmp.Diff(want, w.texts.all(), cmp.AllowUnexported(text{})); diff != "" {
		t.Error(diff)
	}
}

// What each end brings to whom; nobody but the buyer hears of an end without a payment.
func TestS11_S18_Endings(t *testing.T) {
	tests := []struct {
		item, state, reason string
		other               bool // somebody else pays
		status              merchant.Status
		buyer               []string // what the buyer's texts hold, in order
		payer               int
	}{
		{"train-g1", "settled", "", false, merchant.Paid, []string{"is paid, CNY 662.00", "E-ticket E"}, 0},
		{"voucher-top-up-50", "settled", "", true, merchant.Paid, []string{"Your code follows", "Code "}, 1},
		{"tea-longjing-100", "settled", "", true, merchant.Paid, []string{"We send it to you soon"}, 1},
		{"flight-ca1405", "refused", "refused_by_holder", true, merchant.Refused, []string{"refused by the holder of 861*****0001"}, 0},
		{"flight-ca1405", "expired", "not_paid_in_time", true, merchant.Expired, []string{"was not paid in time"}, 0},
		{"flight-ca1405", "undelivered", "phone_unreachable", true, merchant.Undelivered, []string{"861*****0001 could not be reached"}, 0},
		{"flight-ca1405", "cancelled", "cancelled_by_merchant", false, merchant.Cancelled, []string{"was cancelled"}, 0},
		{"flight-ca1405", "failed", "pin_locked", false, merchant.Failed, []string{"could not be paid"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.item+" "+tt.state, func(t *testing.T) {
			w := open(t, nil).run(t)
			r := merchant.Request{Item: tt.item, Phone: payer}
			to := payer
			if tt.other {
				r.BuyerPhone, to = buyer, buyer
			}
			o := w.place(t, r)
			call(t, w.url, "evt_1", w.platform.result(o, tt.state, tt.reason), nil)
			o = w.told(t, o.ID)
			if o.Status != tt.status || o.Reason != tt.reason {
				t.Errorf("%s, %s", o.Status, o.Reason)
			}
			var got []string
			others := 0
			for _, n := range w.texts.all() {
				if n.to != to {
					others++
					continue
				}
				got = append(got, n.text)
			}
			if len(got) != len(tt.buyer) || others != tt.payer {
				t.Fatalf("texts %v", w.texts.all())
			}
			for i, part := range tt.buyer {
				if !strings.Contains(got[i], part) || (tt.status == merchant.Paid) == strings.Contains(got[i], "Nothing was charged") {
					t.Errorf("%q has no %q", got[i], part)
				}
			}
		})
	}
}

// The platform sends a callback until it is acknowledged, and each is followed up once.
func TestCallbackTwice(t *testing.T) {
	w := open(t, nil).run(t)
	o := w.place(t, flight())
	done := w.platform.result(o, "settled", "")
	for _, id := range []string{"evt_1", "evt_1", "evt_2"} {
		if status := call(t, w.url, id, done, nil); status != http.StatusNoContent {
			t.Errorf("%s answered %d", id, status)
		}
	}
	if status := call(t, w.url, "evt_3", w.platform.result(o, "refused", ""), nil); status != http.StatusNoContent {
		t.Errorf("an end after the end answered %d", status)
	}
	ticket := w.told(t, o.ID).Ticket
	last := w.place(t, flight())
	call(t, w.url, "evt_4", w.platform.result(last, "refused", ""), nil)
	w.told(t, last.ID)
	if o, _ = w.Order(o.ID); o.Status != merchant.Paid || o.Ticket != ticket || len(w.texts.all()) != 4 {
		t.Errorf("%+v\n%v", o, w.texts.all())
	}
}

// What is not the platform's word changes nothing.
func TestCallbackNotBelieved(t *testing.T) {
	w := open(t, nil).run(t)
	o := w.place(t, flight())
	good := w.platform.result(o, "settled", "")
	tests := []struct {
		name   string
		status int
		spoil  func(http.Header, []byte) []byte
	}{
		{"changed on the way", 400, func(_ http.Header, b []byte) []byte { return append(b, ' ') }},
		{"changed with its digest", 401, func(h http.Header, b []byte) []byte {
			b = append(b, ' ')
			h.Set("Content-Digest", api.ContentDigest(b))
			return b
		}},
		{"no signature", 401, func(h http.Header, b []byte) []byte { h.Del("Webhook-Signature"); return b }},
		{"an old one", 401, func(h http.Header, b []byte) []byte {
			api.SignCallback(h, "evt_1", time.Now().Add(-6*time.Minute), b, secret(t))
			return b
		}},
		{"signed, and no callback", 400, func(h http.Header, _ []byte) []byte {
			b := []byte(`{"type":7}`)
			h.Del("Content-Digest")
			api.SignCallback(h, "evt_1", time.Now(), b, secret(t))
			return b
		}},
		{"endless", 400, func(_ http.Header, _ []byte) []byte { return make([]byte, api.MaxBody+1) }},
	}
	for _, tt := range tests {
		if status := call(t, w.url, "evt_1", good, tt.spoil); status != tt.status {
			t.Errorf("%s: answered %d, want %d", tt.name, status, tt.status)
		}
	}
	others := []func(*api.Callback){
		func(c *api.Callback) { c.Data.Amount-- },
		func(c *api.Callback) { c.Data.Currency = "EUR" },
		func(c *api.Callback) { c.Data.ID = "bill_of_another" },
		func(c *api.Callback) { c.Data.State = "paid" },
		func(c *api.Callback) { c.Data.Reference = "A0000000000000000" },
	}
	for i, change := range others {
		c := good
		change(&c)
		if status := call(t, w.url, "evt_other_"+string(rune('a'+i)), c, nil); status != http.StatusNoContent {
			t.Errorf("other %d: answered %d", i, status)
		}
	}
	next := w.place(t, flight())
	call(t, w.url, "evt_next", w.platform.result(next, "expired", ""), nil)
	w.told(t, next.ID)
	if o, _ = w.Order(o.ID); o.Status != merchant.Billed || len(w.texts.all()) != 1 {
		t.Errorf("%+v, texts %v", o, w.texts.all())
	}
}

// A shop that has too much to do says so, and takes the callback when it comes again.
func TestCallbackQueueIsBounded(t *testing.T) {
	w := open(t, func(c *merchant.Config) { c.Queue = 1 })
	first, second := w.place(t, flight()), w.place(t, flight())
	if status := call(t, w.url, "evt_1", w.platform.result(first, "refused", ""), nil); status != http.StatusNoContent {
		t.Errorf("first answered %d", status)
	}
	if status := call(t, w.url, "evt_2", w.platform.result(second, "refused", ""), nil); status != http.StatusServiceUnavailable {
		t.Errorf("second answered %d", status)
	}
	w.run(t)
	w.told(t, first.ID)
	if status := call(t, w.url, "evt_2", w.platform.result(second, "refused", ""), nil); status != http.StatusNoContent {
		t.Errorf("second, again, answered %d", status)
	}
	w.told(t, second.ID)
}

func TestPlatformTrouble(t *testing.T) {
	tests := []struct {
		name    string
		answers []int
		tries   int
		status  merchant.Status
		unknown bool
	}{
		{"away for a moment", []int{503, 500}, 3, merchant.Billed, false},
		{"refuses", []int{422}, 1, merchant.Rejected, false},
		{"does not come back", []int{500, 500, 500, 500}, 4, merchant.Placed, true},
		{"takes nothing", []int{503, 503, 503, 503}, 4, merchant.Rejected, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil).run(t)
			w.platform.answers = tt.answers
			o, err := w.Place(t.Context(), flight())
			if (err == nil) != (tt.status == merchant.Billed) || errors.Is(err, api.ErrUnknown) != tt.unknown {
				t.Error(err)
			}
			taken := w.platform.taken()
			if o.Status != tt.status || len(taken) != tt.tries {
				t.Errorf("%s after %d tries", o.Status, len(taken))
			}
			for _, again := range taken {
				if !cmp.Equal(again, taken[0]) {
					t.Errorf("another order: %+v", again)
				}
			}
			if tt.unknown {
				call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil)
				if o = w.told(t, o.ID); o.Status != merchant.Paid || o.Bill == "" {
					t.Errorf("the callback came, and the order is %+v", o)
				}
			}
		})
	}
}

func TestNoticeThatCannotBeSent(t *testing.T) {
	w := open(t, nil).run(t)
	w.texts.fail = errors.New("no such number")
	o := w.place(t, flight())
	call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil)
	o = w.told(t, o.ID)
	for _, n := range o.Notices {
		if n.Progress != merchant.Unsent {
			t.Errorf("%+v", n)
		}
	}
	if len(o.Notices) != 3 || o.Status != merchant.Paid {
		t.Errorf("%+v", o)
	}
}

func TestOldOrdersAreForgotten(t *testing.T) {
	w := open(t, func(c *merchant.Config) { c.Keep = 2 })
	first := w.place(t, flight())
	w.place(t, flight())
	last := w.place(t, flight())
	if _, ok := w.Order(first.ID); ok {
		t.Error("the oldest order is still there")
	}
	if all := w.Orders("", 9); len(all) != 2 || all[0].ID != last.ID {
		t.Errorf("%+v", all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Await(ctx, last.ID, func(o merchant.Order) bool { return !o.Status.Open() }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := w.Await(ctx, first.ID, func(merchant.Order) bool { return true }); err == nil {
		t.Error("waited for an order that is forgotten")
	}
}

func TestConfig(t *testing.T) {
	good := merchant.Config{Name: "Sky", Platform: &api.Client{}, Secrets: []api.WebhookSecret{secret(t)}, Texter: &sink{}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*merchant.Config){
		func(c *merchant.Config) { c.Name = "" }, func(c *merchant.Config) { c.Platform = nil }, func(c *merchant.Config) { c.Secrets = nil },
		func(c *merchant.Config) { c.Texter = nil }, func(c *merchant.Config) { c.Queue = -1 },
	} {
		bad := good
		spoil(&bad)
		if _, err := merchant.New(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
