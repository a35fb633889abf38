package billing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// table is what every input does in every state of a bill (architecture.md 4, wire.md
// 5 and 6). A cell is the state after it; "." is the state before. What follows the
// state is the result that the phone is sent, or "!": dropped without an answer.
//
//	poor   a payment from a card without enough money (S10)
//	wrong  a payment with a wrong PIN
//	again  the merchant's callback was acknowledged
const table = `
state        shown  opened  defer     pay      poor       wrong      refuse   receipt  submit  arrived    cancel        time         again
created      delivered opened deferred paid/00 opened/51 opened/55   refused  .        pushed  delivered  cancelled/CN  undelivered  .
pushed       delivered opened deferred paid/00 opened/51 opened/55   refused  .        .       delivered  cancelled/CN  undelivered  .
delivered    .!     opened  deferred  paid/00  opened/51  opened/55  refused  .        .       .          cancelled/CN  expired      .
opened       .!     .!      deferred  paid/00  ./51       ./55       refused  .        .       .          cancelled/CN  expired      .
deferred     .!     opened  .!        paid/00  opened/51  opened/55  refused  .        .       .          cancelled/CN  expired      .
paid         .!     .!      .!        ./94     ./94       ./94       .!       .        .       .          illegal       .            .
settled      .!     .!      .!        ./94     ./94       ./94       .!       .        .       .          illegal       .            final
refused      .!     .!      .!        ./94     ./94       ./94       .!       .        .       .          illegal       .            final
expired      .!     .!      .!        ./54     ./54       ./54       .!       .        .       .          illegal       .            final
cancelled    .!     .!      .!        ./CN     ./CN       ./CN       .!       .        .       .          .             .            final
failed       .!     .!      .!        ./94     ./94       ./94       .!       .        .       .          illegal       .            final
undelivered  .!     .!      .!        ./54     ./54       ./54       .!       .        .       .          illegal       .            final
`

// input does one column of the table to a bill.
type input func(b *bank, h *handset, id platform.BillID) (Outcome, error)

func inputs() map[string]input {
	say := func(make func(b *bank, h *handset, id platform.BillID) applet.Message) input {
		return func(b *bank, h *handset, id platform.BillID) (Outcome, error) { return h.say(b, make(b, h, id)), nil }
	}
	return map[string]input{
		"shown":   say(func(_ *bank, h *handset, id platform.BillID) applet.Message { return h.open(id, applet.Delivered) }),
		"opened":  say(func(_ *bank, h *handset, id platform.BillID) applet.Message { return h.open(id, applet.Opened) }),
		"defer":   say(func(_ *bank, h *handset, id platform.BillID) applet.Message { return h.open(id, applet.Deferred) }),
		"pay":     say(func(b *bank, h *handset, id platform.BillID) applet.Message { return h.pay(b, id) }),
		"poor":    say(func(b *bank, h *handset, id platform.BillID) applet.Message { return h.pay(b, id, withCard(2)) }),
		"wrong":   say(func(b *bank, h *handset, id platform.BillID) applet.Message { return h.pay(b, id, withPIN("111111")) }),
		"refuse":  say(func(_ *bank, h *handset, id platform.BillID) applet.Message { return h.refuse(id) }),
		"receipt": say(func(_ *bank, h *handset, id platform.BillID) applet.Message { return h.shown(id) }),
		"submit": func(b *bank, _ *handset, id platform.BillID) (Outcome, error) {
			b.do(0, Submitted{Bill: id, MessageID: "FF01"})
			return Outcome{}, nil
		},
		"arrived": func(b *bank, h *handset, id platform.BillID) (Outcome, error) {
			b.do(0, Submitted{Bill: id, MessageID: "FF02"})
			b.do(0, Receipt{Phone: h.phone, MessageID: "FF02", State: gateway.Delivered})
			return Outcome{}, nil
		},
		"cancel": func(b *bank, _ *handset, id platform.BillID) (Outcome, error) {
			_, err := b.Do(context.Background(), 0, Cancel{Merchant: theShop, Bill: id})
			return Outcome{}, err
		},
		"time": func(b *bank, _ *handset, _ platform.BillID) (Outcome, error) {
			b.pass(15 * time.Minute)
			return Outcome{}, nil
		},
		"again": func(b *bank, _ *handset, id platform.BillID) (Outcome, error) {
			b.do(0, Reported{Bill: id, Attempt: 1, Status: 204})
			return Outcome{}, nil
		},
	}
}

