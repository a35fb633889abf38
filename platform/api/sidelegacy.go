package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// Legacy is the merchant's side of profile legacy, in forms. It is safe for concurrent use.
type Legacy struct{ config SideConfig }

var (
	_ RequestSigner  = (*Legacy)(nil)
	_ CallbackReader = (*Legacy)(nil)
)

// NewLegacy makes it. The key is RSA.
func NewLegacy(c SideConfig) (*Legacy, error) {
	key, err := c.Key.As(signature.RSAMD5)
	if err != nil {
		return nil, fmt.Errorf("profile legacy: %w", err)
	}
	c.Key = key
	if len(c.Fields) == 0 {
		return nil, fmt.Errorf("profile legacy: no key to hide fields with")
	}
	return &Legacy{c}, c.Validate()
}

// SignRequest hides the sensitive fields and signs them all; a request without a body
// carries them in its query.
func (l *Legacy) SignRequest(r *http.Request, body []byte) error {
	f, err := signature.ParseForm(r.URL.RawQuery)
	if len(body) > 0 {
		f, err = signature.ParseObject(body)
	}
	if err != nil {
		return err
	}
	if err := l.hide(f); err != nil {
		return err
	}
	e := envelope{merchant: l.config.Merchant, service: r.Method + " " + r.URL.Path, serial: newSerial()}
	if err := e.seal(f, l.config.Key); err != nil {
		return err
	}
	r.Header.Del(headerIdempotency)
	r.Header.Set("Accept", contentForm)
	if r.Method == http.MethodGet {
		r.URL.RawQuery = f.Form()
		return nil
	}
	setBody(r, []byte(f.Form()))
	r.Header.Set("Content-Type", contentForm)
	return nil
}

func (l *Legacy) hide(f signature.Fields) error {
	if goods, ok := f["goods"]; ok {
		delete(f, "goods")
		f[fieldGoodsSealed] = goods
	}
	for _, name := range append(sensitive(), fieldGoodsSealed) {
		value, ok := f[name]
		if !ok {
			continue
		}
		var err error
		if f[name], err = signature.SealField(l.config.Fields[0], name, value); err != nil {
			return err
		}
	}
	return nil
}

// VerifyAnswer wants the platform's signature over the fields, and over which request they answer.
func (l *Legacy) VerifyAnswer(r *http.Request, answer *http.Response, body []byte) ([]byte, error) {
	asked, err := l.asked(r)
	if err != nil {
		return nil, err
	}
	f, err := readFields(answer.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	e := envelope{
		merchant: l.config.Merchant, service: r.Method + " " + r.URL.Path,
		answerTo: asked[fieldSerial], status: answer.StatusCode,
	}
	if err := e.check(f, l.platformKey(r.Context())); err != nil {
		return nil, err
	}
	answer.Header.Set("Content-Type", contentJSON)
	if answer.StatusCode/100 != 2 {
		answer.Header.Set("Content-Type", contentProblem)
	}
	own := rest(f)
	own[fieldMerchant] = f[fieldMerchant] // a bill names it too
	return typed(own, rawFields()...)
}

// asked are the fields of a request as it was sent.
func (l *Legacy) asked(r *http.Request) (signature.Fields, error) {
	if r.Method == http.MethodGet {
		return signature.ParseForm(r.URL.RawQuery)
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return readForm(body)
}

func (l *Legacy) platformKey(ctx context.Context) func(id string) (signature.VerificationKey, error) {
	return func(id string) (signature.VerificationKey, error) {
		return l.config.Platform.find(ctx, id, signature.RSAMD5)
	}
}

// LegacyCallback is a callback as a form that is signed; serial names what is told,
// the same in every attempt.
func LegacyCallback(event []byte, m platform.MerchantID, serial string, key signature.SigningKey) ([]byte, error) {
	var c struct {
		Type      string          `json:"type"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(event, &c); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	f, err := signature.ParseObject(c.Data)
	if err != nil {
		return nil, err
	}
	f["type"], f["timestamp"] = c.Type, c.Timestamp
	e := envelope{merchant: m, service: serviceCallback, serial: serial}
	if err := e.seal(f, key); err != nil {
		return nil, err
	}
	return []byte(f.Form()), nil
}

// ReadCallback verifies a callback's signature and its time.
func (l *Legacy) ReadCallback(r *http.Request, body []byte) (id string, c Callback, err error) {
	f, err := readFields(r.Header.Get("Content-Type"), body)
	if err != nil {
		return "", c, err
	}
	e := envelope{merchant: l.config.Merchant, service: serviceCallback}
	if err := e.check(f, l.platformKey(r.Context())); err != nil {
		return "", c, err
	}
	own := rest(f)
	c.Type = own["type"]
	if c.Timestamp, err = time.Parse(time.RFC3339, own["timestamp"]); err != nil {
		return "", c, ErrCallback
	}
	delete(own, "type")
	delete(own, "timestamp")
	data, err := typed(own, rawFields()...)
	if err != nil || json.Unmarshal(data, &c.Data) != nil {
		return "", c, ErrCallback
	}
	return f[fieldSerial], c, nil
}

// Acknowledge answers 200 with a signed form, which says which callback it answers.
func (l *Legacy) Acknowledge(w http.ResponseWriter, _ *http.Request, body []byte) {
	asked, err := signature.ParseForm(string(body))
	f := signature.Fields{"result": "success"}
	e := envelope{
		merchant: l.config.Merchant, service: serviceCallback,
		serial: newSerial(), answerTo: asked[fieldSerial], status: http.StatusOK,
	}
	if err == nil {
		err = e.seal(f, l.config.Key)
	}
	if err != nil {
		NewProblem(CodeInternal, "", "the answer could not be signed").Write(w)
		return
	}
	writeBody(w, http.StatusOK, contentForm, []byte(f.Form()))
}

// VerifyLegacyAck judges a merchant's answer to a callback: only one that is signed
// and says success is taken for one.
func VerifyLegacyAck(body []byte, status int, serial string, p Partner) error {
	f, err := signature.ParseForm(string(body))
	if err != nil {
		return err
	}
	e := envelope{merchant: p.Merchant.ID, service: serviceCallback, answerTo: serial, status: status}
	if err := e.check(f, p.key); err != nil {
		return err
	}
	if f["result"] != "success" {
		return fmt.Errorf("it does not say result=success")
	}
	return nil
}
