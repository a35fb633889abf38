package app

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
)

// timeoutFlag is for a command that asks rooms, which wait otherwise so long.
func (t *target) timeoutFlag(otherwise time.Duration) cli.Flag {
	return &cli.DurationFlag{
		Name: "timeout", Usage: "wait for each answer for `TIME`", Value: otherwise, EnvVars: []string{"AIRTILL_TIMEOUT"}, Destination: &t.timeout,
	}
}

// usualTimeout is how long an answer may take.
const usualTimeout = 30 * time.Second

// http is what a room is asked with: for so long as --timeout says. With -v each question
// is told.
func (t *target) http(c *call) (*http.Client, error) {
	if t.timeout < 0 || t.timeout == 0 && c.isSet("timeout") {
		return nil, usagef("--timeout is a time such as 5s")
	}
	t.timeout = cmp.Or(t.timeout, usualTimeout) // completion has no flags
	client := world.HTTPClient(network.TCP{})
	client.Timeout = t.timeout
	client.Transport = tellingTransport{next: client.Transport, log: c.log}
	return client, nil
}

// tellingTransport tells what is asked, and what comes of it, without what may be a
// secret: no header, no body and nothing of a query.
type tellingTransport struct {
	next http.RoundTripper
	log  zerolog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t tellingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := t.next.RoundTrip(r)
	event := t.log.Info().Str("method", r.Method).Str("url", shownURL(r.URL)).Dur("took", time.Since(began).Round(time.Microsecond))
	if err != nil {
		event.Msg("no answer") // why is what the command ends with
		return nil, err
	}
	event.Int("status", response.StatusCode).Msg("asked")
	return response, nil
}

// numbers are phones' numbers in a path, and what looks like them.
var numbers = regexp.MustCompile(`\d{7,}`)

// shownURL is a URL without numbers of phones.
func shownURL(u *url.URL) string {
	path := numbers.ReplaceAllStringFunc(u.Path, func(n string) string { return gateway.MSISDN(n).Masked() })
	return u.Scheme + "://" + u.Host + path
}

// late says whether an answer did not come in time.
func late(err error) bool {
	asked, ok := errors.AsType[*url.Error](err)
	return ok && asked.Timeout()
}

// tooLate is the error of an answer that did not come in time.
func (t *target) tooLate(hint string) error {
	return &Error{Status: StatusUnreachable, Err: fmt.Errorf("no answer within %s", t.timeout), Hint: hint + "; or wait longer: --timeout " + (2 * t.timeout).String()}
}