func TestEveryInputInEveryState(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	if len(lines)-1 != len(bill.States()) {
		t.Fatalf("%d rows for %d states", len(lines)-1, len(bill.States()))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, column := range columns[1:] {
			t.Run(cells[0]+"/"+column, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bank) { checkCell(t, b, fsm.State(cells[0]), column, cells[i+1]) })
			})
		}
	}
}

func checkCell(t *testing.T, b *bank, from fsm.State, column, cell string) {
	h := b.payer(1)
	id := b.bring(h, from)
	before := *b.record(id)
	wrong := b.phone(h).counters.Wrong[1]
	outcome, err := inputs()[column](b, h, id)
	synctest.Wait()

	cell, dropped := strings.CutSuffix(cell, "!")
	to, code, _ := strings.Cut(cell, "/")
	after := b.record(id)
	switch {
	case to == "illegal":
		if !isCode(err, platform.CodeIllegalState) || after.State != from {
			t.Fatalf("%v, and the bill is %s", err, after.State)
		}
	case to == "final":
		if after.Acknowledged.IsZero() || after.State != from {
			t.Fatalf("the bill is %s, acknowledged %s", after.State, after.Acknowledged)
		}
	case to == ".":
		b.want(id, from)
	default:
		b.want(id, fsm.State(to))
	}
	if dropped != (outcome.Dropped == DropState) {
		t.Errorf("dropped for %q", outcome.Dropped)
	}
	if err != nil && to != "illegal" {
		t.Error(err)
	}
	if codes := b.results(h); len(codes) > 1 || len(codes) == 1 && string(codes[0]) != code || len(codes) == 0 && code != "" {
		t.Errorf("the phone was sent %q, want %q", codes, code)
	}
	checkMoney(t, b, h, before, after, code == "00")
	if now := b.phone(h).counters.Wrong[1]; (now != wrong) != (code == "55") && code != "00" {
		t.Errorf("wrong PINs counted: %d, before %d", now, wrong)
	}
	checkTold(t, b, &before, after)
	b.audit()
}

// checkMoney says that money moved exactly when it had to.
func checkMoney(t *testing.T, b *bank, h *handset, before record, after *record, paid bool) {
	t.Helper()
	earned := before.State == bill.Paid || before.State == bill.Settled || paid
	want := 500000 - 10000*b2i(earned)
	if got := b.balance(cardAccount(h, 1)); int(got) != want {
		t.Errorf("the card holds %d, want %d", got, want)
	}
	all := b.balance(ledger.Sub(after.Payee, "CNY")) + b.balance(ledger.Clearing("CNY")) + b.balance(ledger.Home(after.Payee, "CNY"))
	if int(all) != 10000*b2i(earned) {
		t.Errorf("the payee has %d", all)
	}
	if n := b.debits(after.ID); n != b2i(earned) {
		t.Errorf("%d debits", n)
	}
	if paid && (after.Paid.IsZero() || after.Card == "" || after.Reason != platform.ReasonNone) {
		t.Errorf("a paid bill says %+v", after.Bill)
	}
}

func b2i(v bool) int {
	if v {
		return 1
	}
	return 0
}

// checkTold says that the journal tells each move, and that a merchant is told of an end, once.
func checkTold(t *testing.T, b *bank, before, after *record) {
	t.Helper()
	events, err := b.service.Events(t.Context(), theShop, after.ID)
	if err != nil {
		t.Fatal(err)
	}
	if events[0].Name != "create" || events[len(events)-1].To != after.State {
		t.Errorf("the story goes from %s to %s", events[0].Name, events[len(events)-1].To)
	}
	for i, e := range events[1:] {
		if e.From != events[i].To {
			t.Errorf("%s goes on from %s after %s", e.Name, e.From, events[i].To)
		}
	}
	callbacks := b.take(EffectCallback)
	if ends := bill.Ended(after.State) && !bill.Ended(before.State); ends && len(callbacks) != 1 {
		t.Errorf("%d callbacks for a bill that has ended", len(callbacks))
	}
}

