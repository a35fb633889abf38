// Package webhook tells merchants how their bills ended: it performs the callback
// effects of the engine as signed POST requests.
//
// One [Deliverer.Perform] is one attempt. Only a 2xx answer is a success; redirects
// are failures and never followed; at most 4 KiB of an answer are read, and none of it
// is kept. The outcome, good or bad, goes back to the bill, whose own timetable says
// when the next attempt is: Retry-After is passed on, and so is 410, after which
// there is none. An attempt may be made again after a restart. Every attempt for one
// result has the same webhook-id, by which the merchant knows a repeat.
//
// A merchant's profile decides how a callback is signed: by Standard Webhooks alone; by
// that and RFC 9421; or as a legacy form, whose answer must be signed too and say
// success. Signing and verifying are in package api, because merchants need them too. [Guard]
// keeps callbacks away from addresses that are not public.
//
// Left out so far: a queue and a circuit breaker for each merchant, a list of failed
// callbacks with resending by hand.
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

// Config is what a Deliverer works with. Partner and Report must be set.
type Config struct {
	// Dial opens a connection; nil dials TCP. Give it the Control of [Guard] where merchants are not trusted.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Partner finds a merchant's profile and what its callbacks are signed with.
	Partner func(ctx context.Context, m platform.MerchantID) (api.Partner, error)
	// Identity answers the platform's own keys; nil: all merchants are of profile key.
	Identity func(ctx context.Context) (api.Identity, error)
	// Report takes the outcome to the bill, in the partition that the effect came from.
	Report  func(ctx context.Context, p engine.Partition, o billing.Reported) error
	Timeout time.Duration // of one attempt; 0 is DefaultTimeout
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Partner == nil:
		return errors.New("webhook: no merchants' secrets to sign with")
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
	outcome, err := d.deliver(ctx, c)
	if err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("callback %s: given up: %w", e.ID, err)
	}
	if err := d.config.Report(ctx, p, outcome); err != nil {
		return fmt.Errorf("report callback %s: %w", e.ID, err)
	}
	return nil
}

// deliver signs the event as its merchant's profile has it, and posts it, once.
func (d *Deliverer) deliver(ctx context.Context, c billing.Callback) (billing.Reported, error) {
	outcome := billing.Reported{Bill: c.Bill, Refund: c.Refund, Attempt: c.Attempt}
	l, err := d.letter(ctx, c)
	if refusal, ok := errors.AsType[*platform.Error](err); ok && refusal.Code == platform.CodeUnauthorised {
		outcome.Problem = "the merchant's profile is not served now"
		return outcome, nil
	}
	if err != nil {
		return outcome, err
	}
	d.attempt(ctx, c, l, &outcome)
	return outcome, nil
}

// attempt posts the event, once.
func (d *Deliverer) attempt(ctx context.Context, c billing.Callback, l letter, outcome *billing.Reported) {
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	r, err := newRequest(ctx, c, l)
	if err != nil {
		outcome.Problem = "the callback's address cannot be used"
		return
	}
	response, err := d.http.Do(r)
	if err != nil {
		outcome.Problem = d.problem(err)
		return
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // so that the connection can be used again
	outcome.Status = response.StatusCode
	if response.StatusCode/100 != 2 {
		outcome.Problem = "answered " + strconv.Itoa(response.StatusCode)
		outcome.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
		return
	}
	if l.judge != nil && l.judge(answer, response.StatusCode) != nil {
		outcome.Status, outcome.Problem = 0, "the answer is not signed as it should be"
	}
}

func newRequest(ctx context.Context, c billing.Callback, l letter) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(l.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", l.contentType)
	r.Header.Set("Content-Digest", api.ContentDigest(l.body))
	r.Header.Set("User-Agent", "Airtill")
	if l.sign == nil {
		return r, nil
	}
	return r, l.sign(r)
}

// messageID names what is told, not the attempt: evt_01J..._settled, and of a refund
// evt_01J..._1_posted. It holds no dot (Standard Webhooks 1.0.0, "Signature scheme").
func messageID(c billing.Callback) string {
	var event struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.Event, &event) // a type that is missing still leaves one id a bill
	if what, ok := strings.CutPrefix(event.Type, "refund."); ok && c.Refund != "" {
		return "evt_" + strings.TrimPrefix(string(c.Refund), "refund_") + "_" + strings.ReplaceAll(what, ".", "_")
	}
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
