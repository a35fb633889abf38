package billing

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// wire.md 5: what is not authentic gets no answer, moves no counter and locks nobody.
func TestForgedPacketsAreSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h, other := b.payer(1), b.payer(2)
		id := b.bring(h, bill.Opened)
		good := h.wrap(applet.Encode(scp80.Modern, h.pay(b, id)))
		b.strict = false
		forged := map[string]Message{
			"from another phone":  {Phone: other.phone, Packet: good.Packet},
			"empty":               {Phone: h.phone},
			"one octet more":      {Phone: h.phone, Packet: append(bytes.Clone(good.Packet), 0)},
			"a block more":        {Phone: h.phone, Packet: append(bytes.Clone(good.Packet), make([]byte, 16)...)},
			"reflected":           {Phone: h.phone, Packet: must(h.mt.Wrap(99, applet.Encode(scp80.Modern, h.open(id, applet.Opened))))},
			"under another's key": {Phone: h.phone, Packet: must(other.mo.Wrap(99, applet.Encode(scp80.Modern, h.refuse(id))))},
		}
		for n := range good.Packet {
			forged[fmt.Sprintf("cut at %d", n)] = Message{Phone: h.phone, Packet: good.Packet[:n]}
			altered := bytes.Clone(good.Packet)
			altered[n] ^= 0x41
			forged[fmt.Sprintf("octet %d altered", n)] = Message{Phone: h.phone, Packet: altered}
		}
		for _, name := range sortedKeys(forged) {
			before := b.parts[0].Drops()
			b.unchanged(name, func() {
				if got := h.send(b, forged[name]); got != (Outcome{Dropped: DropForged}) {
					t.Errorf("%s: %+v", name, got)
				}
			})
			before[DropForged]++
			if after := b.parts[0].Drops(); !maps.Equal(before, after) {
				t.Errorf("%s: drops are %v", name, after)
			}
		}
		b.unchanged("a stranger", func() {
			if got := h.send(b, Message{Phone: "8613800009999", Packet: good.Packet}); got != (Outcome{Dropped: DropUnknown}) {
				t.Errorf("a stranger: %+v", got)
			}
		})
		b.strict = true
		h.send(b, good) // the true one, in the middle of it all
		b.want(id, bill.Paid)
	})
}

// An authentic packet that holds no message of wire.md 6 moves the counter and nothing else.
func TestPayloadsThatAreNoMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		before := encode(b.record(id))
		pay := applet.Encode(scp80.Modern, h.pay(b, id))
		for _, payload := range [][]byte{{}, {3}, pay[:len(pay)-1], append(bytes.Clone(pay), 0), bytes.Repeat([]byte{0xFF}, 40)} {
			if got := h.send(b, h.wrap(payload)); got.Dropped != DropPayload {
				t.Errorf("% X: %+v", payload, got)
			}
		}
		if got := h.say(b, &applet.Bill{Ref: id.Ref(), Amount: 1, Currency: "CNY", Expires: time.Now(), Merchant: "10000001"}); got.Dropped != DropPayload {
			t.Errorf("a BILL from a phone: %+v", got)
		}
		if after := encode(b.record(id)); after != before || len(b.effects) != 0 {
			t.Errorf("the bill was %s\nand is %s", before, after)
		}
		if in := b.phone(h).counters.In; in != h.sent {
			t.Errorf("the counter is %d, %d packets came", in, h.sent)
		}
	})
}

// captured are messages that have been through, by what they were.
func captured(b *bank, h *handset, id platform.BillID) map[string]Message {
	all := make(map[string]Message)
	for name, m := range map[string]applet.Message{
		"shown": h.open(id, applet.Delivered), "opened": h.open(id, applet.Opened), "deferred": h.open(id, applet.Deferred),
	} {
		all[name] = h.wrap(applet.Encode(scp80.Modern, m))
		h.send(b, all[name])
	}
	return all
}