// A payment must say what the bill asks for, from this person's own phone (S7, S8).
func TestS08_PaymentThatDoesNotMatch(t *testing.T) {
	tests := map[string]func(*applet.Pay){
		"amount one more": func(p *applet.Pay) { p.Amount++ },
		"amount one less": func(p *applet.Pay) { p.Amount-- },
		"currency":        func(p *applet.Pay) { p.Currency = "USD" },
		"phone":           func(p *applet.Pay) { p.Phone = "8613900000002" },
		"payee":           func(p *applet.Pay) { p.Payee = "10000002" },
		"no payee":        func(p *applet.Pay) { p.Payee, p.Transaction = "", 0 },
		"identity": func(p *applet.Pay) {
			p.Identity = must(applet.ParseIdentity(applet.ResidentID, "110105194912310021"))
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id := b.bring(h, bill.Opened)
				h.say(b, h.pay(b, id, changed(change), withPIN("000000")))
				if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{applet.CodeMismatch}) {
					t.Errorf("answered %q", codes)
				}
				r := b.record(id)
				if r.State != bill.Opened || r.Reason != platform.ReasonMismatch || r.Attempts != 1 || b.debits(id) != 0 {
					t.Errorf("the bill is %s for %q after %d attempts", r.State, r.Reason, r.Attempts)
				}
				if wrong := b.phone(h).counters.Wrong; len(wrong) != 0 {
					t.Errorf("a PIN was tried for a payment that does not match: %v", wrong)
				}
				h.say(b, h.pay(b, id)) // the right one still pays
				b.want(id, bill.Paid)
			})
		})
	}
}

// The card travels as the element stores it; anything else is no card (S13).
func TestS13_CardThatIsNotTheElements(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h, other := b.payer(1), b.payer(2)
		id := b.bring(h, bill.Opened)
		for name, blob := range map[string]applet.CardBlob{
			"of another element": other.pers.Cards[0].Blob, "of nobody": {}, "altered": {1: h.pers.Cards[0].Blob[1] ^ 1},
		} {
			h.say(b, h.pay(b, id, changed(func(p *applet.Pay) { p.Blob = blob })))
			if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{applet.CodeUnknownCard}) {
				t.Errorf("a card %s is answered %q", name, codes)
			}
		}
		if b.want(id, bill.Opened); b.record(id).Reason != platform.ReasonUnknownCard {
			t.Errorf("reason %s", b.record(id).Reason)
		}
	})
}

func TestS10_NoMoneyThenAnotherCard(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Delivered)
		h.say(b, h.pay(b, id, withCard(2)))
		h.say(b, h.pay(b, id, withCard(3)))
		if r := b.record(id); r.Reason != platform.ReasonCardCurrency || r.State != bill.Opened {
			t.Errorf("the bill is %s for %s", r.State, r.Reason)
		}
		h.say(b, h.pay(b, id, withCard(1)))
		want := []applet.ResponseCode{applet.CodeFunds, applet.CodeNotPermitted, applet.CodeApproved}
		if codes := b.results(h); !slices.Equal(codes, want) {
			t.Errorf("answered %q, want %q", codes, want)
		}
		r := b.record(id)
		if r.State != bill.Paid || r.Attempts != 3 || r.Reason != "" || r.Card != h.pers.Cards[0].Masked {
			t.Errorf("%+v", r.Bill)
		}
		if b.balance(cardAccount(h, 2)) != 5000 || b.balance(cardAccount(h, 3)) != 90000 {
			t.Error("a declined card was debited")
		}
	})
}

// wire.md 2.6: three tries, kept with the effect, reset only by the right PIN.
func TestWrongPINs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		first, second := b.bring(h, bill.Opened), b.bring(h, bill.Opened)
		wrong := withPIN("111111")
		tries := func() (left int) { return b.phone(h).triesLeft(1) }

		try := h.wrap(applet.Encode(scp80.Modern, h.pay(b, first, wrong)))
		for range 5 { // the carrier duplicates it
			h.send(b, try)
		}
		if tries() != 2 || b.record(first).Attempts != 1 {
			t.Fatalf("a wrong PIN that came five times: %d tries left, %d attempts", tries(), b.record(first).Attempts)
		}
		pay := h.pay(b, first, wrong)
		h.say(b, pay)
		h.say(b, pay) // the client repeats it in a new packet
		if tries() != 1 {
			t.Fatalf("a wrong PIN and its repeat: %d tries left", tries())
		}
		h.say(b, h.pay(b, second, withCard(2))) // another card is another count
		h.say(b, h.pay(b, second))              // the right PIN resets
		b.want(second, bill.Paid)
		if tries() != Tries {
			t.Fatalf("after the right PIN: %d tries left", tries())
		}
		for n := range Tries {
			b.restart()
			h.say(b, h.pay(b, first, wrong))
			if tries() != Tries-n-1 {
				t.Fatalf("wrong PIN %d: %d tries left", n+1, tries())
			}
		}
		r := b.record(first)
		if r.State != bill.Failed || r.Reason != platform.ReasonPINLocked || r.Answer.Code != applet.CodePINLocked || r.Answer.TriesLeft != 0 {
			t.Fatalf("the bill is %s for %s, answered %+v", r.State, r.Reason, r.Answer)
		}
		checkLocked(t, b, h)
	})
}

