package smsc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// Timers of §7.2.
func TestSessionInit(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c, began := w.wire(), time.Now()
		c.wantEnd()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

func TestEnquireLink(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("shop"))
		began := time.Now()
		for i := range uint32(3) {
			p := c.want(smpp.IDEnquireLink, smpp.ROK, 1+i)
			if took := time.Since(began); took != time.Duration(i+1)*30*time.Second {
				t.Errorf("asked after %v", took)
			}
			c.send(pdu(t, smpp.PDU{Sequence: p.Sequence, Body: &smpp.EnquireLinkResp{}}))
		}
		c.want(smpp.IDEnquireLink, smpp.ROK, 4)
		c.wantEnd()
		if took := time.Since(began); took != 130*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestInactivity(t *testing.T) {
	conf := config()
	conf.Inactivity = 50 * time.Second
	inBubble(t, conf, func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("shop"))
		p := c.want(smpp.IDEnquireLink, smpp.ROK, 1)
		c.send(pdu(t, smpp.PDU{Sequence: p.Sequence, Body: &smpp.EnquireLinkResp{}}))
		c.want(smpp.IDUnbind, smpp.ROK, 2)
		c.send(pdu(t, smpp.PDU{Sequence: 2, Body: &smpp.UnbindResp{}}))
		c.wantEnd()
	})
}

// Two-phase stop: no more deliveries, what is unanswered is waited for, then unbind.
func TestOrderlyStop(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c, phones := w.wire(), w.bind("phones", esme.Transceiver)
		c.bind(transceiver("platform"))
		phones.send(t, text(phone, code, "unanswered"))
		c.want(smpp.IDDeliverSM, smpp.ROK, 1)
		w.stop()
		time.Sleep(3 * time.Second)
		c.sendPDU(50, text(code, phone, "too late"))
		c.want(smpp.IDSubmitSMResp, smpp.RSYSERR, 50)
		c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
		c.want(smpp.IDUnbind, smpp.ROK, 2)
		c.send(pdu(t, smpp.PDU{Sequence: 2, Body: &smpp.UnbindResp{}}))
		c.wantEnd()
		if _, err := w.ln.dial(context.Background()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("still taking connections: %v", err)
		}
		if got := w.story(); got[len(got)-1] != "delivered DELIVRD phones>platform "+phone+">10658" {
			t.Errorf("%q", got)
		}
	})
}

// A peer that says nothing does not hold the server up for ever.
func TestStopWithDeafPeer(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("platform"))
		go func() { _, _ = io.Copy(io.Discard, c) }()
		began := time.Now()
		w.stop()
		w.wg.Wait()
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("stopped after %v", took)
		}
		_ = c.Close()
	})
}

// What is kept outlasts Serve.
func TestServeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, config())
		w.bind("platform", esme.Transceiver).send(t, text(code, phone, "kept"))
		w.end()
		again := &world{t: t, server: w.server, ln: newPipes()}
		ctx, stop := context.WithCancel(context.Background())
		again.stop = stop
		again.wg.Go(func() { _ = w.server.Serve(ctx, again.ln) })
		phones := again.bind("phones", esme.Receiver)
		synctest.Wait()
		same(t, phones.texts(), []string{"kept"})
		again.end()
	})
}

// Submits over what one read may bring are throttled, §5.1.3.
func TestThrottled(t *testing.T) {
	conf := config()
	conf.Accounts[0].SubmitWindow = 3
	inBubble(t, conf, func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("platform"))
		var all []byte
		for i := range uint32(5) {
			all = append(all, pdu(t, smpp.PDU{Sequence: 2 + i, Body: text(code, phone, "x")})...)
		}
		c.send(all)
		for i, want := range []smpp.Status{0, 0, 0, smpp.RTHROTTLED, smpp.RTHROTTLED} {
			c.want(smpp.IDSubmitSMResp, want, uint32(2+i))
		}
		_ = c.Close()
	})
}
