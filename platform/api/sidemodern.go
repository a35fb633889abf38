package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/airtill/airtill/platform/signature"
)

// Modern is the merchant's side of profile modern. It is safe for concurrent use.
type Modern struct{ config SideConfig }

var (
	_ RequestSigner  = (*Modern)(nil)
	_ CallbackReader = (*Modern)(nil)
)

// NewModern makes it. The key is one of RFC 9421; the secrets are needed for callbacks only.
func NewModern(c SideConfig) (*Modern, error) {
	if c.Key.Algorithm() == signature.RSAMD5 {
		return nil, fmt.Errorf("profile modern: %w", signature.ErrAlgorithm)
	}
	return &Modern{c}, c.Validate()
}

// requestCovers are the components that a request's signature covers.
func requestCovers(r *http.Request) []string {
	covers := []string{"@method", "@authority", "@path", "@query"}
	for name, component := range map[string]string{headerDigest: "content-digest", "Content-Type": "content-type", headerIdempotency: "idempotency-key"} {
		if r.Header.Get(name) != "" {
			covers = append(covers, component)
		}
	}
	return covers
}

// SignRequest seals the sensitive fields of an order and signs the request.
func (m *Modern) SignRequest(r *http.Request, body []byte) error {
	if r.Method == http.MethodPost && r.URL.Path == billsPath {
		sealed, err := m.seal(r.Context(), body)
		if err != nil {
			return err
		}
		setBody(r, sealed)
	}
	in := signature.Input{Label: Tag, Components: requestCovers(r), Created: time.Now(), Algorithm: true, Tag: Tag}
	if r.Header.Get(headerIdempotency) == "" {
		in.Nonce = rand.Text()
	}
	key := m.config.Key
	return signature.Sign(signature.RequestMessage(r), key.WithID(keyID(m.config.Merchant, key.ID())), in)
}

// seal moves what only the platform is to read into the sealed part of an order.
func (m *Modern) seal(ctx context.Context, body []byte) ([]byte, error) {
	var order map[string]json.RawMessage
	if err := json.Unmarshal(body, &order); err != nil {
		return nil, fmt.Errorf("read the order: %w", err)
	}
	hidden := map[string]any{"merchant": m.config.Merchant, "reference": order["reference"]}
	for _, name := range append(sensitive(), "goods") {
		if value, ok := order[name]; ok {
			hidden[name] = value
			delete(order, name)
		}
	}
	plain, err := json.Marshal(hidden)
	if err != nil {
		return nil, fmt.Errorf("seal the order: %w", err)
	}
	to, err := m.config.Platform.sealing(ctx)
	if err != nil {
		return nil, err
	}
	sealed, err := signature.Seal(plain, to)
	if err != nil {
		return nil, err
	}
	if order["sealed"], err = json.Marshal(sealed); err != nil {
		return nil, err
	}
	return json.Marshal(order)
}

// VerifyAnswer wants the platform's signature over the answer and over which request it answers.
func (m *Modern) VerifyAnswer(r *http.Request, answer *http.Response, body []byte) ([]byte, error) {
	message := signature.ResponseMessage(answer.StatusCode, answer.Header, signature.RequestMessage(r))
	if err := m.verify(r.Context(), message, answerCovers()); err != nil {
		return nil, err
	}
	return body, signature.RequireContentDigest(answer.Header.Values(headerDigest), body)
}

func (m *Modern) verify(ctx context.Context, message signature.Message, required []string) error {
	_, err := signature.Verify(message, signature.Policy{
		Tag: Tag, Required: required, Now: time.Now(),
		Key: func(id string) (signature.VerificationKey, error) {
			return m.config.Platform.find(ctx, id, signature.Ed25519, signature.RSAPSS, signature.ECDSA)
		},
	})
	return err
}

// callbackCovers is what the platform's signature of a callback covers.
func callbackCovers() []string {
	return []string{
		"@method", "@authority", "@path", "@query",
		"content-type", "content-digest", "webhook-id", "webhook-timestamp",
	}
}

// SignModernCallback adds the signature of RFC 9421 to a callback that is signed by
// Standard Webhooks already.
func SignModernCallback(r *http.Request, key signature.SigningKey) error {
	return signature.Sign(signature.RequestMessage(r), key, signature.Input{
		Label: Tag, Components: callbackCovers(), Created: time.Now(), Algorithm: true, Tag: Tag,
	})
}

// ReadCallback wants both signatures: by Standard Webhooks and by RFC 9421.
func (m *Modern) ReadCallback(r *http.Request, body []byte) (id string, c Callback, err error) {
	if err := m.verify(r.Context(), signature.RequestMessage(r), callbackCovers()); err != nil {
		return "", c, err
	}
	if err := signature.RequireContentDigest(r.Header.Values(headerDigest), body); err != nil {
		return "", c, errors.Join(ErrSignature, err)
	}
	return Webhooks(m.config.Secrets).ReadCallback(r, body)
}

// Acknowledge answers 204.
func (m *Modern) Acknowledge(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.WriteHeader(http.StatusNoContent)
}