// checkLocked says that a locked card stays locked, with the right PIN too, and that the others pay.
func checkLocked(t *testing.T, b *bank, h *handset) {
	t.Helper()
	id := b.bring(h, bill.Opened)
	b.restart()
	h.say(b, h.pay(b, id))
	r := b.record(id)
	if r.State != bill.Opened || r.Answer != (answer{Code: applet.CodeNotPermitted}) || r.Reason != platform.ReasonPINLocked {
		t.Fatalf("a locked card: the bill is %s for %s, answered %+v", r.State, r.Reason, r.Answer)
	}
	phones, err := b.service.Phones(t.Context())
	if err != nil || !phones[0].Cards[0].Locked || phones[0].Cards[1].Locked {
		t.Fatalf("the register shows %+v, %v", phones, err)
	}
	small := b.order(h, asking(100, "CNY")).ID
	h.say(b, h.pay(b, small, withCard(2)))
	b.want(small, bill.Paid)
}

// The key of a PIN block serves once (wire.md 2.3): not even the right PIN under an old one
// pays, and a key that comes with another payment shows that there are two elements.
func TestPINKeyServesOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		poor := h.pay(b, id, withCard(2))
		h.say(b, poor)
		old := h.pay(b, id, changed(func(p *applet.Pay) { p.PINCounter, p.PINBlock = poor.PINCounter, poor.PINBlock }))
		h.say(b, old)
		if r := b.record(id); r.State != bill.Opened || r.Answer.Code != applet.CodeNotPermitted || r.Reason != platform.ReasonElementHeld {
			t.Errorf("the bill is %s, answered %s for %q", r.State, r.Answer.Code, r.Reason)
		}
		if left := b.phone(h).triesLeft(1); left != Tries {
			t.Errorf("%d tries left", left)
		}
	})
}

func TestBillOfAnotherPhone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h, thief := b.payer(1), b.payer(2)
		id := b.bring(h, bill.Opened)
		before := encode(b.record(id))
		for _, m := range []applet.Message{thief.open(id, applet.Deferred), thief.refuse(id), thief.pay(b, id), thief.shown(id)} {
			if got := thief.say(b, m); got.Dropped != DropNoBill {
				t.Errorf("%s: %+v", m.Type(), got)
			}
		}
		if after := encode(b.record(id)); after != before || len(b.effects) != 0 {
			t.Errorf("the bill was %s\nand is %s", before, after)
		}
	})
}

func TestAmountsAtTheirBounds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		const most = 999_999_999_999
		h := newHandset(7, bankCard{most, "CNY"}, bankCard{0, "CNY"}).enrol(b)
		for _, amount := range []int64{0, -1, most + 1} {
			_, err := b.service.CreateBill(t.Context(), theShop, platform.Order{
				Reference: "x", Amount: 1, Currency: "CNY", Phone: h.phone, ExpiresIn: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			o := platform.Order{Reference: "y", Currency: "CNY", Phone: h.phone, ExpiresIn: time.Minute}
			asking(money.Amount(amount), "CNY")(&o)
			var refusal *platform.Error
			if _, err := b.service.CreateBill(t.Context(), theShop, o); !errors.As(err, &refusal) || refusal.Field != "amount" {
				t.Errorf("an order of %d: %v", amount, err)
			}
		}
		id := b.order(h, asking(most, "CNY")).ID
		h.say(b, h.pay(b, id, withCard(2)))
		h.say(b, h.pay(b, id))
		b.want(id, bill.Paid)
		b.dues()
		b.sweepHome()
		if home := b.balance(ledger.Home("acct_10000001", "CNY")); home != most {
			t.Errorf("home holds %d", home)
		}
		one := b.order(h, asking(1, "CNY")).ID
		h.say(b, h.pay(b, one))
		if r := b.record(one); r.Answer.Code != applet.CodeFunds {
			t.Errorf("an empty card pays: %s", r.Answer.Code)
		}
		b.audit()
	})
}
