package billing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/menu"
	"github.com/airtill/airtill/platform/money"
)

// theCap is what a bill may ask for over USSD in these tests.
const theCap = 20000

// allowUSSD starts the bank's partitions anew with a policy.
func (b *bank) allowUSSD(most map[money.Currency]money.Amount) {
	b.config.USSDCap = most
	b.service = must(NewService(b.config, b, b.store))
	b.restart()
}

// bare is an enrolled phone without an element, with the cards of a payer.
func (b *bank) bare(number int) *handset {
	b.t.Helper()
	b.allowUSSD(map[money.Currency]money.Amount{"CNY": theCap})
	h := newHandset(number, bankCard{500000, "CNY"}, bankCard{5000, "CNY"}, bankCard{90000, "USD"})
	b.enrolBare(h)
	return h
}

func (b *bank) enrolBare(h *handset) {
	b.t.Helper()
	if sealed, err := b.service.Enrol(context.Background(), h.bare(b)); err != nil || len(sealed) > 0 {
		b.t.Fatal(sealed, err)
	}
}

// bare is the enrolment of a phone without an element.
func (h *handset) bare(b *bank) platform.Enrolment {
	e := h.enrolment(b)
	e.Form, e.Suite, e.ElementID, e.PublicKey = platform.FormNone, 0, "", nil
	return e
}

func (b *bank) chooses(h *handset, id platform.BillID, e fsm.Event) menu.Result {
	b.t.Helper()
	return b.do(b.service.PhonePartition(h.phone), Chosen{Phone: h.phone, Bill: id, Event: e}).(menu.Result)
}

// types pays a bill through a menu, under a new transaction number or an old one.
func (b *bank) types(h *handset, id platform.BillID, slot int, pin string, again ...bool) menu.Result {
	b.t.Helper()
	if len(again) == 0 {
		h.trades++
	}
	return b.do(b.service.PhonePartition(h.phone), Typed{
		Phone: h.phone, Bill: id, Slot: slot, PIN: must(applet.ParsePIN(pin)), Transaction: applet.TransactionNumber(h.trades),
	}).(menu.Result)
}

func bareAccount(b *bank, h *handset, slot int) string {
	return ledger.Bare(b.config.Vault.Fingerprint(phoneKind, string(h.phone)), slot, h.cards[slot-1].currency)
}

// Issue 4, item 9: a bill is paid through a menu by the same table, book and journal as
// with an element.
func TestBareWay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		id := b.order(h).ID
		push := b.take(EffectPush)
		if len(push) != 1 {
			t.Fatalf("%d pushes", len(push))
		}
		if m := b.opened(push[0]); !m.Bare() || m.Bill != id || m.Phone != h.phone || m.Texted || len(m.Payload) > 0 {
			t.Errorf("the push is %+v", m)
		}
		b.do(0, Submitted{Bill: id})
		b.want(id, bill.Pushed)
		b.chooses(h, id, bill.Deliver)
		b.want(id, bill.Delivered)
		b.chooses(h, id, bill.Defer)
		b.want(id, bill.Deferred)
		b.unchanged("putting it off again", func() { b.chooses(h, id, bill.Defer) })
		b.chooses(h, id, bill.Open)
		b.want(id, bill.Opened)
		if r := b.types(h, id, 2, thePIN); r.Code != applet.CodeFunds {
			t.Errorf("with too little money: %+v", r)
		}
		if r := b.types(h, id, 3, thePIN); r.Code != applet.CodeNotPermitted {
			t.Errorf("with a card of another currency: %+v", r)
		}
		if r := b.types(h, id, 9, thePIN); r.Code != applet.CodeUnknownCard {
			t.Errorf("with no card: %+v", r)
		}
		paid := b.types(h, id, 1, thePIN)
		if paid.Code != applet.CodeApproved || len(paid.Approval) != 6 {
			t.Errorf("it is answered %+v", paid)
		}
		b.unchanged("the same payment again", func() {
			if again := b.types(h, id, 1, thePIN, true); again != paid {
				t.Errorf("again it is answered %+v", again)
			}
		})
		if r := b.types(h, id, 1, thePIN); r.Code != applet.CodeDuplicate {
			t.Errorf("another payment is answered %+v", r)
		}
		b.dues()
		b.sweepHome()
		b.want(id, bill.Settled)
		if b.balance(bareAccount(b, h, 1)) != 490000 || b.debits(id) != 1 {
			t.Errorf("the card has %d, %d debits", b.balance(bareAccount(b, h, 1)), b.debits(id))
		}
		if len(b.take(EffectResult)) != 0 {
			t.Error("a phone without an element was sent a packet")
		}
		b.audit()
		for _, secret := range append(h.pans, thePIN, string(h.phone), theIdentity) {
			if strings.Contains(b.dump(), secret) || strings.Contains(b.logs.String(), secret) {
				t.Errorf("%.4s... is kept or logged", secret)
			}
		}
	})
}

