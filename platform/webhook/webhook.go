// Package webhook tells merchants how their bills ended: it performs the callback
// effects of the engine as signed POST requests, by Standard Webhooks 1.0.0.
//
// One [Deliverer.Perform] is one attempt. Only a 2xx answer is a success; redirects
// are failures and never followed; at most 4 KiB of an answer are read, and none of it
// is kept. The outcome, good or bad, goes back to the bill, whose own timetable says
// when the next attempt is: Retry-After is passed on, and so is 410, after which
// there is none. An attempt may be made again after a restart. Every attempt for one
// result has the same webhook-id, by which the merchant knows a repeat.
//
// Signing and verifying are in package api, because merchants need them too. [Guard]
// keeps callbacks away from addresses that are not public.
//
// Left out so far: a queue and a circuit breaker for each merchant, a list of failed
// callbacks with resending by hand, and signatures of RFC 9421.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
)

// Bounds of an attempt.
const (
	DefaultTimeout = 15 * time.Second
	MaxRetryAfter  = 24 * time.Hour // a merchant cannot put a callback off for longer at a time

	maxAnswer       = 4 << 10  // octets of the answer's body
	maxAnswerHeader = 16 << 10 // octets of the answer's header
	idleConnections = 256
	idleTimeout     = 30 * time.Second
)

// Config is what a Deliverer works with. Secrets and Report must be set.
type Config struct {
	// Dial opens a connection; nil dials TCP. Give it the Control of [Guard] where merchants are not trusted.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Secrets are those that a merchant's callbacks are signed with: two while it changes over.
	Secrets func(ctx context.Context, m platform.MerchantID) ([]string, error)
	// Report takes the outcome to the bill, in the partition that the effect came from.
	Report  func(ctx context.Context, p engine.Partition, o billing.Reported) error
	Timeout time.Duration // of one attempt; 0 is DefaultTimeout
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Secrets == nil:
		return errors.New("webhook: no secrets to sign with")
	case c.Report == nil:
		return errors.New("webhook: nobody to report to")
	case c.Timeout < 0:
		return errors.New("webhook: a negative timeout")
	}
	return nil
}

// Deliverer makes callbacks. It is safe for concurrent use.
type Deliverer struct {
	config Config
	http   *http.Client
}

var _ engine.Performer = (*Deliverer)(nil)

// New makes a Deliverer; Close it when its effects have ended.
func New(config Config) (*Deliverer, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	return &Deliverer{config: config, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no Proxy: the environment has no say
			DialContext:            config.Dial,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHeader,
			MaxIdleConns:           idleConnections,
			IdleConnTimeout:        idleTimeout,
		},
	}}, nil
}

// Close ends the connections that are kept for further callbacks.
func (d *Deliverer) Close() { d.http.CloseIdleConnections() }

// Perform makes one attempt and reports its outcome. An error means that there is no
// outcome, or that it could not be reported: the effect is to be performed again.
func (d *Deliverer) Perform(ctx context.Context, p engine.Partition, e engine.Effect) error {
	var c billing.Callback
	if err := json.Unmarshal(e.Body, &c); err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	secrets, err := d.secrets(ctx, c.Merchant)
	if err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	outcome := d.attempt(ctx, c, secrets)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("callback %s: given up: %w", e.ID, err)
	}
	if err := d.config.Report(ctx, p, outcome); err != nil {
		return fmt.Errorf("report callback %s: %w", e.ID, err)
	}
	return nil
}

func (d *Deliverer) secrets(ctx context.Context, m platform.MerchantID) ([]api.WebhookSecret, error) {
	texts, err := d.config.Secrets(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("find the secret of merchant %s: %w", m, err)
	}
	secrets := make([]api.WebhookSecret, 0, len(texts))
	for _, text := range texts {
		s, err := api.ParseWebhookSecret(text)
		if err != nil {
			return nil, fmt.Errorf("merchant %s: %w", m, err)
		}
		secrets = append(secrets, s)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("merchant %s has no webhook secret", m)
	}
	return secrets, nil
}

// attempt posts the event, once.
func (d *Deliverer) attempt(ctx context.Context, c billing.Callback, secrets []api.WebhookSecret) billing.Reported {
	outcome := billing.Reported{Bill: c.Bill, Attempt: c.Attempt}
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	r, err := newRequest(ctx, c, secrets)
	if err != nil {
		outcome.Problem = "the callback's address cannot be used"
		return outcome
	}
	response, err := d.http.Do(r)
	if err != nil {
		outcome.Problem = d.problem(err)
		return outcome
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // so that the connection can be used again
	outcome.Status = response.StatusCode
	if response.StatusCode/100 != 2 {
		outcome.Problem = "answered " + strconv.Itoa(response.StatusCode)
		outcome.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	return outcome
}

func newRequest(ctx context.Context, c billing.Callback, secrets []api.WebhookSecret) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(c.Event))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Digest", api.ContentDigest(c.Event))
	r.Header.Set("User-Agent", "Airtill")
	api.SignCallback(r.Header, messageID(c), time.Now(), c.Event, secrets...)
	return r, nil
}

// messageID names what is told, not the attempt: evt_01J..._settled. It holds no
// dot (Standard Webhooks 1.0.0, "Signature scheme").
func messageID(c billing.Callback) string {
	var event struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.Event, &event) // a type that is missing still leaves one id a bill
	what := strings.TrimPrefix(event.Type, "bill.")
	return "evt_" + strings.TrimPrefix(string(c.Bill), "bill_") + "_" + strings.ReplaceAll(what, ".", "_")
}

// problem says why there was no answer. It leaves out the address, which may hold a merchant's own key.
func (d *Deliverer) problem(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", d.config.Timeout)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); anything else asks for nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, MaxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
