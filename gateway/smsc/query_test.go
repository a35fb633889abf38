package smsc_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// sent submits a message on a wire and answers its id.
func (c *wire) sent(sequence uint32, sm *smpp.SubmitSM) string {
	c.t.Helper()
	c.sendPDU(sequence, sm)
	return c.want(smpp.IDSubmitSMResp, smpp.ROK, sequence).Body.(*smpp.SubmitSMResp).MessageID
}

// asks sends a request and wants a status in its own response.
func (c *wire) asks(sequence uint32, body smpp.Body, want smpp.Status) smpp.PDU {
	c.t.Helper()
	c.sendPDU(sequence, body)
	return c.want(body.CommandID()|0x80000000, want, sequence)
}

func from(digits string) smpp.Address { return smpp.Address{Digits: digits} }

// bubbleWire runs a test with the platform on a wire.
func bubbleWire(t *testing.T, c smsc.Config, test func(t *testing.T, w *world, c *wire)) {
	t.Helper()
	c.EnquireLink = 1000 * time.Hour
	inBubble(t, c, func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("platform"))
		test(t, w, c)
		_ = c.Close()
	})
}

// §4.8: the state of a message over its life; final_date only when it is final.
func TestQuery(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		id := c.sent(2, text(code, phone, "x"))
		query := func(sequence uint32) *smpp.QuerySMResp {
			return c.asks(sequence, &smpp.QuerySM{MessageID: id, Source: from(code)}, smpp.ROK).Body.(*smpp.QuerySMResp)
		}
		if r := query(3); r.MessageID != id || r.State != smpp.StateEnroute || r.FinalDate != "" || r.ErrorCode != 0 {
			t.Errorf("%+v", r)
		}
		phones := w.bind("phones", esme.Receiver)
		synctest.Wait()
		if r := query(4); r.State != smpp.StateDelivered || r.FinalDate != time.Now().UTC().Format("060102150405")+"000+" {
			t.Errorf("%+v", r)
		}
		phones.set(smpp.RXPAPPN, false)
		id = c.sent(5, text(code, phone, "x"))
		synctest.Wait()
		if r := query(6); r.State != smpp.StateUndeliverable || r.ErrorCode != uint8(smpp.RXPAPPN) {
			t.Errorf("%+v", r)
		}
	})
}

// §4.8, §4.9, §4.10: an id that is none of the account's is ESME_RINVMSGID; a source
// that is not the message's has the operation's own status.
func TestAskedByAnother(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		id := c.sent(2, text(code, phone, "x"))
		shop := w.wire()
		shop.bind(transceiver("shop"))
		for _, ask := range []func(id, source string) smpp.Body{
			func(id, source string) smpp.Body { return &smpp.QuerySM{MessageID: id, Source: from(source)} },
			func(id, source string) smpp.Body { return &smpp.CancelSM{MessageID: id, Source: from(source)} },
			func(id, source string) smpp.Body { return &smpp.ReplaceSM{MessageID: id, Source: from(source)} },
		} {
			body := ask(id, code)
			own := map[smpp.CommandID]smpp.Status{
				smpp.IDQuerySM: smpp.RQUERYFAIL, smpp.IDCancelSM: smpp.RCANCELFAIL, smpp.IDReplaceSM: smpp.RREPLACEFAIL,
			}[body.CommandID()]
			shop.asks(3, body, smpp.RINVMSGID)
			c.asks(4, ask("0123456789abcdef", code), smpp.RINVMSGID)
			c.asks(5, ask("no number", code), smpp.RINVMSGID)
			c.asks(6, ask(id, "10690"), own)
		}
		c.asks(7, &smpp.QuerySM{MessageID: id}, smpp.ROK) // an empty source is the ESME's own
		_ = shop.Close()
	})
}

