// Package callout has dialled USSD codes answered by HTTP applications, in the forms in
// which USSD aggregators call theirs.
//
//	form             request                                answer
//	africastalking   form: sessionId, phoneNumber,          text: `CON ...` goes on, `END ...` is
//	                 networkCode, serviceCode, text         the last
//	hubtel           JSON: SessionId, Mobile, ServiceCode,  JSON: Type (response, release),
//	                 Type, Message, Operator, Sequence,     Message, ClientState
//	                 ClientState
//	arkesel          JSON: sessionID, userID, newSession,   JSON: sessionID, continueSession,
//	                 msisdn, userData, network              message
//
// Africa's Talking's `text` is all inputs so far, joined by `*`, empty at first; its form
// is as in DanNduati/at-ussd on GitHub (AT-USSD.md), and has an end notification
// besides, with date, sessionId, serviceCode, networkCode, phoneNumber, status (Success,
// Incomplete, Failed), cost, durationInMillis, hopsCount, input, lastAppResponse,
// errorMessage. Hubtel's `Message` is what was dialled, then the last input alone; its form is as in
// the "API Reference - Prog Services" of developers.hubtel.com, with a request of Type
// `release` or `timeout` when the user has gone. Arkesel's `userData` is likewise; its
// form is as in Arkesel's samples on GitHub (ArkeselDev/fastapi-ussd-sample,
// ArkeselDev/DotnetUssdSample).
//
// Answers are read strictly: any other HTTP status than 2xx, a redirect, more than
// 4 KiB, or a body that is not of the form ends the session with a text for the user,
// and is recorded. Left out: retries (a user does not wait for them), Hubtel's AddToCart,
// its Label and FieldType (they are for screens other than USSD), and prices: cost is 0.
package callout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway/ussd"
)

// Duration is a time.Duration that is written as text: "5s".
type Duration time.Duration

// UnmarshalText reads a duration as time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalText writes a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Code is one dialled code and where it leads.
type Code struct {
	Code string `json:"code"` // *384*1#
	To   string `json:"to"`   // an http or https URL, or the system_id of an ESME
	Form string `json:"form"` // of a URL: africastalking, hubtel or arkesel; empty is africastalking
	// Timeout is how long an answer may take; zero is the Switch's.
	Timeout Duration `json:"timeout"`
	Notify  string   `json:"notify"` // africastalking: the URL of the end notification; empty is none
	// Network is what networkCode, Operator or network says; empty is 99999 of Africa's
	// Talking's sandbox, else airtill.
	Network string `json:"network"`
	User    string `json:"user"` // arkesel's userID; empty is airtill
}

// Config is all the codes, as a file has them: {"codes": [{"code": "*384*1#", "to": ...}]}.
type Config struct {
	Codes []Code `json:"codes"`
}

// Read reads and validates a configuration file, in which nothing is unknown.
func Read(r io.Reader) (Config, error) {
	var c Config
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("ussd codes: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("ussd codes: something follows the JSON object")
	}
	return c, c.Validate()
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	for i := range c.Codes {
		if err := c.Codes[i].validate(); err != nil {
			return fmt.Errorf("ussd codes: code %q: %w", c.Codes[i].Code, err)
		}
		earlier := c.Codes[:i]
		if slices.ContainsFunc(earlier, func(e Code) bool { return e.Code == c.Codes[i].Code }) {
			return fmt.Errorf("ussd codes: code %q: twice", c.Codes[i].Code)
		}
	}
	return nil
}

func (c *Code) validate() error {
	if err := ussd.CheckCode(c.Code); err != nil {
		return err
	}
	switch {
	case c.To == "":
		return errors.New("to: empty; give a URL, or the system_id of an account")
	case c.Timeout < 0:
		return errors.New("timeout: negative")
	case !c.isURL() && (c.Form != "" || c.Notify != "" || c.Network != "" || c.User != ""):
		return fmt.Errorf("to: %q is an account, so form, notify, network and user have no meaning; write https://... to call out", c.To)
	case !c.isURL():
		return nil
	}
	if _, ok := forms[c.form()]; !ok {
		return fmt.Errorf("form: %q; there is africastalking, hubtel, arkesel", c.Form)
	}
	if c.Notify != "" && c.form() != africasTalking {
		return fmt.Errorf("notify: %s has no end notification of its own URL", c.form())
	}
	for name, text := range map[string]string{"to": c.To, "notify": c.Notify} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || !isHTTP(text)) {
			return fmt.Errorf("%s: %q is not an http or https URL", name, text)
		}
	}
	return nil
}

func (c *Code) isURL() bool { return strings.Contains(c.To, "://") }

func isHTTP(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

func (c *Code) form() string {
	if c.Form == "" {
		return africasTalking
	}
	return c.Form
}

// Dial makes a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Client is what to call out with: its own connections, no redirects, no proxy, no
// cookies. Close them with CloseIdleConnections.
func Client(dial Dial) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, MaxIdleConnsPerHost: 100, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		},
		CheckRedirect: noRedirect,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Routes makes the routes of a configuration, which call out with a copy of the client
// that follows no redirects.
func (c *Config) Routes(client *http.Client) ([]ussd.Route, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	own := *client
	own.CheckRedirect = noRedirect
	list := make([]ussd.Route, 0, len(c.Codes))
	for _, code := range c.Codes {
		r := ussd.Route{Code: code.Code, Timeout: time.Duration(code.Timeout)}
		if code.isURL() {
			r.Application = &application{code: code, form: forms[code.form()], client: &own}
		} else {
			r.Account = code.To
		}
		list = append(list, r)
	}
	return list, nil
}

// application is an HTTP application.
type application struct {
	code   Code
	form   form
	client *http.Client
}

// Name is what records call it: its URL, without what may be secret in it.
func (a *application) Name() string {
	u, err := url.Parse(a.code.To)
	if err != nil {
		return a.code.form()
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// mostAnswer bounds the body of an answer, many times what a handset can show.
const mostAnswer = 4 << 10

// Answer implements ussd.Application.
func (a *application) Answer(ctx context.Context, t ussd.Turn) (ussd.Reply, error) {
	body, err := a.post(ctx, a.code.To, a.form.request(&a.code, t))
	if err != nil {
		return ussd.Reply{}, err
	}
	return a.form.answer(t, body)
}

// noticeTimeout bounds a notice of the end, for which nobody waits.
const noticeTimeout = 10 * time.Second

// Ended implements ussd.Application: it sends the form's notice, if there is one. What
// becomes of that is nobody's concern.
func (a *application) Ended(ctx context.Context, s ussd.Summary) {
	to, content, ok := a.form.notice(&a.code, s)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	_, _ = a.post(ctx, to, content)
}

// content is the body of a request.
type content struct{ kind, body string }

// post sends a request and reads all of the answer.
func (a *application) post(ctx context.Context, to string, c content) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(c.body))
	if err != nil {
		return nil, fmt.Errorf("callout: %w", err)
	}
	req.Header.Set("Content-Type", c.kind)
	req.Header.Set("User-Agent", "airtill-ussd")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("callout: %w", unwrapURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("callout: read: %w", err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, fmt.Errorf("callout: HTTP status %d", resp.StatusCode)
	case len(body) > mostAnswer:
		return nil, fmt.Errorf("callout: the answer is over %d octets", mostAnswer)
	}
	return body, nil
}

// unwrapURL drops the URL from an error, in which there may be a secret.
func unwrapURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
