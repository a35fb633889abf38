package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// request is one hand-made request, as a stranger's client might send it.
type request struct {
	method, path, body string
	header             map[string]string // over the ones below; "" takes one away
}

func (q request) send(t *testing.T, server *httptest.Server) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, server.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range q.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

// orderWith is a good order's JSON with one field set to other JSON, or taken away by "".
func orderWith(t *testing.T, field, value string) string {
	t.Helper()
	return with(t, goodOrder(), field, value)
}

func with(t *testing.T, v any, field, value string) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	fields[field] = json.RawMessage(value)
	if value == "" {
		delete(fields, field)
	}
	text, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkProblem(t *testing.T, response *http.Response, body []byte, status int, code platform.Code, field string) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("no problem: %s", body)
	}
	if response.StatusCode != status || p.Status != status || p.Code() != code || p.Field != field {
		t.Errorf("%d %s, want %d %s %q", response.StatusCode, body, status, code, field)
	}
	if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if p.Type != "urn:airtill:problem:"+string(code) || p.Title == "" || p.Detail == "" || p.Instance != response.Request.URL.Path {
		t.Errorf("problem %s", body)
	}
	if err := api.VerifyContentDigest(response.Header.Values("Content-Digest"), body); err != nil || response.Header.Get("Content-Digest") == "" {
		t.Errorf("digest of the answer: %v", err)
	}
}

// Every field of an order, wrong in every way: it is named, and no order gets through.
func TestBadOrders(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	tests := []struct{ field, value string }{
		{"reference", ""}, {"reference", "null"}, {"reference", `""`}, {"reference", "7"}, {"reference", `"a\nb"`},
		{"reference", `" a"`}, {"reference", long(65)}, {"reference", `"\ud800"`}, {"reference", `["a"]`},
		{"amount", ""}, {"amount", "null"}, {"amount", "0"}, {"amount", "-1"}, {"amount", "1.5"}, {"amount", "1e3"}, {"amount", `"128000"`},
		{"amount", "1000000000000"}, {"amount", "9223372036854775808"}, {"amount", "true"}, {"amount", "{}"},
		{"currency", ""}, {"currency", `"XXQ"`}, {"currency", `"cny"`}, {"currency", `""`}, {"currency", "156"},
		{"phone", ""}, {"phone", `""`}, {"phone", `"12345"`}, {"phone", `"0613800000001"`}, {"phone", `"86138x0000001"`},
		{"phone", "8613800000001"}, {"phone", `"8613800000001234567"`},
		{"buyer_phone", `"+"`}, {"buyer_phone", `"one"`}, {"buyer_phone", "1"},
		{"payee", `""`}, {"payee", long(65)}, {"payee", "1"},
		{"expires_in", `"0s"`}, {"expires_in", `"-1m"`}, {"expires_in", `"999ms"`}, {"expires_in", `"720h0m1s"`}, {"expires_in", `"15"`},
		{"expires_in", "900"}, {"expires_in", `"soon"`},
		{"callback_url", `"/airtill"`}, {"callback_url", `"ftp://host/"`}, {"callback_url", `"http://"`}, {"callback_url", `"http://u:p@host/"`},
		{"callback_url", `"http://host/#f"`}, {"callback_url", `"http://ho st/"`}, {"callback_url", `"http://h/` + strings.Repeat("x", 2048) + `"`},
		{"subject", long(65)}, {"subject", "[]"}, {"subject", `"a\u0000"`},
		{"goods", long(api.MaxGoods)},
		{"amout", "1"}, {"Amount", "1"}, {"", "1"}, {"pin", `"123456"`},
	}
	f := &fakePlatform{}
	server := serve(t, f)
	for _, tt := range tests {
		t.Run(tt.field+"="+tt.value[:min(len(tt.value), 20)], func(t *testing.T) {
			response, body := request{method: "POST", path: "/v1/bills", body: orderWith(t, tt.field, tt.value)}.send(t, server)
			checkProblem(t, response, body, http.StatusUnprocessableEntity, platform.CodeInvalid, tt.field)
		})
	}
	if len(f.orders) != 0 {
		t.Errorf("%d bad orders got through", len(f.orders))
	}
}

