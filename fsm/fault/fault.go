// Package fault names the points at which a crash matters, and the bugs that a crash
// harness must find.
//
// [Point] and [Planted] do nothing, and compile to nothing, in a build without tags.
// With the tag faults a process can be told to end itself, as kill -9 does, at one pass
// of one point ([Arm]); with the tag mutant it can be told to have one bug ([Plant]).
// airtill reads what it is told from AIRTILL_FAULT and AIRTILL_MUTANT.
package fault

// Name is a point: the package that it is in, and what has been done there.
type Name string

// The points.
const (
	BeforeCommit Name = "engine.beforeCommit" // decided in memory, nothing written
	AfterCommit  Name = "engine.afterCommit"  // written, nobody answered
	AfterReplies Name = "engine.afterReplies" // answered, its effects not handed on
	BeforeEffect Name = "engine.beforeEffect" // an effect is about to be performed
	AfterEffect  Name = "engine.afterEffect"  // an effect is performed, and not noted as done
	BeforeCursor Name = "engine.beforeCursor" // effects are done, and the cursor is about to say so
	AfterTake    Name = "engine.afterTake"    // a partition is taken, nothing is loaded
	AfterLoad    Name = "engine.afterLoad"    // memory is loaded, effects that are left are not
	AfterRecover Name = "engine.afterRecover" // effects that are left are handed on, nothing is served

	AfterClaim Name = "order.afterClaim" // an order is claimed and has no bill
	AfterOpen  Name = "order.afterOpen"  // it has one, and the merchant has no answer
	BeforeHome Name = "sweep.beforeHome" // a sweep has left its origin
	AfterHome  Name = "sweep.afterHome"  // it is applied at home, and its origin does not know

	AfterSubmit Name = "push.afterSubmit"    // the carrier has a message, and the bill does not know
	AfterAnswer Name = "webhook.afterAnswer" // the merchant has answered a callback, and the bill does not know

	BeforeWrite   Name = "aof.beforeWrite"   // a group is about to go into the embedded store's file
	AfterWrite    Name = "aof.afterWrite"    // it is in the file, and not synced
	AfterSync     Name = "aof.afterSync"     // it is synced, and nobody is answered
	AfterSnapshot Name = "aof.afterSnapshot" // a compaction has its snapshot, and no file
	BeforeRename  Name = "aof.beforeRename"  // the new file is complete, and not in the place of the old one
	AfterRename   Name = "aof.afterRename"   // it is in that place, and the directory is not synced
)

// Names lists all points.
func Names() []Name {
	return []Name{
		BeforeCommit, AfterCommit, AfterReplies, BeforeEffect, AfterEffect, BeforeCursor, AfterTake, AfterLoad, AfterRecover,
		AfterClaim, AfterOpen, BeforeHome, AfterHome, AfterSubmit, AfterAnswer,
		BeforeWrite, AfterWrite, AfterSync, AfterSnapshot, BeforeRename, AfterRename,
	}
}

// Embedded says whether only a platform with an embedded store passes the point.
func (n Name) Embedded() bool { return len(n) > 4 && n[:4] == "aof." }

// Bug is a planted bug.
type Bug string

// The bugs.
const (
	EarlyReply     Bug = "early-reply"     // inputs are answered before their commit
	LostEffect     Bug = "lost-effect"     // the cursor passes effects that are not performed
	SecondDebit    Bug = "second-debit"    // a payment that comes again is debited again
	UncountedSweep Bug = "uncounted-sweep" // a sweep is applied as often as it comes
	LostClaim      Bug = "lost-claim"      // an order's reference is not kept
	AnyAnswer      Bug = "any-answer"      // a callback counts as delivered whatever the merchant answers
	NoFence        Bug = "no-fence"        // a writer does not look whether it was fenced off
	LostDeadline   Bug = "lost-deadline"   // deadlines are not loaded
	LostTries      Bug = "lost-tries"      // wrong PINs are not kept
	EarlySync      Bug = "early-sync"      // the embedded store answers before its file is written
)

// Bugs lists all planted bugs.
func Bugs() []Bug {
	return []Bug{
		EarlyReply, LostEffect, SecondDebit, UncountedSweep, LostClaim,
		AnyAnswer, NoFence, LostDeadline, LostTries, EarlySync,
	}
}
