package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func TestS4_OrderBecomesBill(t *testing.T) {
	f := &fakePlatform{}
	c := client(t, serve(t, f))
	b, err := c.CreateBill(t.Context(), goodOrder(), `the "first" \ key`)
	if err != nil {
		t.Fatal(err)
	}
	if b.ID != firstBill || b.State != "created" || b.Amount != 128000 || b.Currency != "CNY" || b.Reference != "order-1001" {
		t.Errorf("bill %+v", b)
	}
	if b.Phone != "861*****0001" || b.BuyerPhone != "861*****0002" {
		t.Errorf("phones are not masked: %s, %s", b.Phone, b.BuyerPhone)
	}
	o := f.orders[0]
	if o.IdempotencyKey != `the "first" \ key` || o.ExpiresIn != 10*time.Minute || o.Phone != known || string(o.Goods) != string(goodOrder().Goods) {
		t.Errorf("order %+v", o)
	}
	again, err := c.CreateBill(t.Context(), goodOrder(), `the "first" \ key`)
	if err != nil || !cmp.Equal(b, again) {
		t.Errorf("the same order again: %v, %v", again, err)
	}
}

func TestClientReadsBills(t *testing.T) {
	f := &fakePlatform{}
	c := client(t, serve(t, f))
	made, err := c.CreateBill(t.Context(), goodOrder(), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Bill(t.Context(), made.ID)
	if err != nil || !cmp.Equal(made, got) {
		t.Errorf("bill: %v, %v", got, err)
	}
	page, err := c.Bills(t.Context(), api.Query{State: "created", Reference: "order-1001", Limit: 1, After: firstBill})
	if err != nil || len(page.Bills) != 1 || page.Next != firstBill {
		t.Errorf("page: %v, %v", page, err)
	}
	none, err := c.Bills(t.Context(), api.Query{State: settled})
	if err != nil || none.Bills == nil || len(none.Bills) != 0 {
		t.Errorf("empty page: %#v, %v", none, err)
	}
	cancelled, err := c.CancelBill(t.Context(), made.ID)
	if err != nil || cancelled.State != "cancelled" {
		t.Errorf("cancelled: %v, %v", cancelled, err)
	}
}

func TestClientReadsEvents(t *testing.T) {
	f := &fakePlatform{}
	c := client(t, serve(t, f))
	made, err := c.CreateBill(t.Context(), goodOrder(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.story = []platform.Event{{
		Name: "pay", From: "opened", To: "paid", Cause: "phone", Entry: "3-9",
		Postings: []platform.Posting{
			{Account: "card:89860000000000000001/1:CNY", Amount: -128000}, {Account: "sub:acct_10000001:CNY", Amount: 128000},
		},
	}}
	story, err := c.Events(t.Context(), made.ID)
	if err != nil || len(story) != 1 {
		t.Fatalf("story: %v, %v", story, err)
	}
	want := []platform.Posting{{Account: "card:*:CNY", Amount: -128000}, {Account: "sub:acct_10000001:CNY", Amount: 128000}}
	if diff := cmp.Diff(want, story[0].Postings); diff != "" {
		t.Error("a merchant sees which element paid:\n" + diff)
	}
}

// The outcome of a request is ok, refused, or unknown; the client says which.
func TestClientTellsRefusedFromUnknown(t *testing.T) {
	tests := []struct {
		fail    error
		status  int
		unknown bool
	}{
		{&platform.Error{Code: platform.CodeReferenceTaken, Detail: "taken"}, 409, false},
		{&platform.Error{Code: platform.CodeUnavailable, Detail: "later"}, 503, false},
		{&platform.Error{Code: platform.CodeUnknownOutcome, Detail: "perhaps"}, 504, true},
		{context.DeadlineExceeded, 504, true},
		{errors.New("disk on fire: PIN 123456"), 500, true},
	}
	for _, tt := range tests {
		f := &fakePlatform{fail: tt.fail}
		_, err := client(t, serve(t, f)).CreateBill(t.Context(), goodOrder(), "")
		if statusOf(err) != tt.status || errors.Is(err, api.ErrUnknown) != tt.unknown {
			t.Errorf("%v: %v", tt.fail, err)
		}
	}
}

// Whatever answers in the platform's place, the client does not take it for an answer of the platform.
func TestClientAgainstStrangers(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"other content than its digest": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Digest", api.ContentDigest([]byte("{}")))
			_, _ = w.Write([]byte(`{"id":"bill_1"}`))
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id":`))
		},
		"a bad gateway":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusBadGateway) },
		"a full gateway": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusServiceUnavailable) },
		"no answer":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, serve := range tests {
		server := httptest.NewServer(serve)
		_, err := client(t, server).CreateBill(t.Context(), goodOrder(), "")
		server.Close()
		if !errors.Is(err, api.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := client(t, server).Bill(t.Context(), firstBill); statusOf(err) != http.StatusTemporaryRedirect {
		t.Error(err)
	}
}

// The list of all phones is longer than any other answer may be.
func TestOfficeClientTakesAllPhones(t *testing.T) {
	const enrolled = 50_000
	server := serve(t, &fakePlatform{phones: enrolled})
	c, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL, Key: operatorKey, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if phones, err := c.Phones(t.Context()); err != nil || len(phones) != enrolled {
		t.Errorf("%d phones of %d, %v", len(phones), enrolled, err)
	}
}

func TestOfficeClient(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	c, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL + "/", Key: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.BranchKey(t.Context())
	if err != nil || !cmp.Equal(key, f.BranchKey()) {
		t.Errorf("branch key: %x, %v", key, err)
	}
	enrolled, err := c.Enrol(t.Context(), goodEnrolment())
	if err != nil || string(enrolled.Personalisation) != "personalised" || enrolled.Phone != known {
		t.Errorf("enrolled: %+v, %v", enrolled, err)
	}
	want := platform.Enrolment{
		Phone: known, Name: "Li", Form: "sim", ElementID: "89860000000000000001", PublicKey: []byte{4, 9},
		Secrets: []byte("sealed"), Accounts: []platform.Opening{{Balance: 0, Currency: "CNY"}, {Balance: 500000, Currency: "CNY"}},
	}
	if diff := cmp.Diff([]platform.Enrolment{want}, f.enrolments); diff != "" {
		t.Error(diff)
	}
	phones, err := c.Phones(t.Context())
	if err != nil || len(phones) != 1 || phones[0].MSISDN != gateway.MSISDN(known).Masked() || phones[0].Cards[0].Masked != "621700******0001" {
		t.Errorf("phones: %+v, %v", phones, err)
	}
	checkActs(t, c, f)
	keys, err := c.AddMerchant(t.Context(), api.Merchant{ID: "10000002", Name: "Trains", Payees: []string{"acct_a", "acct_b"}})
	if err != nil || keys.APIKey != "fresh-key" || len(f.opened) != 1 || f.opened[0].Payees[1] != "acct_b" {
		t.Errorf("keys: %+v, %v", keys, err)
	}
	merchants, err := c.Merchants(t.Context())
	if err != nil || len(merchants) != 1 || merchants[0].Balances["CNY"] != 7 {
		t.Errorf("merchants: %+v, %v", merchants, err)
	}
}

// checkActs has an operator look at the alarms and do something about them.
func checkActs(t *testing.T, c *api.OfficeClient, f *fakePlatform) {
	t.Helper()
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	f.alarms = []platform.Alarm{{Phone: gateway.MSISDN(known).Masked(), Kind: platform.AlarmForged, Since: at, Last: at.Add(time.Hour), Count: 12, Detail: "not authentic"}}
	got, err := c.Alarms(t.Context())
	want := api.Alarms{Alarms: []api.Alarm{api.Alarm(f.alarms[0])}, Drops: map[string]int{"not authentic": 7}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if err := c.Unlock(t.Context(), known, api.Unlock{Slot: 1, By: "Zhao Min", Note: "came to the branch"}); err != nil {
		t.Error(err)
	}
	if err := c.Release(t.Context(), known, api.Release{By: "Zhao Min", Note: "new element"}); err != nil {
		t.Error(err)
	}
	acts := []any{
		platform.Unlock{Phone: known, Slot: 1, By: "Zhao Min", Note: "came to the branch"},
		platform.Release{Phone: known, By: "Zhao Min", Note: "new element"},
	}
	if diff := cmp.Diff(acts, f.acts); diff != "" {
		t.Error(diff)
	}
	problem := new(api.Problem)
	if err := c.Unlock(t.Context(), known, api.Unlock{Slot: 2, By: "Zhao Min", Note: "again"}); !errors.As(err, &problem) || problem.Code() != platform.CodeIllegalState {
		t.Errorf("a card that is not locked: %v", err)
	}
}

func goodEnrolment() api.Enrolment {
	return api.Enrolment{
		Phone: known, Name: "Li", Form: "sim", ElementID: "89860000000000000001", PublicKey: []byte{4, 9},
		Secrets: []byte("sealed"), Accounts: []api.Opening{{Balance: 0, Currency: "CNY"}, {Balance: 500000, Currency: "CNY"}},
	}
}

func TestClientConfig(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://host", "http://", "http://user:pw@host"} {
		if _, err := api.NewClient(api.ClientConfig{BaseURL: base}); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}
