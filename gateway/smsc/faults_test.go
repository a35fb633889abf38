package smsc_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smpp"
)

// faulty runs a test with faults, written as texts, that strike the platform's wire.
func faulty(t *testing.T, texts []string, test func(t *testing.T, w *world, c *wire)) {
	t.Helper()
	faults := fault.New(1)
	conf := config()
	conf.Faults = faults
	bubbleWire(t, conf, func(t *testing.T, w *world, c *wire) {
		for _, text := range texts {
			set, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := faults.Set(time.Now(), set...); err != nil {
				t.Fatal(err)
			}
		}
		test(t, w, c)
	})
}

// Any command_status for any operation; what is refused is not performed.
func TestFaultStatus(t *testing.T) {
	faulty(t, []string{"submit_sm=ESME_RMSGQFUL count=1", "enquire_link=ESME_RSYSERR", "query_sm=0x00000401"}, func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Receiver)
		c.asks(2, text(code, phone, "refused"), smpp.RMSGQFUL)
		c.asks(3, &smpp.EnquireLink{}, smpp.RSYSERR)
		c.asks(4, &smpp.QuerySM{MessageID: "1"}, 0x401)
		c.sent(5, text(code, phone, "taken"))
		synctest.Wait()
		same(t, phones.texts(), []string{"taken"})
	})
}

// Binds fail for whom they are to.
func TestFaultBind(t *testing.T) {
	faulty(t, []string{"bind=ESME_RBINDFAIL account=shop"}, func(t *testing.T, w *world, _ *wire) {
		c := w.wire()
		c.asks(1, transceiver("shop"), smpp.RBINDFAIL)
		c.asks(2, transceiver("platform"), smpp.ROK)
		_ = c.Close()
	})
}

// A late answer lets others pass, and counts as unanswered; a lost one never comes. Both
// messages are delivered.
func TestFaultLateAndLost(t *testing.T) {
	faulty(t, []string{"submit_sm=delay:3s count=1"}, func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Receiver)
		began := time.Now()
		c.sendPDU(2, text(code, phone, "late"))
		c.sent(3, text(code, phone, "in time"))
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 2)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("answered after %v", took)
		}
		same(t, phones.texts(), []string{"late", "in time"})
	})
	faulty(t, []string{"submit_sm=lose count=1"}, func(t *testing.T, w *world, c *wire) {
		phones := w.bind("phones", esme.Receiver)
		c.sendPDU(2, text(code, phone, "lost"))
		c.sent(3, text(code, phone, "answered"))
		synctest.Wait()
		same(t, phones.texts(), []string{"lost", "answered"})
	})
}

// A session that is dropped, without an answer or after it.
func TestFaultDrop(t *testing.T) {
	for text, answered := range map[string]bool{"submit_sm=drop": false, "submit_sm=drop-after": true} {
		faulty(t, []string{text}, func(t *testing.T, w *world, c *wire) {
			c.sendPDU(2, textTo(phone))
			if answered {
				c.want(smpp.IDSubmitSMResp, smpp.ROK, 2)
			}
			c.wantEnd()
			phones := w.bind("phones", esme.Receiver)
			synctest.Wait()
			same(t, phones.texts(), []string{"x"})
		})
	}
}

func textTo(to string) *smpp.SubmitSM { return text(code, to, "x") }

// A malformed answer is what it says.
func TestFaultMalformed(t *testing.T) {
	faulty(t, []string{"submit_sm=malform:tlv"}, func(t *testing.T, _ *world, c *wire) {
		c.sendPDU(2, textTo(phone))
		f, err := c.frames.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := smpp.Decode(f); !errors.Is(err, smpp.RINVOPTPARSTREAM.Err()) {
			t.Errorf("%x: %v", f, err)
		}
	})
	faulty(t, []string{"submit_sm=malform:length"}, func(t *testing.T, _ *world, c *wire) {
		c.sendPDU(2, textTo(phone))
		var header [4]byte
		if _, err := io.ReadFull(c, header[:]); err != nil || !bytes.Equal(header[:], []byte{0, 0, 0, 8}) {
			t.Errorf("%x, %v", header, err)
		}
	})
}

// Receipts late, lost, doubled and out of order.
func TestFaultReceipts(t *testing.T) {
	run := func(text string, after time.Duration) (ids, receipts []string) {
		faulty(t, []string{text}, func(t *testing.T, w *world, c *wire) {
			w.bind("phones", esme.Receiver)
			taker := w.bind("platform", esme.Receiver)
			for i := range 10 {
				sm := textTo("861380000001" + string([]byte{'0' + byte(i)}))
				sm.RegisteredDelivery = smpp.ReceiptFinal
				c.sendPDU(2, sm)
				for {
					p := c.next()
					if d, ok := p.Body.(*smpp.DeliverSM); ok {
						c.send(pdu(t, smpp.PDU{Sequence: p.Sequence, Body: &smpp.DeliverSMResp{}}))
						r, _ := smpp.ParseReceipt(string(d.ShortMessage))
						receipts = append(receipts, r.ID)
						continue
					}
					ids = append(ids, p.Body.(*smpp.SubmitSMResp).MessageID)
					break
				}
			}
			go func() {
				for {
					f, err := c.frames.Next()
					if err != nil {
						return
					}
					p, _ := smpp.Decode(f)
					d := p.Body.(*smpp.DeliverSM)
					r, _ := smpp.ParseReceipt(string(d.ShortMessage))
					receipts = append(receipts, r.ID)
					_, _ = c.Write(pdu(t, smpp.PDU{Sequence: p.Sequence, Body: &smpp.DeliverSMResp{}}))
				}
			}()
			time.Sleep(after)
			synctest.Wait()
			for _, s := range taker.texts() {
				r, _ := smpp.ParseReceipt(s)
				receipts = append(receipts, r.ID)
			}
			_ = c.Close()
			synctest.Wait()
		})
		return ids, receipts
	}
	if _, got := run("receipt=lose", time.Hour); len(got) != 0 {
		t.Errorf("lost: %q", got)
	}
	if _, got := run("receipt=twice", time.Minute); len(got) != 20 {
		t.Errorf("doubled: %d", len(got))
	}
	if _, got := run("receipt=delay:10s", 9*time.Second); len(got) != 0 {
		t.Errorf("late: %q", got)
	}
	if ids, got := run("receipt=delay:10s", 11*time.Second); !slices.Equal(ids, got) {
		t.Errorf("late: %q, want %q", got, ids)
	}
	ids, got := run("receipt=reorder:5s", time.Minute)
	if slices.Equal(ids, got) {
		t.Error("in order")
	}
	slices.Sort(got)
	if !slices.Equal(ids, got) {
		t.Errorf("%q, want all of %q", got, ids)
	}
}
