package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/ussd"
)

// Client asks a carrier's face. A refusal is a [*Problem].
type Client struct {
	base, key string
	http      *http.Client
}

// NewClient makes a client of the face at base, as in http://127.0.0.1:2780. The HTTP
// client's own timeout must leave room for waits.
func NewClient(base, key string, c *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("carrier address %q is not a URL like http://127.0.0.1:2780", base)
	}
	if c == nil {
		return nil, errors.New("carrier client: no HTTP client")
	}
	return &Client{base: strings.TrimRight(base, "/"), key: key, http: c}, nil
}

// Send sends a message.
func (c *Client) Send(ctx context.Context, m NewMessage) (Sent, error) {
	return ask[Sent](ctx, c, http.MethodPost, "/v1/messages", m)
}

// MessageFilter says which messages to list. A zero field does not matter.
type MessageFilter struct {
	State, Source, Destination, Account, Text string
	Since                                     time.Time
	Limit                                     int
	Before                                    uint64
	Wait                                      time.Duration // until there is one, at most MaxWait
}

// Messages lists messages, the newest first.
func (c *Client) Messages(ctx context.Context, f MessageFilter) (Messages, error) {
	q := url.Values{}
	set(q, "state", f.State)
	set(q, "source", f.Source)
	set(q, "destination", f.Destination)
	set(q, "account", f.Account)
	set(q, "text", f.Text)
	if !f.Since.IsZero() {
		q.Set("since", f.Since.Format(time.RFC3339Nano))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	if f.Before != 0 {
		q.Set("before", strconv.FormatUint(f.Before, 10))
	}
	if f.Wait != 0 {
		q.Set("wait", f.Wait.String())
	}
	return ask[Messages](ctx, c, http.MethodGet, withQuery("/v1/messages", q), nil)
}

// Message shows a message, once it is final or wait is over.
func (c *Client) Message(ctx context.Context, id string, wait time.Duration) (Messages, error) {
	q := url.Values{}
	if wait != 0 {
		q.Set("wait", wait.String())
	}
	return ask[Messages](ctx, c, http.MethodGet, withQuery("/v1/messages/"+url.PathEscape(id), q), nil)
}

// Cancel takes a message back.
func (c *Client) Cancel(ctx context.Context, id string) (Messages, error) {
	return ask[Messages](ctx, c, http.MethodDelete, "/v1/messages/"+url.PathEscape(id), nil)
}

// Sessions lists SMPP connections, those of one account if it is not empty.
func (c *Client) Sessions(ctx context.Context, account string) (Sessions, error) {
	q := url.Values{}
	set(q, "account", account)
	return ask[Sessions](ctx, c, http.MethodGet, withQuery("/v1/sessions", q), nil)
}

// Kick unbinds and closes a session, and answers how it was.
func (c *Client) Kick(ctx context.Context, id uint64) (Session, error) {
	return ask[Session](ctx, c, http.MethodDelete, "/v1/sessions/"+strconv.FormatUint(id, 10), nil)
}

// Accounts lists who may bind.
func (c *Client) Accounts(ctx context.Context) (Accounts, error) {
	return ask[Accounts](ctx, c, http.MethodGet, "/v1/accounts", nil)
}

// Throttle changes what an account may submit.
func (c *Client) Throttle(ctx context.Context, id string, t Throttle) (Account, error) {
	return ask[Account](ctx, c, http.MethodPatch, "/v1/accounts/"+url.PathEscape(id), t)
}

// Subscriber shows how a subscriber's radio is.
func (c *Client) Subscriber(ctx context.Context, number string) (radio.Status, error) {
	return ask[radio.Status](ctx, c, http.MethodGet, "/v1/subscribers/"+url.PathEscape(number), nil)
}

// Changes are fields by their name in JSON; one that is nil becomes as it is by itself.
type Changes map[string]any

// ChangeSubscriber changes some of a subscriber's radio.Settings.
func (c *Client) ChangeSubscriber(ctx context.Context, number string, fields Changes) (radio.Status, error) {
	return ask[radio.Status](ctx, c, http.MethodPatch, "/v1/subscribers/"+url.PathEscape(number), fields)
}

// ClearMemory empties a phone's memory.
func (c *Client) ClearMemory(ctx context.Context, number string) (radio.Status, error) {
	return ask[radio.Status](ctx, c, http.MethodDelete, "/v1/subscribers/"+url.PathEscape(number)+"/memory", nil)
}

// Radio shows the whole air.
func (c *Client) Radio(ctx context.Context) (radio.Plan, error) {
	return ask[radio.Plan](ctx, c, http.MethodGet, "/v1/radio", nil)
}

// ChangeRadio changes some of the air's radio.Plan.
func (c *Client) ChangeRadio(ctx context.Context, fields Changes) (radio.Plan, error) {
	return ask[radio.Plan](ctx, c, http.MethodPatch, "/v1/radio", fields)
}

// Cell shows a cell.
func (c *Client) Cell(ctx context.Context, name string) (radio.Cell, error) {
	return ask[radio.Cell](ctx, c, http.MethodGet, "/v1/radio/cells/"+url.PathEscape(name), nil)
}

// ChangeCell changes some of a cell.
func (c *Client) ChangeCell(ctx context.Context, name string, fields Changes) (radio.Cell, error) {
	return ask[radio.Cell](ctx, c, http.MethodPatch, "/v1/radio/cells/"+url.PathEscape(name), fields)
}

// SetFaults sets faults, each as fault.Parse reads it, all or none.
func (c *Client) SetFaults(ctx context.Context, texts ...string) (FaultList, error) {
	return ask[FaultList](ctx, c, http.MethodPost, "/v1/faults", map[string]any{"faults": texts})
}

// Faults lists the faults that are set.
func (c *Client) Faults(ctx context.Context) (FaultList, error) {
	return ask[FaultList](ctx, c, http.MethodGet, "/v1/faults", nil)
}

// FaultsOff takes all faults off.
func (c *Client) FaultsOff(ctx context.Context) (FaultList, error) {
	return ask[FaultList](ctx, c, http.MethodDelete, "/v1/faults", nil)
}

// FaultOff takes one fault off.
func (c *Client) FaultOff(ctx context.Context, id int) (FaultList, error) {
	return ask[FaultList](ctx, c, http.MethodDelete, "/v1/faults/"+strconv.Itoa(id), nil)
}

// FaultList is Faults as a client reads it.
type FaultList struct {
	Faults  []SetFault          `json:"faults"`
	Presets map[string][]string `json:"presets"`
}

// SetFault is a fault.Record as a client reads it.
type SetFault struct {
	ID        int       `json:"id"`
	Operation string    `json:"operation"`
	Effect    string    `json:"effect"`
	Chance    *float64  `json:"chance,omitempty"` // absent is 1
	Account   string    `json:"account,omitempty"`
	Number    string    `json:"number,omitempty"` // absent is all phones
	Every     int       `json:"every,omitempty"`  // it strikes the first of so many
	Count     int       `json:"count,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Struck    int       `json:"struck"`
	Over      bool      `json:"over"`
}

// Dial dials a code for a number.
func (c *Client) Dial(ctx context.Context, d Dial) (Screen, error) {
	return ask[Screen](ctx, c, http.MethodPost, "/v1/ussd/dial", d)
}

// Reply answers what a session shows.
func (c *Client) Reply(ctx context.Context, id, text string) (Screen, error) {
	return ask[Screen](ctx, c, http.MethodPost, "/v1/ussd/sessions/"+url.PathEscape(id), Reply{Text: text})
}

// Abort gives a session up.
func (c *Client) Abort(ctx context.Context, id string) error {
	_, err := ask[Screen](ctx, c, http.MethodDelete, "/v1/ussd/sessions/"+url.PathEscape(id), nil)
	return err
}

// Push shows a text on a handset, and waits until it is answered or confirmed.
func (c *Client) Push(ctx context.Context, p Push) (Pushed, error) {
	return ask[Pushed](ctx, c, http.MethodPost, "/v1/ussd/push", p)
}

// USSDSessions lists sessions, the last to begin first.
func (c *Client) USSDSessions(ctx context.Context, f ussd.Filter) ([]USSDSession, error) {
	q := url.Values{}
	set(q, "phone", f.Phone)
	set(q, "code", f.Code)
	set(q, "application", f.Application)
	if f.Result != 0 {
		q.Set("result", f.Result.String())
	}
	if f.OpenOnly {
		q.Set("open", "true")
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	all, err := ask[struct{ Sessions []USSDSession }](ctx, c, http.MethodGet, withQuery("/v1/ussd/sessions", q), nil)
	return all.Sessions, err
}

// USSDSession is an ussd.Record as a client reads it.
type USSDSession struct {
	ID          string     `json:"id"`
	Phone       string     `json:"phone"`
	Code        string     `json:"code"`
	Dialled     string     `json:"dialled,omitempty"`
	Application string     `json:"application"`
	Opened      string     `json:"opened"`
	State       string     `json:"state"`
	Result      string     `json:"result"`
	Detail      string     `json:"detail,omitempty"`
	Began       time.Time  `json:"began"`
	Ended       time.Time  `json:"ended,omitzero"`
	Steps       []USSDStep `json:"steps"`
	Left        int        `json:"left,omitempty"`
}

// USSDStep is an ussd.Step as a client reads it.
type USSDStep struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text,omitempty"`
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// maxAnswer bounds what the client reads of an answer.
const maxAnswer = 64 << 20

// ask sends a request and reads its answer. The error never holds a body: of USSD it
// may have a PIN.
func ask[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var answer T
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer, fmt.Errorf("ask the carrier: %w", err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return answer, fmt.Errorf("ask the carrier: %w", err)
	}
	r.Header.Set("Content-Type", contentJSON)
	r.Header.Set("Authorization", "Bearer "+c.key)
	resp, err := c.http.Do(r)
	if err != nil {
		return answer, fmt.Errorf("ask the carrier: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	d := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= http.StatusBadRequest {
		p := &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
		if err := d.Decode(p); err != nil {
			p.Detail = "not an answer of a carrier"
		}
		return answer, p
	}
	if err := d.Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the carrier's answer: %w", err)
	}
	return answer, nil
}
