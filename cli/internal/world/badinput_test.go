package world_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
)

// Orders that cannot be: each is refused in the words of RFC 9457, by the field to
// blame, and leaves nothing behind; the good one after them is taken.
func TestBadInput_Orders(t *testing.T) {
	const good = `{"reference":"good","amount":100,"currency":"CNY","phone":"8613800000001"}`
	field := func(name, value string) string {
		return strings.Replace(good, `"reference":"good"`, `"reference":"bad","`+name+`":`+value, 1)
	}
	instead := func(old, value string) string { return strings.Replace(good, old, value, 1) }
	bad := []struct {
		what, body string
		status     int
		code       platform.Code
		field      string
	}{
		{"nothing", "", 400, api.CodeBadRequest, ""},
		{"no JSON", "amount=100", 400, api.CodeBadRequest, ""},
		{"an array", "[" + good + "]", 400, api.CodeBadRequest, ""},
		{"cut short", good[:len(good)-1], 400, api.CodeBadRequest, ""},
		{"two objects", good + good, 400, api.CodeBadRequest, ""},
		{"not UTF-8", instead("good", "g\xffd"), 400, api.CodeBadRequest, ""},
		{"too large", instead("good", strings.Repeat("g", api.MaxBody)), 413, api.CodeTooLarge, ""},
		{"unknown currency", instead("CNY", "XXQ"), 422, platform.CodeInvalid, "currency"},
		{"currency in numbers", instead(`"CNY"`, `156`), 422, platform.CodeInvalid, "currency"},
		{"amount zero", instead("100", "0"), 422, platform.CodeInvalid, "amount"},
		{"amount negative", instead("100", "-100"), 422, platform.CodeInvalid, "amount"},
		{"amount over the cap", instead("100", "1000000000000"), 422, platform.CodeInvalid, "amount"},
		{"amount over any number", instead("100", "1e400"), 422, platform.CodeInvalid, "amount"},
		{"amount with a fraction", instead("100", "99.5"), 422, platform.CodeInvalid, "amount"},
		{"amount in quotes", instead("100", `"100"`), 422, platform.CodeInvalid, "amount"},
		{"a number too short", instead("8613800000001", "861380"), 422, platform.CodeInvalid, "phone"},
		{"a number too long", instead("8613800000001", "8613800000001234"), 422, platform.CodeInvalid, "phone"},
		{"a number with a zero", instead("8613800000001", "013800000001"), 422, platform.CodeInvalid, "phone"},
		{"letters for a number", instead("8613800000001", "86138OOOOOOO1"), 422, platform.CodeInvalid, "phone"},
		{"a short code for a number", instead("8613800000001", "10658"), 422, platform.CodeInvalid, "phone"},
		{"no number of the buyer's", field("buyer_phone", `"12"`), 422, platform.CodeInvalid, "buyer_phone"},
		{"an unknown phone", instead("8613800000001", "8613800000099"), 422, platform.CodeUnknownPhone, "phone"},
		{"another's payee", field("payee", `"acct_99999999"`), 422, platform.CodeInvalid, "payee"},
		{"an unknown field", field("amout", "1"), 422, platform.CodeInvalid, "amout"},
		{"a field twice", field("amount", "1"), 422, platform.CodeInvalid, "amount"},
		{"no time at all", field("expires_in", `"0s"`), 422, platform.CodeInvalid, "expires_in"},
		{"more than a month", field("expires_in", `"721h"`), 422, platform.CodeInvalid, "expires_in"},
		{"no duration", field("expires_in", `"soon"`), 422, platform.CodeInvalid, "expires_in"},
		{"no web address", field("callback_url", `"ftp://shop/hook"`), 422, platform.CodeInvalid, "callback_url"},
		{"too much of goods", field("goods", `"`+strings.Repeat("g", api.MaxGoods)+`"`), 422, platform.CodeInvalid, "goods"},
		{"a reference of no length", instead("good", ""), 422, platform.CodeInvalid, "reference"},
		{"a reference too long", instead("good", strings.Repeat("g", api.MaxReference+1)), 422, platform.CodeInvalid, "reference"},
		{"a reference that cannot be printed", instead("good", `g\u0000d`), 422, platform.CodeInvalid, "reference"},
	}
	everywhere(t, people(person("pays", rich)), func(r *rig) {
		before := r.still()
		for _, b := range bad {
			a := r.raw("POST", "/v1/bills", b.body)
			if a.status != b.status {
				r.t.Errorf("%s: answered %d %s", b.what, a.status, a.body)
				continue
			}
			r.refusedAs(a, b.status, b.code, b.field)
		}
		r.refusedAs(r.raw("POST", "/v1/bills", good, "Content-Type", "text/plain"), 415, api.CodeUnsupportedType, "Content-Type")
		r.refusedAs(r.raw("POST", "/v1/bills", good, "Idempotency-Key", `"not closed`), 400, api.CodeBadRequest, "Idempotency-Key")
		r.refusedAs(r.raw("GET", "/v1/bills/bill_01ARZ3NDEKTSV4RRFFQ69G5FAV", ""), 404, platform.CodeNotFound, "id")
		r.refusedAs(r.raw("GET", "/v1/bills/nonsense", ""), 404, platform.CodeNotFound, "id")
		r.refusedAs(r.raw("GET", "/v1/bills?limit=0", ""), 400, api.CodeBadRequest, "limit")
		r.refusedAs(r.raw("GET", "/v1/bills?state=payed", ""), 400, api.CodeBadRequest, "state")
		r.refusedAs(r.raw("DELETE", "/v1/bills", ""), 405, api.CodeMethodNotAllowed, "")
		r.refusedAs(r.raw("GET", "/v2/bills", ""), 404, platform.CodeNotFound, "")
		r.unchanged(before)
		if n := len(r.heard(payer)); n != 0 {
			r.t.Errorf("%d messages to the phone", n)
		}
		b := read[api.Bill](r, r.raw("POST", "/v1/bills", good))
		r.reaches(b.ID, "settled")
	})
}