// A captured message changes nothing in any later state, whatever came between.
func TestReplayInEveryLaterState(t *testing.T) {
	for _, s := range bill.States() {
		t.Run(string(s), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				earlier := b.bring(h, bill.Delivered)
				all := captured(b, h, earlier)
				all["poor"] = h.wrap(applet.Encode(scp80.Modern, h.pay(b, earlier, withCard(2))))
				all["paid"] = h.wrap(applet.Encode(scp80.Modern, h.pay(b, earlier)))
				all["receipt"] = h.wrap(applet.Encode(scp80.Modern, h.shown(earlier)))
				for _, name := range []string{"poor", "paid", "receipt"} {
					h.send(b, all[name])
				}
				id := b.bring(h, s)
				all["refuse"] = h.wrap(applet.Encode(scp80.Modern, h.refuse(id)))
				all["next"] = h.wrap(applet.Encode(scp80.Modern, h.open(id, applet.Opened)))
				h.send(b, all["next"]) // overtakes the refusal
				replay(t, b, h, all, id)
			})
		})
	}
}

// replay sends every captured message three times, forwards and backwards, before and after a restart.
func replay(t *testing.T, b *bank, h *handset, all map[string]Message, ids ...platform.BillID) {
	t.Helper()
	names := sortedKeys(all)
	for round := range 3 {
		slices.Reverse(names)
		if round == 1 {
			b.restart()
		}
		for _, name := range names {
			before, money := states(b), fmt.Sprintf("%+v", b.parts[0].book)
			effects := len(b.effects)
			got := h.send(b, all[name])
			if now := states(b); now != before || money != fmt.Sprintf("%+v", b.parts[0].book) {
				t.Errorf("%s moved a bill from %s to %s", name, before, now)
			}
			if again := len(b.effects) - effects; got.Dropped != DropReplay && again != 1 || got.Dropped == DropReplay && again != 0 {
				t.Errorf("%s again: %+v and %d effects", name, got, again)
			}
		}
	}
	for _, id := range ids {
		if n := b.debits(id); n > 1 {
			t.Errorf("%d debits", n)
		}
	}
	b.audit()
}

// states is where the live bills are and how often they were tried.
func states(b *bank) string {
	var all []string
	for _, r := range b.awake(0).bills {
		all = append(all, fmt.Sprintf("%s %s %d %s", r.ID, r.State, r.Attempts, r.Paid))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// wire.md 5: an exact duplicate of the last payment is answered again from what is
// kept, a few times, also after a restart; one that was overtaken is not.
func TestExactDuplicateIsAnsweredAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		poor, paid := h.wrap(applet.Encode(scp80.Modern, h.pay(b, id, withCard(2)))), h.wrap(applet.Encode(scp80.Modern, h.pay(b, id)))
		h.send(b, poor)
		h.send(b, poor)
		if codes := b.results(h); !slices.Equal(codes, []applet.ResponseCode{"51", "51"}) {
			t.Fatalf("a declined payment twice is answered %q", codes)
		}
		h.send(b, paid)
		for range 2 * mostAgain {
			b.restart()
			h.send(b, paid)
			h.send(b, poor)
		}
		if codes := b.results(h); !slices.Equal(codes, slices.Repeat([]applet.ResponseCode{"00"}, 1+mostAgain)) {
			t.Fatalf("answered %q", codes)
		}
		if b.debits(id) != 1 || b.record(id).Attempts != 2 {
			t.Fatalf("%d debits, %d attempts", b.debits(id), b.record(id).Attempts)
		}
	})
}

// A client that heard no result repeats its payment in a new packet: paid once, and told the same.
func TestRepeatedTransaction(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		pay := h.pay(b, id)
		h.say(b, pay)
		first := h.receive(b, b.take(EffectResult)[0]).(*applet.Result)
		time.Sleep(time.Minute)
		b.restart()
		h.say(b, pay)
		again := h.receive(b, b.take(EffectResult)[0]).(*applet.Result)
		again.Time = first.Time
		if *again != *first || first.Code != applet.CodeApproved || len(first.Approval) != 6 {
			t.Errorf("answered %+v, then %+v", first, again)
		}
		if b.debits(id) != 1 || b.record(id).Attempts != 1 {
			t.Errorf("%d debits", b.debits(id))
		}
	})
}

