package signature

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"
)

// Message is what a signature sees of a request, or of a response.
type Message struct {
	Header http.Header

	Method    string // of a request, as all of these
	Scheme    string // http or https
	Authority string // host, with its port unless that is the scheme's own
	Path      string // escaped, as on the wire
	Query     string // without the question mark

	Status  int      // of a response
	Request *Message // that a response answers
}

// RequestMessage is a request as it is sent, or as a server got it.
func RequestMessage(r *http.Request) Message {
	m := Message{Header: r.Header, Method: r.Method, Scheme: r.URL.Scheme, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery}
	if m.Method == "" {
		m.Method = http.MethodGet
	}
	if m.Scheme == "" {
		m.Scheme = "http"
		if r.TLS != nil {
			m.Scheme = "https"
		}
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	m.Authority = authority(m.Scheme, host)
	if m.Path == "" {
		m.Path = "/"
	}
	return m
}

// ResponseMessage is the response to a request.
func ResponseMessage(status int, header http.Header, request Message) Message {
	return Message{Header: header, Status: status, Request: &request}
}

// authority is normal as RFC 9421 section 2.2.3 has it.
func authority(scheme, host string) string {
	host = strings.ToLower(host)
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	if port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return host
}

func (m Message) requestTarget() string {
	if m.Query == "" {
		return m.Path
	}
	return m.Path + "?" + m.Query
}

// identifier reads a component as this package's callers write it: a name, and its
// parameters after semicolons, such as @query-param;name="Pet".
func identifier(text string) (httpsfv.Item, error) {
	name, params, more := strings.Cut(text, ";")
	if more {
		params = ";" + params
	}
	item, err := httpsfv.UnmarshalItem([]string{`"` + name + `"` + params})
	if err != nil {
		return item, fmt.Errorf("component %s: %w", text, err)
	}
	return item, nil
}

// written is a component identifier as callers write it.
func written(item httpsfv.Item) string {
	text, err := httpsfv.Marshal(item)
	if err != nil {
		return ""
	}
	return strings.Replace(strings.TrimPrefix(text, `"`), `"`, "", 1)
}

// value is a covered component's (RFC 9421 sections 2.1 to 2.4).
func (m Message) value(item httpsfv.Item) (string, error) {
	name, ok := item.Value.(string)
	if !ok || name != strings.ToLower(name) {
		return "", fmt.Errorf("%w: a component is no name in lower case", ErrMalformed)
	}
	from, parameter := &m, ""
	for _, p := range item.Params.Names() {
		v, _ := item.Params.Get(p)
		switch {
		case p == "req" && v == true && m.Request != nil:
			from = m.Request
		case p == "name" && name == "@query-param":
			parameter, _ = v.(string)
		default:
			return "", fmt.Errorf("%w: the parameter %s of %s is not for here", ErrMalformed, p, name)
		}
	}
	if strings.HasPrefix(name, "@") {
		return from.derived(name, parameter)
	}
	return from.field(name)
}

// field joins a field's lines (RFC 9421 section 2.1).
func (m Message) field(name string) (string, error) {
	lines, ok := m.Header[http.CanonicalHeaderKey(name)]
	if !ok {
		return "", fmt.Errorf("%w: there is no field %s", ErrCoverage, name)
	}
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = strings.Trim(line, " \t")
		if strings.ContainsAny(trimmed[i], "\r\n") {
			return "", fmt.Errorf("%w: the field %s has a line break", ErrMalformed, name)
		}
	}
	return strings.Join(trimmed, ", "), nil
}

// derived answers a component that is no field (RFC 9421 section 2.2).
func (m Message) derived(name, parameter string) (string, error) {
	if m.Status != 0 {
		if name == "@status" {
			return strconv.Itoa(m.Status), nil
		}
		return "", fmt.Errorf("%w: a response has no %s", ErrMalformed, name)
	}
	switch name {
	case "@method":
		return m.Method, nil
	case "@scheme":
		return m.Scheme, nil
	case "@authority":
		return m.Authority, nil
	case "@path":
		return m.Path, nil
	case "@query":
		return "?" + m.Query, nil
	case "@request-target":
		return m.requestTarget(), nil
	case "@target-uri":
		return m.Scheme + "://" + m.Authority + m.requestTarget(), nil
	case "@query-param":
		return m.queryParam(parameter)
	}
	return "", fmt.Errorf("%w: %s is not known here", ErrMalformed, name)
}

// queryParam is the one value of a parameter (RFC 9421 section 2.2.8).
func (m Message) queryParam(name string) (string, error) {
	wanted, err := url.PathUnescape(name)
	if err != nil {
		return "", fmt.Errorf("%w: the name of a query parameter", ErrMalformed)
	}
	values, err := url.ParseQuery(m.Query)
	if err != nil || len(values[wanted]) != 1 {
		return "", fmt.Errorf("%w: the query parameter is not there exactly once", ErrCoverage)
	}
	return strings.ReplaceAll(url.QueryEscape(values[wanted][0]), "+", "%20"), nil
}

// base is the text that is signed (RFC 9421 section 2.5).
func (m Message) base(input httpsfv.InnerList) (string, error) {
	var text strings.Builder
	had := make(map[string]bool)
	for _, item := range input.Items {
		id, err := httpsfv.Marshal(item)
		if err != nil || had[id] {
			return "", fmt.Errorf("%w: a component is wrong, or is there twice", ErrMalformed)
		}
		had[id] = true
		value, err := m.value(item)
		if err != nil {
			return "", err
		}
		text.WriteString(id + ": " + value + "\n")
	}
	params, err := httpsfv.Marshal(httpsfv.List{input})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	text.WriteString(`"@signature-params": ` + params)
	return text.String(), nil
}