// The bounds themselves are good.
func TestGoodOrders(t *testing.T) {
	tests := []struct{ field, value string }{
		{"amount", "1"}, {"amount", "999999999999"}, {"expires_in", `"1s"`}, {"expires_in", `"720h"`}, {"expires_in", ""}, {"expires_in", "null"},
		{"phone", `"+8613800000001"`}, {"reference", `"` + strings.Repeat("订", 64) + `"`}, {"goods", ""}, {"goods", `"a book"`}, {"goods", "[1e400]"},
		{"goods", `"` + strings.Repeat("x", api.MaxGoods-2) + `"`}, {"buyer_phone", ""}, {"callback_url", `"https://shop.example:8443/a?b=c"`},
	}
	for _, tt := range tests {
		f := &fakePlatform{}
		response, body := request{method: "POST", path: "/v1/bills", body: orderWith(t, tt.field, tt.value)}.send(t, serve(t, f))
		if response.StatusCode != http.StatusAccepted || response.Header.Get("Location") != "/v1/bills/"+string(firstBill) {
			t.Errorf("%s=%.20s: %d %s", tt.field, tt.value, response.StatusCode, body)
		}
		if err := api.VerifyContentDigest(response.Header.Values("Content-Digest"), body); err != nil {
			t.Error(err)
		}
	}
}

// curl -d calls every body a form; what it holds is judged all the same.
func TestAnOrderByCurl(t *testing.T) {
	for _, media := range []string{"application/x-www-form-urlencoded", "application/json; charset=UTF-8", ""} {
		q := request{"POST", "/v1/bills", orderWith(t, "goods", ""), map[string]string{"Content-Type": media}}
		if response, body := q.send(t, serve(t, &fakePlatform{})); response.StatusCode != http.StatusAccepted {
			t.Errorf("%q: %d %s", media, response.StatusCode, body)
		}
	}
}