// §4.9: a message that waits, for a receiver or for its time, is taken back, with its
// receipt; one that is on its way or final is not.
func TestCancel(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		later := text(code, phone, "later")
		later.ScheduleDeliveryTime = smpp.After(time.Hour).String()
		later.RegisteredDelivery = smpp.ReceiptFailure
		for i, sm := range []*smpp.SubmitSM{text(code, phone, "waits"), later} {
			id := c.sent(2, sm)
			if i == 0 {
				c.asks(3, &smpp.CancelSM{MessageID: id, Source: from(code), Destination: from(phone2)}, smpp.RCANCELFAIL)
			}
			c.sendPDU(4, &smpp.CancelSM{MessageID: id, Source: from(code)})
			if i == 1 {
				got := c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM)
				if r, err := smpp.ParseReceipt(string(got.ShortMessage)); err != nil || r.ID != id || r.Stat != "DELETED" {
					t.Errorf("receipt %+v, %v", r, err)
				}
				c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
			}
			c.want(smpp.IDCancelSMResp, smpp.ROK, 4)
			p := c.asks(5, &smpp.QuerySM{MessageID: id, Source: from(code)}, smpp.ROK)
			if got := p.Body.(*smpp.QuerySMResp).State; got != smpp.StateDeleted {
				t.Errorf("state %d", got)
			}
			c.asks(6, &smpp.CancelSM{MessageID: id, Source: from(code)}, smpp.RCANCELFAIL)
		}
		phones := w.bind("phones", esme.Receiver)
		time.Sleep(2 * time.Hour)
		phones.set(smpp.ROK, true)
		id := c.sent(7, text(code, phone, "on its way"))
		synctest.Wait()
		c.asks(8, &smpp.CancelSM{MessageID: id, Source: from(code)}, smpp.RCANCELFAIL)
		same(t, phones.texts(), []string{"on its way"})
		phones.set(smpp.ROK, false)
	})
}

// §4.9.1: without an id all of that source and destination, and service type if given.
func TestCancelAll(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		send := func(source, to, service, s string, schedule bool) {
			sm := text(source, to, s)
			sm.ServiceType = service
			if schedule {
				sm.ScheduleDeliveryTime = smpp.After(time.Minute).String()
			}
			c.sent(2, sm)
		}
		send(code, phone, "", "a", false)
		send(code, phone, "CMT", "b", false)
		send(code, phone, "", "c", true)
		send("106581", phone, "", "another source", false)
		send(code, phone2, "", "another phone", false)
		shop := w.bind("shop", esme.Transceiver)
		shop.send(t, text(code, phone, "another account"))
		c.asks(3, &smpp.CancelSM{Source: from(code), Destination: from(phone), ServiceType: "VMN"}, smpp.RCANCELFAIL)
		c.asks(4, &smpp.CancelSM{Source: from(code), Destination: from(phone), ServiceType: "CMT"}, smpp.ROK)
		c.asks(5, &smpp.CancelSM{Source: from(code), Destination: from("+" + phone)}, smpp.ROK)
		c.asks(6, &smpp.CancelSM{Source: from(code), Destination: from(phone)}, smpp.RCANCELFAIL)
		c.asks(7, &smpp.CancelSM{Source: from(code), Destination: from("1")}, smpp.RCANCELFAIL)
		phones := w.bind("phones", esme.Receiver)
		time.Sleep(time.Hour)
		same(t, phones.texts(), []string{"another source", "another phone", "another account"})
		if boxes, timers, stored := w.server.Kept(); boxes+timers+int(stored) != 0 {
			t.Errorf("%d mailboxes, %d timers, %d stored", boxes, timers, stored)
		}
	})
}

// §4.10: another text, time, validity and receipt for a message that waits.
func TestReplace(t *testing.T) {
	conf := config()
	conf.Canned = map[uint8]string{7: "canned"}
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		one, two, three := c.sent(2, text(code, phone, "one")), c.sent(3, text(code, phone, "two")), c.sent(4, text(code, phone, "three"))
		c.asks(5, &smpp.ReplaceSM{MessageID: one, Source: from(code), ShortMessage: []byte("uno"), RegisteredDelivery: smpp.ReceiptFinal}, smpp.ROK)
		c.asks(6, &smpp.ReplaceSM{MessageID: two, Source: from(code), ShortMessage: []byte("due"), ScheduleDeliveryTime: smpp.After(time.Hour).String()}, smpp.ROK)
		c.asks(7, &smpp.ReplaceSM{MessageID: three, Source: from(code), SMDefaultMsgID: 7}, smpp.ROK)
		c.asks(8, &smpp.ReplaceSM{MessageID: three, Source: from(code), SMDefaultMsgID: 8}, smpp.RINVDFTMSGID)
		c.asks(9, &smpp.ReplaceSM{MessageID: three, Source: from(code), ValidityPeriod: "000101000000000+"}, smpp.RINVEXPIRY)
		phones := w.bind("phones", esme.Receiver)
		if r, err := smpp.ParseReceipt(string(c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM).ShortMessage)); err != nil || r.ID != one {
			t.Errorf("%+v, %v", r, err)
		}
		c.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
		synctest.Wait()
		same(t, phones.texts(), []string{"uno", "canned"})
		c.asks(10, &smpp.ReplaceSM{MessageID: one, Source: from(code), ShortMessage: []byte("late")}, smpp.RREPLACEFAIL)
		c.asks(11, &smpp.ReplaceSM{MessageID: two, Source: from(code), ShortMessage: []byte("2"), ScheduleDeliveryTime: smpp.After(2 * time.Hour).String()}, smpp.ROK)
		c.sendPDU(12, &smpp.Unbind{})
		c.want(smpp.IDUnbindResp, smpp.ROK, 12)
		time.Sleep(119 * time.Minute)
		same(t, phones.texts(), []string{"uno", "canned"})
		time.Sleep(2 * time.Minute)
		same(t, phones.texts(), []string{"uno", "canned", "2"})
	})
}

