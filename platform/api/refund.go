package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// RefundOrder is the body of POST /v1/bills/{id}/refunds.
type RefundOrder struct {
	Amount    money.Amount `json:"amount,omitempty"` // in minor units; all that is left when left out
	Reason    string       `json:"reason,omitempty"`
	Reference string       `json:"reference,omitempty"` // unique among the bill's refunds
}

// Refunds are a bill's, oldest first.
type Refunds struct {
	Refunds []platform.Refund `json:"refunds"`
}

// Refund asks for money of a settled bill to be given back. With an empty idempotency key
// the reference serves; one of them must be there.
func (c *Client) Refund(ctx context.Context, id platform.BillID, order RefundOrder, idempotencyKey string) (platform.Refund, error) {
	header := http.Header{}
	if idempotencyKey == "" && c.signer != nil {
		idempotencyKey = order.Reference // what is signed must be there once
	}
	if idempotencyKey != "" {
		header.Set(headerIdempotency, quote(idempotencyKey))
	}
	return post[platform.Refund](ctx, c.caller, refundsPath(id), header, order)
}

// Refunds asks for a bill's refunds, oldest first.
func (c *Client) Refunds(ctx context.Context, id platform.BillID) ([]platform.Refund, error) {
	r, err := get[Refunds](ctx, c.caller, refundsPath(id))
	return r.Refunds, err
}

// FindRefund asks for one refund.
func (c *Client) FindRefund(ctx context.Context, id platform.RefundID) (platform.Refund, error) {
	return get[platform.Refund](ctx, c.caller, refundPath(id))
}

func refundsPath(id platform.BillID) string { return billPath(id) + "/refunds" }

func refundPath(id platform.RefundID) string { return "/v1/refunds/" + url.PathEscape(string(id)) }

// ordersMoney says whether a request moves money or asks for it: it must be one that is
// known again when it is repeated.
func ordersMoney(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == billsPath || strings.HasSuffix(r.URL.Path, "/refunds"))
}
