package app

import (
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/handsetsim/fleet"
)

// What each command asks of the handsets.
func TestPhoneCommands(t *testing.T) {
	const at = "/v1/phones/8613800000001"
	ref := fakeBill.Ref().String()
	tests := []struct {
		line []string
		pin  string // in the environment
		want asked
	}{
		{[]string{"list", "--limit", "5", "--after", "8613800000001"}, "", asked{"GET /v1/phones?after=8613800000001&limit=5", ""}},
		{[]string{"show", "+8613800000001"}, "", asked{"GET " + at, ""}},
		{[]string{"inbox", "8613800000001"}, "", asked{"GET " + at + "/inbox", ""}},
		{[]string{"bills", "8613800000001"}, "", asked{"GET " + at + "/bills", ""}},
		{[]string{"pay", "8613800000001"}, "", asked{"POST " + at + "/pay", `{"slot":1}`}},
		{[]string{"pay", "--slot", "2", "--bill", string(fakeBill), "8613800000001"}, livePIN,
			asked{"POST " + at + "/pay", `{"bill":"` + ref + `","slot":2,"pin":"` + livePIN + `"}`}},
		{[]string{"refuse", "--bill", ref, "--reason", "amount", "--text", "too much", "8613800000001"}, "",
			asked{"POST " + at + "/refuse", `{"bill":"` + ref + `","reason":"amount","text":"too much"}`}},
		{[]string{"defer", "8613800000001"}, "", asked{"POST " + at + "/defer", `{}`}},
		{[]string{"send", "--to", "10690", "8613800000001", "hello"}, "", asked{"POST " + at + "/messages", `{"to":"10690","text":"hello"}`}},
		{[]string{"screen", "8613800000001"}, "", asked{"GET " + at + "/ussd", ""}},
		{[]string{"dial", "--wait", "0s", "8613800000001", "*120*1#"}, "", asked{"POST " + at + "/ussd", `{"dial":"*120*1#"}`}},
		{[]string{"reply", "8613800000001", "2"}, livePIN, asked{"POST " + at + "/ussd", `{"reply":"2"}`}},
		{[]string{"reply", "8613800000001"}, livePIN, asked{"POST " + at + "/ussd", `{"reply":"` + livePIN + `"}`}},
		{[]string{"hangup", "8613800000001"}, "", asked{"POST " + at + "/ussd", `{"abort":true}`}},
		{[]string{"power", "8613800000001", "off"}, "", asked{"PUT " + at + "/power", `{"on":false}`}},
	}
	for _, tt := range tests {
		t.Run(tt.line[0], func(t *testing.T) {
			s := newShell(t)
			s.environ["AIRTILL_PIN"] = tt.pin
			f := &fakePhones{answer: struct{}{}}
			t.Setenv("AIRTILL_HANDSETS", f.serve(t))
			got := s.run(append([]string{"phone"}, tt.line...)...)
			if got.status != 0 || len(f.got) != 1 || f.got[0] != tt.want {
				t.Errorf("%+v\n asked %q\n want %q", got, f.got, tt.want)
			}
		})
	}
}

func TestPhoneRefusals(t *testing.T) {
	tests := []struct {
		problem fleet.Problem
		status  int
		hint    string
	}{
		{fleet.Problem{Status: 404, Title: "not found", Field: "msisdn", Detail: "no such phone"}, StatusNotFound, "which phones there are: airtill phone list"},
		{fleet.Problem{Status: 404, Title: "not found", Field: "bill", Detail: "no open bill"}, StatusNotFound, "which bills the phone has: airtill phone bills PHONE"},
		{fleet.Problem{Status: 422, Title: "invalid", Field: "slot", Detail: "no card"}, StatusFailed, "which cards the phone has: airtill phone show PHONE"},
		{fleet.Problem{Status: 422, Title: "invalid", Field: "pin", Detail: "say one"}, StatusFailed, "set AIRTILL_PIN, or give --pin-file FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.problem.Field+tt.problem.Title, func(t *testing.T) {
			s := newShell(t)
			f := &fakePhones{status: tt.problem.Status, answer: tt.problem}
			t.Setenv("AIRTILL_HANDSETS", f.serve(t))
			s.check(s.run("phone", "pay", "8613800000001"), tt.status, "airtill phone pay: "+tt.problem.Error(), tt.hint)
		})
	}
}

// A PIN comes from a file or the environment, is checked here, and is never repeated.
func TestPIN(t *testing.T) {
	s := newShell(t)
	f := &fakePhones{answer: struct{}{}}
	t.Setenv("AIRTILL_HANDSETS", f.serve(t))
	if err := os.WriteFile(s.path("pin"), []byte(livePIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ["AIRTILL_PIN"] = "27x828"
	got := s.run("phone", "pay", "8613800000001")
	if got.status != 2 || !strings.Contains(got.stderr, "the PIN from AIRTILL_PIN: a PIN has 4 to 12 digits") || strings.Contains(got.stderr, "27x828") {
		t.Errorf("%+v", got)
	}
	if got := s.run("phone", "pay", "--pin-file", s.path("pin"), "8613800000001"); got.status != 0 || !strings.Contains(f.got[0].body, livePIN) {
		t.Errorf("%+v", got)
	}
}
