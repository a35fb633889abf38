package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
)

// prepare finds out how a callback is signed, and whether its endpoint takes any. An
// outcome that it answers is known without an attempt.
func (d *Deliverer) prepare(ctx context.Context, j *job) (*billing.Reported, error) {
	var err error
	j.letter, err = d.letter(ctx, j.callback)
	if refusal, ok := errors.AsType[*platform.Error](err); ok && refusal.Code == platform.CodeUnauthorised {
		return j.failed("the merchant's profile is not served now"), nil
	}
	if err != nil || d.config.Endpoints == nil {
		return nil, err
	}
	e, _, err := d.config.Endpoints.Endpoint(ctx, j.callback.Merchant, j.endpoint)
	if err != nil {
		return nil, err
	}
	if !e.Disabled.IsZero() && !j.callback.ByHand {
		outcome := j.failed("the endpoint is disabled: " + e.Why)
		outcome.Stop = true
		return outcome, nil
	}
	return nil, nil
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
	if response.StatusCode/100 != 2 && !fault.Planted(fault.AnyAnswer) {
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

// problem says why there was no answer. It leaves out addresses and whatever the other end
// said: the merchant reads it, and either may be somebody's secret.
func (d *Deliverer) problem(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its TLS certificate cannot be verified"
	}
	if unknown, ok := errors.AsType[lookupError](err); ok {
		return unknown.Error()
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", d.config.Timeout)
	case errors.Is(err, ErrNotPublic):
		return ErrNotPublic.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case isNet && timeout.Timeout():
		return "no connection in time"
	}
	return "no connection, or no answer in HTTP"
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
