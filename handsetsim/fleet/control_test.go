package fleet_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/applet"
)

// TestControlRefuses: every wrong request is a problem that names the field.
func TestControlRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "manual")
		if _, err := b.client.Add(t.Context(), fleet.NewPhone{MSISDN: bob, Form: "none"}); err != nil {
			t.Fatal(err)
		}
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		a, n := "/v1/phones/"+string(alice), "/v1/phones/"+string(bob)
		for _, tt := range []struct {
			method, path, body string
			status             int
			code, field        string
		}{
			{"POST", "/v1/phones", `{`, 400, "bad-request", ""},
			{"POST", "/v1/phones", `[]`, 400, "bad-request", ""},
			{"POST", "/v1/phones", `{"msisdn":"8613800000009","form":"sim"} {}`, 400, "bad-request", ""},
			{"POST", "/v1/phones", `{"msisdn":"8613800000009","form":"sim","pin":"1"}`, 422, "invalid", "pin"},
			{"POST", "/v1/phones", `{"msisdn":8,"form":"sim"}`, 422, "invalid", "msisdn"},
			{"POST", "/v1/phones", `{"msisdn":"10658","form":"sim"}`, 422, "invalid", "msisdn"},
			{"POST", "/v1/phones", `{"msisdn":"8613800000009"}`, 422, "invalid", "form"},
			{"POST", "/v1/phones", `{"msisdn":"8613800000009","form":"esim"}`, 422, "invalid", "form"},
			{"POST", "/v1/phones", `{"msisdn":"8613800000009","form":"sim","persona":"rich"}`, 422, "invalid", "persona"},
			{"POST", "/v1/phones", `{"msisdn":"` + string(alice) + `","form":"sim"}`, 409, "illegal-state", "msisdn"},
			{"GET", "/v1/phones?limit=0", ``, 422, "invalid", "limit"},
			{"GET", "/v1/phones/nobody", ``, 422, "invalid", "msisdn"},
			{"GET", "/v1/phones/8613899999999", ``, 404, "not-found", "msisdn"},
			{"GET", "/v1/phone", ``, 404, "not-found", ""},
			{"PUT", a + "/personalisation", `{"sealed":"AAAA"}`, 422, "invalid", "sealed"},
			{"PUT", a + "/personalisation", `{"sealed":"AAAA","pin_for_person":"12"}`, 422, "invalid", "pin_for_person"},
			{"PUT", n + "/personalisation", `{"sealed":"AAAA"}`, 409, "illegal-state", "msisdn"},
			{"PUT", a + "/power", `{}`, 422, "invalid", "on"},
			{"PUT", a + "/power", `{"on":"yes"}`, 422, "invalid", "on"},
			{"PUT", a + "/persona", `{"persona":""}`, 422, "invalid", "persona"},
			{"POST", a + "/pay", `{"bill":"xyz","slot":1}`, 422, "invalid", "bill"},
			{"POST", a + "/pay", `{"bill":"00000000000000ff","slot":1}`, 404, "not-found", "bill"},
			{"POST", a + "/pay", `{"slot":3}`, 422, "invalid", "slot"},
			{"POST", a + "/pay", `{"slot":1,"pin":"12a4"}`, 422, "invalid", "pin"},
			{"POST", n + "/pay", `{"slot":1}`, 404, "not-found", "bill"},
			{"POST", a + "/refuse", `{"reason":"bored"}`, 422, "invalid", "reason"},
			{"POST", n + "/ussd", `{}`, 422, "invalid", "dial"},
			{"POST", n + "/ussd", `{"dial":"*120#","abort":true}`, 422, "invalid", "dial"},
			{"POST", n + "/ussd", `{"dial":"120"}`, 422, "invalid", "dial"},
			{"POST", n + "/ussd", `{"reply":"1"}`, 409, "illegal-state", "reply"},
			{"POST", n + "/ussd", `{"reply":"` + strings.Repeat("x", 183) + `"}`, 422, "invalid", "reply"},
			{"POST", n + "/ussd", `{"abort":true}`, 409, "illegal-state", "reply"},
			{"GET", "/v1/phones/8613899999999/ussd", ``, 404, "not-found", "msisdn"},
			{"POST", a + "/messages", `{"to":"shop","text":"hi"}`, 422, "invalid", "to"},
			{"POST", a + "/messages", `{"to":"10690","text":""}`, 422, "invalid", "text"},
			{"POST", a + "/messages", `{"to":"10690","text":"` + strings.Repeat("x", 70_000) + `"}`, 400, "bad-request", ""},
		} {
			w := b.ask(tt.method, tt.path, tt.body)
			var p fleet.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Errorf("%s %s: %v", tt.method, tt.path, err)
			}
			got := fmt.Sprint(w.Code, p.Status, p.Type, p.Field, w.Header().Get("Content-Type"), p.Detail != "")
			want := fmt.Sprint(tt.status, tt.status, "urn:airtill:problem:"+tt.code, tt.field, "application/problem+json", true)
			if got != want {
				t.Errorf("%s %s %.60s\n got %s (%s)\nwant %s", tt.method, tt.path, tt.body, got, p.Detail, want)
			}
		}
		b.quiet(time.Minute)
		b.end()
	})
}

