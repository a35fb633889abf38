package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// legacyLeg is a request of sorted fields, signed with MD5 and RSA.
type legacyLeg struct {
	identity Identity
	partner  Partner
	asked    envelope
	fields   signature.Fields // of the request itself
	form     bool             // the answer is a form too, not JSON
}

// enterLegacy reads a request before it knows whose it is: the signature is in the body.
func (h *Handler) enterLegacy(w http.ResponseWriter, r *http.Request) (ask, leg, error) {
	l := &legacyLeg{form: strings.Contains(r.Header.Get("Accept"), contentForm)}
	body, err := readJSON(w, r, MaxBody)
	if err != nil {
		return ask{}, nil, err
	}
	f, err := l.read(r, body)
	if err != nil || f[signature.FieldSign] == "" {
		return ask{}, nil, noKey()
	}
	if err := h.verifyLegacy(r, l, f); err != nil {
		return ask{}, nil, refusedLegacy(err)
	}
	if l.identity, err = h.config.Keyring.Identity(r.Context()); err != nil {
		return ask{}, nil, err
	}
	err = h.nonces.Take(string(l.asked.merchant), l.asked.serial, time.Now())
	if errors.Is(err, signature.ErrReplay) {
		err = unauthorised(fieldSerial, "this request was had before; send each one with a serial of its own")
	}
	a := ask{Request: l.clean(r), merchant: l.partner.Merchant, leg: l}
	return a, l, modernRefusal(err)
}

// read finds the fields: in the query of a request without a body, else in the body.
func (l *legacyLeg) read(r *http.Request, body []byte) (signature.Fields, error) {
	switch {
	case len(body) == 0:
		return signature.ParseForm(r.URL.RawQuery)
	case r.URL.RawQuery != "": // it would not be signed
		return nil, signature.ErrUnsigned
	case bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")):
		return signature.ParseObject(body)
	}
	l.form = true
	return signature.ParseForm(string(body))
}

func (h *Handler) verifyLegacy(r *http.Request, l *legacyLeg, f signature.Fields) error {
	m, err := platform.ParseMerchantID(f[fieldMerchant])
	if err != nil {
		return &legacyRefusal{fieldMerchant, "no such merchant", err}
	}
	if l.partner, err = h.config.Keyring.Partner(r.Context(), m); err != nil {
		return err
	}
	if l.partner.Merchant.Profile != platform.ProfileLegacy {
		return downgraded(l.partner.Merchant.Profile)
	}
	l.asked = envelope{merchant: m, service: r.Method + " " + r.URL.Path, serial: f[fieldSerial]}
	l.fields = rest(f)
	return l.asked.check(f, l.partner.key)
}

func refusedLegacy(err error) error {
	if refusal, ok := errors.AsType[*legacyRefusal](err); ok {
		return unauthorised(refusal.field, refusal.detail)
	}
	return err
}

// clean is the request with what was signed of its query, and no field that was not.
func (l *legacyLeg) clean(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del(headerIdempotency)
	r.URL.RawQuery = ""
	if r.Method == http.MethodGet {
		query := make(url.Values)
		for name, value := range l.fields {
			query.Set(name, value)
		}
		r.URL.RawQuery = query.Encode()
	}
	return r
}

// order opens the fields of an order that are hidden, and writes it as profile key has it.
func (l *legacyLeg) order([]byte) ([]byte, error) {
	open := make(signature.Fields, len(l.fields))
	for name, value := range l.fields {
		open[name] = value
	}
	hidden := append(sensitive(), fieldGoodsSealed)
	for _, name := range hidden {
		value, ok := open[name]
		if !ok {
			continue
		}
		plain, err := signature.OpenField(name, value, l.partner.FieldKeys...)
		if err != nil {
			return nil, invalid(name, "%s; a merchant of profile legacy does not send it in the clear", err)
		}
		delete(open, name)
		if name == fieldGoodsSealed {
			name = "goods"
		}
		if _, twice := open[name]; twice {
			return nil, invalid(name, "is there twice, in the clear too")
		}
		open[name] = plain
	}
	return typed(open, rawFields()...)
}

// content writes the fields as profile key has them: nothing of them is hidden.
func (l *legacyLeg) content([]byte) ([]byte, error) { return typed(l.fields, rawFields()...) }

// fieldGoodsSealed holds goods that are hidden, because they name a traveller, say.
const fieldGoodsSealed = "goods_sealed"

func (l *legacyLeg) sign(header http.Header, status int, body []byte) ([]byte, error) {
	f, err := signature.ParseObject(body)
	if err != nil {
		return nil, err
	}
	key, err := l.identity.LegacySigner()
	if err != nil {
		return nil, err
	}
	e := l.asked
	e.serial, e.answerTo, e.status = newSerial(), l.asked.serial, status
	if err := e.seal(f, key); err != nil {
		return nil, err
	}
	text := []byte(f.Form())
	if l.form {
		header.Set("Content-Type", contentForm)
	} else if text, err = json.Marshal(f); err != nil {
		return nil, err
	}
	header.Set(headerDigest, ContentDigest(text))
	return text, nil
}
