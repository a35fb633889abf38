package smsc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// wire is a connection driven octet by octet.
type wire struct {
	t *testing.T
	net.Conn
	frames *smpp.Reader
}

func (w *world) wire() *wire {
	w.t.Helper()
	conn, err := w.ln.dial(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return newWire(w.t, conn)
}

func newWire(t *testing.T, conn net.Conn) *wire {
	return &wire{t, conn, smpp.NewReader(conn, 0)}
}

func (c *wire) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *wire) sendPDU(sequence uint32, body smpp.Body) {
	c.t.Helper()
	c.send(pdu(c.t, smpp.PDU{Sequence: sequence, Body: body}))
}

func pdu(t testing.TB, p smpp.PDU) []byte {
	t.Helper()
	b, err := smpp.Append(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// next reads a PDU within a minute.
func (c *wire) next() smpp.PDU {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	f, err := c.frames.Next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	p, err := smpp.Decode(f)
	if err != nil {
		c.t.Fatalf("decode %x: %v", f, err)
	}
	return p
}

func (c *wire) want(id smpp.CommandID, status smpp.Status, sequence uint32) smpp.PDU {
	c.t.Helper()
	p := c.next()
	if p.Body.CommandID() != id || p.Status != status || p.Sequence != sequence {
		c.t.Errorf("got %v %v %d, want %v %v %d", p.Body.CommandID(), p.Status, p.Sequence, id, status, sequence)
	}
	return p
}

// wantEnd wants the connection to be closed within a minute, with nothing more said.
func (c *wire) wantEnd() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if f, err := c.frames.Next(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("still open: %x, %v", f, err)
	}
	_ = c.Close()
}

func (c *wire) bind(body smpp.Body) {
	c.t.Helper()
	c.sendPDU(1, body)
	c.want(body.CommandID()|0x80000000, smpp.ROK, 1)
}

func as(systemID string) smpp.Bind {
	return smpp.Bind{SystemID: systemID, Password: "secret", InterfaceVersion: smpp.Version}
}

func transceiver(systemID string) *smpp.BindTransceiver {
	return new(smpp.BindTransceiver(as(systemID)))
}

// §4.1, §5.1.3: what binds are answered with.
func TestBinds(t *testing.T) {
	wrong, unknown := as("platform"), as("nobody")
	wrong.Password = "guess"
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.sendPDU(7, new(smpp.BindTransmitter(wrong)))
		c.want(smpp.IDBindTransmitterResp, smpp.RINVPASWD, 7)
		c.sendPDU(8, new(smpp.BindReceiver(unknown)))
		c.want(smpp.IDBindReceiverResp, smpp.RINVSYSID, 8)
		c.sendPDU(9, transceiver("platform"))
		p := c.want(smpp.IDBindTransceiverResp, smpp.ROK, 9)
		resp, ok := p.Body.(*smpp.BindTransceiverResp)
		if !ok || resp.SystemID != "AIRTILL" {
			t.Errorf("answered with %+v", p.Body)
		} else if v, ok := resp.TLVs.Uint8(smpp.TagSCInterfaceVersion); !ok || v != 0x34 {
			t.Errorf("sc_interface_version %x %v", v, ok)
		}
		c.sendPDU(10, transceiver("platform"))
		c.want(smpp.IDBindTransceiverResp, smpp.RALYBND, 10)
		c.sendPDU(11, new(smpp.BindReceiver(as("shop"))))
		c.want(smpp.IDBindReceiverResp, smpp.RALYBND, 11)
		c.sendPDU(12, &smpp.Unbind{})
		c.want(smpp.IDUnbindResp, smpp.ROK, 12)
		c.wantEnd()
	})
}

// Guessing a password costs a connection for every three tries.
func TestBindGuessing(t *testing.T) {
	wrong := as("platform")
	wrong.Password = "guess"
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		for i := range uint32(3) {
			c.sendPDU(i, new(smpp.BindTransceiver(wrong)))
			c.want(smpp.IDBindTransceiverResp, smpp.RINVPASWD, i)
		}
		c.wantEnd()
	})
}

