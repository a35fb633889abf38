package billing

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/internal/memstore"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/reconcile"
)

// copyOf is a copy of a partition as it is now.
func copyOf(p *memstore.Partition) memstore.Partition {
	old := memstore.Partition{Records: maps.Clone(p.Records), Hashes: make(map[string]map[string]string), Sets: make(map[string]map[string]float64), Entries: slices.Clone(p.Entries)}
	for name, fields := range p.Hashes {
		old.Hashes[name] = maps.Clone(fields)
	}
	for name, scores := range p.Sets {
		old.Sets[name] = maps.Clone(scores)
	}
	return old
}

// branch is a bank whose payer is in one partition and whose shop is in another.
type branch struct {
	*bank
	t            *testing.T
	h            *handset
	origin, home engine.Partition
	old          map[engine.Partition]memstore.Partition
}

// inBranch runs a test on a branch where a first bill was paid and has come home.
func inBranch(t *testing.T, body func(b *branch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &branch{bank: newBank(t, 4), t: t, old: make(map[engine.Partition]memstore.Partition)}
		b.h = b.away(1)
		b.origin, b.home = b.service.PhonePartition(b.h.phone), b.service.merchantPartition(theShop)
		b.paid(10000)
		b.sweepNow()
		body(b)
	})
}

// paid makes a bill and pays it.
func (b *branch) paid(amount money.Amount) platform.BillID {
	b.t.Helper()
	id := b.order(b.h, asking(amount, "CNY")).ID
	b.h.say(b.bank, b.h.pay(b.bank, id))
	return id
}

// sweepNow brings home what was earned.
func (b *branch) sweepNow() {
	b.t.Helper()
	b.pass(2 * time.Second)
	b.sweepHome()
	for n := range b.parts { // all effects are done
		p := b.store.Partition(engine.Partition(n))
		if len(p.Entries) > 0 {
			p.Records["cursor"] = p.Entries[len(p.Entries)-1].ID
		}
	}
}

// remember keeps a partition as it is now, for lose.
func (b *branch) remember(n engine.Partition) { b.old[n] = copyOf(b.store.Partition(n)) }

// lose takes a partition back to what was remembered, as a replica that lagged would.
func (b *branch) lose(n engine.Partition) {
	b.t.Helper()
	old := b.old[n]
	*b.store.Partition(n) = copyOf(&old)
	b.restart()
	b.effects = nil
}

// reconciled reconciles, and expects such findings, repaired or not.
func (b *branch) reconciled(want ...string) {
	b.t.Helper()
	dry := must(b.service.Reconcile(context.Background(), true))
	if len(want) > 0 && (len(dry.Findings) == 0 || dry.Left() != len(dry.Findings)) {
		b.t.Errorf("a dry run found %+v", dry.Findings)
	}
	got := must(b.service.Reconcile(context.Background(), false))
	var all []string
	for _, f := range got.Findings {
		word := string(f.Kind)
		if !f.Repaired {
			word = "left: " + word
		}
		if all = append(all, word); f.Look == "" || f.Detail == "" || f.Repaired != (f.Left == "") {
			b.t.Errorf("a finding says %+v", f)
		}
	}
	if !slices.Equal(all, want) {
		b.t.Errorf("found %q, want %q: %+v", all, want, got.Findings)
	}
}

// right says that all is as it should be: the books, and that nothing more is found.
func (b *branch) right() {
	b.t.Helper()
	b.effects = slices.DeleteFunc(b.effects, func(d due) bool { return d.Kind == EffectOpen })
	for range 3 {
		b.sweepNow()
	}
	if report := b.audit(); report.Clearing["CNY"] != 0 {
		b.t.Errorf("%d are in clearing", report.Clearing["CNY"])
	}
	b.reconciled()
}

func (b *branch) earned() money.Amount {
	return b.parts[b.home].book.Balance(ledger.Home("acct_10000001", "CNY"))
}