func TestBadRequests(t *testing.T) {
	good := orderWith(t, "goods", "")
	tests := []struct {
		name   string
		q      request
		status int
		code   platform.Code
		field  string
	}{
		{"no JSON", request{"POST", "/v1/bills", "amount=1", nil}, 400, api.CodeBadRequest, ""},
		{"nothing", request{"POST", "/v1/bills", "", nil}, 400, api.CodeBadRequest, ""},
		{"an array", request{"POST", "/v1/bills", "[" + good + "]", nil}, 400, api.CodeBadRequest, ""},
		{"cut short", request{"POST", "/v1/bills", good[:len(good)-1], nil}, 400, api.CodeBadRequest, ""},
		{"cut in a field", request{"POST", "/v1/bills", `{"amount":`, nil}, 400, api.CodeBadRequest, ""},
		{"two objects", request{"POST", "/v1/bills", good + good, nil}, 400, api.CodeBadRequest, ""},
		{"not UTF-8", request{"POST", "/v1/bills", "{\"reference\":\"\xff\"}", nil}, 400, api.CodeBadRequest, ""},
		{"a field twice", request{"POST", "/v1/bills", `{"amount":1,"amount":2}`, nil}, 422, platform.CodeInvalid, "amount"},
		{"too large", request{"POST", "/v1/bills", `{"goods":"` + strings.Repeat("x", api.MaxBody) + `"}`, nil}, 413, api.CodeTooLarge, ""},
		{"deep", request{"POST", "/v1/bills", `{"goods":` + strings.Repeat("[", 20000), nil}, 400, api.CodeBadRequest, ""},
		{"a form", request{"POST", "/v1/bills", "amount=1", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 400, api.CodeBadRequest, ""},
		{"another type", request{"POST", "/v1/bills", good, map[string]string{"Content-Type": "text/xml"}}, 415, api.CodeUnsupportedType, "Content-Type"},
		{"other letters", request{"POST", "/v1/bills", good, map[string]string{"Content-Type": "application/json; charset=latin1"}}, 415, api.CodeUnsupportedType, "Content-Type"},
		{"no type at all", request{"POST", "/v1/bills", good, map[string]string{"Content-Type": ";"}}, 415, api.CodeUnsupportedType, "Content-Type"},
		{"packed", request{"POST", "/v1/bills", good, map[string]string{"Content-Encoding": "gzip"}}, 415, api.CodeUnsupportedType, "Content-Encoding"},
		{"a wrong digest", request{"POST", "/v1/bills", good, map[string]string{"Content-Digest": api.ContentDigest([]byte("other"))}}, 400, api.CodeDigestMismatch, "Content-Digest"},
		{"no digest", request{"POST", "/v1/bills", good, map[string]string{"Content-Digest": "sha-256=abc"}}, 400, api.CodeDigestMismatch, "Content-Digest"},
		{"an empty key", request{"POST", "/v1/bills", good, map[string]string{"Idempotency-Key": `""`}}, 400, api.CodeBadRequest, "Idempotency-Key"},
		{"an open quote", request{"POST", "/v1/bills", good, map[string]string{"Idempotency-Key": `"a`}}, 400, api.CodeBadRequest, "Idempotency-Key"},
		{"a long key", request{"POST", "/v1/bills", good, map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}}, 400, api.CodeBadRequest, "Idempotency-Key"},
		{"no key", request{"POST", "/v1/bills", good, map[string]string{"Authorization": ""}}, 401, platform.CodeUnauthorised, ""},
		{"an empty bearer", request{"POST", "/v1/bills", good, map[string]string{"Authorization": "Bearer "}}, 401, platform.CodeUnauthorised, ""},
		{"another's key", request{"POST", "/v1/bills", good, map[string]string{"Authorization": "Bearer nobody"}}, 401, platform.CodeUnauthorised, ""},
		{"basic", request{"GET", "/v1/bills", "", map[string]string{"Authorization": "Basic " + apiKey}}, 401, platform.CodeUnauthorised, ""},
		{"an unknown phone", request{"POST", "/v1/bills", orderWith(t, "phone", `"8613800000009"`), nil}, 422, platform.CodeUnknownPhone, "phone"},
		{"no such path", request{"GET", "/v1/invoices", "", nil}, 404, platform.CodeNotFound, ""},
		{"the root", request{"GET", "/", "", nil}, 404, platform.CodeNotFound, ""},
		{"wrong method", request{"DELETE", "/v1/bills", "", nil}, 405, api.CodeMethodNotAllowed, ""},
		{"wrong method on one", request{"POST", "/v1/bills/" + string(firstBill), "", nil}, 405, api.CodeMethodNotAllowed, ""},
		{"no such bill", request{"GET", "/v1/bills/" + string(firstBill), "", nil}, 404, platform.CodeNotFound, "id"},
		{"no bill id", request{"GET", "/v1/bills/7", "", nil}, 404, platform.CodeNotFound, "id"},
		{"no bill to cancel", request{"POST", "/v1/bills/" + string(firstBill) + "/cancel", "", nil}, 404, platform.CodeNotFound, "id"},
		{"a body to cancel", request{"POST", "/v1/bills/" + string(firstBill) + "/cancel", `{"why":1}`, nil}, 422, platform.CodeInvalid, "why"},
		{"no bill's events", request{"GET", "/v1/bills/" + string(firstBill) + "/events", "", nil}, 404, platform.CodeNotFound, "id"},
		{"no such state", request{"GET", "/v1/bills?state=payed", "", nil}, 400, api.CodeBadRequest, "state"},
		{"limit 0", request{"GET", "/v1/bills?limit=0", "", nil}, 400, api.CodeBadRequest, "limit"},
		{"limit 201", request{"GET", "/v1/bills?limit=201", "", nil}, 400, api.CodeBadRequest, "limit"},
		{"limit ten", request{"GET", "/v1/bills?limit=ten", "", nil}, 400, api.CodeBadRequest, "limit"},
		{"day", request{"GET", "/v1/bills?day=2026-13-01", "", nil}, 400, api.CodeBadRequest, "day"},
		{"after what", request{"GET", "/v1/bills?after=x", "", nil}, 400, api.CodeBadRequest, "after"},
		{"twice", request{"GET", "/v1/bills?limit=1&limit=2", "", nil}, 400, api.CodeBadRequest, "limit"},
		{"no such parameter", request{"GET", "/v1/bills?page=2", "", nil}, 400, api.CodeBadRequest, "page"},
		{"a broken query", request{"GET", "/v1/bills?a=%zz", "", nil}, 400, api.CodeBadRequest, ""},
		{"the office with a merchant's key", request{"GET", "/v1/office/phones", "", nil}, 401, platform.CodeUnauthorised, ""},
	}
	f := &fakePlatform{}
	server := serve(t, f)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := tt.q.send(t, server)
			checkProblem(t, response, body, tt.status, tt.code, tt.field)
			if got := response.Header.Get("WWW-Authenticate"); (got != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate %q", got)
			}
			if got := response.Header.Get("Allow"); (got != "") != (tt.status == 405) {
				t.Errorf("Allow %q", got)
			}
		})
	}
	if len(f.orders) != 0 {
		t.Errorf("%d bad orders got through", len(f.orders))
	}
}

