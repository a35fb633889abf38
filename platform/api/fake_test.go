package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

const (
	apiKey      = "key_of_the_shop_0123456789"
	operatorKey = "key_of_the_office_987654321"
	known       = "8613800000001"
	buyer       = "8613900000002"
	shop        = platform.MerchantID("10000001")
	firstBill   = platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
)

// fakePlatform is a platform of one merchant that keeps bills in a map and pushes nothing.
type fakePlatform struct {
	mu     sync.Mutex
	orders []platform.Order
	bills  []platform.Bill
	story  []platform.Event
	fail   error // every call fails with it when set

	refundOrders []platform.RefundOrder
	refunds      []platform.Refund

	phones     int // that are enrolled, all alike; 0 is one
	enrolments []platform.Enrolment
	opened     []platform.Merchant
	acts       []any // of operators
	alarms     []platform.Alarm
}

func (f *fakePlatform) Authenticate(_ context.Context, key string) (platform.Merchant, error) {
	if key != apiKey {
		return platform.Merchant{}, &platform.Error{Code: platform.CodeUnauthorised, Detail: "no such key"}
	}
	return platform.Merchant{ID: shop, Name: "Shop"}, nil
}

func (f *fakePlatform) CreateBill(_ context.Context, m platform.MerchantID, o platform.Order) (platform.Bill, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return platform.Bill{}, f.fail
	}
	for i, earlier := range f.orders {
		switch {
		case earlier.Reference == o.Reference && earlier.Fingerprint == o.Fingerprint:
			again := f.bills[i]
			again.Repeated = true
			return again, nil
		case o.IdempotencyKey != "" && earlier.IdempotencyKey == o.IdempotencyKey:
			return platform.Bill{}, &platform.Error{Code: platform.CodeIdempotencyMismatch, Field: "Idempotency-Key", Detail: "other content"}
		case earlier.Reference == o.Reference:
			return platform.Bill{}, &platform.Error{Code: platform.CodeReferenceTaken, Field: "reference", Detail: "taken"}
		}
	}
	if o.Phone != known {
		return platform.Bill{}, &platform.Error{Code: platform.CodeUnknownPhone, Field: "phone", Detail: "not enrolled"}
	}
	b := billOf(firstBill, m, o)
	f.orders, f.bills = append(f.orders, o), append(f.bills, b)
	return b, nil
}

func billOf(id platform.BillID, m platform.MerchantID, o platform.Order) platform.Bill {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return platform.Bill{
		ID: id, Merchant: m, Reference: o.Reference, State: "created", Amount: o.Amount, Currency: o.Currency,
		Payee: "acct_" + string(m), Phone: o.Phone, BuyerPhone: o.BuyerPhone, Subject: o.Subject, Goods: o.Goods,
		CallbackURL: o.CallbackURL, Created: now, Expires: now.Add(o.ExpiresIn), Updated: now,
	}
}