// Nothing is found while all is well, whatever is on its way.
func TestReconcileNothing(t *testing.T) {
	inBranch(t, func(b *branch) {
		check := func() { b.reconciled() }
		check()
		id := b.order(b.h).ID
		check()
		b.h.say(b.bank, b.h.pay(b.bank, id))
		check()
		b.pass(2 * time.Second)
		check() // the sweep is on its way
		d := b.take(EffectSweep)[0]
		var in ApplySweep
		if err := json.Unmarshal(d.Body, &in); err != nil {
			t.Fatal(err)
		}
		b.do(b.home, in)
		check() // and applied, and not closed
		b.do(b.origin, Swept{Sub: ledger.Sub(in.Payee, in.Currency), Number: in.Number})
		check()
		b.right()
	})
}

// Home has lost sweeps that their origin has closed.
func TestReconcileSweepNotHome(t *testing.T) {
	for name, after := range map[string]func(b *branch){
		"at once":            func(*branch) {},
		"after another came": func(b *branch) { b.paid(700); b.sweepNow() }, // under a higher number: the lost ones come late
	} {
		t.Run(name, func(t *testing.T) {
			inBranch(t, func(b *branch) {
				orders := b.order(b.h, asking(2500, "CNY")).ID
				other := b.order(b.h, asking(300, "CNY")).ID
				b.remember(b.home)
				for _, id := range []platform.BillID{orders, other} {
					b.h.say(b.bank, b.h.pay(b.bank, id))
					b.sweepNow()
				}
				b.lose(b.home)
				after(b)
				before := b.earned()
				b.reconciled("sweep_not_home", "sweep_not_home")
				if got := b.earned() - before; got != 2800 {
					t.Errorf("home got %d, want 2800", got)
				}
				b.right()
			})
		})
	}
}

// Their origin has lost sweeps that home has applied, and the payments it still has.
func TestReconcileSweepUnknown(t *testing.T) {
	inBranch(t, func(b *branch) {
		id := b.paid(2500)
		b.remember(b.origin)
		b.sweepNow()
		b.lose(b.origin)
		b.want(id, bill.Paid)
		b.reconciled("sweep_unknown")
		b.want(id, bill.Settled)
		b.right()
		if b.earned() != 12500 {
			t.Errorf("the shop has %d", b.earned())
		}
	})
}

// The origin has gone on meanwhile: its next sweep had the number of the one it lost.
func TestReconcileSweepDiffers(t *testing.T) {
	inBranch(t, func(b *branch) {
		b.paid(2500)
		b.remember(b.origin)
		b.sweepNow()
		b.lose(b.origin)
		next := b.paid(700)
		b.sweepNow() // 3200, of which home has 2500
		b.want(next, bill.Settled)
		if b.earned() != 12500 {
			t.Fatalf("the shop has %d", b.earned())
		}
		b.reconciled("sweep_differs")
		b.right()
		if b.earned() != 13200 {
			t.Errorf("the shop has %d, want 13200", b.earned())
		}
	})
}

// What was paid is lost with its partition: there is no money to put it right with, and
// that is said.
func TestReconcilePaymentLost(t *testing.T) {
	inBranch(t, func(b *branch) {
		id := b.order(b.h, asking(2500, "CNY")).ID
		b.remember(b.origin)
		b.h.say(b.bank, b.h.pay(b.bank, id))
		b.sweepNow()
		b.lose(b.origin)
		b.reconciled("left: sweep_unknown")
		b.paid(2600)
		b.reconciled("sweep_unknown") // the shop has had the money of the first; now there is some of its own
		b.right()
		if b.earned() != 12600 {
			t.Errorf("the shop has %d, want 12600", b.earned())
		}
	})
}

// The payer's partition has lost a bill.
func TestReconcileBillMissing(t *testing.T) {
	inBranch(t, func(b *branch) {
		b.remember(b.origin)
		id := b.order(b.h).ID
		b.sweepNow()
		b.lose(b.origin)
		b.reconciled("bill_missing")
		b.want(id, bill.Created)
		b.right()
	})
}

