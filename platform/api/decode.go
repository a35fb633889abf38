package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// object is one JSON object read strictly: only the fields it may have, each once.
// Its readers take field after field and keep the first thing that is wrong; a null
// is a field left out.
type object struct {
	values map[string]json.RawMessage
	prefix string // of the names in errors, when the object is inside another
	err    error
}

func invalid(field, format string, args ...any) error {
	return &platform.Error{Code: platform.CodeInvalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func unreadable(detail string) error {
	return &platform.Error{Code: CodeBadRequest, Detail: detail}
}

// readObject reads a body that must be one JSON object with no other fields than those named.
func readObject(body []byte, names ...string) (*object, error) {
	if !utf8.Valid(body) {
		return nil, unreadable("the body is not UTF-8")
	}
	if !json.Valid(body) || trimmed(body)[0] != '{' {
		return readSlowly(body, names)
	}
	o := &object{values: make(map[string]json.RawMessage, len(names))}
	for name, value := range members(body) {
		if err := o.add(name, value, names); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// readSlowly reads what is hardly ever an object, and says why not.
func readSlowly(body []byte, names []string) (*object, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, unreadable("the body is not a JSON object")
	}
	o := &object{values: make(map[string]json.RawMessage)}
	for dec.More() {
		if err := o.readField(dec, names); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(dec, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, unreadable("something follows the JSON object")
	}
	return o, nil
}

func notJSON(dec *json.Decoder, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return unreadable("the JSON object is cut short")
	}
	return unreadable(fmt.Sprintf("not JSON, near octet %d: %v", dec.InputOffset(), err))
}

func (o *object) readField(dec *json.Decoder, names []string) error {
	t, err := dec.Token()
	if err != nil {
		return notJSON(dec, err)
	}
	name, _ := t.(string)
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil {
		return notJSON(dec, err)
	}
	return o.add(name, value, names)
}

func (o *object) add(name string, value json.RawMessage, names []string) error {
	if !slices.Contains(names, name) {
		return invalid(clip(name), "no such field; there are %s", strings.Join(names, ", "))
	}
	if _, twice := o.values[name]; twice {
		return invalid(name, "the field is there twice")
	}
	o.values[name] = value
	return nil
}

// clip keeps a caller's own text short where it is said back.
func clip(s string) string {
	const most = 40
	r := []rune(s)
	if len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

func (o *object) fail(name, format string, args ...any) {
	if o.err == nil {
		o.err = invalid(o.prefix+name, format, args...)
	}
}

func (o *object) has(name string) bool {
	v, ok := o.values[name]
	return ok && string(v) != "null"
}

func (o *object) require(name string) bool {
	if !o.has(name) {
		o.fail(name, "the field is missing")
		return false
	}
	return true
}

// text reads a string of up to most characters, none of them a control character.
func (o *object) text(name string, most int) string {
	if !o.has(name) {
		return ""
	}
	quoted := o.values[name]
	if quoted[0] != '"' {
		o.fail(name, "must be a string")
		return ""
	}
	s := textOf(quoted)
	switch {
	case s == "":
		o.fail(name, "is empty; leave it out instead")
	case utf8.RuneCountInString(s) > most:
		o.fail(name, "is longer than %d characters", most)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		o.fail(name, "has a character that cannot be printed")
	case strings.TrimSpace(s) != s:
		o.fail(name, "starts or ends with a blank")
	}
	return s
}

// octets reads a string of base64.
func (o *object) octets(name string) []byte {
	if !o.require(name) {
		return nil
	}
	var b []byte
	if err := json.Unmarshal(o.values[name], &b); err != nil {
		o.fail(name, "must be a string of base64")
	}
	return b
}

// amount reads a whole number of minor units that is at least least.
func (o *object) amount(name string, least money.Amount) money.Amount {
	if !o.require(name) {
		return 0
	}
	var n int64
	if err := json.Unmarshal(o.values[name], &n); err != nil {
		o.fail(name, "must be a whole number of minor units, %d to %d, without quotes", least, money.Max)
		return 0
	}
	if a := money.Amount(n); a >= least && a <= money.Max {
		return a
	}
	o.fail(name, "must be %d to %d, in minor units", least, money.Max)
	return 0
}

func (o *object) currency(name string) money.Currency {
	if !o.require(name) {
		return ""
	}
	c, err := money.ParseCurrency(o.text(name, 16))
	if err != nil {
		o.fail(name, "not a currency known here; write it in ISO 4217 letters, such as CNY")
	}
	return c
}

func (o *object) msisdn(name string) gateway.MSISDN {
	if !o.has(name) {
		return ""
	}
	m, err := gateway.ParseMSISDN(o.text(name, 32))
	if err != nil {
		o.fail(name, "not a phone number; write country code and number, 7 to 15 digits, such as 8613800000001")
	}
	return m
}