// Packets that are cut short, repeated, late, or sound and senseless: silence, one
// count each, and nothing changes.
func TestBadInput_Packets(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		b := r.send(order("packets"))
		asked := g.bill(b.ID)
		opened := g.wrap(&applet.Open{Ref: asked.Ref, Status: applet.Opened, Time: time.Now(), Slots: 1, Version: 1})
		g.send(opened)
		r.reaches(b.ID, "opened")

		whole := g.wrap(g.pay(asked, 1, pin))
		before := r.still()
		var cut [][]byte
		for n := range len(whole) {
			cut = append(cut, whole[:n])
		}
		g.send(append(cut, append(bytes.Clone(whole), 0))...)
		g.send(opened, opened, opened) // replayed
		r.unchanged(before)
		if n := r.dropped(billing.DropForged); n != len(whole)+1 {
			r.t.Errorf("%d drops of packets cut short were told, want %d", n, len(whole)+1)
		}
		if n := r.dropped(billing.DropReplay); n != 3 {
			r.t.Errorf("%d drops of replays were told", n)
		}
		late := g.wrap(&applet.Open{Ref: asked.Ref, Status: applet.Opened, Time: time.Now(), Slots: 1, Version: 1})
		for _, payload := range [][]byte{{}, {0x07}, applet.Encode(r.suite, &applet.Open{Ref: asked.Ref})[:9], applet.Encode(r.suite, asked)} {
			g.sent++
			g.send(g.wrapAt(g.sent, payload))
		}
		if n := r.dropped(billing.DropPayload); n != 4 {
			r.t.Errorf("%d drops of senseless messages were told", n)
		}
		g.send(late) // after higher ones
		if now := r.bill(b.ID); now.State != "opened" || now.Attempts != 0 || len(r.heard(payer)) != 1 {
			r.t.Errorf("it came to %s after %d attempts", now.State, now.Attempts)
		}
		g.say(g.pay(asked, 1, pin))
		r.reaches(b.ID, "settled")
	})
}

// A payment that comes again and again is answered a few times and paid once (wire.md 5).
func TestBadInput_ReplayedPayments(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		b := r.send(order("replayed"))
		asked := g.bill(b.ID)
		pay := g.pay(asked, 1, pin)
		packet := g.wrap(pay)
		for range 6 { // the same octets
			g.send(packet)
		}
		r.reaches(b.ID, "settled")
		g.say(pay)                   // the same payment in a new packet
		g.say(g.pay(asked, 1, pin))  // another payment for the same bill
		got := r.hears(payer, 1+3+2) // once, three times again, and these two
		if count(got, applet.CodeApproved) < 4 || got[len(got)-1] != applet.CodeDuplicate {
			r.t.Errorf("answered %v", got)
		}
		if n := r.dropped(billing.DropReplay); n != 2 {
			r.t.Errorf("%d drops were told", n)
		}
		if now := r.bill(b.ID); now.Attempts != 1 || r.card(payer, 1).Balance != rich-b.Amount {
			r.t.Errorf("it was tried %d times, the card has %d", now.Attempts, r.card(payer, 1).Balance)
		}
		debits := 0
		for _, e := range r.events(b.ID) {
			if len(e.Postings) > 0 {
				debits++
			}
		}
		if debits != 1 {
			r.t.Errorf("%d steps moved money", debits)
		}
	})
}

// Everything a phone ever said, said again by a stranger: nothing comes of it.
func TestBadInput_AllThatWasSaidAgain(t *testing.T) {
	everywhere(t, people(person("poor-first-card", 0, rich), plain()), func(r *rig) {
		o := r.endsAs(r.place(flight, payer, buyer).ID, "paid")
		id := platform.BillID(o.Bill)
		r.told(id)
		r.until("the phone's receipt", func() bool { return len(of[*applet.Receipt](r.said(payer))) == 1 })
		guest := r.guest(nil)
		said := r.secured(gateway.Address(payer), world.PlatformAddress)
		for range 3 {
			for _, h := range said {
				r.ok(resubmit(r, guest, h))
			}
		}
		r.until("the platform to take them", func() bool {
			return len(r.seen.hops(func(h *hop) bool { return h.from == "guest" && h.kind == gateway.MessageDelivered })) == 3*len(said)
		})
		if b := r.bill(id); b.Attempts != 2 || b.State != "settled" {
			r.t.Errorf("the bill is %s after %d attempts", b.State, b.Attempts)
		}
		if r.card(payer, 2).Balance != rich-flightPrice || r.earned() != flightPrice {
			r.t.Error("money moved again")
		}
	})
}