// §4.10: a validity that is replaced is the one that counts.
func TestReplaceValidity(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, _ *world, c *wire) {
		id := c.sent(2, text(code, phone, "x"))
		c.asks(3, &smpp.ReplaceSM{MessageID: id, Source: from(code), ShortMessage: []byte("y"), ValidityPeriod: smpp.After(5 * time.Second).String()}, smpp.ROK)
		time.Sleep(6 * time.Second)
		if p := c.asks(4, &smpp.QuerySM{MessageID: id, Source: from(code)}, smpp.ROK); p.Body.(*smpp.QuerySMResp).State != smpp.StateExpired {
			t.Errorf("%+v", p.Body)
		}
	})
}

// replace_if_present, §5.2.18: what waits of the same source, destination and service
// type gives way; what is scheduled does too.
func TestReplaceIfPresent(t *testing.T) {
	bubbleWire(t, config(), func(t *testing.T, w *world, c *wire) {
		old := c.sent(2, text(code, phone, "old"))
		scheduled := text(code, phone, "old and later")
		scheduled.ScheduleDeliveryTime = smpp.After(time.Minute).String()
		c.sent(3, scheduled)
		other := text(code, phone, "another service")
		other.ServiceType = "CMT"
		c.sent(4, other)
		fresh := text(code, phone, "new")
		fresh.ReplaceIfPresent = 1
		c.sent(5, fresh)
		if p := c.asks(6, &smpp.QuerySM{MessageID: old, Source: from(code)}, smpp.ROK); p.Body.(*smpp.QuerySMResp).State != smpp.StateDeleted {
			t.Errorf("%+v", p.Body)
		}
		phones := w.bind("phones", esme.Receiver)
		synctest.Wait()
		same(t, phones.texts(), []string{"another service", "new"})
	})
}

// What is final is remembered for a number of messages, and for a time.
func TestHistoryIsBounded(t *testing.T) {
	conf := config()
	conf.History, conf.HistoryAge = 160, time.Hour
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		w.bind("phones", esme.Receiver)
		var ids []string
		for i := range uint32(500) {
			ids = append(ids, c.sent(2+i, text(code, fmt.Sprintf("8613800000%03d", i), "x")))
		}
		synctest.Wait()
		if n := w.server.Stats().Remembered; n != 160 {
			t.Errorf("%d remembered", n)
		}
		c.asks(1000, &smpp.QuerySM{MessageID: ids[0], Source: from(code)}, smpp.RINVMSGID)
		c.asks(1001, &smpp.QuerySM{MessageID: ids[499], Source: from(code)}, smpp.ROK)
	})
	inBubble(t, conf, func(t *testing.T, w *world) {
		w.bind("phones", esme.Receiver)
		platform := w.bind("platform", esme.Transmitter)
		id := platform.send(t, text(code, phone, "x"))
		time.Sleep(59 * time.Minute)
		if found, err := w.server.Message(string(id)); err != nil || len(found) != 1 {
			t.Errorf("before its time is up: %v, %v", found, err)
		}
		time.Sleep(2 * time.Minute)
		if found, err := w.server.Message(string(id)); err == nil {
			t.Errorf("after: %v", found)
		}
	})
}
