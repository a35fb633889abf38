package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// mostNonces bounds how many signed requests of one merchant without an idempotency
// key are remembered, which is how many it may send in ten minutes.
const mostNonces = 1 << 17

// modernLeg is a request signed by RFC 9421.
type modernLeg struct {
	identity Identity
	request  signature.Message
	partner  Partner
}

func (h *Handler) enterModern(w http.ResponseWriter, r *http.Request) (ask, leg, error) {
	identity, err := h.config.Keyring.Identity(r.Context())
	if err != nil {
		return ask{}, nil, err
	}
	l := &modernLeg{identity: identity, request: signature.RequestMessage(r)}
	verified, err := h.verifyModern(r, l)
	if err != nil {
		return ask{}, l, modernRefusal(err)
	}
	body, err := readJSON(w, r, MaxBody)
	if err != nil {
		return ask{}, l, err
	}
	if len(body) > 0 {
		if err := signature.RequireContentDigest(r.Header.Values(headerDigest), body); err != nil {
			return ask{}, l, unauthorised(headerDigest, err.Error())
		}
	}
	if verified.Nonce != "" {
		err = h.nonces.Take(string(l.partner.Merchant.ID), verified.Nonce, time.Now())
	}
	return ask{Request: r, merchant: l.partner.Merchant, body: body, leg: l}, l, modernRefusal(err)
}

// verifyModern judges the header, before the body is read.
func (h *Handler) verifyModern(r *http.Request, l *modernLeg) (signature.Verified, error) {
	return signature.Verify(l.request, signature.Policy{
		Tag: Tag, Required: covered(r), Accept: acceptModern, Now: time.Now(),
		Key: func(id string) (signature.VerificationKey, error) {
			number, own, _ := strings.Cut(id, "/")
			m, err := platform.ParseMerchantID(number)
			if err != nil {
				return signature.VerificationKey{}, signature.ErrKey
			}
			if l.partner, err = h.config.Keyring.Partner(r.Context(), m); err != nil {
				return signature.VerificationKey{}, err
			}
			if l.partner.Merchant.Profile != platform.ProfileModern {
				return signature.VerificationKey{}, unauthorised("Signature-Input", fmt.Sprintf(
					"this merchant is of profile %s, and has no keys for RFC 9421", l.partner.Merchant.Profile))
			}
			k, err := l.partner.key(own)
			return k.WithID(id), err
		},
	})
}

// covered are the components that a request's signature must cover, besides its target.
func covered(r *http.Request) []string {
	required := []string{"@method"}
	if r.ContentLength != 0 {
		required = append(required, "content-digest", "content-type")
	}
	if ordersMoney(r) {
		required = append(required, "idempotency-key")
	}
	return required
}

const billsPath = "/v1/bills"

// acceptModern wants the whole target covered, and something that is there once.
func acceptModern(v signature.Verified) error {
	parts := v.Covers("@authority") && v.Covers("@path") && v.Covers("@query")
	switch {
	case !v.Covers("@target-uri") && !parts:
		return fmt.Errorf("%w: @target-uri, or @authority, @path and @query", signature.ErrCoverage)
	case v.Nonce == "" && !v.Covers("idempotency-key"):
		return fmt.Errorf("%w: nonce, or an idempotency-key", signature.ErrCoverage)
	}
	return nil
}

// modernRefusal says why a signature is not taken, and what to do.
func modernRefusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, signature.ErrCoverage), errors.Is(err, signature.ErrMalformed):
		return unauthorised(signature.HeaderInput, err.Error())
	case errors.Is(err, signature.ErrKey):
		return unauthorised(signature.HeaderInput, "keyid: no such key; it is NUMBER/KEY of a key that the office has added and not retired")
	case errors.Is(err, signature.ErrAlgorithm):
		return unauthorised(signature.HeaderInput, "alg: not the algorithm that is registered for this key; sign with that one, or leave alg out")
	case errors.Is(err, signature.ErrTimestamp):
		return unauthorised(signature.HeaderInput, "created: must be within 5 minutes of now, "+time.Now().UTC().Format(time.RFC3339)+"; set the clock and sign again")
	case errors.Is(err, signature.ErrReplay):
		return unauthorised(signature.HeaderInput, "nonce: this request was had before; sign each one with a nonce of its own")
	case errors.Is(err, signature.ErrTooMany):
		return &platform.Error{Code: platform.CodeUnavailable, Detail: err.Error() + "; try again in ten minutes"}
	case errors.Is(err, signature.ErrSignature):
		return unauthorised(signature.HeaderSignature, "the signature is not good: the request has changed since, or another key has signed it")
	}
	return err
}

// sensitive are the fields of an order that a merchant which signs has to hide.
func sensitive() []string { return []string{"phone", "buyer_phone", "payee"} }

// order opens what is sealed in an order and puts it where profile key has it. The
// sealed part names its merchant and its order, so that it is good for no other.
func (l *modernLeg) order(body []byte) ([]byte, error) {
	o, err := readObject(body, append(orderFields(), "sealed")...)
	if err != nil {
		return nil, err
	}
	for _, name := range sensitive() {
		if o.has(name) {
			o.fail(name, "a merchant of profile modern does not send it in the clear; put it in sealed, as a JWE for a key of GET /v1/keys")
		}
	}
	inner := l.unseal(o)
	if o.err != nil {
		return nil, o.err
	}
	for name, value := range inner.values {
		if _, twice := o.values[name]; twice && name != "reference" {
			return nil, invalid("sealed."+name, "is there twice, in the clear too")
		}
		o.values[name] = value
	}
	delete(o.values, "sealed")
	delete(o.values, "merchant")
	return json.Marshal(o.values)
}

// content is in the clear: nothing of it is sealed.
func (l *modernLeg) content(body []byte) ([]byte, error) { return body, nil }

// unseal reads the sealed part of an order.
func (l *modernLeg) unseal(o *object) *object {
	if !o.require("sealed") {
		return nil
	}
	var text string
	_ = json.Unmarshal(o.values["sealed"], &text) // what is no string is nothing that opens
	plain, err := signature.Open(text, l.identity.Opening...)
	if err != nil {
		o.fail("sealed", "%s; take the key from GET /v1/keys", err)
		return nil
	}
	inner, err := readObject(plain, append(sensitive(), "merchant", "reference", "goods")...)
	if err != nil {
		o.fail("sealed", "must hold a JSON object of merchant, reference, %s, goods", strings.Join(sensitive(), ", "))
		return nil
	}
	inner.prefix = "sealed."
	inner.require("merchant")
	inner.require("reference")
	if m := inner.text("merchant", maxName); inner.err == nil && m != string(l.partner.Merchant.ID) {
		inner.fail("merchant", "was sealed for another merchant")
	}
	if inner.err == nil && inner.text("reference", MaxReference) != o.text("reference", MaxReference) {
		inner.fail("reference", "was sealed for another order")
	}
	if o.err == nil {
		o.err = inner.err
	}
	return inner
}

// answerCovers is what the signature of an answer covers: the answer, and which request it answers.
func answerCovers() []string {
	return []string{
		"@status", "content-type", "content-digest",
		"@method;req", "@authority;req", "@path;req", "@query;req", "signature;req",
	}
}

func (l *modernLeg) sign(header http.Header, status int, body []byte) ([]byte, error) {
	key, err := l.identity.Signer()
	if err != nil {
		return nil, err
	}
	return body, signature.Sign(signature.ResponseMessage(status, header, l.request), key, signature.Input{
		Label: Tag, Components: answerCovers(), Created: time.Now(), Algorithm: true, Tag: Tag,
	})
}