// draft-ietf-httpapi-idempotency-key-header-07 section 2.6: other content under the same key is a 422.
func TestRepeatedOrders(t *testing.T) {
	server := serve(t, &fakePlatform{})
	send := func(body, key string) (*http.Response, []byte) {
		return request{"POST", "/v1/bills", body, map[string]string{"Idempotency-Key": key}}.send(t, server)
	}
	made, first := send(orderWith(t, "goods", `{"a":1,"b":{"c":1.0,"d":2}}`), `"order-1001"`)
	if replayed := made.Header.Values("Idempotent-Replayed"); replayed != nil {
		t.Errorf("a first order is answered with Idempotent-Replayed: %q", replayed)
	}
	response, again := send(orderWith(t, "goods", "{ \"b\":{\"d\":2,\"c\":1.0},\n\"a\":1}"), "order-1001")
	if response.StatusCode != http.StatusAccepted || !bytes.Equal(first, again) {
		t.Errorf("the same order in other words: %d %s", response.StatusCode, again)
	}
	if replayed := response.Header.Get("Idempotent-Replayed"); replayed != "true" {
		t.Errorf("a repeated order is answered with Idempotent-Replayed: %q", replayed)
	}
	response, body := send(orderWith(t, "amount", "128001"), "order-1001")
	checkProblem(t, response, body, 422, platform.CodeIdempotencyMismatch, "Idempotency-Key")
	response, body = send(orderWith(t, "amount", "128001"), "another")
	checkProblem(t, response, body, 409, platform.CodeReferenceTaken, "reference")
}

func TestCancelTooLate(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	if _, err := client(t, server).CreateBill(t.Context(), goodOrder(), ""); err != nil {
		t.Fatal(err)
	}
	f.bills[0].State = settled
	response, body := request{method: "POST", path: "/v1/bills/" + string(firstBill) + "/cancel"}.send(t, server)
	checkProblem(t, response, body, http.StatusConflict, platform.CodeIllegalState, "id")
}

func TestBadEnrolments(t *testing.T) {
	tests := []struct{ field, value, blamed string }{
		{"phone", "", "phone"}, {"phone", `"1"`, "phone"}, {"name", "", "name"}, {"name", `""`, "name"}, {"form", `"esim"`, "form"}, {"form", "", "form"},
		{"element_id", `"123"`, "element_id"}, {"element_id", "", "element_id"}, {"public_key", `"%"`, "public_key"}, {"secrets", "", "secrets"}, {"secrets", "1", "secrets"},
		{"accounts", "", "accounts"}, {"accounts", "[]", "accounts"}, {"accounts", "{}", "accounts"}, {"accounts", "[1]", "accounts[0]"},
		{"accounts", `[{"balance":-1,"currency":"CNY"}]`, "accounts[0].balance"}, {"accounts", `[{"balance":1,"currency":"?"}]`, "accounts[0].currency"},
		{"accounts", `[{"balance":1,"currency":"CNY"},{"balance":1}]`, "accounts[1].currency"},
		{"accounts", "[" + strings.Repeat(`{"balance":1,"currency":"CNY"},`, 16) + `{"balance":1,"currency":"CNY"}]`, "accounts"},
		{"pin", `"123456"`, "pin"},
	}
	f := &fakePlatform{}
	server := serve(t, f)
	office := map[string]string{"Authorization": "bearer " + operatorKey}
	for _, tt := range tests {
		response, body := request{"POST", "/v1/office/enrolments", with(t, goodEnrolment(), tt.field, tt.value), office}.send(t, server)
		checkProblem(t, response, body, http.StatusUnprocessableEntity, platform.CodeInvalid, tt.blamed)
	}
	if len(f.enrolments) != 0 {
		t.Errorf("%d bad enrolments got through", len(f.enrolments))
	}
	taken := goodEnrolment()
	taken.Phone = buyer
	response, body := request{"POST", "/v1/office/enrolments", with(t, taken, "x", ""), office}.send(t, server)
	checkProblem(t, response, body, http.StatusConflict, platform.CodeAlreadyEnrolled, "phone")
}

