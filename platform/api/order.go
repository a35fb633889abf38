package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"time"

	"github.com/airtill/airtill/platform"
)

// orderFields are the names that an order may have.
func orderFields() []string {
	return []string{
		"reference", "amount", "currency", "phone", "buyer_phone",
		"payee", "expires_in", "callback_url", "subject", "goods",
	}
}

// readOrder reads the body of POST /v1/bills.
func readOrder(body []byte) (platform.Order, error) {
	o, err := readObject(body, orderFields()...)
	if err != nil {
		return platform.Order{}, err
	}
	o.require("reference")
	order := platform.Order{
		Reference: o.text("reference", MaxReference),
		Amount:    o.amount("amount", 1),
		Currency:  o.currency("currency"),
	}
	o.require("phone")
	order.Phone = o.msisdn("phone")
	order.BuyerPhone = o.msisdn("buyer_phone")
	order.Payee = o.text("payee", MaxPayee)
	order.ExpiresIn = o.expiry("expires_in")
	order.CallbackURL = o.link("callback_url")
	order.Subject = o.text("subject", MaxSubject)
	order.Goods = o.goods("goods")
	if o.err != nil {
		return platform.Order{}, o.err
	}
	order.Fingerprint = fingerprint(order)
	return order, nil
}

func (o *object) expiry(name string) time.Duration {
	if !o.has(name) {
		return DefaultExpiry
	}
	d, err := time.ParseDuration(o.text(name, 32))
	if err != nil {
		o.fail(name, "not a duration; write it as 90s, 15m or 24h")
		return 0
	}
	if d < MinExpiry || d > MaxExpiry {
		o.fail(name, "must be %s to %s", MinExpiry, MaxExpiry)
	}
	return d
}

func (o *object) link(name string) string {
	if !o.has(name) {
		return ""
	}
	s := o.text(name, MaxURL)
	if o.err == nil {
		if err := checkURL(s); err != "" {
			o.fail(name, "%s", err)
		}
	}
	return s
}

// checkURL says what keeps s from being an address for callbacks.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "":
		return "not a URL with a host"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must start with http:// or https://"
	case u.User != nil:
		return "must not hold a user or a password"
	case u.Fragment != "":
		return "must not hold a fragment"
	}
	return ""
}

func (o *object) goods(name string) json.RawMessage {
	if !o.has(name) {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, o.values[name]); err != nil {
		o.fail(name, "not JSON")
	}
	if compact.Len() > MaxGoods {
		o.fail(name, "is larger than %d octets", MaxGoods)
	}
	return compact.Bytes()
}

// fingerprint tells a repeated order from another one: it does not depend on blanks,
// on the order of fields, or on whether a default was written out.
func fingerprint(o platform.Order) string {
	content := []any{
		o.Reference, o.Amount, o.Currency, o.Payee, o.Phone, o.BuyerPhone,
		o.ExpiresIn, o.CallbackURL, o.Subject, sorted(o.Goods),
	}
	text, err := json.Marshal(content)
	if err != nil {
		panic("api: fingerprint: " + err.Error()) // every part was read from JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sorted reads JSON so that it is written with its fields in order; numbers stay as they are.
func sorted(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return string(raw)
	}
	return v
}