// §3.3: a peer older than 3.4 gets no optional parameters and short message ids.
func TestOlderPeer(t *testing.T) {
	old := as("platform")
	old.InterfaceVersion = 0x33
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.sendPDU(1, new(smpp.BindTransmitter(old)))
		p := c.want(smpp.IDBindTransmitterResp, smpp.ROK, 1)
		if resp := p.Body.(*smpp.BindTransmitterResp); len(resp.TLVs) != 0 {
			t.Errorf("optional parameters %v", resp.TLVs)
		}
		rx := w.wire()
		rx.bind(new(smpp.BindReceiver(old)))
		sm := text(code, code, "")
		sm.ShortMessage, sm.TLVs = nil, smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("payload")}}
		sm.RegisteredDelivery = smpp.ReceiptFinal
		c.sendPDU(2, sm)
		id := c.want(smpp.IDSubmitSMResp, smpp.ROK, 2).Body.(*smpp.SubmitSMResp).MessageID
		if len(id) > 8 {
			t.Errorf("message_id %q", id)
		}
		got := rx.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM)
		if string(got.ShortMessage) != "payload" || len(got.TLVs) != 0 {
			t.Errorf("delivered %+v", got)
		}
		rx.send(pdu(t, smpp.PDU{Sequence: 1, Body: &smpp.DeliverSMResp{}}))
		receipt := rx.want(smpp.IDDeliverSM, smpp.ROK, 2).Body.(*smpp.DeliverSM)
		if r, err := smpp.ParseReceipt(string(receipt.ShortMessage)); err != nil || r.ID != id || len(receipt.TLVs) != 0 {
			t.Errorf("receipt %+v of %q, %v", receipt, id, err)
		}
		_, _ = c.Close(), rx.Close()
	})
}

// §2.2 table 2-1: a known command in the wrong state has its own response and
// ESME_RINVBNDSTS; an unknown one a generic_nack; the session stays.
func TestStates(t *testing.T) {
	every := []smpp.Body{&smpp.EnquireLink{}, &smpp.Unbind{}, text(code, phone, "x"), (*smpp.DeliverSM)(text(code, phone, "x")), &smpp.Unknown{ID: 0x104}}
	for _, tc := range []struct {
		name string
		bind smpp.Body
		want []smpp.Status // of every, in order, unbind left out when bound
	}{
		{"open", nil, []smpp.Status{smpp.RINVBNDSTS, smpp.RINVBNDSTS, smpp.RINVBNDSTS, smpp.RINVBNDSTS, smpp.RINVCMDID}},
		{"transmitter", new(smpp.BindTransmitter(as("shop"))), []smpp.Status{smpp.ROK, 0, smpp.ROK, smpp.RINVBNDSTS, smpp.RINVCMDID}},
		{"receiver", new(smpp.BindReceiver(as("shop"))), []smpp.Status{smpp.ROK, 0, smpp.RINVBNDSTS, smpp.RINVBNDSTS, smpp.RINVCMDID}},
		{"transceiver", transceiver("shop"), []smpp.Status{smpp.ROK, 0, smpp.ROK, smpp.RINVBNDSTS, smpp.RINVCMDID}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, config(), func(t *testing.T, w *world) {
				c := w.wire()
				if tc.bind != nil {
					c.bind(tc.bind)
				}
				for i, body := range every {
					if _, unbind := body.(*smpp.Unbind); unbind && tc.bind != nil {
						continue
					}
					sequence := uint32(100 + i)
					c.sendPDU(sequence, body)
					c.want(smpp.Response(body).CommandID(), tc.want[i], sequence)
				}
				_ = c.Close()
			})
		})
	}
}

// A response or a generic_nack is never answered, §4.3; an unknown sequence number is ignored.
func TestResponsesAreNotAnswered(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("shop"))
		for _, body := range []smpp.Body{&smpp.GenericNack{}, &smpp.DeliverSMResp{}, &smpp.SubmitSMResp{}, &smpp.EnquireLinkResp{}, &smpp.UnbindResp{}, &smpp.Unknown{ID: 0x80000103}} {
			c.sendPDU(99, body)
		}
		c.sendPDU(2, &smpp.EnquireLink{})
		c.want(smpp.IDEnquireLinkResp, smpp.ROK, 2)
		_ = c.Close()
	})
}