// The payer's partition has lost the phone too: nothing can be pushed to it.
func TestReconcilePhoneLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &branch{bank: newBank(t, 4), t: t, old: make(map[engine.Partition]memstore.Partition)}
		first := b.away(1)
		b.origin, b.home = b.service.PhonePartition(first.phone), b.service.merchantPartition(theShop)
		b.remember(b.origin)
		for n := 100; ; n++ {
			h := newHandset(n, bankCard{500000, "CNY"})
			if b.service.PhonePartition(h.phone) == b.origin {
				b.h = h.enrol(b.bank)
				break
			}
		}
		b.order(b.h)
		b.sweepNow()
		b.lose(b.origin)
		b.reconciled("left: bill_missing")
	})
}

// The merchant's partition has lost the claim of a bill: its order would be taken again.
func TestReconcileClaimMissing(t *testing.T) {
	inBranch(t, func(b *branch) {
		b.remember(b.home)
		id := b.order(b.h, asking(2500, "CNY")).ID
		b.lose(b.home)
		b.reconciled("claim_missing")
		b.right()
		again := must(b.service.CreateBill(t.Context(), theShop, platform.Order{
			Reference: "order-2", Fingerprint: "whatever it said", Amount: 2500, Currency: "CNY", Phone: b.h.phone, ExpiresIn: 15 * time.Minute,
		}))
		if again.ID != id || !again.Repeated {
			t.Errorf("a repeat of the order is %s, repeated %t; want %s", again.ID, again.Repeated, id)
		}
		_, err := b.service.CreateBill(t.Context(), theShop, platform.Order{
			Reference: "order-2", Fingerprint: "another", Amount: 9900, Currency: "CNY", Phone: b.h.phone, ExpiresIn: 15 * time.Minute,
		})
		if codeOf(err) != "reference-taken reference" {
			t.Errorf("another order of that reference: %v", err)
		}
		if page := must(b.service.Bills(t.Context(), theShop, platform.Query{})); page.Bills[0].ID != id {
			t.Errorf("the list begins with %s", page.Bills[0].ID)
		}
	})
}

// The merchant has repeated the order before anybody reconciled: there are two bills, and
// which of them is to be is not ours to say.
func TestReconcileOrderedAgain(t *testing.T) {
	inBranch(t, func(b *branch) {
		b.remember(b.home)
		b.order(b.h)
		b.lose(b.home)
		b.orders--
		b.order(b.h)
		b.reconciled("left: claim_missing")
	})
}

// A record of a claim, or a place in the list, that is gone by itself is put back.
func TestReconcileRecordsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(p *memstore.Partition, id platform.BillID)
		want  string
	}{
		"a claim":           {func(p *memstore.Partition, _ platform.BillID) { delete(p.Records, "order:10000001:order-2") }, "claim_missing"},
		"a place in a list": {func(p *memstore.Partition, id platform.BillID) { delete(p.Sets["bills:10000001"], string(id)) }, "index_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			inBranch(t, func(b *branch) {
				id := b.order(b.h).ID
				b.sweepNow()
				time.Sleep(claimsKept + time.Minute) // it is not remembered any more
				b.do(b.home, Claim{Merchant: theShop, Order: orderFor(b.h, "another", ""), Looked: math.MaxUint64})
				before := maps.Clone(b.store.Partition(b.home).Records)
				tt.spoil(b.store.Partition(b.home), id)
				b.reconciled(tt.want)
				if key := "order:10000001:order-2"; !strings.Contains(b.store.Partition(b.home).Records[key], `"fingerprint":`+printOf(before[key])) {
					t.Errorf("the claim is %s", b.store.Partition(b.home).Records[key])
				}
				b.perform(b.take(EffectOpen))
				b.right()
			})
		})
	}
}

func printOf(claim string) string {
	_, after, _ := strings.Cut(claim, `"fingerprint":`)
	before, _, _ := strings.Cut(after, ",")
	return before
}

// perform does effects that make bills.
func (b *branch) perform(all []due) {
	b.t.Helper()
	perform := Effects{Service: b.service}
	for _, d := range all {
		if err := perform.Perform(context.Background(), d.partition, d.Effect); err != nil {
			b.t.Fatal(err)
		}
	}
}

