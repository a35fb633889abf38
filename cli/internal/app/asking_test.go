package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A room that does not answer is waited for as long as --timeout says.
func TestTimeout(t *testing.T) {
	gone := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer silent.Close()
	for _, tt := range []struct{ line, hint string }{
		{"bill list --platform URL", "the same command again is safe, and finds out; or wait longer: --timeout 20ms"},
		{"office merchants --platform URL", "the same command again is safe"},
		{"phone list --handsets URL", "the same command again is safe"},
		{"sms list --carrier URL", "it may be done all the same: look before it is asked again; or wait longer: --timeout 20ms"},
	} {
		words := strings.Fields(strings.ReplaceAll(tt.line, "URL", silent.URL) + " --timeout 10ms")
		got := withKeys(t).run(words...)
		if got.status != StatusUnreachable || !strings.Contains(got.stderr, "no answer within 10ms\n"+tt.hint) {
			t.Errorf("%s: %+v", tt.line, got)
		}
		<-gone
	}
	got := withKeys(t).run("bill", "list", "--platform", silent.URL, "--timeout", "0s")
	if got.status != StatusUsage || !strings.Contains(got.stderr, "--timeout is a time such as 5s") {
		t.Errorf("no time at all: %+v", got)
	}
}

// With -v each question is told, without what may be a secret.
func TestQuestionsAreTold(t *testing.T) {
	room := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer room.Close()
	for _, tt := range []struct {
		flag string
		told bool
	}{{"-v", true}, {"-vv", true}, {"-q", false}} {
		got := withKeys(t).run("phone", "inbox", tt.flag, "--handsets", room.URL, "8613800000001")
		line := `"method":"GET","url":"` + room.URL + `/v1/phones/861*****0001/inbox"`
		if strings.Contains(got.stderr, line) != tt.told || strings.Contains(got.stderr, `"status":418`) != tt.told {
			t.Errorf("%s: %s", tt.flag, got.stderr)
		}
		got = withKeys(t).run("bill", "list", tt.flag, "--reference", "order-1", "--platform", room.URL)
		if strings.Contains(got.stderr, `/v1/bills"`) != tt.told || strings.Contains(got.stderr, fakeKey) || strings.Contains(got.stderr, "order-1") {
			t.Errorf("%s: %s", tt.flag, got.stderr)
		}
	}
}

// withKeys is a shell whose environment has a key for every room.
func withKeys(t *testing.T) *shell {
	s := newShell(t)
	s.environ["AIRTILL_API_KEY"], s.environ["AIRTILL_OPERATOR_KEY"], s.environ["AIRTILL_CARRIER_KEY"] = fakeKey, fakeOperator, "op_of_the_carrier"
	return s
}
