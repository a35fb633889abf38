package merchant_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform/api"
)

func ask[T any](t *testing.T, method, url, body string) (int, http.Header, T) {
	t.Helper()
	var said T
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatalf("%s %s: %d %s", method, url, response.StatusCode, text)
	}
	if err := api.VerifyContentDigest(response.Header.Values("Content-Digest"), text); err != nil {
		t.Error(err)
	}
	if strings.Contains(string(text), payer) || strings.Contains(string(text), buyer) {
		t.Errorf("a phone number is not masked: %s", text)
	}
	return response.StatusCode, response.Header, said
}

func TestS19_BrowseOrderAndLook(t *testing.T) {
	w := open(t, nil).run(t)
	_, _, catalogue := ask[struct{ Items []merchant.Item }](t, "GET", w.url+"/v1/catalogue", "")
	kinds := map[merchant.Kind]int{}
	for _, i := range catalogue.Items {
		kinds[i.Goods.Kind]++
		if i.SKU == "" || i.Name == "" || !i.Amount.Payable() || !i.Currency.Valid() || i.Goods.String() == "" {
			t.Errorf("item %+v", i)
		}
	}
	if len(kinds) != 4 {
		t.Errorf("the catalogue has %v", kinds)
	}
	body := `{"item":"flight-ca1405","phone":"+` + payer + `","buyer_phone":"` + buyer + `","traveller":"李雷","seat":"14C"}`
	status, header, placed := ask[merchant.View](t, "POST", w.url+"/v1/orders", body)
	if status != http.StatusCreated || header.Get("Location") != "/v1/orders/"+string(placed.ID) || placed.Status != merchant.Billed {
		t.Fatalf("%d %v %+v", status, header, placed)
	}
	if placed.Phone != "861*****0001" || placed.Goods.Seat != "14C" || placed.Goods.Traveller != "李雷" || placed.Notices == nil {
		t.Errorf("%+v", placed)
	}
	o, _ := w.Order(placed.ID)
	call(t, w.url, "evt_1", w.platform.result(o, "settled", ""), nil)
	w.told(t, o.ID)
	status, _, shown := ask[merchant.View](t, "GET", w.url+header.Get("Location"), "")
	if status != http.StatusOK || shown.Status != merchant.Paid || shown.Ticket == "" || len(shown.Notices) != 3 || shown.Notices[2].Progress != merchant.Sent {
		t.Errorf("%d %+v", status, shown)
	}
	w.place(t, flight())
	for query, want := range map[string]int{"": 2, "?status=paid": 1, "?status=expired": 0, "?limit=1": 1} {
		_, _, list := ask[struct{ Orders []merchant.View }](t, "GET", w.url+"/v1/orders"+query, "")
		if len(list.Orders) != want {
			t.Errorf("%q: %d orders", query, len(list.Orders))
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := open(t, nil)
	with := func(field, value string) string {
		fields := map[string]string{"item": "flight-ca1405", "phone": payer, field: value}
		text, _ := json.Marshal(fields)
		return string(text)
	}
	tests := []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"POST", "/v1/orders", "", 400, ""}, {"POST", "/v1/orders", "[]", 400, ""}, {"POST", "/v1/orders", "{}{}", 400, ""}, {"POST", "/v1/orders", "{", 400, ""},
		{"POST", "/v1/orders", "{}", 422, "item"}, {"POST", "/v1/orders", with("item", "moon"), 422, "item"}, {"POST", "/v1/orders", with("phone", "1"), 422, "phone"},
		{"POST", "/v1/orders", with("buyer_phone", "x"), 422, "buyer_phone"}, {"POST", "/v1/orders", with("amount", "1"), 422, "amount"},
		{"POST", "/v1/orders", `{"phone":8613800000001}`, 422, "phone"}, {"POST", "/v1/orders", with("seat", strings.Repeat("x", 101)), 422, "seat"},
		{"POST", "/v1/orders", with("traveller", "a\nb"), 422, "traveller"}, {"POST", "/v1/orders", `{"item":"` + strings.Repeat("x", api.MaxBody) + `"}`, 413, ""},
		{"GET", "/v1/orders/A1", "", 404, "id"}, {"GET", "/v1/orders?limit=0", "", 400, "limit"}, {"GET", "/v1/orders?limit=x", "", 400, "limit"},
		{"GET", "/", "", 404, ""}, {"DELETE", "/v1/catalogue", "", 405, ""}, {"GET", merchant.CallbackPath, "", 405, ""},
	}
	for _, tt := range tests {
		status, header, p := ask[api.Problem](t, tt.method, w.url+tt.path, tt.body)
		if status != tt.status || p.Status != status || p.Field != tt.field || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.60s: %d %+v", tt.method, tt.path, tt.body, status, p)
		}
	}
	if len(w.platform.taken()) != 0 || len(w.Orders("", 9)) != 0 {
		t.Error("a bad order got through")
	}
}

// What the platform refuses, the customer reads by the field; what is the shop's own trouble, only as such.
func TestRefusalsReachTheCustomer(t *testing.T) {
	w := open(t, nil)
	w.platform.answers = []int{422}
	body := `{"item":"train-g1","phone":"` + payer + `"}`
	if status, _, p := ask[api.Problem](t, "POST", w.url+"/v1/orders", body); status != 422 || p.Field != "phone" || p.Code() != "unknown-phone" {
		t.Errorf("%d %+v", status, p)
	}
	w.platform.answers = []int{500, 500, 500, 500}
	if status, _, p := ask[api.Problem](t, "POST", w.url+"/v1/orders", body); status != 504 || p.Code() != "unknown-outcome" {
		t.Errorf("%d %+v", status, p)
	}
	if status, _, said := ask[map[string]string](t, "GET", w.url+"/livez", ""); status != 200 || said["status"] != "ok" {
		t.Errorf("%d %v", status, said)
	}
}
