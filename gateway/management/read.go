package management

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
)

// maxBody bounds a request's body: a plan of some thousand subscribers.
const maxBody = 1 << 20

// readBody reads a body whole.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, problem(tooLarge, "", fmt.Sprintf("a body has at most %d octets", maxBody))
	}
	if err != nil {
		return nil, problem(badRequest, "", "the body did not come whole")
	}
	return body, nil
}

// read reads a body that is one JSON object, with no fields that a T has not.
func read[T any](r *http.Request) (T, error) {
	var v T
	body, err := readBody(r)
	if err != nil {
		return v, err
	}
	return v, decode(body, &v)
}

func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return problem(badRequest, "", "something follows the JSON object")
	}
	return nil
}

func unreadable(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := strings.ReplaceAll(t.Field, "Settings.", "") // an embedded type is not in JSON
		return invalidf(field, "a JSON %s does not belong here", t.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalidf(strings.Trim(name, `"`), "no such field")
	}
	return problem(badRequest, "", "the body is not a JSON object")
}

// query reads a request's query, of which it knows all names.
type query struct {
	values url.Values
	err    error // the first thing that is wrong
}

func readQuery(r *http.Request, names ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.err = problem(badRequest, "", "the query cannot be read")
		return q
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case !slices.Contains(names, name):
			q.fail(name, "no such parameter; there are %s", strings.Join(names, ", "))
		case len(values[name]) > 1:
			q.fail(name, "the parameter is there twice")
		}
	}
	return q
}

func (q *query) fail(name, format string, args ...any) {
	if q.err == nil {
		q.err = invalidf(name, format, args...)
	}
}

func (q *query) text(name string) string { return q.values.Get(name) }

// number reads a whole number from least to most; zero if there is none.
func (q *query) number(name string, least, most uint64) uint64 {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < least || n > most {
		q.fail(name, "is a whole number from %d to %d", least, most)
	}
	return n
}

func (q *query) instant(name string) time.Time {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		q.fail(name, "is a time such as 2026-01-31T12:00:00Z")
	}
	return t
}

func (q *query) duration(name string, most time.Duration) time.Duration {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		q.fail(name, "is a time from 0s to %v, such as 10s", most)
	}
	return d
}

func (q *query) flag(name string) bool {
	text := q.values.Get(name)
	if text != "" && text != "true" && text != "false" {
		q.fail(name, "is true or false")
	}
	return text == "true"
}

func (q *query) state(name string) gateway.MessageState {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	s, err := ParseState(text)
	if err != nil {
		q.fail(name, "%v", err)
	}
	return s
}

// withBody is a request whose body was read already.
func withBody(r *http.Request, body []byte) *http.Request {
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}