// Bad fields have their own status in the command's own response; the session stays.
func TestBadFields(t *testing.T) {
	change := func(f func(*smpp.SubmitSM)) *smpp.SubmitSM {
		sm := text(code, phone, "text")
		f(sm)
		return sm
	}
	for _, tc := range []struct {
		name string
		sm   *smpp.SubmitSM
		want smpp.Status
	}{
		{"5.2.15 schedule", change(func(m *smpp.SubmitSM) { m.ScheduleDeliveryTime = "261323120000000+" }), smpp.RINVSCHED},
		{"5.2.16 validity", change(func(m *smpp.SubmitSM) { m.ValidityPeriod = "000000000500099R" }), smpp.RINVEXPIRY},
		{"5.2.16 validity that is over", change(func(m *smpp.SubmitSM) { m.ValidityPeriod = "000101000000000+" }), smpp.RINVEXPIRY},
		{"5.2.20 canned text", change(func(m *smpp.SubmitSM) { m.SMDefaultMsgID = 1 }), smpp.RINVDFTMSGID},
		{"5.2.14 priority", change(func(m *smpp.SubmitSM) { m.PriorityFlag = 4 }), smpp.RINVPRTFLG},
		{"5.2.18 replace", change(func(m *smpp.SubmitSM) { m.ReplaceIfPresent = 2 }), smpp.RINVREPFLAG},
		{"3.2.3 text twice", change(func(m *smpp.SubmitSM) { m.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("x")}} }), smpp.ROPTPARNOTALLWD},
		{"5.2.12 header, no text", change(func(m *smpp.SubmitSM) { m.ESMClass, m.ShortMessage = smpp.ESMUDHI, nil }), smpp.RINVESMCLASS},
		{"5.2.12 header longer than the text", change(func(m *smpp.SubmitSM) { m.ESMClass, m.ShortMessage = smpp.ESMUDHI, []byte{5, 0, 3} }), smpp.RINVESMCLASS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, config(), func(t *testing.T, w *world) {
				c := w.wire()
				c.bind(transceiver("platform"))
				c.sendPDU(5, tc.sm)
				c.want(smpp.IDSubmitSMResp, tc.want, 5)
				c.sendPDU(6, text(code, phone, "good"))
				c.want(smpp.IDSubmitSMResp, smpp.ROK, 6)
				_ = c.Close()
			})
		})
	}
}

// Broken bodies keep the session (cloudhopper #64); 255 is no sm_length, §5.2.21.
func TestBrokenBodies(t *testing.T) {
	whole := pdu(t, smpp.PDU{Sequence: 9, Body: text(code, phone, "text")})
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("platform"))
		short := append([]byte(nil), whole[:len(whole)-1]...)
		binary.BigEndian.PutUint32(short, uint32(len(short)))
		c.send(short)
		c.want(smpp.IDSubmitSMResp, smpp.RINVCMDLEN, 9)
		long := append([]byte(nil), whole...)
		long[len(long)-5] = 255
		c.send(long)
		c.want(smpp.IDSubmitSMResp, smpp.RINVMSGLEN, 9)
		tlv := append(append([]byte(nil), whole...), 4, 0x24, 0xFF, 0xFF)
		binary.BigEndian.PutUint32(tlv, uint32(len(tlv)))
		c.send(tlv)
		c.want(smpp.IDSubmitSMResp, smpp.RINVOPTPARSTREAM, 9)
		alone := append(append([]byte(nil), whole...), 2, 0x0C, 0, 2, 0, 1) // sar_msg_ref_num and no more, §5.3.2.22
		binary.BigEndian.PutUint32(alone, uint32(len(alone)))
		c.send(alone)
		c.want(smpp.IDSubmitSMResp, smpp.RMISSINGOPTPARAM, 9)
		beyond := append(append([]byte(nil), alone...), 2, 0x0E, 0, 1, 2, 2, 0x0F, 0, 1, 3) // segment 3 of 2, §5.3.2.24
		binary.BigEndian.PutUint32(beyond, uint32(len(beyond)))
		c.send(beyond)
		c.want(smpp.IDSubmitSMResp, smpp.RINVOPTPARAMVAL, 9)
		c.send(whole)
		c.want(smpp.IDSubmitSMResp, smpp.ROK, 9)
		_ = c.Close()
	})
}

