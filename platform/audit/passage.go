package audit

import (
	"maps"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
)

// passage is a refund's way from the merchant's partition to the payer's.
type passage struct {
	home, payer int // partitions
	currency    string
	left        int64 // into clearing at the merchant's
	back        int64 // out of it there again: voided
	credited    int64 // out of it at the payer's
	times       int   // that the payer's partition told of it
	posted      bool
	frozen      bool // it had come so far when the journals were read on
}

// refund answers a refund's passage; b is the merchant's partition, or nil for the payer's.
func (t *transit) refund(id string, b *books) *passage {
	p := t.refunds[id]
	if p == nil {
		p = &passage{home: -1, payer: -1}
		t.refunds[id] = p
	}
	if b != nil {
		p.home = b.partition
	}
	return p
}

// leave notes a step at the merchant's; account is the merchant's.
func (p *passage) leave(name string, cleared int64, account string) {
	switch {
	case name == "post":
		p.posted = true
	case cleared > 0:
		p.left, p.currency = p.left+cleared, currency(account)
	default:
		p.back -= cleared
	}
}

// arrive notes what the payer's partition took.
func (p *passage) arrive(b *books, credited int64) {
	p.payer = b.partition
	p.credited += credited
	p.times++
}

// wanting says that something was seen whose cause was not.
func (p *passage) wanting() bool {
	return p.times > 0 && p.home < 0 || p.posted && p.times == 0
}

// compareRefunds checks that each refund came to the payer once and whole, or back, and
// adds up those on their way.
func (t *transit) compareRefunds(report *Report) {
	for _, id := range slices.Sorted(maps.Keys(t.refunds)) {
		p := t.refunds[id]
		if p.home < 0 && !p.frozen {
			continue // it left after its merchant's partition was read
		}
		if t.cuts.of[p.home] || t.cuts.of[p.payer] {
			continue // what was before is not known
		}
		if c := p.currency; c != "" {
			report.Clearing[c] += p.left - p.back - p.credited
		}
		payer := "{" + engine.Partition(max(p.payer, 0)).String() + "}:journal"
		home := "{" + engine.Partition(max(p.home, 0)).String() + "}:journal"
		switch {
		case p.home < 0:
			report.differ("%s was credited with %d, but never left; look at %s", id, p.credited, payer)
		case p.credited > 0 && p.back > 0:
			report.differ("%s was voided, and the payer has %d of it; look at %s", id, p.credited, home)
		case p.posted && p.credited != p.left && (p.frozen || p.times > 0):
			report.differ("%s was posted with %d, and the payer has %d of it; look at %s", id, p.left, p.credited, home)
		case p.credited > p.left:
			report.differ("%s left with %d, and the payer has %d of it; look at %s", id, p.left, p.credited, payer)
		}
	}
}