// Refused, cancelled and run out of time: what a holder is answered then.
func TestBareEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		refused, cancelled, expired, missed := b.order(h).ID, b.order(h).ID, b.order(h, lasting(time.Minute)).ID, b.order(h, lasting(time.Minute)).ID
		b.chooses(h, refused, bill.Refuse)
		b.want(refused, bill.Refused)
		b.do(0, Cancel{Merchant: theShop, Bill: cancelled})
		b.chooses(h, expired, bill.Deliver)
		time.Sleep(time.Minute)
		for id, want := range map[platform.BillID]applet.ResponseCode{
			refused: applet.CodeDuplicate, cancelled: applet.CodeCancelled, expired: applet.CodeExpired, missed: applet.CodeExpired,
		} {
			for _, e := range []fsm.Event{bill.Open, bill.Defer, bill.Refuse, bill.Deliver} {
				b.unchanged(string(e), func() {
					if r := b.chooses(h, id, e); r.Code != want {
						t.Errorf("%s: %+v, want %s", e, r, want)
					}
				})
			}
			if r := b.types(h, id, 1, thePIN); r.Code != want {
				t.Errorf("paying: %+v, want %s", r, want)
			}
		}
		b.dues()
		b.want(expired, bill.Expired)
		b.want(missed, bill.Undelivered)
		if w := b.do(0, FindBills{Phone: h.phone}).(menu.Wallet); len(w.Bills) != 0 {
			t.Errorf("they are listed: %+v", w.Bills)
		}
		if len(b.take(EffectResult)) != 0 {
			t.Error("a phone without an element was sent a packet")
		}
		b.audit()
	})
}

// What a menu lists: open bills, oldest first, of this phone alone, and no card number.
func TestFindBills(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h, client := b.bare(1), b.payer(2)
		other := newHandset(3, bankCard{1, "CNY"})
		b.enrolBare(other)
		first := b.order(h, asking(700, "CNY")).ID
		b.order(other)
		b.order(client)
		second := b.order(h).ID
		w := b.do(0, FindBills{Phone: h.phone}).(menu.Wallet)
		want := menu.Wallet{
			Bills: []menu.Bill{
				{ID: first, Merchant: "Sky Tickets", Subject: "flight CA1405", Sum: money.Money{Amount: 700, Currency: "CNY"}},
				{ID: second, Merchant: "Sky Tickets", Subject: "flight CA1405", Sum: money.Money{Amount: 10000, Currency: "CNY"}},
			},
			Cards: []menu.Card{
				{Slot: 1, Alias: "Card 1", Tail: h.pans[0][12:], Currency: "CNY"},
				{Slot: 2, Alias: "Card 2", Tail: h.pans[1][12:], Currency: "CNY"},
				{Slot: 3, Alias: "Card 3", Tail: h.pans[2][12:], Currency: "USD"},
			},
		}
		if diff := cmp.Diff(want, w); diff != "" {
			t.Error(diff)
		}
		for what, n := range map[string]*handset{"one with an element": client, "nobody's": newHandset(9)} {
			if w := b.do(0, FindBills{Phone: n.phone}).(menu.Wallet); len(w.Bills)+len(w.Cards) != 0 {
				t.Errorf("%s phone lists %+v", what, w)
			}
		}
		b.unchanged("what others do with it", func() {
			for _, n := range []*handset{client, other, newHandset(9)} {
				if r := b.chooses(n, first, bill.Refuse); r.Code != applet.CodeExpired {
					t.Errorf("chosen: %+v", r)
				}
				if r := b.types(n, first, 1, thePIN); r.Code != applet.CodeExpired {
					t.Errorf("typed: %+v", r)
				}
			}
		})
	})
}

