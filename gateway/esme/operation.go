package esme

import (
	"context"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// SubmitMulti sends one message to several destinations, SMPP 3.4 §4.5: the answer has
// its id and the destinations that were refused.
func (c *Client) SubmitMulti(ctx context.Context, sm *smpp.SubmitMulti) (*smpp.SubmitMultiResp, error) {
	return request[*smpp.SubmitMultiResp](ctx, c, sm)
}

// Data sends a message by data_sm, SMPP 3.4 §4.7, and waits for its id.
func (c *Client) Data(ctx context.Context, d *smpp.DataSM) (gateway.MessageID, error) {
	resp, err := request[*smpp.DataSMResp](ctx, c, d)
	if err != nil {
		return "", err
	}
	return gateway.MessageID(resp.MessageID), nil
}

// Query asks what became of a message, SMPP 3.4 §4.8.
func (c *Client) Query(ctx context.Context, q *smpp.QuerySM) (*smpp.QuerySMResp, error) {
	return request[*smpp.QuerySMResp](ctx, c, q)
}

// Cancel takes back messages that are not delivered yet, SMPP 3.4 §4.9.
func (c *Client) Cancel(ctx context.Context, q *smpp.CancelSM) error {
	_, err := request[*smpp.CancelSMResp](ctx, c, q)
	return err
}

// Replace changes a message that is not delivered yet, SMPP 3.4 §4.10.
func (c *Client) Replace(ctx context.Context, r *smpp.ReplaceSM) error {
	_, err := request[*smpp.ReplaceSMResp](ctx, c, r)
	return err
}

// delivered is a data_sm as the deliver_sm that says the same.
func delivered(d *smpp.DataSM) *smpp.DeliverSM {
	return &smpp.DeliverSM{
		ServiceType: d.ServiceType, Source: d.Source, Destination: d.Destination, ESMClass: d.ESMClass,
		RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs,
	}
}