func (b *bench) ask(method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	b.fleet.Handler().ServeHTTP(w, r)
	return w
}

// TestControlByHand drives a phone through the client, as the CLI does.
func TestControlByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "standalone", "manual")
		b.run()
		b.bill(0, alice, 1)
		b.bill(0, alice, 2)
		b.expect("OPEN delivered")
		b.expect("OPEN delivered")
		_, err := b.client.Pay(ctx, alice, fleet.Payment{Slot: 1})
		problem(t, err, http.StatusConflict, "bill")
		one, two := applet.BillRef{7: 1}.String(), applet.BillRef{7: 2}.String()
		bill := must(b.client.Pay(ctx, alice, fleet.Payment{Bill: one, Slot: 1, PIN: "0000"}))(t)
		if bill.State != "paying" || bill.Slot != 1 || bill.Bill != one {
			t.Errorf("%+v", bill)
		}
		b.expect("PAY")
		_, err = b.client.Pay(ctx, alice, fleet.Payment{Bill: two, Slot: 2})
		problem(t, err, http.StatusConflict, "bill")
		b.result(0, alice, 1, applet.CodeWrongPIN)
		must(b.client.Pay(ctx, alice, fleet.Payment{Bill: one, Slot: 1}))(t)
		b.expect("PAY")
		b.result(0, alice, 1, applet.CodeApproved)
		b.expect("RECEIPT")
		must(b.client.Defer(ctx, alice, fleet.Choice{}))(t)
		b.expect("OPEN deferred")
		must(b.client.Confirm(ctx, alice, fleet.Choice{Bill: two}))(t)
		b.expect("OPEN opened")
		must(b.client.Refuse(ctx, alice, fleet.Refusal{Reason: "changed_mind", Text: "no"}))(t)
		if r := b.expect("REFUSE").(*applet.Refuse); r.Reason != applet.RefuseChangedMind || r.Text != "no" {
			t.Errorf("%+v", r)
		}
		bills := must(b.client.Bills(ctx, alice))(t)
		if len(bills) != 2 || bills[0].State != "paid" || bills[0].WrongPINs != 1 || bills[1].State != "refused" {
			t.Errorf("%+v", bills)
		}
		must(b.client.Power(ctx, alice, false))(t)
		_, err = b.client.SendText(ctx, alice, fleet.Text{To: "10690", Text: "hi"})
		problem(t, err, http.StatusConflict, "msisdn")
		must(b.client.SetPersona(ctx, alice, "pays"))(t)
		b.bill(0, alice, 3)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		b.expect("PAY")
		phone := must(b.client.Phone(ctx, alice))(t)
		if !phone.On || phone.Persona != "pays" || phone.OpenBills != 1 || phone.Form != "standalone" {
			t.Errorf("%+v", phone)
		}
		b.end()
		b.noPIN()
	})
}

func problem(t *testing.T, err error, status int, field string) {
	t.Helper()
	p, ok := err.(*fleet.Problem)
	if !ok || p.Status != status || p.Field != field {
		t.Errorf("%v, want %d blaming %q", err, status, field)
	}
}

// TestPages lists phones in the order of their numbers, a page at a time.
func TestPages(t *testing.T) {
	b := newBench(t, fleet.Config{Connections: 3})
	for i := range 25 {
		if _, err := b.fleet.Add(fleet.NewPhone{MSISDN: number(i), Form: "none"}); err != nil {
			t.Fatal(err)
		}
	}
	var all []fleet.Phone
	var after gateway.MSISDN
	for range 3 {
		page := must(b.client.Phones(t.Context(), after, 10))(t)
		all, after = append(all, page.Phones...), page.Next
	}
	if len(all) != 25 || after != "" {
		t.Fatalf("%d phones, next %q", len(all), after)
	}
	for i, p := range all {
		if p.MSISDN != number(i) {
			t.Errorf("phone %d is %s", i, p.MSISDN)
		}
	}
}

// TestSecretsOnTheWire: what holds a PIN prints as a mask.
func TestSecretsOnTheWire(t *testing.T) {
	p := fleet.Payment{Slot: 1, PIN: thePIN}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, p); strings.Contains(s, thePIN) {
			t.Errorf("%s prints %s", format, s)
		}
	}
}