// PINs typed in a menu count and lock as those in packets do, over bills and restarts.
func TestBarePIN(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		first, second := b.order(h).ID, b.order(h).ID
		for left := Tries - 1; left > 0; left-- {
			if r := b.types(h, first, 1, "000000"); r.Code != applet.CodeWrongPIN || r.TriesLeft != left {
				t.Errorf("%+v, want %d left", r, left)
			}
			b.restart()
		}
		b.unchanged("a try again", func() { b.types(h, first, 1, "000000", true) })
		if r := b.types(h, second, 1, "111111"); r.Code != applet.CodePINLocked {
			t.Errorf("the third: %+v", r)
		}
		b.want(second, bill.Failed)
		b.want(first, bill.Opened)
		if r := b.types(h, first, 1, thePIN); r.Code != applet.CodeNotPermitted {
			t.Errorf("the right one, too late: %+v", r)
		}
		if w := b.do(0, FindBills{Phone: h.phone}).(menu.Wallet); !w.Cards[0].Locked || w.Cards[1].Locked {
			t.Errorf("the cards are %+v", w.Cards)
		}
		if err := b.service.Unlock(t.Context(), platform.Unlock{Phone: h.phone, Slot: 1, By: "Ren", Note: "at the branch"}); err != nil {
			t.Fatal(err)
		}
		if r := b.types(h, first, 1, "000000"); r.TriesLeft != Tries-1 {
			t.Errorf("after it was unlocked: %+v", r)
		}
		if r := b.types(h, first, 1, thePIN); r.Code != applet.CodeApproved {
			t.Errorf("paid: %+v", r)
		}
		third := b.order(h).ID
		if r := b.types(h, third, 1, "000000"); r.TriesLeft != Tries-1 {
			t.Errorf("a right PIN does not forget the wrong ones: %+v", r)
		}
		b.audit()
	})
}

// A phone without an element has no packets: they are dropped as from an unknown one.
func TestBarePackets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		twin := newHandset(1, bankCard{1, "CNY"})
		other := b.payer(7)
		twin.pers, twin.mo = other.pers, other.mo
		id := b.order(h).ID
		b.unchanged("a packet", func() {
			for _, m := range []Message{twin.wrap(twin.payload(twin.refuse(id))), {Phone: h.phone, Packet: []byte("forged")}, {Phone: h.phone}} {
				if out := h.send(b, m); out.Dropped != DropUnknown {
					t.Errorf("it came to %+v", out)
				}
			}
		})
	})
}

// The policy: off by default, and by currency; an order above it is refused with what to
// do, a bill that was made under a higher one is declined.
func TestUSSDCap(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		refused := func(o platform.Order, field string) {
			t.Helper()
			o.Phone, o.ExpiresIn, o.Reference = h.phone, time.Minute, "refused"
			_, err := b.service.CreateBill(t.Context(), theShop, o)
			refusal, ok := errors.AsType[*platform.Error](err)
			if !ok || refusal.Code != platform.CodeInvalid || refusal.Field != field || !strings.Contains(refusal.Detail, "--ussd-cap") {
				t.Errorf("%v, want one that blames %s", err, field)
			}
		}
		b.unchanged("an order that is refused", func() {
			refused(platform.Order{Amount: theCap + 1, Currency: "CNY"}, "amount")
			refused(platform.Order{Amount: 1, Currency: "USD"}, "phone")
		})
		id := b.order(h, asking(theCap, "CNY")).ID
		b.allowUSSD(map[money.Currency]money.Amount{"CNY": theCap - 1})
		if r := b.types(h, id, 1, "000000"); r.Code != applet.CodeOverLimit || b.record(id).Reason != platform.ReasonOverLimit {
			t.Errorf("above a cap that came down: %+v", r)
		}
		b.allowUSSD(nil)
		refused(platform.Order{Amount: 1, Currency: "CNY"}, "phone")
		if r := b.types(h, id, 1, thePIN); r.Code != applet.CodeOverLimit {
			t.Errorf("with USSD off: %+v", r)
		}
		if b.balance(bareAccount(b, h, 1)) != 500000 {
			t.Error("money has moved")
		}
	})
	for name, most := range map[string]map[money.Currency]money.Amount{"no amount": {"CNY": 0}, "too much": {"CNY": money.Max + 1}, "no currency": {"yuan": 1}} {
		if err := (Config{Vault: vault(), Random: strings.NewReader(""), USSDCap: most}).Validate(); err == nil {
			t.Errorf("%s is valid", name)
		}
	}
}

