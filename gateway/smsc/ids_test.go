package smsc_test

import (
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// The four cases of Kannel's msg-id-type: the number is the same, however it is written.
// query_sm takes the id in either form.
func TestIDStyles(t *testing.T) {
	for style, base := range map[smsc.IDStyle]struct{ answer, receipt int }{
		smsc.HexIDs: {16, 16}, smsc.DecimalIDs: {10, 10}, smsc.HexThenDecimal: {16, 10}, smsc.DecimalThenHex: {10, 16},
	} {
		for _, version := range []uint8{0x33, smpp.Version} {
			c := config()
			c.Accounts[0].IDs = style
			inBubble(t, c, func(t *testing.T, w *world) {
				w.bind("phones", esme.Receiver)
				c := w.wire()
				b := as("platform")
				b.InterfaceVersion = version
				c.bind(new(smpp.BindTransceiver(b)))
				sm := text(code, phone, "x")
				sm.RegisteredDelivery = smpp.ReceiptFinal
				c.sendPDU(2, sm)
				id := c.want(smpp.IDSubmitSMResp, smpp.ROK, 2).Body.(*smpp.SubmitSMResp).MessageID
				got := c.want(smpp.IDDeliverSM, smpp.ROK, 1).Body.(*smpp.DeliverSM)
				r, err := smpp.ParseReceipt(string(got.ShortMessage))
				if err != nil {
					t.Fatal(err)
				}
				n, err := strconv.ParseInt(id, base.answer, 64)
				m, err2 := strconv.ParseInt(r.ID, base.receipt, 64)
				if err != nil || err2 != nil || n != m {
					t.Errorf("style %d, version %x: answered %q, receipt %q: %d and %d", style, version, id, r.ID, n, m)
				}
				if version < smpp.Version && max(len(id), len(r.ID)) > 8 {
					t.Errorf("style %d: ids %q and %q have more than 8 octets", style, id, r.ID)
				}
				for i, asked := range []string{id, r.ID} {
					c.sendPDU(uint32(3+i), &smpp.QuerySM{MessageID: asked, Source: smpp.Address{Digits: code}})
					if p := c.want(smpp.IDQuerySMResp, smpp.ROK, uint32(3+i)); p.Body.(*smpp.QuerySMResp).State != smpp.StateDelivered {
						t.Errorf("style %d: %q: %+v", style, asked, p.Body)
					}
				}
				_ = c.Close()
			})
		}
	}
}

// Ids are unique beyond a restart, and over 600,000 messages (jSMPP's repeat then).
func TestIDsAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 300_000
		seen := make(map[gateway.MessageID]bool, 2*each)
		for range 2 {
			c := config()
			c.Accounts = append(c.Accounts, smsc.Account{SystemID: "sink", AddressRange: "^5", Kind: smsc.Discard})
			server, err := smsc.New(c)
			if err != nil {
				t.Fatal(err)
			}
			for range each {
				id, err := server.Submit(t.Context(), "platform", text(code, "555", "x"))
				if err != nil || seen[id] {
					t.Fatalf("%q, %v", id, err)
				}
				seen[id] = true
			}
			wait(t)
		}
	})
}
