package api

import (
	"errors"
	"net/http"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// leg is one merchant's request and its answer in the merchant's profile.
type leg interface {
	// order is the body of an order in the clear, as a merchant of profile key sends it.
	order(body []byte) ([]byte, error)
	// content is the body of any other request, in the same way.
	content(body []byte) ([]byte, error)
	// sign makes an answer one of the profile.
	sign(header http.Header, status int, body []byte) ([]byte, error)
}

// enter lets a merchant's request in by the profile that it shows; the merchant's own
// profile must be that one. The leg is nil for profile key, and for whom is not known.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request) (ask, leg, error) {
	switch {
	case h.config.Keyring != nil && signed(r):
		return h.enterModern(w, r)
	case r.Header.Get("Authorization") == "" && h.config.Keyring != nil && h.config.AllowLegacy:
		return h.enterLegacy(w, r)
	}
	a, err := h.enterKey(w, r)
	return a, nil, err
}

// signed says whether a request comes with a signature for us.
func signed(r *http.Request) bool {
	_, err := signature.KeyID(r.Header, Tag)
	return err == nil || errors.Is(err, signature.ErrMalformed) && r.Header.Get("Authorization") == ""
}

// enterKey looks at the key first, so that a stranger learns nothing and sends nothing.
func (h *Handler) enterKey(w http.ResponseWriter, r *http.Request) (ask, error) {
	key := bearer(r)
	if key == "" {
		return ask{}, noKey()
	}
	m, err := h.config.Authenticator.Authenticate(r.Context(), key.Reveal())
	if err != nil {
		return ask{}, err
	}
	if m.Profile.Signs() {
		return ask{}, downgraded(m.Profile)
	}
	body, err := readJSON(w, r, MaxBody)
	return ask{Request: r, merchant: m, body: body}, err
}

// downgraded refuses a request that is less than its merchant's profile asks for.
func downgraded(p platform.Profile) error {
	detail := "this merchant is of profile modern: sign the request (RFC 9421) with a key that the office knows"
	if p == platform.ProfileLegacy {
		detail = "this merchant is of profile legacy: send sorted fields with sign, and no API key"
	}
	return unauthorised("Authorization", detail)
}

func unauthorised(field, detail string) error {
	return &platform.Error{Code: platform.CodeUnauthorised, Field: field, Detail: detail}
}

// signedWriter keeps an answer until it is whole, and signs it.
type signedWriter struct {
	http.ResponseWriter
	leg    leg
	status int
	body   []byte
}

func (w *signedWriter) WriteHeader(status int) { w.status = status }

func (w *signedWriter) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}

// send signs the answer and sends it.
func (w *signedWriter) send() error {
	body, err := w.leg.sign(w.Header(), w.status, w.body)
	if err != nil {
		w.Header().Del(signature.HeaderInput)
		w.Header().Del(signature.HeaderSignature)
		NewProblem(CodeInternal, "", "the answer could not be signed; repeat the request").Write(w.ResponseWriter)
		return err
	}
	w.ResponseWriter.WriteHeader(w.status)
	_, _ = w.ResponseWriter.Write(body) // a reader that went away has nothing to be told
	return nil
}