// A phone without a secure element is enrolled without what is said of one.
func TestEnrolmentWithoutElement(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	office := map[string]string{"Authorization": "bearer " + operatorKey}
	bare := goodEnrolment()
	bare.Form, bare.Suite, bare.ElementID, bare.PublicKey = platform.FormNone, "", "", nil
	for field, value := range map[string]string{"element_id": `"89860112345678901234"`, "public_key": `"AAAA"`, "suite": `"modern"`, "secrets": ""} {
		response, body := request{"POST", "/v1/office/enrolments", with(t, bare, field, value), office}.send(t, server)
		checkProblem(t, response, body, http.StatusUnprocessableEntity, platform.CodeInvalid, field)
	}
	response, body := request{"POST", "/v1/office/enrolments", with(t, bare, "x", ""), office}.send(t, server)
	if response.StatusCode != http.StatusCreated || len(f.enrolments) != 1 {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	if e := f.enrolments[0]; e.Form != platform.FormNone || e.ElementID != "" || e.Suite != 0 || len(e.Accounts) == 0 || len(e.Secrets) == 0 {
		t.Errorf("enrolled as %+v", e)
	}
}

func TestBadActs(t *testing.T) {
	const unlock, release = "/v1/office/phones/8613800000001/unlock", "/v1/office/phones/8613800000001/release"
	tests := []struct {
		path, body string
		status     int
		code       platform.Code
		blamed     string
	}{
		{unlock, `{"slot":0,"by":"Min","note":"why"}`, 422, platform.CodeInvalid, "slot"},
		{unlock, `{"slot":17,"by":"Min","note":"why"}`, 422, platform.CodeInvalid, "slot"},
		{unlock, `{"by":"Min","note":"why"}`, 422, platform.CodeInvalid, "slot"},
		{unlock, `{"slot":1,"note":"why"}`, 422, platform.CodeInvalid, "by"},
		{unlock, `{"slot":1,"by":"Min","note":""}`, 422, platform.CodeInvalid, "note"},
		{release, `{"by":"` + strings.Repeat("x", 65) + `","note":"why"}`, 422, platform.CodeInvalid, "by"},
		{release, `{"slot":1,"by":"Min","note":"why"}`, 422, platform.CodeInvalid, "slot"},
		{release, ``, 400, api.CodeBadRequest, ""},
		{"/v1/office/phones/861*****0001/release", `{"by":"Min","note":"why"}`, 404, platform.CodeNotFound, "phone"},
	}
	f := &fakePlatform{}
	server := serve(t, f)
	for _, tt := range tests {
		response, answer := request{"POST", tt.path, tt.body, map[string]string{"Authorization": "Bearer " + operatorKey}}.send(t, server)
		checkProblem(t, response, answer, tt.status, tt.code, tt.blamed)
	}
	response, answer := request{"POST", unlock, `{"slot":1,"by":"Min","note":"why"}`, nil}.send(t, server)
	checkProblem(t, response, answer, http.StatusUnauthorized, platform.CodeUnauthorised, "")
	if len(f.acts) != 0 {
		t.Errorf("%d bad acts got through", len(f.acts))
	}
}

func TestBadMerchants(t *testing.T) {
	tests := []struct{ field, value, blamed string }{
		{"id", `"1"`, "id"}, {"id", "", "id"}, {"name", "", "name"}, {"payees", "{}", "payees"}, {"payees", `["a",""]`, "payees[1]"},
		{"payees", "[null]", "payees[0]"}, {"callback_url", `"shop"`, "callback_url"}, {"balances", "{}", "balances"},
	}
	f := &fakePlatform{}
	server := serve(t, f)
	for _, tt := range tests {
		body := with(t, api.Merchant{ID: "10000002", Name: "Trains"}, tt.field, tt.value)
		response, answer := request{"POST", "/v1/office/merchants", body, map[string]string{"Authorization": "Bearer " + operatorKey}}.send(t, server)
		checkProblem(t, response, answer, http.StatusUnprocessableEntity, platform.CodeInvalid, tt.blamed)
	}
	if len(f.opened) != 0 {
		t.Errorf("%d bad merchants got through", len(f.opened))
	}
}

func TestNoOfficeWithoutKey(t *testing.T) {
	f := &fakePlatform{}
	h, err := api.NewHandler(api.HandlerConfig{Service: f, Authenticator: f, Office: f})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	response, body := request{"GET", "/v1/office/phones", "", map[string]string{"Authorization": "Bearer "}}.send(t, server)
	checkProblem(t, response, body, http.StatusNotFound, platform.CodeNotFound, "")
}

func TestHandlerConfig(t *testing.T) {
	f := &fakePlatform{}
	for _, config := range []api.HandlerConfig{{}, {Service: f}, {Authenticator: f}} {
		if _, err := api.NewHandler(config); err == nil {
			t.Errorf("%+v is taken", config)
		}
	}
}
