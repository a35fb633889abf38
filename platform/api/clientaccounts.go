package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/airtill/airtill/platform"
)

// Statement asks for a UTC day of the merchant's. Its lines are read from the connection
// as they are asked for; range over them to the end or until an error, once.
func (c *Client) Statement(ctx context.Context, day string) (*platform.Statement, error) {
	return c.statement(ctx, "/v1/statement?day="+url.QueryEscape(day))
}

// Statement asks for a UTC day of a merchant's, as [Client.Statement] does.
func (c *OfficeClient) Statement(ctx context.Context, m platform.MerchantID, day string) (*platform.Statement, error) {
	return c.statement(ctx, "/v1/office/merchants/"+url.PathEscape(string(m))+"/statement?day="+url.QueryEscape(day))
}

// maxStatement bounds a statement that is signed, which is read whole: some 500,000 lines.
const maxStatement = 128 << 20

func (c caller) statement(ctx context.Context, path string) (*platform.Statement, error) {
	r, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if c.signer != nil {
		return c.signedStatement(r)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return nil, fmt.Errorf("%w: read the answer: %w", ErrUnknown, err)
		}
		return nil, refused(response, body)
	}
	s, err := readStatement(response.Body, response.Body.Close)
	if err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	return s, nil
}

// signedStatement reads a statement whole, because the signature is over all of it.
func (c caller) signedStatement(r *http.Request) (*platform.Statement, error) {
	var whole Statement
	c.most = maxStatement
	if err := c.send(r, nil, &whole); err != nil {
		return nil, err
	}
	return &platform.Statement{
		Merchant: whole.Merchant, Name: whole.Name, Day: whole.Day, Complete: whole.Complete, Accounts: whole.Accounts,
		Lines: func(yield func(platform.StatementLine, error) bool) {
			for _, l := range whole.Lines {
				if !yield(l, nil) {
					return
				}
			}
		},
	}, nil
}

// Settle pays a merchant out; the same id again finds out what became of it.
func (c *OfficeClient) Settle(ctx context.Context, s Settle) (platform.Settlement, error) {
	return post[platform.Settlement](ctx, c.caller, "/v1/office/settlements", nil, s)
}

// NoteAct writes an act that was done elsewhere down in the office's log.
func (c *OfficeClient) NoteAct(ctx context.Context, a NotedAct) error {
	_, err := post[platform.Act](ctx, c.caller, "/v1/office/log", nil, a)
	return err
}

// NotedAct is the body of POST /v1/office/log: something that an operator did elsewhere.
type NotedAct struct {
	Act  string `json:"act"`
	On   string `json:"on,omitempty"`
	By   string `json:"by"`
	Note string `json:"note"`
}

// Acts asks for one page of the office's log, the oldest act first.
func (c *OfficeClient) Acts(ctx context.Context, q platform.ActQuery) (platform.ActPage, error) {
	said := map[string]string{"by": q.By, "after": string(q.After)}
	if !q.Since.IsZero() {
		said["since"] = q.Since.UTC().Format(time.RFC3339)
	}
	return get[platform.ActPage](ctx, c.caller, "/v1/office/log"+encodeQuery(said, q.Limit))
}
