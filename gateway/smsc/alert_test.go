package smsc_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// §4.12, §5.3.2.29: who asked for it by set_dpf is told, once, when the phone is back.
func TestAlertNotification(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Transceiver)
		phones.set(smpp.RXTAPPN, false)
		d := dataSM(phone, "x")
		d.ESMClass = smpp.ESMDatagram
		d.TLVs = append(d.TLVs, smpp.Uint8TLV(smpp.TagSetDPF, 1))
		c.asks(2, d, smpp.ROK)
		other := dataSM(phone2, "x")
		other.ESMClass = smpp.ESMDatagram
		c.asks(3, other, smpp.ROK)
		synctest.Wait()
		phones.set(smpp.ROK, false)
		phones.send(t, text(phone2, "10690", "nobody asked for this one"))
		phones.send(t, text(phone, "10690", "I am here"))
		p := c.want(smpp.IDAlertNotification, smpp.ROK, 1)
		a := p.Body.(*smpp.AlertNotification)
		if status, ok := a.TLVs.Uint8(smpp.TagMSAvailabilityStatus); a.Source.Digits != phone || a.ESME.Digits != code || !ok || status != 0 {
			t.Errorf("%+v", a)
		}
		phones.send(t, text(phone, "10690", "and again"))
		synctest.Wait()
		c.asks(4, &smpp.EnquireLink{}, smpp.ROK) // nothing came before
	})
}

// §2.2.1, §4.1.7: what waits for an account that nobody is bound for makes the SMSC call
// it, so that it binds as a receiver over that connection.
func TestOutbind(t *testing.T) {
	var calls chan net.Conn // of the bubble
	c := config()
	c.Accounts[1].Outbind, c.Accounts[1].OutbindPassword = "shop:2775", "callme"
	c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		if address != "shop:2775" {
			t.Errorf("dialled %q", address)
		}
		near, far := net.Pipe()
		select {
		case calls <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	inBubble(t, c, func(t *testing.T, w *world) {
		calls = make(chan net.Conn)
		platform := w.bind("platform", esme.Transceiver)
		platform.send(t, text(code, "10690", "one"))
		_ = newWire(t, <-calls).Close() // it hangs up: called again after a while
		began := time.Now()
		shop := newWire(t, <-calls)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("called again after %v", took)
		}
		o := shop.want(smpp.IDOutbind, smpp.ROK, 1).Body.(*smpp.Outbind)
		if o.SystemID != "AIRTILL" || string(o.Password) != "callme" {
			t.Errorf("%s with %q", o.SystemID, string(o.Password))
		}
		shop.bind(new(smpp.BindReceiver(as("shop"))))
		for i, want := range []string{"one", "two"} {
			if got := shop.want(smpp.IDDeliverSM, smpp.ROK, uint32(2+i)).Body.(*smpp.DeliverSM); string(got.ShortMessage) != want {
				t.Errorf("%q", got.ShortMessage)
			}
			shop.send(pdu(t, smpp.PDU{Sequence: uint32(2 + i), Body: &smpp.DeliverSMResp{}}))
			if i == 0 {
				platform.send(t, text(code, "10690", "two"))
			}
		}
		_ = shop.Close()
	})
}
