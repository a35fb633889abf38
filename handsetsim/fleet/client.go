package fleet

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

	"github.com/airtill/airtill/gateway"
)

// Client asks a fleet's control face. A refusal is a [*Problem].
type Client struct {
	base string
	http *http.Client
}

// NewClient makes a client of the control face at base, as in http://127.0.0.1:8090.
func NewClient(base string, c *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("control address %q is not a URL like http://127.0.0.1:8090", base)
	}
	if c == nil {
		return nil, errors.New("control client: no HTTP client")
	}
	return &Client{base: strings.TrimRight(base, "/"), http: c}, nil
}

// Phones lists up to limit phones after one number; a limit of 0 is the server's.
func (c *Client) Phones(ctx context.Context, after gateway.MSISDN, limit int) (Phones, error) {
	q := url.Values{}
	if after != "" {
		q.Set("after", string(after))
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	path := "/v1/phones"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return ask[Phones](ctx, c, http.MethodGet, path, nil)
}

// Add makes a phone with a blank element.
func (c *Client) Add(ctx context.Context, p NewPhone) (MadePhone, error) {
	return ask[MadePhone](ctx, c, http.MethodPost, "/v1/phones", p)
}

// AddBatch makes up to [MaxBatch] phones with blank elements, or finds those that are there.
// What became of each is in its row, in their order.
func (c *Client) AddBatch(ctx context.Context, phones []NewPhone) ([]MadeRow, error) {
	made, err := ask[MadePhones](ctx, c, http.MethodPost, "/v1/phones/batch", NewPhones{Phones: phones})
	return answeredRows(made.Phones, len(phones), err)
}

// PersonaliseBatch hands up to [MaxBatch] of a branch's answers to their phones. What became of
// each is in its row, in their order.
func (c *Client) PersonaliseBatch(ctx context.Context, phones []PersonalisedPhone) ([]HandedRow, error) {
	done, err := ask[HandedOver](ctx, c, http.MethodPut, "/v1/phones/batch/personalisation", Personalisations{Phones: phones})
	return answeredRows(done.Phones, len(phones), err)
}

// answeredRows refuses an answer of another length than the batch.
func answeredRows[T any](rows []T, asked int, err error) ([]T, error) {
	if err == nil && len(rows) != asked {
		err = fmt.Errorf("read the fleet's answer: %d rows of %d", len(rows), asked)
	}
	return rows, err
}

// Phone shows one phone.
func (c *Client) Phone(ctx context.Context, n gateway.MSISDN) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodGet, phonePath(n, ""), nil)
}

// Inbox shows a phone's texts, oldest first.
func (c *Client) Inbox(ctx context.Context, n gateway.MSISDN) ([]Message, error) {
	in, err := ask[Inbox](ctx, c, http.MethodGet, phonePath(n, "/inbox"), nil)
	return in.Messages, err
}

// Bills shows the bills in a phone's list, oldest first.
func (c *Client) Bills(ctx context.Context, n gateway.MSISDN) ([]Bill, error) {
	in, err := ask[Bills](ctx, c, http.MethodGet, phonePath(n, "/bills"), nil)
	return in.Bills, err
}

// Personalise hands a branch's answer to a phone's element.
func (c *Client) Personalise(ctx context.Context, n gateway.MSISDN, p Personalisation) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodPut, phonePath(n, "/personalisation"), p)
}

// Power switches a phone on or off.
func (c *Client) Power(ctx context.Context, n gateway.MSISDN, on bool) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodPut, phonePath(n, "/power"), Power{On: &on})
}

// SetPersona gives a phone's holder another habit.
func (c *Client) SetPersona(ctx context.Context, n gateway.MSISDN, persona string) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodPut, phonePath(n, "/persona"), Persona{Persona: persona})
}

// Confirm opens a bill, so that a card can be picked.
func (c *Client) Confirm(ctx context.Context, n gateway.MSISDN, in Choice) (Bill, error) {
	return ask[Bill](ctx, c, http.MethodPost, phonePath(n, "/confirm"), in)
}

// Pay pays a bill with a card.
func (c *Client) Pay(ctx context.Context, n gateway.MSISDN, in Payment) (Bill, error) {
	return ask[Bill](ctx, c, http.MethodPost, phonePath(n, "/pay"), in)
}

// Refuse says no to a bill.
func (c *Client) Refuse(ctx context.Context, n gateway.MSISDN, in Refusal) (Bill, error) {
	return ask[Bill](ctx, c, http.MethodPost, phonePath(n, "/refuse"), in)
}

// Defer puts a bill off.
func (c *Client) Defer(ctx context.Context, n gateway.MSISDN, in Choice) (Bill, error) {
	return ask[Bill](ctx, c, http.MethodPost, phonePath(n, "/defer"), in)
}

// SendText sends a text from a phone.
func (c *Client) SendText(ctx context.Context, n gateway.MSISDN, t Text) (TextTaken, error) {
	return ask[TextTaken](ctx, c, http.MethodPost, phonePath(n, "/messages"), t)
}

// USSD dials, replies or gives up on a phone; [Client.Screen] shows what came of it.
func (c *Client) USSD(ctx context.Context, n gateway.MSISDN, in USSD) (Screen, error) {
	return ask[Screen](ctx, c, http.MethodPost, phonePath(n, "/ussd"), in)
}

// Screen shows what a phone shows of a USSD session.
func (c *Client) Screen(ctx context.Context, n gateway.MSISDN) (Screen, error) {
	return ask[Screen](ctx, c, http.MethodGet, phonePath(n, "/ussd"), nil)
}

// Clone has a thief copy a phone's element, as it is now.
func (c *Client) Clone(ctx context.Context, n gateway.MSISDN) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodPost, phonePath(n, "/clone"), nil)
}

// Restore has a phone go on with the copy of its element, counters of then included.
func (c *Client) Restore(ctx context.Context, n gateway.MSISDN) (Phone, error) {
	return ask[Phone](ctx, c, http.MethodPost, phonePath(n, "/restore"), nil)
}

// Counts shows what the fleet has counted.
func (c *Client) Counts(ctx context.Context) (Counts, error) {
	return ask[Counts](ctx, c, http.MethodGet, "/v1/fleet", nil)
}

func phonePath(n gateway.MSISDN, rest string) string {
	return "/v1/phones/" + url.PathEscape(string(n)) + rest
}

// maxAnswer bounds what the client reads of an answer.
const maxAnswer = 8 << 20

// ask sends a request and reads its answer. The error never holds the body, which may hold a PIN.
func ask[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var answer T
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer, fmt.Errorf("ask the fleet: %w", err)
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return answer, fmt.Errorf("ask the fleet: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return answer, fmt.Errorf("ask the fleet: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return answered[T](resp)
}

func answered[T any](resp *http.Response) (T, error) {
	var answer T
	d := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= http.StatusBadRequest {
		p := &Problem{Status: resp.StatusCode, Title: resp.Status}
		if err := d.Decode(p); err != nil {
			p.Detail = "not an answer of a fleet's control face"
		}
		return answer, p
	}
	if err := d.Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the fleet's answer: %w", err)
	}
	return answer, nil
}