// Enrolment of a phone without an element: it is the same again when it is repeated, and
// says what is wrong with it.
func TestEnrolBare(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		b.unchanged("the same enrolment", func() { b.enrolBare(h) })
		b.restart()
		phones := must(b.service.Phones(t.Context()))
		if len(phones) != 1 || phones[0].Form != platform.FormNone || phones[0].ElementID != "" || len(phones[0].Cards) != 3 || phones[0].Cards[0].Balance != 500000 {
			t.Errorf("the register has %+v", phones)
		}
		many := newHandset(2, slices.Repeat([]bankCard{{1, "CNY"}}, mostCards+1)...)
		wrong := map[string]struct {
			enrol platform.Enrolment
			code  platform.Code
			field string
		}{
			"with an element": {h.enrolment(b), platform.CodeAlreadyEnrolled, "phone"},
			"with a key":      {func() platform.Enrolment { e := h.bare(b); e.PublicKey = []byte{1}; return e }(), platform.CodeInvalid, "form"},
			"with a suite":    {func() platform.Enrolment { e := h.bare(b); e.Suite = 1; return e }(), platform.CodeInvalid, "form"},
			"without a number of an element": {func() platform.Enrolment {
				e := newHandset(4, bankCard{1, "CNY"}).enrolment(b)
				e.ElementID = ""
				return e
			}(), platform.CodeInvalid, "element_id"},
			"with too many cards": {many.bare(b), platform.CodeInvalid, "accounts"},
			"with other cards":    {newHandset(1, bankCard{1, "CNY"}).bare(b), platform.CodeAlreadyEnrolled, "phone"},
		}
		for what, tt := range wrong {
			_, err := b.service.Enrol(t.Context(), tt.enrol)
			refusal, ok := errors.AsType[*platform.Error](err)
			if !ok || refusal.Code != tt.code || refusal.Field != tt.field {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// A menu that nobody saw is followed by an SMS, whose receipt counts as any push's; the
// next push knows of it.
func TestBareDelivery(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		id := b.order(h).ID
		b.take(EffectPush)
		b.do(0, Submitted{Bill: id})
		b.do(0, Submitted{Bill: id, MessageID: "A1"})
		b.want(id, bill.Pushed)
		b.do(0, Receipt{Phone: h.phone, MessageID: "A1", State: 2})
		b.want(id, bill.Delivered)
		b.pass(8 * time.Minute)
		again := b.take(EffectPush)
		if len(again) != 1 || !b.opened(again[0]).Texted {
			t.Fatalf("the reminder is %+v", again)
		}
		b.do(0, Submitted{Bill: id, Refused: "the phone has a USSD session"})
		b.want(id, bill.Delivered)
	})
}

// A push that was refused goes out again soon.
func TestBareRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.bare(1)
		id := b.order(h).ID
		b.take(EffectPush)
		b.do(0, Submitted{Bill: id, Refused: "busy"})
		b.want(id, bill.Created)
		b.pass(5 * time.Second)
		if len(b.take(EffectPush)) != 1 {
			t.Error("it was not pushed again")
		}
	})
}
