package smsc_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// §4.5: one id for all destinations; those refused are named; each has its own receipt.
func TestSubmitMulti(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Receiver)
		multi := &smpp.SubmitMulti{
			Destinations: []smpp.Destination{
				{Address: from(phone)}, {Address: from("1")}, {List: "friends"}, {Address: from(phone2)},
			},
			Message: *text(code, "", "to all"),
		}
		multi.Message.RegisteredDelivery = smpp.ReceiptFinal
		resp := c.asks(2, multi, smpp.ROK).Body.(*smpp.SubmitMultiResp)
		if len(resp.Unsuccessful) != 2 || resp.Unsuccessful[0].Status != smpp.RINVDSTADR || resp.Unsuccessful[0].Address.Digits != "1" ||
			resp.Unsuccessful[1].Status != smpp.RINVDLNAME || resp.Unsuccessful[1].Address.Digits != "friends" {
			t.Errorf("%+v", resp)
		}
		receipts := make(map[string]string)
		for i := range uint32(2) {
			got := c.want(smpp.IDDeliverSM, smpp.ROK, 1+i).Body.(*smpp.DeliverSM)
			r, err := smpp.ParseReceipt(string(got.ShortMessage))
			if err != nil {
				t.Error(err)
			}
			receipts[got.Source.Digits] = r.ID
			c.send(pdu(t, smpp.PDU{Sequence: 1 + i, Body: &smpp.DeliverSMResp{}}))
		}
		if receipts[phone] != resp.MessageID || receipts[phone2] != resp.MessageID {
			t.Errorf("receipts %v of %s", receipts, resp.MessageID)
		}
		same(t, phones.texts(), []string{"to all", "to all"})
	})
}

// Every destination refused: the whole is, with what they have in common.
func TestSubmitMultiRefused(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, _ *world, c *wire) {
		nowhere := &smpp.SubmitMulti{Destinations: []smpp.Destination{{Address: from("1")}, {Address: from("2")}}, Message: *text(code, "", "x")}
		c.asks(2, nowhere, smpp.RINVDSTADR)
		nowhere.Destinations[0] = smpp.Destination{List: "friends"}
		c.asks(3, nowhere, smpp.RSUBMITFAIL)
	})
}

// §4.8, §4.9 of a submit_multi: its state is that of the slowest, and cancelling it leaves
// what was delivered.
func TestSubmitMultiLater(t *testing.T) {
	conf := config()
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		multi := &smpp.SubmitMulti{
			Destinations: []smpp.Destination{{Address: from("10690")}, {Address: from(phone)}, {Address: from(phone2)}},
			Message:      *text(code, "", "x"),
		}
		shop := w.bind("shop", esme.Receiver)
		id := c.asks(2, multi, smpp.ROK).Body.(*smpp.SubmitMultiResp).MessageID
		synctest.Wait()
		same(t, shop.texts(), []string{"x"})
		query := func(sequence uint32) uint8 {
			return c.asks(sequence, &smpp.QuerySM{MessageID: id, Source: from(code)}, smpp.ROK).Body.(*smpp.QuerySMResp).State
		}
		if s := query(3); s != smpp.StateEnroute {
			t.Errorf("state %d", s)
		}
		time.Sleep(time.Second)
		c.asks(4, &smpp.CancelSM{MessageID: id, Source: from(code)}, smpp.ROK)
		if s := query(5); s != smpp.StateDeleted {
			t.Errorf("state %d", s)
		}
		if found, err := w.server.Message(id); err != nil || len(found) != 3 {
			t.Errorf("%d messages, %v", len(found), err)
		}
	})
}

func dataSM(to, s string) *smpp.DataSM {
	return &smpp.DataSM{
		Source: from(code), Destination: from(to), TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(s)}},
	}
}

// §4.7: data_sm goes both ways; to who wants it so, else it arrives as a deliver_sm.
func TestDataSM(t *testing.T) {
	conf := config()
	conf.Accounts[2].DataSM = true
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		phones := w.wire()
		phones.bind(transceiver("phones"))
		if id := c.asks(2, dataSM(phone, "data"), smpp.ROK).Body.(*smpp.DataSMResp).MessageID; len(id) != 16 {
			t.Errorf("id %q", id)
		}
		c.sent(3, text(code, phone2, "text"))
		for i, want := range []string{"data", "text"} {
			got := phones.want(smpp.IDDataSM, smpp.ROK, uint32(1+i)).Body.(*smpp.DataSM)
			if string(got.UserData()) != want {
				t.Errorf("%q", got.UserData())
			}
			phones.send(pdu(t, smpp.PDU{Sequence: uint32(1 + i), Body: &smpp.DataSMResp{}}))
		}
		back := dataSM(code, "back")
		back.Source = from(phone)
		phones.asks(9, back, smpp.ROK)
		got := c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM)
		if string(got.UserData()) != "back" {
			t.Errorf("%+v", got)
		}
		c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
		_ = phones.Close()
	})
}

// §4.7.2: a transaction's data_sm_resp says why it failed. §5.3.2.9: qos_time_to_live is
// its validity.
func TestDataSMFailure(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Receiver)
		for _, tc := range []struct {
			answer smpp.Status
			reason uint8
		}{{smpp.RXTAPPN, 0}, {smpp.RTHROTTLED, 3}, {smpp.RXPAPPN, 2}} {
			phones.set(tc.answer, false)
			d := dataSM(phone, "x")
			d.ESMClass = smpp.ESMTransaction
			d.TLVs = append(d.TLVs, smpp.Uint8TLV(smpp.TagSetDPF, 1))
			resp := c.asks(2, d, smpp.RDELIVERYFAILURE).Body.(*smpp.DataSMResp)
			reason, _ := resp.TLVs.Uint8(smpp.TagDeliveryFailureReason)
			network, _ := resp.TLVs.Get(smpp.TagNetworkErrorCode)
			dpf, _ := resp.TLVs.Uint8(smpp.TagDPFResult)
			if reason != tc.reason || len(network) != 3 || network[2] != byte(tc.answer) || dpf != 1 {
				t.Errorf("%v: reason %d, network error %v, dpf %d", tc.answer, reason, network, dpf)
			}
		}
		d := dataSM(phone2, "x")
		d.RegisteredDelivery = smpp.ReceiptFailure
		d.TLVs = append(d.TLVs, smpp.TLV{Tag: smpp.TagQoSTimeToLive, Value: binary.BigEndian.AppendUint32(nil, 30)})
		phones.set(smpp.RXTAPPN, false)
		c.asks(3, d, smpp.ROK)
		began := time.Now()
		_ = c.want(smpp.IDDeliverSM, smpp.ROK, 1)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("expired after %v", took)
		}
	})
}
