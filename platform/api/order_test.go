package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform"
)

// RFC 8941 section 3.3.3 for the quoted form; the bare one is what merchants send all the same.
func TestIdempotencyKey(t *testing.T) {
	tests := []struct {
		values []string
		want   string
		good   bool
	}{
		{nil, "", true}, {[]string{`"order-1001"`}, "order-1001", true}, {[]string{"order-1001"}, "order-1001", true}, {[]string{` "a b" `}, "a b", true},
		{[]string{`"a\"b\\c"`}, `a"b\c`, true}, {[]string{strings.Repeat("k", MaxKey)}, strings.Repeat("k", MaxKey), true}, {[]string{`a"b`}, `a"b`, true},
		{[]string{""}, "", false}, {[]string{`"`}, "", false}, {[]string{`""`}, "", false}, {[]string{`"a`}, "", false}, {[]string{`"a"b"`}, "", false},
		{[]string{`"a\b"`}, "", false}, {[]string{`"a\`}, "", false}, {[]string{"a", "b"}, "", false}, {[]string{"schlüssel"}, "", false},
		{[]string{"a\tb"}, "", false}, {[]string{strings.Repeat("k", MaxKey+1)}, "", false},
	}
	for _, tt := range tests {
		got, err := readIdempotencyKey(tt.values)
		if (err == nil) != tt.good || tt.good && got != tt.want {
			t.Errorf("%q: %q, %v", tt.values, got, err)
		}
		if again, err := readIdempotencyKey([]string{quote(got)}); tt.good && got != "" && (err != nil || again != got) {
			t.Errorf("%q quoted: %q, %v", got, again, err)
		}
	}
}

// Two orders are the same when they ask for the same, however they are written.
func TestFingerprint(t *testing.T) {
	const plain = `{"reference":"r","amount":1,"currency":"CNY","phone":"8613800000001","goods":{"a":[1,2],"b":"x"}}`
	order, err := readOrder([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	same := []string{
		`{"goods":{"b":"x","a":[1, 2]},"phone":"+8613800000001","currency":"CNY","amount":1,"reference":"r"}`,
		strings.Replace(plain, "{", `{"expires_in":"900s","payee":null,`, 1),
	}
	for _, text := range same {
		if o, err := readOrder([]byte(text)); err != nil || o.Fingerprint != order.Fingerprint {
			t.Errorf("not the same: %s, %v", text, err)
		}
	}
	for _, change := range [][2]string{
		{`"r"`, `"s"`}, {":1,", ":2,"}, {"CNY", "EUR"}, {"0001", "0002"}, {"[1,2]", "[2,1]"}, {"[1,2]", "[1,2.0]"}, {`"x"`, `"y"`},
		{"{", `{"expires_in":"901s",`}, {"{", `{"payee":"a",`}, {"{", `{"subject":"a",`}, {"{", `{"buyer_phone":"8613800000002",`}, {"{", `{"callback_url":"http://h",`},
	} {
		if o, err := readOrder([]byte(strings.Replace(plain, change[0], change[1], 1))); err != nil || o.Fingerprint == order.Fingerprint {
			t.Errorf("%q is no change: %v", change, err)
		}
	}
}

// Whatever the body, an order is refused in the platform's words or is one that can be sent again as it was read.
func FuzzReadOrder(f *testing.F) {
	f.Add([]byte(`{"reference":"r","amount":1,"currency":"CNY","phone":"8613800000001","goods":{"a":[1,2],"b":"x"},"expires_in":"1h"}`))
	f.Add([]byte(`{"reference":"r","reference":"s"}`))
	f.Add([]byte(`{"goods":[[[[`))
	f.Add([]byte("{\"a\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := readOrder(body)
		if err != nil {
			if refusal, ok := errors.AsType[*platform.Error](err); !ok || refusal.Detail == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		text, err := json.Marshal(Order{
			Reference: o.Reference, Amount: o.Amount, Currency: o.Currency, Phone: o.Phone, BuyerPhone: o.BuyerPhone, Payee: o.Payee,
			ExpiresIn: Duration(o.ExpiresIn), CallbackURL: o.CallbackURL, Subject: o.Subject, Goods: o.Goods,
		})
		if err != nil {
			t.Fatal(err)
		}
		again, err := readOrder(text)
		if err != nil || again.Fingerprint != o.Fingerprint {
			t.Fatalf("%s read again: %v", text, err)
		}
	})
}
