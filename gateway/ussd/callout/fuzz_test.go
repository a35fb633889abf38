package callout_test

import (
	"errors"
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
