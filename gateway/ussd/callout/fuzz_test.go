package callout_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/ussd/callout"
)

// FuzzAnswer: no body panics, a good one is text, a bad one says that it is bad.
func FuzzAnswer(f *testing.F) {
	f.Add(uint8(0), []byte("CON 1. Pay"))
	f.Add(uint8(0), []byte("END"))
	f.Add(uint8(1), []byte(`{"Type":"Release","Message":"Bye","ClientState":null}`))
	f.Add(uint8(2), []byte(`{"sessionID":"s","continueSession":true,"message":"A"}`))
	f.Fuzz(func(t *testing.T, form uint8, body []byte) {
		r, err := callout.ReadAnswer(callout.Forms[int(form)%len(callout.Forms)], "s", body)
		switch {
		case err != nil && !errors.Is(err, callout.ErrAnswer):
			t.Fatalf("%v is no ErrAnswer", err)
		case err == nil && !utf8.ValidString(r.Text):
			t.Fatalf("%q", r.Text)
		}
	})
}

// FuzzRead: a file of codes is refused, or is all that it says: each code leads somewhere.
func FuzzRead(f *testing.F) {
	f.Add(`{"codes": [{"code": "*384*1#", "to": "https://app.example/ussd", "form": "hubtel", "timeout": "5s"}, {"code": "*120#", "to": "shop"}]}`)
	f.Add(`{"codes": [{"code": "*1#", "to": "http://a", "notify": "http://b", "network": "1", "user": "u"}]}`)
	f.Add(`{"codes": []}`)
	f.Fuzz(func(t *testing.T, file string) {
		c, err := callout.Read(strings.NewReader(file))
		if err != nil {
			return
		}
		routes, err := c.Routes(http.DefaultClient)
		if err != nil || len(routes) != len(c.Codes) {
			t.Fatalf("%d codes, %d routes, %v", len(c.Codes), len(routes), err)
		}
		for _, r := range routes {
			if (r.Account == "") == (r.Application == nil) || r.Timeout < 0 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
