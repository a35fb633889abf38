package fleet_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/nvm"
)

// To make phones in a batch comes to the same as to make them one by one; said again, they
// answer for themselves, and their holders have the habit that is said last.
func TestAddBatch(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		config := fleet.Config{Memory: must(nvm.Open(dir))(t)}
		defer func() { closed(t, config.Memory) }()
		b := newBench(t, config)
		in := []fleet.NewPhone{
			{MSISDN: number(0), Form: "sim", Persona: "pays"}, {MSISDN: number(1), Form: "none"}, {MSISDN: number(2), Form: "sdtf", Persona: "away"},
			{MSISDN: "10658", Form: "sim"}, {MSISDN: number(3), Form: "abacus"}, {MSISDN: number(4), Form: "sim", Persona: "rich"},
		}
		first := must(b.client.AddBatch(t.Context(), in))(t)
		in[0].Persona, in[2].Form = "refuses", "sim"
		again := must(b.client.AddBatch(t.Context(), in))(t)
		for i, want := range []string{"", "", "", "msisdn", "form", "persona"} {
			if field := fieldOf(first[i].Problem); field != want || first[i].There || first[i].Personalised {
				t.Errorf("phone %d: %+v", i, first[i])
			}
			if want == "" && i != 2 && (fieldOf(again[i].Problem) != "" || !again[i].There || string(again[i].PublicKey) != string(first[i].PublicKey)) {
				t.Errorf("phone %d again: %+v", i, again[i])
			}
		}
		if fieldOf(again[2].Problem) != "form" {
			t.Errorf("a phone of another form: %+v", again[2])
		}
		for i, want := range []string{"refuses", "manual", "away"} {
			if p := must(b.client.Phone(t.Context(), number(i)))(t); p.Persona != want || p.On != (want != "away") {
				t.Errorf("phone %d is %+v", i, p)
			}
		}
		if _, err := b.client.Add(t.Context(), in[0]); err == nil {
			t.Error("one by one it is there already")
		}
	})
	again := must(fleet.New(fleet.Config{Dial: newFakeSMSC(t).dial, SystemID: "handsets", Memory: must(nvm.Open(dir))(t)}))(t)
	if p := must(again.Phone(number(0)))(t); p.Persona != "refuses" || again.Counts().Phones != 2 {
		t.Errorf("kept: %+v of %d", p, again.Counts().Phones)
	}
}

func fieldOf(p *fleet.Problem) string {
	if p == nil {
		return ""
	}
	return p.Field
}

// Of a batch each is personalised or refused for itself.
func TestPersonaliseBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(number(0), "sim", "pays")
		must(b.client.AddBatch(t.Context(), []fleet.NewPhone{{MSISDN: number(1), Form: "sim"}, {MSISDN: number(2), Form: "none"}}))(t)
		rows := must(b.client.PersonaliseBatch(t.Context(), []fleet.PersonalisedPhone{
			{MSISDN: number(0), Personalisation: fleet.Personalisation{PIN: thePIN}},
			{MSISDN: number(1), Personalisation: fleet.Personalisation{Sealed: []byte("x")}},
			{MSISDN: number(2), Personalisation: fleet.Personalisation{Sealed: []byte("x")}},
			{MSISDN: number(3), Personalisation: fleet.Personalisation{PIN: thePIN}},
			{MSISDN: number(2), Personalisation: fleet.Personalisation{PIN: "1"}},
		}[:4]))(t)
		for i, want := range []string{"", "sealed", "msisdn", "msisdn"} {
			if fieldOf(rows[i].Problem) != want || rows[i].MSISDN != number(i) {
				t.Errorf("phone %d: %+v", i, rows[i])
			}
		}
	})
}

// A batch that is empty, too long, or has a number twice, is nobody's.
func TestBatchBounds(t *testing.T) {
	b := newBench(t, fleet.Config{Segment: must(fleet.ParseSegment("1/2"))(t)})
	batch := func(numbers ...gateway.MSISDN) string {
		var in fleet.NewPhones
		for _, n := range numbers {
			in.Phones = append(in.Phones, fleet.NewPhone{MSISDN: n, Form: "none"})
		}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var many []gateway.MSISDN
	for i := range fleet.MaxBatch + 1 {
		many = append(many, gateway.MSISDN(fmt.Sprintf("86139%08d", i*100)))
	}
	for _, path := range []string{"POST /v1/phones/batch", "PUT /v1/phones/batch/personalisation"} {
		method, path, _ := strings.Cut(path, " ")
		for body, field := range map[string]string{
			`{}`: "phones", `{"phones":[]}`: "phones", `{"phones":[{"pan":"1"}]}`: "pan",
			strings.ReplaceAll(batch(many...), `,"form":"none"`, ""):           "phones",
			strings.ReplaceAll(batch(alice, bob, alice), `,"form":"none"`, ""): "phones[2].msisdn",
			`{"phones":[{"msisdn":"` + strings.Repeat("1", 5<<20) + `"}]}`:     "",
		} {
			w := httptest.NewRecorder()
			b.fleet.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
			var p fleet.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code < http.StatusBadRequest || p.Field != field {
				t.Errorf("%s %.60s: %d %s, want %q", path, body, w.Code, w.Body, field)
			}
		}
	}
	if made := must(b.client.AddBatch(t.Context(), []fleet.NewPhone{{MSISDN: "8613900000050", Form: "none"}}))(t); fieldOf(made[0].Problem) != "msisdn" {
		t.Errorf("of another segment: %+v", made[0])
	}
	if n := b.fleet.Counts(); n.Phones != 0 || n.Segment != "1/2" {
		t.Errorf("%+v", n)
	}
}
