package billing

import (
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// BenchmarkBill decides one bill's straight way with real secured packets and PIN
// blocks, the store left out: opened, pushed, delivered, confirmed, paid, swept and
// settled, reported and acknowledged, filed. The messages are made outside of the time.
func BenchmarkBill(b *testing.B) {
	bank := newBank(b, 1)
	h := newHandset(1, bankCard{900_000_000_000, "CNY"}).enrol(bank)
	p := bank.parts[0]
	seq := bank.seqs[0]
	now := time.Now()
	decide := func(in any) {
		seq++
		if _, _, err := engine.Decide(p, 0, seq, now, in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		in := Open{
			ID: must(platform.NewBillID(now, 0, bank.config.Random)), Merchant: theShop, MerchantName: "Sky Tickets", Made: now, Looked: now,
			Order: platform.Order{Reference: "r", Amount: 100, Currency: "CNY", Phone: h.phone, ExpiresIn: time.Hour, CallbackURL: "http://shop.example/", Subject: "flight CA1405"},
		}
		open, pay := h.wrap(applet.Encode(scp80.Modern, h.open(in.ID, applet.Opened))), h.wrap(applet.Encode(scp80.Modern, h.paying(in, 1)))
		b.StartTimer()
		decide(in)
		decide(Submitted{Bill: in.ID, MessageID: "A"})
		decide(open)
		decide(pay)
		decide(engine.Due{ID: "sweep:sub:acct_10000001:CNY"})
		decide(Swept{Sub: "sub:acct_10000001:CNY", Number: p.pools["sub:acct_10000001:CNY"].Number})
		b.StopTimer()
		if r := p.bills[in.ID.Ref()]; r.State != bill.Settled {
			b.Fatalf("the bill is %s", r.State)
		}
		decide(Reported{Bill: in.ID, Attempt: 1, Status: 200})
		now = now.Add(2 * time.Minute)
		decide(engine.Due{ID: string(in.ID)})
		b.StartTimer()
	}
}

// BenchmarkForged drops a packet that is not authentic.
func BenchmarkForged(b *testing.B) {
	bank := newBank(b, 1)
	h := newHandset(1, bankCard{1, "CNY"}).enrol(bank)
	m := h.wrap(make([]byte, 96))
	m.Packet[40] ^= 1
	p := bank.parts[0]
	for b.Loop() {
		reply, _, err := engine.Decide(p, 0, 9, time.Time{}, m)
		if err != nil || reply.(Outcome).Dropped != DropForged {
			b.Fatal(reply, err)
		}
	}
}

// BenchmarkLoad takes over a partition of 10,000 live bills; BenchmarkWake reads all of
// them, a phone's at once.
func BenchmarkLoad(b *testing.B) {
	bank := manyLive(b)
	b.ReportAllocs()
	for b.Loop() {
		if p := bank.fresh(0); len(p.asleep.bills) != 10_000 {
			b.Fatal(len(p.asleep.bills))
		}
	}
}

func BenchmarkWake(b *testing.B) {
	bank := manyLive(b)
	b.ReportAllocs()
	for b.Loop() {
		if p := bank.awake(0); len(p.bills) != 10_000 {
			b.Fatal(len(p.bills))
		}
	}
}

func manyLive(b *testing.B) *bank {
	bank := newBank(b, 1)
	bank.strict = false
	h := newHandset(1, bankCard{1, "CNY"}).enrol(bank)
	for range 10_000 {
		bank.order(h)
	}
	return bank
}