// A repair that comes again, also after a restart, changes nothing.
func TestReconcileRepeated(t *testing.T) {
	for name, lose := range map[string]func(b *branch){
		"not home": func(b *branch) { b.remember(b.home); b.paid(100); b.sweepNow(); b.lose(b.home) },
		"not home, and late": func(b *branch) {
			b.order(b.h)
			b.remember(b.home)
			b.h.say(b.bank, b.h.pay(b.bank, b.made()))
			b.sweepNow()
			b.lose(b.home)
			b.paid(100)
			b.sweepNow()
		},
		"unknown": func(b *branch) { b.paid(100); b.remember(b.origin); b.sweepNow(); b.lose(b.origin) },
		"differs": func(b *branch) {
			b.paid(100)
			b.remember(b.origin)
			b.sweepNow()
			b.lose(b.origin)
			b.paid(7)
			b.sweepNow()
		},
		"a bill":  func(b *branch) { b.remember(b.origin); b.order(b.h); b.sweepNow(); b.lose(b.origin) },
		"a claim": func(b *branch) { b.remember(b.home); b.order(b.h); b.lose(b.home) },
	} {
		t.Run(name, func(t *testing.T) {
			inBranch(t, func(b *branch) {
				lose(b)
				found := must(reconcile.Find(t.Context(), b.store, len(b.parts), b.service))
				if len(found) == 0 {
					t.Fatal("nothing is found")
				}
				b.repair(found)
				b.unchanged("the same again", func() { b.repair(found) })
				b.restart()
				b.unchanged("the same after a restart", func() { b.repair(found) })
			})
		})
	}
}

func (b *branch) repair(found []reconcile.Finding) {
	b.t.Helper()
	for _, f := range found {
		if err := b.service.repair(context.Background(), f); err != nil {
			b.t.Errorf("%s: %v", f.Kind, err)
		}
	}
}

// made is the bill that was made last.
func (b *branch) made() platform.BillID {
	b.t.Helper()
	return must(b.service.Bills(context.Background(), theShop, platform.Query{})).Bills[0].ID
}

// What is archived, or trimmed from a journal, is not lost.
func TestReconcileArchived(t *testing.T) {
	inBranch(t, func(b *branch) {
		b.pass(time.Hour)
		b.paid(2500)
		b.sweepNow()
		for n, keep := range map[engine.Partition]time.Time{b.origin: time.Now().Add(-time.Minute), b.home: time.Now().Add(-time.Minute)} {
			p := b.store.Partition(n)
			p.Entries = slices.DeleteFunc(p.Entries, func(e engine.Entry) bool { return e.Events[0].At.Before(keep) })
			if len(p.Entries) == 0 {
				t.Fatal("nothing is left of the journal")
			}
		}
		b.reconciled()
		b.store.Partition(b.home).Entries = nil
		b.reconciled()
	})
	inBranch(t, func(b *branch) {
		id := b.order(b.h).ID
		b.h.say(b.bank, b.h.refuse(id))
		outcome(b.bank, id, Reported{Status: 204})
		b.pass(time.Minute)
		b.sweepNow()
		delete(b.store.Partition(b.origin).Hashes["finished:"+id.Day()], string(id))
		delete(b.store.Partition(b.home).Sets["bills:10000001"], string(id))
		b.reconciled()
	})
}

// The auditor finds what is lost before it is put right.
func TestAuditSeesWhatIsLost(t *testing.T) {
	for name, lose := range map[string]func(b *branch){
		"a sweep": func(b *branch) { b.remember(b.origin); b.paid(100); b.sweepNow(); b.lose(b.origin) },
		"a claim": func(b *branch) { b.remember(b.home); b.order(b.h); b.lose(b.home) },
	} {
		t.Run(name, func(t *testing.T) {
			inBranch(t, func(b *branch) {
				lose(b)
				if report := must(audit.Run(context.Background(), b.store, len(b.parts))); report.OK() {
					t.Error("the auditor finds nothing")
				}
			})
		})
	}
}
