package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// RequestSigner is what a merchant's client does for its profile: [Modern] or
// [Legacy]. Of profile key there is none.
type RequestSigner interface {
	// SignRequest hides what is to be hidden and signs. It may replace body, query and header.
	SignRequest(r *http.Request, body []byte) error
	// VerifyAnswer judges the answer to a request that it has signed, and answers the
	// body as profile key has it.
	VerifyAnswer(r *http.Request, answer *http.Response, body []byte) ([]byte, error)
}

// CallbackReader judges callbacks in a merchant's profile: [Webhooks], [Modern] or [Legacy].
type CallbackReader interface {
	// ReadCallback verifies a callback and answers it with its id, which is the same
	// however often it comes.
	ReadCallback(r *http.Request, body []byte) (id string, c Callback, err error)
	// Acknowledge answers a callback that was taken.
	Acknowledge(w http.ResponseWriter, r *http.Request, body []byte)
}

// Webhooks reads callbacks of profile key: Standard Webhooks, under one of the
// secrets. It is safe for concurrent use.
type Webhooks []WebhookSecret

// ReadCallback verifies a callback.
func (s Webhooks) ReadCallback(r *http.Request, body []byte) (id string, c Callback, err error) {
	if id, err = VerifyCallback(r.Header, body, time.Now(), s...); err != nil {
		return "", c, err
	}
	return id, c, readCallback(body, &c)
}

// ErrCallback is a callback that is signed as it should be and cannot be read.
var ErrCallback = fmt.Errorf("the callback is not JSON of the right form")

func readCallback(body []byte, c *Callback) error {
	if err := json.Unmarshal(body, c); err != nil {
		return ErrCallback
	}
	return nil
}

// Acknowledge answers 204.
func (Webhooks) Acknowledge(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.WriteHeader(http.StatusNoContent)
}

// setBody replaces a request's body.
func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Header.Set(headerDigest, ContentDigest(body))
}

// PlatformKeys are the platform's public keys as a merchant knows them. They are safe
// for concurrent use.
type PlatformKeys struct {
	fetch func(ctx context.Context) (signature.KeySet, error) // nil: pinned

	mu  sync.Mutex
	set signature.KeySet
	at  time.Time
}

// keysAgain is how long passes at least between two looks at the platform's keys.
const keysAgain = time.Second

// PinKeys trusts the keys given and no others.
func PinKeys(set signature.KeySet) *PlatformKeys { return &PlatformKeys{set: set} }

// FetchKeys takes the keys from GET /v1/keys of the platform, when first needed and
// when an unknown one shows up. It trusts whoever answers there: use https, or [PinKeys].
func FetchKeys(c *Client) *PlatformKeys { return &PlatformKeys{fetch: c.PlatformKeys} }

// sealing is the key to seal to.
func (p *PlatformKeys) sealing(ctx context.Context) (signature.SealingKey, error) {
	set := p.known()
	if len(set.Sealing) == 0 {
		var err error
		if set, err = p.look(ctx); err != nil {
			return signature.SealingKey{}, err
		}
	}
	if len(set.Sealing) == 0 {
		return signature.SealingKey{}, fmt.Errorf("the platform publishes no key to seal to: %w", signature.ErrKey)
	}
	return set.Sealing[0], nil
}

// find answers the key of an id, for the algorithms given only.
func (p *PlatformKeys) find(ctx context.Context, id string, algorithms ...signature.Algorithm) (signature.VerificationKey, error) {
	k, err := p.known().Find(id, algorithms...)
	if err == nil {
		return k, nil
	}
	set, err := p.look(ctx)
	if err != nil {
		return k, err
	}
	return set.Find(id, algorithms...)
}

func (p *PlatformKeys) known() signature.KeySet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set
}

// look fetches the keys again, unless that was done a moment ago.
func (p *PlatformKeys) look(ctx context.Context) (signature.KeySet, error) {
	p.mu.Lock()
	set, wait := p.set, p.fetch == nil || !p.at.IsZero() && time.Since(p.at) < keysAgain
	if !wait {
		p.at = time.Now()
	}
	p.mu.Unlock()
	if wait {
		return set, nil
	}
	set, err := p.fetch(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.at = time.Time{}
		return p.set, fmt.Errorf("fetch the platform's keys: %w", err)
	}
	p.set = set
	return set, nil
}

// SideConfig is what a merchant that signs is made of.
type SideConfig struct {
	Merchant platform.MerchantID
	Key      signature.SigningKey // that it signs with
	Platform *PlatformKeys
	Secrets  []WebhookSecret      // of profile modern: that callbacks are signed with too
	Fields   []signature.FieldKey // of profile legacy: the first hides fields
}

// Validate says what is missing.
func (c SideConfig) Validate() error {
	switch {
	case c.Merchant == "":
		return fmt.Errorf("api: no merchant number to sign with")
	case c.Key.ID() == "":
		return fmt.Errorf("api: no key to sign with")
	case c.Platform == nil:
		return fmt.Errorf("api: no keys of the platform")
	}
	return nil
}
