package platform

import "context"

// FindingKind is what a finding of a reconciliation is about.
type FindingKind string

// The findings.
const (
	SweepNotHome FindingKind = "sweep_not_home" // closed where it left, and never applied at home
	SweepUnknown FindingKind = "sweep_unknown"  // applied at home, and not known where it left
	SweepDiffers FindingKind = "sweep_differs"  // known on both sides with different sums
	BillMissing  FindingKind = "bill_missing"   // the order is claimed, and its bill is gone
	ClaimMissing FindingKind = "claim_missing"  // a bill whose order would be taken again
	IndexMissing FindingKind = "index_missing"  // a bill that is not in its merchant's list
)

// Finding is something that one partition knows and another has lost, and what became of it.
type Finding struct {
	Kind     FindingKind
	Look     string // the key to look at
	Detail   string // in words
	Repaired bool
	Left     string // why it was not repaired, in words
}

// Reconciliation is what a reconciliation found.
type Reconciliation struct {
	Findings []Finding
}

// Left counts what is not repaired.
func (r Reconciliation) Left() (n int) {
	for _, f := range r.Findings {
		if !f.Repaired {
			n++
		}
	}
	return n
}

// Reconciler finds what a failover, or a master that was restored from an old copy, has
// lost between partitions, and repairs what can be repaired.
type Reconciler interface {
	// Reconcile looks, and repairs unless dry. It may be repeated: what is repaired is found
	// no more.
	Reconcile(ctx context.Context, dry bool) (Reconciliation, error)
}
