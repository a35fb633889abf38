package world_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// S14: the order is answered at once and with a digest; a digest that is wrong is refused.
func TestS14_OrdersAndDigests(t *testing.T) {
	everywhere(t, people(person("never", rich)), func(r *rig) {
		const body = `{"reference":"d-1","amount":500,"currency":"CNY","phone":"8613800000001"}`
		r.refusedAs(r.raw("POST", "/v1/bills", body, "Content-Digest", digestOf(body+" ")), 400, api.CodeDigestMismatch, "Content-Digest")
		if page, err := r.Bills.Bills(r.ctx, api.Query{}); err != nil || len(page.Bills) != 0 {
			r.t.Errorf("%d bills of an order that is not what it says (%v)", len(page.Bills), err)
		}
		a := r.raw("POST", "/v1/bills", body, "Content-Digest", digestOf(body))
		if a.status != 202 || a.header.Get("Content-Digest") != digestOf(string(a.body)) || a.took > time.Second {
			r.t.Errorf("answered %d with %q after %v", a.status, a.header.Get("Content-Digest"), a.took)
		}
		b := read[api.Bill](r, a)
		show := r.raw("GET", "/v1/bills/"+string(b.ID), "")
		if show.status != 200 || show.header.Get("Content-Digest") != digestOf(string(show.body)) {
			r.t.Errorf("a question was answered %d with %q", show.status, show.header.Get("Content-Digest"))
		}
		for _, key := range []string{"", "Bearer", "Bearer nonsense", "Bearer " + r.Keys.APIKey + "x", "Basic " + r.Keys.APIKey} {
			a := r.raw("POST", "/v1/bills", body, "Authorization", key)
			r.refusedAs(a, 401, platform.CodeUnauthorised, "")
			if a.header.Get("WWW-Authenticate") == "" {
				r.t.Error("it does not say what key is asked for")
			}
		}
	})
}

func digestOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// S14: the result is answered at once, and the shop believes only what is signed, whole
// and new.
func TestS14_TheShopBelievesSignedCallbacks(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		body := forgedCallback(o)
		now := time.Now()
		post := func(secret, body string, at time.Time, header ...string) answered {
			h := append([]string{"Authorization", ""}, signed(secret, "evt_forged", at, body)...)
			return r.ask("POST", r.Merchant.URL()+"/airtill", body, append(h, header...)...)
		}
		other := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
		r.refusedAs(post(other, body, now), 401, platform.CodeUnauthorised, "")
		r.refusedAs(post(r.Keys.WebhookSecret, body, now.Add(-6*time.Minute)), 401, platform.CodeUnauthorised, "")
		r.refusedAs(post(r.Keys.WebhookSecret, body, now.Add(6*time.Minute)), 401, platform.CodeUnauthorised, "")
		r.refusedAs(post(r.Keys.WebhookSecret, body, now, "Webhook-Id", "evt_other"), 401, platform.CodeUnauthorised, "")
		r.refusedAs(post(r.Keys.WebhookSecret, body, now, "Webhook-Signature", ""), 401, platform.CodeUnauthorised, "")
		r.refusedAs(post(r.Keys.WebhookSecret, body, now, "Content-Digest", digestOf(body+" ")), 400, api.CodeDigestMismatch, "Content-Digest")
		for i := 0; i < len(body); i += 7 {
			tampered := []byte(body)
			tampered[i] ^= 1
			h := append([]string{"Authorization", ""}, signed(r.Keys.WebhookSecret, "evt_forged", now, body)...)
			h = append(h, "Content-Digest", digestOf(string(tampered)))
			if a := r.ask("POST", r.Merchant.URL()+"/airtill", string(tampered), h...); a.status != 401 {
				r.t.Fatalf("a callback changed at octet %d is answered %d", i, a.status)
			}
		}
		if now, _ := r.Merchant.Shop.Order(o.ID); !now.Status.Open() || len(r.inbox(buyer)) != 0 {
			r.t.Fatalf("a forged callback made the order %s", now.Status)
		}
		r.pay(payer, id, 1, pin)
		r.endsAs(o.ID, merchant.Paid)
		r.told(id)
		genuine := r.seen.calls("shop", "POST", "/airtill")
		c := genuine[len(genuine)-1]
		if c.status != 204 || c.header.Get("Content-Digest") != digestOf(string(c.body)) || !verified(c.header, c.body, r.Keys.WebhookSecret) {
			r.t.Errorf("the platform's callback: %d, %v", c.status, c.header)
		}
		var again []string
		for name := range c.header {
			again = append(again, name, c.header.Get(name))
		}
		if a := r.ask("POST", r.Merchant.URL()+"/airtill", string(c.body), again...); a.status != 204 {
			r.t.Errorf("the same callback again is answered %d", a.status)
		}
		r.texts(buyer, 2) // and nobody is told twice
	})
}