// Two bills of one phone, their messages in turn: neither disturbs the other.
func TestTwoBillsOfOnePhone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		one, two := b.bring(h, bill.Pushed), b.bring(h, bill.Pushed)
		h.say(b, h.open(one, applet.Opened))
		h.say(b, h.open(two, applet.Deferred))
		h.say(b, h.refuse(one))
		h.say(b, h.pay(b, two))
		b.want(one, bill.Refused)
		b.want(two, bill.Paid)
		if bills := b.phone(h).bills; len(bills) != 2 {
			t.Errorf("the phone has %d live bills", len(bills))
		}
	})
}

// A receipt names the push, not the bill; it may come before the carrier's own answer.
func TestReceipts(t *testing.T) {
	type receipt = func(b *bank, h *handset, id platform.BillID)
	submitted := func(b *bank, _ *handset, id platform.BillID) { b.do(0, Submitted{Bill: id, MessageID: "A1"}) }
	got := func(phone string, id gateway.MessageID, s gateway.MessageState) receipt {
		return func(b *bank, h *handset, _ platform.BillID) {
			r := Receipt{Phone: h.phone, MessageID: id, State: s}
			if phone != "" {
				r.Phone = gateway.MSISDN(phone)
			}
			b.do(0, r)
		}
	}
	delivered := got("", "A1", gateway.Delivered)
	tests := map[string]struct {
		inputs []receipt
		want   fsm.State
		quiet  int // of the inputs, the last ones that change nothing
	}{
		"in order":            {[]receipt{submitted, delivered}, bill.Delivered, 0},
		"overtakes":           {[]receipt{delivered, submitted}, bill.Delivered, 0},
		"overtakes, twice":    {[]receipt{delivered, delivered, submitted}, bill.Delivered, 0},
		"again":               {[]receipt{submitted, delivered, delivered, delivered}, bill.Delivered, 2},
		"submitted again":     {[]receipt{submitted, submitted}, bill.Pushed, 1},
		"of another message":  {[]receipt{submitted, got("", "B1", gateway.Delivered)}, bill.Pushed, 1},
		"of another phone":    {[]receipt{submitted, got("8613800000002", "A1", gateway.Delivered)}, bill.Pushed, 1},
		"of nobody":           {[]receipt{submitted, got("8613800007777", "A1", gateway.Delivered)}, bill.Pushed, 1},
		"on its way":          {[]receipt{submitted, got("", "A1", gateway.Enroute), got("", "A1", gateway.Accepted)}, bill.Pushed, 2},
		"failed":              {[]receipt{submitted, got("", "A1", gateway.Undeliverable)}, bill.Pushed, 0},
		"failed, then again":  {[]receipt{submitted, got("", "A1", gateway.Expired), got("", "A1", gateway.Expired)}, bill.Pushed, 1},
		"failed before heard": {[]receipt{got("", "A1", gateway.Rejected), submitted}, bill.Pushed, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				b.payer(2)
				id := b.bring(h, bill.Created)
				for i, in := range tt.inputs {
					if i >= len(tt.inputs)-tt.quiet {
						b.unchanged(name, func() { in(b, h, id) })
						continue
					}
					in(b, h, id)
				}
				b.want(id, tt.want)
				if r := b.record(id); len(r.Early) != 0 {
					t.Errorf("receipts left over: %v", r.Early)
				}
				b.audit()
			})
		})
	}
}

func TestReceiptsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Created)
		for n := range 20 {
			b.do(0, Receipt{Phone: h.phone, MessageID: gateway.MessageID(fmt.Sprint("E", n)), State: gateway.Delivered})
		}
		if n := len(b.record(id).Early); n != mostEarly {
			t.Errorf("%d early receipts kept", n)
		}
		for n := range 3 * mostAwaited {
			b.do(0, Submitted{Bill: id, MessageID: gateway.MessageID(fmt.Sprint("M", n))})
		}
		if n, m := len(b.record(id).Messages), len(b.parts[0].messages); n != mostAwaited || m != mostAwaited {
			t.Errorf("%d and %d awaited receipts", n, m)
		}
	})
}
