package api

import (
	"context"
	"net/url"

	"github.com/airtill/airtill/platform"
)

// CallbackQuery chooses from callbacks. The zero value is the newest page of all.
type CallbackQuery struct {
	Merchant platform.MerchantID // of the office alone; empty: of all
	State    platform.CallbackState
	After    string // Next of the page before
	Limit    int    // 1 to MaxLimit; 0 is 50
}

func (q CallbackQuery) encode() string {
	return encodeQuery(map[string]string{"merchant": string(q.Merchant), "state": string(q.State), "after": q.After}, q.Limit)
}

// Callbacks asks for one page of the merchant's callbacks, newest first.
func (c *Client) Callbacks(ctx context.Context, q CallbackQuery) (CallbackPage, error) {
	return get[CallbackPage](ctx, c.caller, "/v1/callbacks"+q.encode())
}

// Callback asks for one callback with its attempts, by its own id, or its bill's or refund's.
func (c *Client) Callback(ctx context.Context, id string) (platform.Callback, error) {
	return get[platform.Callback](ctx, c.caller, "/v1/callbacks/"+url.PathEscape(id))
}

// Resend has a callback made once more, now.
func (c *Client) Resend(ctx context.Context, id string) (platform.Callback, error) {
	return post[platform.Callback](ctx, c.caller, "/v1/callbacks/"+url.PathEscape(id)+"/resend", nil, nil)
}

// Endpoints asks which of the merchant's endpoints do not take callbacks.
func (c *Client) Endpoints(ctx context.Context) ([]platform.Endpoint, error) {
	e, err := get[Endpoints](ctx, c.caller, "/v1/endpoints")
	return e.Endpoints, err
}

// EnableEndpoint lets callbacks go to a disabled endpoint again.
func (c *Client) EnableEndpoint(ctx context.Context, address string) error {
	_, err := post[struct{}](ctx, c.caller, "/v1/endpoints/enable", nil, EnableEndpoint{URL: address})
	return err
}

// Callbacks asks for one page of callbacks: by merchant, and newest first.
func (c *OfficeClient) Callbacks(ctx context.Context, q CallbackQuery) (CallbackPage, error) {
	return get[CallbackPage](ctx, c.caller, "/v1/office/callbacks"+q.encode())
}

// Callback asks for one callback with its attempts, by its own id, or its bill's or refund's.
func (c *OfficeClient) Callback(ctx context.Context, id string) (platform.Callback, error) {
	return get[platform.Callback](ctx, c.caller, "/v1/office/callbacks/"+url.PathEscape(id))
}

// Resend has a callback made once more, now.
func (c *OfficeClient) Resend(ctx context.Context, id string, why ByHand) (platform.Callback, error) {
	return post[platform.Callback](ctx, c.caller, "/v1/office/callbacks/"+url.PathEscape(id)+"/resend", nil, why)
}

// Endpoints asks which endpoints do not take callbacks; without a merchant, of all.
func (c *OfficeClient) Endpoints(ctx context.Context, m platform.MerchantID) ([]platform.Endpoint, error) {
	path := "/v1/office/endpoints"
	if m != "" {
		path += "?merchant=" + url.QueryEscape(string(m))
	}
	e, err := get[Endpoints](ctx, c.caller, path)
	return e.Endpoints, err
}

// EnableEndpoint lets callbacks go to a disabled endpoint again.
func (c *OfficeClient) EnableEndpoint(ctx context.Context, e EnableEndpoint) error {
	_, err := post[struct{}](ctx, c.caller, "/v1/office/endpoints/enable", nil, e)
	return err
}