// §3.2, §4.3: a command_length that cannot be is nacked with 0x02, and the connection ends.
func TestLengths(t *testing.T) {
	lengths := []uint32{1 << 31, 1<<32 - 1, smpp.MaxPDU + 1}
	for n := range uint32(21) {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		inBubble(t, config(), func(t *testing.T, w *world) {
			c := w.wire()
			b := binary.BigEndian.AppendUint32(nil, n)
			b = append(b, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 0x2A, 0, 0, 0, 0)
			c.send(b[:max(16, min(n, 20))])
			if n >= 16 && n <= 20 {
				status := smpp.RINVBNDSTS
				c.want(smpp.IDEnquireLinkResp, status, 0x2A)
				_ = c.Close()
				return
			}
			c.want(smpp.IDGenericNack, smpp.RINVCMDLEN, 0x2A)
			c.wantEnd()
		})
	}
}

// Other protocols on the port: an answer and the end, never a hang (node-smpp #230).
func TestOtherProtocols(t *testing.T) {
	for _, hello := range []string{"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh", "\x00\x00\x00\x02\x00"} {
		inBubble(t, config(), func(t *testing.T, w *world) {
			c := w.wire()
			c.send([]byte(hello))
			if p := c.next(); p.Body.CommandID() != smpp.IDGenericNack || p.Status != smpp.RINVCMDLEN {
				t.Errorf("answered with %v %v", p.Body.CommandID(), p.Status)
			}
			c.wantEnd()
		})
	}
}

// TCP has no message edges: an octet at a time, over real TCP and over pipes.
func TestOctetByOctet(t *testing.T) {
	eachNetwork(t, func(t *testing.T, c *wire) {
		all := pdu(t, smpp.PDU{Sequence: 1, Body: transceiver("platform")})
		for i := range uint32(5) {
			all = append(all, pdu(t, smpp.PDU{Sequence: 2 + i, Body: text(code, phone, "octets")})...)
		}
		done := make(chan error, 1)
		go func() {
			for i := range all {
				if _, err := c.Write(all[i : i+1]); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		c.want(smpp.IDBindTransceiverResp, smpp.ROK, 1)
		for i := range uint32(5) {
			c.want(smpp.IDSubmitSMResp, smpp.ROK, 2+i)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Hundreds of PDUs in one write are each answered, in order.
func TestHundredsInOneRead(t *testing.T) {
	eachNetwork(t, func(t *testing.T, c *wire) {
		const n = 700
		all := pdu(t, smpp.PDU{Sequence: 1, Body: transceiver("platform")})
		for i := range uint32(n) {
			all = append(all, pdu(t, smpp.PDU{Sequence: 2 + i, Body: text(code, phone, "many")})...)
		}
		done := make(chan error, 1)
		go func() { _, err := c.Write(all); done <- err }()
		c.want(smpp.IDBindTransceiverResp, smpp.ROK, 1)
		for i := range uint32(n) {
			c.want(smpp.IDSubmitSMResp, smpp.ROK, 2+i)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// eachNetwork runs a test over pipes with fake time, and over TCP.
func eachNetwork(t *testing.T, test func(t *testing.T, c *wire)) {
	t.Helper()
	t.Run("pipe", func(t *testing.T) {
		inBubble(t, config(), func(t *testing.T, w *world) {
			c := w.wire()
			test(t, c)
			_ = c.Close()
		})
	})
	t.Run("tcp", func(t *testing.T) {
		c, err := net.Dial("tcp", serveTCP(t, config()))
		if err != nil {
			t.Fatal(err)
		}
		test(t, newWire(t, c))
		_ = c.Close()
	})
}

// Whatever sm_length says, the answer is the command's own and the session lives (OpenSIPS #3846).
func TestEverySMLength(t *testing.T) {
	whole := pdu(t, smpp.PDU{Sequence: 9, Body: text(code, phone, "text")})
	inBubble(t, config(), func(t *testing.T, w *world) {
		c := w.wire()
		c.bind(transceiver("platform"))
		for n := range 256 {
			b := append([]byte(nil), whole...)
			b[len(b)-5] = byte(n)
			c.send(b)
			p := c.next()
			want := smpp.RINVCMDLEN
			switch n {
			case 4:
				want = smpp.ROK
			case 0, 1, 2, 3:
				want = smpp.RINVOPTPARSTREAM
			case 255:
				want = smpp.RINVMSGLEN
			}
			if p.Body.CommandID() != smpp.IDSubmitSMResp || p.Status != want {
				t.Errorf("sm_length %d: %v %v, want %v", n, p.Body.CommandID(), p.Status, want)
			}
		}
		_ = c.Close()
	})
}
