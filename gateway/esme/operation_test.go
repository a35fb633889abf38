package esme_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// §4.5, §4.7 to §4.10: each request has its own response, and its refusal its status.
func TestOperations(t *testing.T) {
	multi := &smpp.SubmitMulti{Destinations: []smpp.Destination{{Address: smpp.Address{Digits: "1"}}, {List: "friends"}}}
	refused := smpp.Unsuccessful{Address: smpp.Address{Digits: "friends"}, Status: smpp.RINVDLNAME}
	for _, tc := range []struct {
		name   string
		ask    func(ctx context.Context, c *esme.Client) (any, error)
		answer smpp.Body
		want   string
	}{
		{"submit_multi", func(ctx context.Context, c *esme.Client) (any, error) {
			resp, err := c.SubmitMulti(ctx, multi)
			if err != nil {
				return nil, err
			}
			return fmt.Sprint(resp.MessageID, " ", resp.Unsuccessful[0].Status), nil
		}, &smpp.SubmitMultiResp{MessageID: "m1", Unsuccessful: []smpp.Unsuccessful{refused}}, "m1 ESME_RINVDLNAME"},
		{"data_sm", func(ctx context.Context, c *esme.Client) (any, error) {
			return c.Data(ctx, &smpp.DataSM{})
		}, &smpp.DataSMResp{MessageID: "d1"}, "d1"},
		{"query_sm", func(ctx context.Context, c *esme.Client) (any, error) {
			resp, err := c.Query(ctx, &smpp.QuerySM{MessageID: "q1"})
			if err != nil {
				return nil, err
			}
			return resp.State, nil
		}, &smpp.QuerySMResp{MessageID: "q1", State: smpp.StateDelivered}, "2"},
		{"cancel_sm", func(ctx context.Context, c *esme.Client) (any, error) {
			return "cancelled", c.Cancel(ctx, &smpp.CancelSM{MessageID: "c1"})
		}, &smpp.CancelSMResp{}, "cancelled"},
		{"replace_sm", func(ctx context.Context, c *esme.Client) (any, error) {
			return "replaced", c.Replace(ctx, &smpp.ReplaceSM{MessageID: "r1"})
		}, &smpp.ReplaceSMResp{}, "replaced"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, esme.Config{})
				e := r.bound()
				for _, status := range []smpp.Status{smpp.ROK, smpp.RSYSERR} {
					got := make(chan error, 1)
					go func() {
						v, err := tc.ask(t.Context(), r.c)
						if err == nil && fmt.Sprint(v) != tc.want {
							err = fmt.Errorf("answered %v, want %s", v, tc.want)
						}
						got <- err
					}()
					p := e.next()
					if p.Body.CommandID().String() != tc.name {
						t.Errorf("asked with %v", p.Body.CommandID())
					}
					e.send(smpp.PDU{Status: status, Sequence: p.Sequence, Body: tc.answer})
					if err := <-got; !errors.Is(err, status.Err()) {
						t.Errorf("%v: %v", status, err)
					}
				}
				r.finish(e)
			})
		})
	}
}

// §4.7: what comes by data_sm is handed over as a deliver_sm, and answered as a data_sm.
// §4.12: an alert is handed over, and not answered.
func TestDataAndAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var texts, alerts []string
		r := start(t, esme.Config{
			Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
				texts = append(texts, string(sm.UserData()))
				reply(smpp.RXPAPPN)
			},
			Alert: func(a *smpp.AlertNotification) { alerts = append(alerts, a.Source.Digits) },
		})
		e := r.bound()
		e.send(smpp.PDU{Sequence: 7, Body: &smpp.AlertNotification{Source: smpp.Address{Digits: "8613800000001"}}})
		e.send(smpp.PDU{Sequence: 8, Body: &smpp.DataSM{TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("data")}}}})
		if p := e.want(smpp.IDDataSMResp, smpp.RXPAPPN); p.Sequence != 8 {
			t.Errorf("answered with sequence %d", p.Sequence)
		}
		r.finish(e)
		if fmt.Sprint(texts, alerts) != "[data] [8613800000001]" {
			t.Errorf("%q, %q", texts, alerts)
		}
	})
}

// An interface_version below 3.4 is what the bind says.
func TestVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{Version: 0x33})
		e := r.accept()
		p := e.want(smpp.IDBindTransceiver, smpp.ROK)
		if v := p.Body.(*smpp.BindTransceiver).InterfaceVersion; v != 0x33 {
			t.Errorf("version %x", v)
		}
		e.answer(p, smpp.ROK)
		if err := r.c.WaitBound(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.finish(e)
	})
}
