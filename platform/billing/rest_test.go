package billing

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// dump is all that the store holds, in one text.
func (b *bank) dump() string {
	b.t.Helper()
	var text strings.Builder
	for key, value := range b.state() {
		fmt.Fprintln(&text, key, value)
	}
	for n := range b.parts {
		for _, entry := range b.store.Partition(engine.Partition(n)).Entries {
			for _, e := range entry.Events {
				fmt.Fprintln(&text, e.Name, string(must(e.AppendText(nil))))
			}
		}
	}
	return text.String()
}

// spellings are the ways that a text may be written in a store.
func spellings(text string) []string {
	return []string{
		text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text))[:len(text)*4/3-1],
		strings.Trim(string(must(json.Marshal(text))), `"`), bcd(text), bcd("F" + text),
	}
}

// bcd is digits in semi-octets, swapped as on the air, in hex.
func bcd(text string) string {
	if strings.Trim(text, "0123456789F") != "" {
		return text
	}
	var swapped strings.Builder
	for pair := range slices.Chunk([]byte(text), 2) {
		if len(pair) == 2 {
			swapped.Write([]byte{pair[1], pair[0]})
		}
	}
	return swapped.String()
}

// What tells of people is nowhere in the store in clear, whatever a bill goes through, and
// everybody who may read it still can.
func TestNothingOfPeopleAtRest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		const traveller, said, note, subject = "Ouyang Xiaohong", "Grandmother pays this", "showed her passport E12345678", "seat for Ouyang"
		order := func(o *platform.Order) {
			o.BuyerPhone, o.Subject = "8613977712345", subject
			o.Goods = json.RawMessage(`{"traveller":"` + traveller + `","id":"` + theIdentity + `","note":"<&>"}`)
			o.IdempotencyKey = "key-1"
		}
		refused := b.order(h, order).ID
		h.say(b, &applet.Refuse{Ref: refused.Ref(), Reason: applet.RefuseNotMine, Time: time.Now(), Text: said})
		h.lock(b, 1)
		if err := b.service.Unlock(t.Context(), platform.Unlock{Phone: h.phone, Slot: 1, By: "Min", Note: note}); err != nil {
			t.Fatal(err)
		}
		paid := b.order(h, func(o *platform.Order) { order(o); o.IdempotencyKey = "key-2" })
		b.carry()
		h.say(b, h.pay(b, paid.ID, withCard(2), withPIN("111111")))
		h.say(b, h.pay(b, paid.ID))
		b.dues()
		b.sweepHome()
		outcome(b, paid.ID, Reported{Status: 204})
		b.pass(2 * time.Minute) // filed
		live := b.order(h, func(o *platform.Order) { order(o); o.IdempotencyKey = "key-3" })
		b.restart()

		dump := b.dump()
		canaries := []string{string(h.phone), "8613977712345", theName, "Card 1", traveller, said, note, "E12345678", subject, "Ouyang", theIdentity, thePIN, h.pans[0], h.pans[1]}
		for _, canary := range canaries {
			for _, spelling := range spellings(canary) {
				if i := strings.Index(dump, spelling); i >= 0 {
					t.Errorf("%q is in the store: ...%s...", canary, dump[max(0, i-200):min(len(dump), i+60)])
				}
			}
		}
		if strings.Contains(b.logs.String(), string(h.phone)) {
			t.Error("the log shows the number")
		}
		for _, id := range []platform.BillID{refused, paid.ID, live.ID} {
			checkReadable(t, b, id, h, subject, traveller)
		}
		if events := must(b.service.Events(t.Context(), theShop, refused)); !slices.ContainsFunc(events, func(e platform.Event) bool { return e.Detail == said }) {
			t.Errorf("nobody can read what the holder said: %+v", events)
		}
		if phones := must(b.service.Phones(t.Context())); phones[0].Name != theName || phones[0].MSISDN != h.phone || phones[0].Cards[0].Alias != "Card 1" {
			t.Errorf("the register: %+v", phones)
		}
		b.audit()
	})
}

// checkReadable says that a bill reads as before: one at a time, in the list, by its
// reference, and by a repeat of its order.
func checkReadable(t *testing.T, b *bank, id platform.BillID, h *handset, subject, traveller string) {
	t.Helper()
	one := must(b.service.Bill(t.Context(), theShop, id))
	page := must(b.service.Bills(t.Context(), theShop, platform.Query{}))
	byReference := must(b.service.Bills(t.Context(), theShop, platform.Query{Reference: one.Reference}))
	listed := slices.IndexFunc(page.Bills, func(other platform.Bill) bool { return other.ID == id })
	for name, got := range map[string]platform.Bill{"one": one, "listed": page.Bills[listed], "by reference": byReference.Bills[0]} {
		if got.Phone != h.phone || got.BuyerPhone != "8613977712345" || got.Subject != subject || !strings.Contains(string(got.Goods), traveller) || !json.Valid(got.Goods) {
			t.Errorf("%s %s: %+v", name, id, got)
		}
	}
}

// In redis-cli a record shows states, amounts, times, ids and masks.
func TestRecordsReadInWords(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		record := b.store.Partition(0).Records[recordKey(id)]
		for _, want := range []string{`"state":"opened"`, `"amount":10000`, `"currency":"CNY"`, `"payer":"861*****0001"`, `"id":"` + string(id), `"reference":"order-1"`, `"phone":"sealed:`} {
			if !strings.Contains(record, want) {
				t.Errorf("%s is not in %s", want, record)
			}
		}
		register := b.store.Partition(0).Hashes["phones"][b.phoneID(1)]
		for _, want := range []string{`"masked":"861*****0001"`, `"element":"` + string(h.element), `"suite":"modern"`, `"masked":"621299******`, `"msisdn":"sealed:`} {
			if !strings.Contains(register, want) {
				t.Errorf("%s is not in %s", want, register)
			}
		}
	})
}

// Two elements whose numbers end in the same 16 digits would have the same PIN keys.
func TestElementsThatEndAlike(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		twin := newHandset(2, bankCard{1, "CNY"})
		twin.element = "7777" + h.element[4:]
		b.unchanged("a twin", func() {
			_, err := b.service.Enrol(t.Context(), twin.enrolment(b))
			if codeOf(err) != "already-enrolled element_id" || !strings.Contains(err.Error(), "16 digits") {
				t.Errorf("%v", err)
			}
		})
		b.restart()
		twin.element = h.element
		if _, err := b.service.Enrol(t.Context(), twin.enrolment(b)); codeOf(err) != "already-enrolled element_id" {
			t.Errorf("the same element: %v", err)
		}
	})
}