// User data of any length and kind, to the platform and to a phone.
func TestBadInput_UserDataOfAnyLength(t *testing.T) {
	everywhere(t, people(person("manual", rich)), func(r *rig) {
		b := r.send(order("between"))
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		r.reaches(b.ID, "delivered")
		before := r.still()
		guest := r.guest(nil)
		rng := rand.New(rand.NewPCG(12, 34))
		taken := 0
		for n := range 255 {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			taken += r.throw(guest, payer, world.PlatformAddress, data)
			taken += r.throw(guest, payer, world.PlatformAddress, append([]byte{2, 0x70, 0}, data...))
			r.throw(guest, world.PlatformAddress, string(payer), data)
			r.throw(guest, world.PlatformAddress, string(payer), append([]byte{2, 0x70, 0}, data...))
		}
		r.until("the platform to have answered all of it", func() bool { return r.taken(payer) >= taken+1 })
		r.unchanged(before)
		r.pay(payer, b.ID, 1, pin)
		r.reaches(b.ID, "settled")
	})
}

// throw sends octets as a binary message, with the mark of a header or without, and
// says how many the carrier took.
func (r *rig) throw(by *esme.Client, from gateway.MSISDN, to string, data []byte) int {
	r.t.Helper()
	took := 0
	for _, class := range []uint8{0, smpp.ESMUDHI} {
		_, err := by.Submit(r.ctx, &smpp.SubmitSM{
			Source: smpp.Address{Digits: string(from)}, Destination: smpp.Address{Digits: to},
			ESMClass: class, ProtocolID: tpdu.ProtocolSIM, DataCoding: tpdu.CodingSIM, ShortMessage: data,
		})
		refused, ok := errors.AsType[*smpp.StatusError](err)
		switch {
		case err == nil:
			took++
		case !ok || refused.Status != smpp.RINVESMCLASS && refused.Status != smpp.RINVMSGLEN:
			r.t.Fatalf("%d octets with esm_class %02X: %v", len(data), class, err)
		}
	}
	return took
}

// PDUs of any length: a nack with the status of SMPP 3.4, or the end of that connection;
// everybody else's goes on.
func TestBadInput_PDUsOfAnyLength(t *testing.T) {
	everywhere(t, people(person("pays", rich)), func(r *rig) {
		lengths := []uint32{smpp.MaxPDU + 1, 1 << 31, 1<<32 - 1}
		for n := range uint32(smpp.HeaderLen) {
			lengths = append(lengths, n)
		}
		for _, n := range lengths {
			nack := r.nacked(frame(n, 0x15, smpp.HeaderLen))
			if nack.Status != smpp.RINVCMDLEN || nack.Body.CommandID() != smpp.IDGenericNack {
				r.t.Errorf("command_length %d is answered %v %v", n, nack.Body.CommandID(), nack.Status)
			}
		}
		for n := uint32(smpp.HeaderLen); n < 80; n++ {
			nack := r.nacked(frame(n, 0x00000FFF, int(n)))
			if nack.Status != smpp.RINVCMDID || nack.Body.CommandID() != smpp.IDGenericNack || nack.Sequence != 0x2A {
				r.t.Errorf("an unknown command of %d octets is answered %v %v", n, nack.Body.CommandID(), nack.Status)
			}
			if got := r.nacked(frame(n, uint32(smpp.IDSubmitSM), int(n))); got.Status == smpp.ROK {
				r.t.Errorf("a submit_sm of %d zeros, unbound, is answered %v", n, got.Status)
			}
		}
		b := r.send(order("all is well"))
		r.reaches(b.ID, "settled")
	})
}

// frame is a PDU of so many octets that claims to be of so many others.
func frame(claimed, command uint32, octets int) []byte {
	b := binary.BigEndian.AppendUint32(nil, claimed)
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, 0x2A)
	return append(b, make([]byte, octets-len(b))...)
}

// nacked sends octets on a connection of their own and reads the answer.
func (r *rig) nacked(octets []byte) smpp.PDU {
	r.t.Helper()
	conn, err := r.net.Dial(r.ctx, r.Gateway.Address())
	r.ok(err)
	defer conn.Close()
	r.ok(conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Write(octets)
	r.ok(err)
	answer, err := smpp.NewReader(conn, smpp.MaxPDU).Next()
	r.ok(err)
	p, err := smpp.Decode(answer)
	r.ok(err)
	return p
}