func forgedCallback(o merchant.Order) string {
	text, err := json.Marshal(api.Callback{Type: "bill.settled", Timestamp: time.Now(), Data: api.Result{
		ID: platform.BillID(o.Bill), Reference: string(o.ID), State: "settled", Amount: o.Item.Amount, Currency: o.Item.Currency,
	}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// signed are the header fields of Standard Webhooks 1.0.0, made by this test's own code.
func signed(secret, id string, at time.Time, body string) []string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err)
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, id+"."+seconds+"."+body)
	return []string{
		"Webhook-Id", id, "Webhook-Timestamp", seconds,
		"Webhook-Signature", "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Content-Digest", digestOf(body),
	}
}

// verified checks a callback's signature as a merchant's own system does.
func verified(h http.Header, body []byte, secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, h.Get("Webhook-Id")+"."+h.Get("Webhook-Timestamp")+".")
	_, _ = mac.Write(body)
	return h.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// ownSystem is a merchant's own server for callbacks: the outside of the platform. It
// fails the first attempts of each callback as it is told to.
type ownSystem struct {
	secret string
	fail   int // with 500, so many times

	mu    sync.Mutex
	had   []api.Callback
	ids   []string
	wrong []error
}

func (s *ownSystem) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	var c api.Callback
	switch {
	case err != nil:
		s.wrong = append(s.wrong, err)
	case !verified(q.Header, body, s.secret):
		s.wrong = append(s.wrong, errors.New("a callback is not signed as it should be"))
	case q.Header.Get("Content-Digest") != digestOf(string(body)):
		s.wrong = append(s.wrong, errors.New("a callback's digest is not its body's"))
	case json.Unmarshal(body, &c) != nil:
		s.wrong = append(s.wrong, errors.New("a callback is no JSON"))
	}
	s.had = append(s.had, c)
	s.ids = append(s.ids, q.Header.Get("Webhook-Id"))
	if len(s.had) <= s.fail {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (s *ownSystem) state() (had []api.Callback, ids []string, wrong error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]api.Callback(nil), s.had...), append([]string(nil), s.ids...), errors.Join(s.wrong...)
}

// serve lets a merchant's own system listen, and opens its merchant.
func (r *rig) serve(id platform.MerchantID, s *ownSystem) (*api.Client, string) {
	r.t.Helper()
	ln, err := r.net.Listen(r.ctx, "127.0.0.1:0")
	r.ok(err)
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(ln) }() // until it is closed
	r.onEnd(func() { _ = server.Close() })
	keys, err := r.Office.AddMerchant(r.ctx, api.Merchant{ID: id, Name: "Own System", CallbackURL: world.URL(ln) + "/hook"})
	r.ok(err)
	s.secret = keys.WebhookSecret
	client, err := api.NewClient(api.ClientConfig{BaseURL: r.Platform.URL(), Key: api.Key(keys.APIKey), HTTP: world.HTTPClient(r.net)})
	r.ok(err)
	return client, keys.APIKey
}

// S15: a merchant's own system and the built-in shop: the flow is the same, and one does
// not see the other's bills.
func TestS15_TwoKindsOfShop(t *testing.T) {
	everywhere(t, people(person("pays", rich), plain()), func(r *rig) {
		own := &ownSystem{fail: 2}
		client, key := r.serve("20000002", own)
		b, err := client.CreateBill(r.ctx, order("own-1"), "")
		r.ok(err)
		o := r.place(flight, payer, buyer)
		built := r.bill(platform.BillID(r.endsAs(o.ID, merchant.Paid).Bill))
		r.until("the callback to be taken", func() bool {
			now, err := client.Bill(r.ctx, b.ID)
			r.ok(err)
			return !now.Acknowledged.IsZero()
		})
		had, ids, wrong := own.state()
		r.ok(wrong)
		if len(had) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
			r.t.Fatalf("%d callbacks with the ids %v: two were refused, and each attempt is the same callback", len(had), ids)
		}
		if c := had[2]; c.Type != "bill.settled" || c.Data.ID != b.ID || c.Data.Reference != "own-1" || c.Data.Amount != 1250 || c.Data.Payer != payer.Masked() {
			r.t.Errorf("it was told %+v", c)
		}
		ofOwn, err := client.Events(r.ctx, b.ID)
		r.ok(err)
		if a, z := states(ofOwn), states(r.events(built.ID)); a[len(a)-1] != z[len(z)-1] || a[len(a)-2] != z[len(z)-2] {
			r.t.Errorf("the flow is not the same: %v and %v", a, z)
		}
		r.refusedAs(r.raw("GET", "/v1/bills/"+string(b.ID), ""), 404, platform.CodeNotFound, "id")
		r.refusedAs(r.raw("POST", "/v1/bills/"+string(b.ID)+"/cancel", ""), 404, platform.CodeNotFound, "id")
		r.refusedAs(r.raw("GET", "/v1/bills/"+string(built.ID)+"/events", "", "Authorization", "Bearer "+key), 404, platform.CodeNotFound, "id")
		merchants, err := r.Office.Merchants(r.ctx)
		r.ok(err)
		for i, want := range []money.Amount{flightPrice, 1250} {
			if got := merchants[i].Balances["CNY"]; got != want {
				r.t.Errorf("merchant %s has %d, want %d", merchants[i].ID, got, want)
			}
		}
	})
}
