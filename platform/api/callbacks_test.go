package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

const (
	firstCallback  = "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_settled"
	refundCallback = "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_2_posted"
)

var aRefund = platform.NewRefundID(firstBill, 2)

func aCallback(f *fakePlatform) platform.Callback {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return platform.Callback{
		ID: firstCallback, Bill: firstBill, Merchant: shop, URL: "http://shop.example/cb", State: platform.CallbackExhausted, Attempts: len(f.acts) + 1,
		Status: 500, Problem: "answered 500", Failed: at, Ended: at,
	}
}

func (f *fakePlatform) Callbacks(_ context.Context, q platform.CallbackQuery) (platform.CallbackPage, error) {
	f.acts = append(f.acts, q)
	return platform.CallbackPage{Callbacks: []platform.Callback{aCallback(f)}, Next: "n"}, f.fail
}

func (f *fakePlatform) Callback(_ context.Context, m platform.MerchantID, of platform.CallbackSubject) (platform.Callback, error) {
	if of.Bill != firstBill || of.Refund != "" && of.Refund != aRefund || m != "" && m != shop {
		return platform.Callback{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"}
	}
	c := aCallback(f)
	c.Refund = of.Refund
	return c, f.fail
}

func (f *fakePlatform) Resend(_ context.Context, r platform.Resend) (platform.Callback, error) {
	f.acts = append(f.acts, r)
	return aCallback(f), f.fail
}

func (f *fakePlatform) Endpoints(_ context.Context, m platform.MerchantID) ([]platform.Endpoint, error) {
	return []platform.Endpoint{{Merchant: shop, URL: "http://shop.example/cb", Problem: string("of " + m)}}, f.fail
}

func (f *fakePlatform) EnableEndpoint(_ context.Context, e platform.EnableEndpoint) error {
	f.acts = append(f.acts, e)
	return f.fail
}

// A merchant asks about its own callbacks, the office about all.
func TestCallbackRoutes(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	c := client(t, server)
	o, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL, Key: operatorKey, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	page, err := c.Callbacks(ctx, api.CallbackQuery{State: platform.CallbackExhausted, After: "a", Limit: 7})
	check("list", err)
	if len(page.Callbacks) != 1 || page.Next != "n" || page.Callbacks[0].Problem != "answered 500" {
		t.Errorf("%+v", page)
	}
	_, err = o.Callbacks(ctx, api.CallbackQuery{Merchant: shop})
	check("office list", err)
	for id, refund := range map[string]platform.RefundID{firstCallback: "", string(firstBill): "", refundCallback: aRefund, string(aRefund): aRefund} {
		one, err := c.Callback(ctx, id)
		check("show", err)
		again, err := o.Callback(ctx, id)
		check("office show", err)
		if diff := cmp.Diff(one, again); diff != "" || one.Bill != firstBill || one.Refund != refund {
			t.Errorf("%s: %+v %s", id, one, diff)
		}
	}
	_, err = c.Resend(ctx, firstCallback)
	check("resend", err)
	_, err = o.Resend(ctx, firstCallback, api.ByHand{By: "Zhao Min", Note: "their server is back"})
	check("office resend", err)
	_, err = c.Resend(ctx, string(aRefund))
	check("resend about a refund", err)
	_, err = o.Resend(ctx, refundCallback, api.ByHand{By: "Zhao Min", Note: "they asked"})
	check("office resend about a refund", err)
	own, err := c.Endpoints(ctx)
	check("endpoints", err)
	all, err := o.Endpoints(ctx, "")
	check("office endpoints", err)
	if len(own) != 1 || own[0].Problem != "of 10000001" || len(all) != 1 || all[0].Problem != "of " {
		t.Errorf("%+v, %+v", own, all)
	}
	check("enable", c.EnableEndpoint(ctx, "http://shop.example/cb"))
	check("office enable", o.EnableEndpoint(ctx, api.EnableEndpoint{Merchant: shop, URL: "http://shop.example/cb", By: "Zhao Min", Note: "asked"}))
	want := []any{
		platform.CallbackQuery{Merchant: shop, State: platform.CallbackExhausted, After: "a", Limit: 7}, platform.CallbackQuery{Merchant: shop},
		platform.Resend{Merchant: shop, Bill: firstBill}, platform.Resend{Bill: firstBill, By: "Zhao Min", Note: "their server is back"},
		platform.Resend{Merchant: shop, Bill: firstBill, Refund: aRefund}, platform.Resend{Bill: firstBill, Refund: aRefund, By: "Zhao Min", Note: "they asked"},
		platform.EnableEndpoint{Merchant: shop, URL: "http://shop.example/cb"},
		platform.EnableEndpoint{Merchant: shop, URL: "http://shop.example/cb", By: "Zhao Min", Note: "asked"},
	}
	if diff := cmp.Diff(want, f.acts); diff != "" {
		t.Error(diff)
	}
}

func TestBadCallbackRequests(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	office := map[string]string{"Authorization": "Bearer " + operatorKey}
	tests := []struct {
		method, path, body string
		header             map[string]string
		status             int
		code               platform.Code
		field              string
	}{
		{"GET", "/v1/callbacks?state=lost", "", nil, 400, api.CodeBadRequest, "state"},
		{"GET", "/v1/callbacks?limit=0", "", nil, 400, api.CodeBadRequest, "limit"},
		{"GET", "/v1/callbacks?limit=201", "", nil, 400, api.CodeBadRequest, "limit"},
		{"GET", "/v1/callbacks?state=pending&state=pending", "", nil, 400, api.CodeBadRequest, "state"},
		{"GET", "/v1/callbacks?merchant=10000002", "", nil, 400, api.CodeBadRequest, "merchant"},
		{"GET", "/v1/callbacks?x=%zz", "", nil, 400, api.CodeBadRequest, ""},
		{"GET", "/v1/callbacks/evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_0_posted", "", nil, 404, platform.CodeNotFound, "id"},
		{"GET", "/v1/callbacks/evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_3_posted", "", nil, 404, platform.CodeNotFound, "id"},
		{"GET", "/v1/callbacks/evt_7", "", nil, 404, platform.CodeNotFound, "id"},
		{"GET", "/v1/callbacks/evt_01JDXK3Z7M0003ZZZZZZZZZZZ0_settled", "", nil, 404, platform.CodeNotFound, "id"},
		{"POST", "/v1/callbacks/7/resend", "", nil, 404, platform.CodeNotFound, "id"},
		{"POST", "/v1/callbacks/" + firstCallback + "/resend", `{"by":"me"}`, nil, 422, platform.CodeInvalid, "by"},
		{"POST", "/v1/endpoints/enable", `{}`, nil, 422, platform.CodeInvalid, "url"},
		{"GET", "/v1/office/callbacks", "", nil, 401, platform.CodeUnauthorised, ""},
		{"GET", "/v1/office/callbacks?merchant=7", "", office, 400, api.CodeBadRequest, "merchant"},
		{"GET", "/v1/office/endpoints?merchant=", "", office, 400, api.CodeBadRequest, "merchant"},
		{"GET", "/v1/office/endpoints?state=x", "", office, 400, api.CodeBadRequest, "state"},
		{"POST", "/v1/office/callbacks/" + firstCallback + "/resend", `{}`, office, 422, platform.CodeInvalid, "by"},
		{"POST", "/v1/office/endpoints/enable", `{"merchant":"1","url":"http://a/","by":"x","note":"y"}`, office, 422, platform.CodeInvalid, "merchant"},
	}
	for _, tt := range tests {
		response, body := request{method: tt.method, path: tt.path, body: tt.body, header: tt.header}.send(t, server)
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			if response.StatusCode != tt.status {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			response.Request.URL.RawQuery = ""
			checkProblem(t, response, body, tt.status, tt.code, tt.field)
		})
	}
	if len(f.acts) != 0 {
		t.Errorf("bad requests got through: %v", f.acts)
	}
}

// readyz says which part is not well, and why; livez does not ask.
func TestProbes(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	anyone := map[string]string{"Authorization": ""}
	for _, path := range []string{"/livez", "/readyz"} {
		if response, body := (request{"GET", path, "", anyone}).send(t, server); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	f.failWith(context.Canceled)
	const want = `{"status":"unready","reasons":["partitions: 2 of 16 are not taken"],"parts":[{"part":"carrier","ok":true,"detail":"bound"},{"part":"partitions","ok":false,"detail":"2 of 16 are not taken"}]}`
	if response, body := (request{"GET", "/readyz", "", anyone}).send(t, server); response.StatusCode != http.StatusServiceUnavailable || string(body) != want {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if response, body := (request{"GET", "/livez", "", anyone}).send(t, server); response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
