package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func (f *fakePlatform) Refund(ctx context.Context, m platform.MerchantID, id platform.BillID, o platform.RefundOrder) (platform.Refund, error) {
	b, err := f.Bill(ctx, m, id)
	if err != nil {
		return platform.Refund{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, earlier := range f.refundOrders {
		if earlier.IdempotencyKey == o.IdempotencyKey && earlier.Reference == o.Reference {
			again := f.refunds[i]
			again.Repeated = true
			return again, nil
		}
	}
	if o.Amount > b.Amount {
		return platform.Refund{}, &platform.Error{Code: platform.CodeInvalid, Field: "amount", Detail: "at most 128000"}
	}
	r := platform.Refund{
		ID: platform.NewRefundID(id, len(f.refunds)+1), Bill: id, State: platform.RefundPending, Amount: o.Amount, Currency: b.Currency,
		Reason: o.Reason, Reference: o.Reference, Created: time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC),
	}
	f.refundOrders, f.refunds = append(f.refundOrders, o), append(f.refunds, r)
	return r, nil
}

func (f *fakePlatform) Refunds(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Refund, error) {
	_, err := f.Bill(ctx, m, id)
	return f.refunds, err
}

func (f *fakePlatform) FindRefund(_ context.Context, _ platform.MerchantID, id platform.RefundID) (platform.Refund, error) {
	for _, r := range f.refunds {
		if r.ID == id {
			return r, nil
		}
	}
	return platform.Refund{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such refund"}
}

const backPath = "/v1/bills/" + string(firstBill) + "/refunds"

// In each profile a bill is given back, the same request again is known, and the refund
// and the bill with it are there to be seen.
func TestRefundsInAllProfiles(t *testing.T) {
	for name, side := range map[string]func(*testing.T, *bench) api.RequestSigner{
		"key":    func(*testing.T, *bench) api.RequestSigner { return nil },
		"modern": func(t *testing.T, b *bench) api.RequestSigner { return b.modern(t, modernShop, openChest().shop) },
		"legacy": func(t *testing.T, b *bench) api.RequestSigner { skipLegacy(t); return b.legacy(t) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			config := api.ClientConfig{BaseURL: b.server.URL, Signer: side(t, b)}
			if config.Signer == nil {
				config.Key = apiKey
			}
			c, err := api.NewClient(config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.CreateBill(t.Context(), goodOrder(), ""); err != nil {
				t.Fatal(err)
			}
			order := api.RefundOrder{Amount: 2500, Reason: "the seat was taken, 订", Reference: "back-1"}
			made, err := c.Refund(t.Context(), firstBill, order, "")
			if err != nil || made.Amount != 2500 || made.State != platform.RefundPending || made.Reason != order.Reason || made.Reference != "back-1" {
				t.Fatalf("%+v, %v", made, err)
			}
			again, err := c.Refund(t.Context(), firstBill, order, "")
			if err != nil || again.ID != made.ID || len(b.refunds) != 1 {
				t.Errorf("again: %+v, %v", again, err)
			}
			listed, err := c.Refunds(t.Context(), firstBill)
			if diff := cmp.Diff([]platform.Refund{made}, listed); diff != "" || err != nil {
				t.Errorf("%s, %v", diff, err)
			}
			found, err := c.FindRefund(t.Context(), made.ID)
			if err != nil || found != made {
				t.Errorf("%+v, %v", found, err)
			}
			b.bills[0].State, b.bills[0].Refunds, b.bills[0].Refunded = settled, listed, 2500
			shown, err := c.Bill(t.Context(), firstBill)
			if err != nil || shown.Refunded != 2500 || len(shown.Refunds) != 1 || shown.Refunds[0] != made {
				t.Errorf("%+v, %v", shown, err)
			}
			_, err = c.Refund(t.Context(), firstBill, api.RefundOrder{Amount: 999999999999, Reference: "back-2"}, "")
			if p, ok := errors.AsType[*api.Problem](err); !ok || p.Field != "amount" || p.Status != http.StatusUnprocessableEntity {
				t.Errorf("%v", err)
			}
		})
	}
}

// The answer says where the refund is, and whether it was there already.
func TestRefundAnswer(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	if _, err := client(t, server).CreateBill(t.Context(), goodOrder(), ""); err != nil {
		t.Fatal(err)
	}
	for n, replayed := range []string{"", "true"} {
		q := request{method: http.MethodPost, path: backPath, body: `{"amount":7}`, header: map[string]string{"Idempotency-Key": `"k-1"`}}
		got, _ := q.send(t, server)
		if got.StatusCode != http.StatusAccepted || got.Header.Get("Idempotent-Replayed") != replayed ||
			got.Header.Get("Location") != "/v1/refunds/"+string(platform.NewRefundID(firstBill, 1)) {
			t.Errorf("answer %d: %d, %v", n, got.StatusCode, got.Header)
		}
	}
	if f.refundOrders[0] != (platform.RefundOrder{Amount: 7, IdempotencyKey: "k-1"}) {
		t.Errorf("%+v", f.refundOrders[0])
	}
}

// A refund is read as strictly as an order.
func TestRefundRead(t *testing.T) {
	server := serve(t, &fakePlatform{bills: []platform.Bill{{ID: firstBill, State: settled, Amount: 100, Currency: "CNY"}}})
	long := strings.Repeat("x", api.MaxReason+1)
	tests := map[string]struct {
		path, body string
		status     int
		field      string
	}{
		"no body":             {backPath, "", 202, ""},
		"nothing said":        {backPath, "{}", 202, ""},
		"null amount":         {backPath, `{"amount":null}`, 202, ""},
		"amount 0":            {backPath, `{"amount":0}`, 422, "amount"},
		"a negative amount":   {backPath, `{"amount":-1}`, 422, "amount"},
		"an amount in quotes": {backPath, `{"amount":"7"}`, 422, "amount"},
		"an amount too large": {backPath, `{"amount":1000000000000}`, 422, "amount"},
		"a long reason":       {backPath, `{"reason":"` + long + `"}`, 422, "reason"},
		"a long reference":    {backPath, `{"reference":"` + long + `"}`, 422, "reference"},
		"another field":       {backPath, `{"currency":"CNY"}`, 422, "currency"},
		"twice":               {backPath, `{"amount":1,"amount":1}`, 422, "amount"},
		"no object":           {backPath, `[]`, 400, ""},
		"no such bill":        {"/v1/bills/bill_01JDXK3Z7M0003ZZZZZZZZZZZX/refunds", "{}", 404, "id"},
		"no bill at all":      {"/v1/bills/x/refunds", "{}", 404, "id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := request{method: http.MethodPost, path: tt.path, body: tt.body}.send(t, server)
			var p api.Problem
			if err := json.Unmarshal(body, &p); err != nil || response.StatusCode != tt.status || p.Field != tt.field {
				t.Errorf("%d, %s", response.StatusCode, body)
			}
		})
	}
	for _, id := range []string{"x", "refund_x", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_0", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_100", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_9"} {
		response, body := request{method: http.MethodGet, path: "/v1/refunds/" + id}.send(t, server)
		checkProblem(t, response, body, http.StatusNotFound, platform.CodeNotFound, "id")
	}
}

// A refund that a merchant of profile modern asks for must be one that cannot be asked for
// again under another key: its Idempotency-Key is there and signed.
func TestModernRefundNeedsItsKey(t *testing.T) {
	b := newBench(t)
	b.bills = []platform.Bill{{ID: firstBill, State: settled, Amount: 100, Currency: "CNY"}}
	side := b.modern(t, modernShop, openChest().shop)
	_, err := b.client(t, side).Refund(t.Context(), firstBill, api.RefundOrder{Amount: 1}, "")
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != http.StatusUnauthorized || !strings.Contains(p.Detail, "idempotency-key") || len(b.refunds) != 0 {
		t.Errorf("without one: %v", err)
	}
	if _, err := b.client(t, side).Refund(t.Context(), firstBill, api.RefundOrder{Amount: 1}, "k-9"); err != nil {
		t.Errorf("with one: %v", err)
	}
}

// A callback about a refund is read in each form that callbacks have.
func TestRefundCallback(t *testing.T) {
	at := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	b := platform.Bill{ID: firstBill, Reference: "order-1001", State: settled, Amount: 128000, Currency: "CNY", Phone: known, Created: at, Ended: at}
	r := platform.Refund{ID: platform.NewRefundID(firstBill, 1), Bill: firstBill, State: platform.RefundPosted, Amount: 2500, Currency: "CNY", Created: at, Ended: at.Add(time.Second)}
	c := api.RefundCallbackOf(api.CallbackOf(b).Data, r, 2500)
	if c.Type != "refund.posted" || !c.Timestamp.Equal(r.Ended) || c.Data.ID != firstBill || *c.Data.Refund != r {
		t.Errorf("%+v", c)
	}
	skipLegacy(t)
	event, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	body, err := api.LegacyCallback(event, legacyShop, "evt_1", openChest().platformRSA)
	if err != nil {
		t.Fatal(err)
	}
	q := httptest.NewRequest(http.MethodPost, "/airtill", bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, got, err := newBench(t).legacy(t).ReadCallback(q, body)
	if diff := cmp.Diff(c, got); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}
