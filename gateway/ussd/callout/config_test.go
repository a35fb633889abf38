package callout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/ussd/callout"
)

func TestRead(t *testing.T) {
	c, err := callout.Read(strings.NewReader(`{"codes": [
		{"code": "*384*1#", "to": "https://app.example/ussd", "form": "africastalking", "timeout": "5s", "notify": "https://app.example/end"},
		{"code": "*120#", "to": "shop"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	routes, err := c.Routes(client())
	if err != nil {
		t.Fatal(err)
	}
	if r := routes[0]; r.Code != "*384*1#" || r.Timeout != 5*time.Second || r.Application == nil || r.Account != "" {
		t.Errorf("%+v", r)
	}
	if r := routes[1]; r.Code != "*120#" || r.Account != "shop" || r.Application != nil {
		t.Errorf("%+v", r)
	}
}

// Bad input is told where it is bad.
func TestReadRefuses(t *testing.T) {
	for file, want := range map[string]string{
		`{"codes": [{"code": "120", "to": "shop"}]}`:                                               `code "120"`,
		`{"codes": [{"code": "*120#"}]}`:                                                           "to: empty",
		`{"codes": [{"code": "*120#", "to": "shop", "form": "hubtel"}]}`:                           `"shop" is an account`,
		`{"codes": [{"code": "*120#", "to": "ftp://x"}]}`:                                          "not an http or https URL",
		`{"codes": [{"code": "*120#", "to": "http://"}]}`:                                          "not an http or https URL",
		`{"codes": [{"code": "*120#", "to": "http://x", "form": "nalo"}]}`:                         "there is africastalking, hubtel, arkesel",
		`{"codes": [{"code": "*120#", "to": "http://x", "notify": "y"}]}`:                          "notify:",
		`{"codes": [{"code": "*120#", "to": "http://x", "form": "hubtel", "notify": "http://y"}]}`: "no end notification",
		`{"codes": [{"code": "*120#", "to": "http://x", "timeout": "-1s"}]}`:                       "timeout: negative",
		`{"codes": [{"code": "*120#", "to": "http://x", "timeout": 5}]}`:                           "timeout",
		`{"codes": [{"code": "*120#", "to": "http://x", "URI": "y"}]}`:                             "unknown field",
		`{"codes": [{"code": "*120#", "to": "a"}, {"code": "*120#", "to": "b"}]}`:                  "twice",
		`{"codes": []} {}`: "something follows",
		`[]`:               "ussd codes",
	} {
		if _, err := callout.Read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}