func (f *fakePlatform) Bill(_ context.Context, _ platform.MerchantID, id platform.BillID) (platform.Bill, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.IndexFunc(f.bills, func(b platform.Bill) bool { return b.ID == id }); i >= 0 {
		return f.bills[i], f.fail
	}
	return platform.Bill{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"}
}

func (f *fakePlatform) Bills(_ context.Context, _ platform.MerchantID, q platform.Query) (platform.Page, error) {
	var page platform.Page
	for _, b := range f.bills {
		if (q.State == "" || q.State == b.State) && (q.Reference == "" || q.Reference == b.Reference) {
			page.Bills = append(page.Bills, b)
		}
	}
	if q.Limit == 1 {
		page.Next = firstBill
	}
	return page, f.fail
}

func (f *fakePlatform) CancelBill(ctx context.Context, m platform.MerchantID, id platform.BillID) (platform.Bill, error) {
	b, err := f.Bill(ctx, m, id)
	if err == nil && b.State == "settled" {
		return b, &platform.Error{Code: platform.CodeIllegalState, Field: "id", Detail: "the bill is settled"}
	}
	b.State = "cancelled"
	return b, err
}

func (f *fakePlatform) Events(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Event, error) {
	_, err := f.Bill(ctx, m, id)
	return f.story, err
}

func (f *fakePlatform) BranchKey() []byte { return []byte{4, 1, 2, 3} }

func (f *fakePlatform) Enrol(_ context.Context, e platform.Enrolment) (applet.Sealed, error) {
	if e.Phone == buyer {
		return nil, &platform.Error{Code: platform.CodeAlreadyEnrolled, Field: "phone", Detail: "in use"}
	}
	f.enrolments = append(f.enrolments, e)
	return applet.Sealed("personalised"), nil
}

func (f *fakePlatform) EnrolBatch(ctx context.Context, b platform.EnrolmentBatch) ([]platform.EnrolmentOutcome, error) {
	done := make([]platform.EnrolmentOutcome, len(b.Enrolments))
	for i, e := range b.Enrolments {
		if e.Phone != "" {
			done[i].Personalisation, done[i].Err = f.Enrol(ctx, e)
		}
	}
	return done, nil
}

func (f *fakePlatform) Phones(context.Context) ([]platform.Phone, error) {
	return slices.Repeat([]platform.Phone{{
		MSISDN: known, Name: "Li", ElementID: "89860000000000000001", Form: "sim",
		Cards: []platform.Card{{Slot: 1, Alias: "wages", Masked: "621700******0001", Balance: 500, Currency: "CNY"}},
	}}, max(1, f.phones)), nil
}

func (f *fakePlatform) Unlock(_ context.Context, u platform.Unlock) error {
	f.acts = append(f.acts, u)
	if u.Slot == 2 {
		return &platform.Error{Code: platform.CodeIllegalState, Field: "slot", Detail: "not locked"}
	}
	return nil
}

func (f *fakePlatform) Release(_ context.Context, r platform.Release) error {
	f.acts = append(f.acts, r)
	return nil
}

func (f *fakePlatform) Alarms(context.Context) ([]platform.Alarm, error) { return f.alarms, nil }

func (f *fakePlatform) Drops(context.Context) (map[string]int, error) {
	return map[string]int{"not authentic": 7}, nil
}

func (f *fakePlatform) AddMerchant(_ context.Context, m platform.Merchant) (platform.MerchantKeys, error) {
	f.opened = append(f.opened, m)
	return platform.MerchantKeys{ID: m.ID, APIKey: "fresh-key", WebhookSecret: "whsec_fresh"}, nil
}

func (f *fakePlatform) Merchants(context.Context) ([]platform.Merchant, error) {
	return []platform.Merchant{{ID: shop, Name: "Shop", Payees: []string{"acct_10000001"}, Balances: map[money.Currency]money.Amount{"CNY": 7}}}, nil
}

// serve stands a fake platform up behind a Handler on a real connection.
func serve(t *testing.T, f *fakePlatform) *httptest.Server {
	t.Helper()
	h, err := api.NewHandler(api.HandlerConfig{
		Service: f, Authenticator: f, Office: f, OperatorKey: operatorKey,
		Callbacks: f, Health: f.health,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func (f *fakePlatform) health(context.Context) []api.Part {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := []api.Part{{Name: "carrier", OK: true, Detail: "bound"}, {Name: "partitions", OK: f.fail == nil}}
	if f.fail != nil {
		parts[1].Detail = "2 of 16 are not taken"
	}
	return parts
}

func (f *fakePlatform) failWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func client(t *testing.T, server *httptest.Server) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientConfig{BaseURL: server.URL, Key: apiKey, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func goodOrder() api.Order {
	return api.Order{
		Reference: "order-1001", Amount: 128000, Currency: "CNY", Phone: gateway.MSISDN(known), BuyerPhone: buyer,
		ExpiresIn: api.Duration(10 * time.Minute), CallbackURL: "http://127.0.0.1:9000/airtill",
		Goods: []byte(`{"kind":"flight","flight":"CA1405","seat":"12A"}`),
	}
}

func statusOf(err error) int {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p.Status
	}
	return http.StatusOK
}

const settled = fsm.State("settled")
