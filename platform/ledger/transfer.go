package ledger

import (
	"errors"
	"fmt"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// What can be wrong with a transfer besides [ErrShort].
var (
	// ErrOther is a transfer under the id of another one, which it does not change.
	ErrOther = errors.New("another transfer has this id")
	// ErrNoTransfer is the end of a transfer that was never begun, or is forgotten.
	ErrNoTransfer = errors.New("no transfer has this id")
	// ErrPosted is the voiding of a transfer that was posted.
	ErrPosted = errors.New("the transfer was posted")
	// ErrAmount is a transfer of nothing, of less, or of more than can be.
	ErrAmount = errors.New("not an amount that can be moved")
	// ErrVoided is the posting of a transfer that was voided.
	ErrVoided = errors.New("the transfer was voided")
)

// TransferState is how far a transfer has come.
type TransferState string

// The states of a transfer. One that is posted or voided stays so.
const (
	Pending TransferState = "pending" // the amount is reserved
	Posted  TransferState = "posted"  // it is where it was to go
	Voided  TransferState = "voided"  // it is where it came from, or never left
)

// Transfer moves an amount between two accounts of a book, under an id that its client
// has made. With Via it does so in two phases: pending, it has taken the amount out of
// From and holds it in Via, where nobody can spend it; then it is posted, to To, or voided,
// back to From, at most once. A transfer whose To is its Via leaves the amount there for
// another book to take. Without Via it is posted at once.
type Transfer struct {
	ID     string        `json:"id"`
	From   string        `json:"from"`
	Via    string        `json:"via,omitempty"`
	To     string        `json:"to"`
	Amount money.Amount  `json:"amount"`
	State  TransferState `json:"state,omitempty"`
}

// same says whether two transfers are asked for in the same words, however far they came.
func (t Transfer) same(u Transfer) bool {
	t.State = u.State
	return t == u
}

// Transfers are the transfers of a book: all that are pending, and the ended ones that
// their keeper wants known. A repeat is answered with what became of the first, and posts
// nothing. It is not safe for concurrent use.
type Transfers struct {
	book  *Book
	known map[string]Transfer
}

// NewTransfers makes the transfers of a book, none of them known.
func NewTransfers(b *Book) *Transfers { return &Transfers{book: b, known: make(map[string]Transfer)} }

// Know takes a transfer as it was kept. The book has its postings already.
func (t *Transfers) Know(kept Transfer) { t.known[kept.ID] = kept }

// Forget drops a transfer that has ended; its id could be used again.
func (t *Transfers) Forget(id string) {
	if t.known[id].State != Pending {
		delete(t.known, id)
	}
}

// Find answers a transfer that is known.
func (t *Transfers) Find(id string) (Transfer, bool) {
	found, ok := t.known[id]
	return found, ok
}

// Begin reserves a transfer's amount, or moves it if it has one phase, and answers the
// transfer with the postings made. With [ErrShort] nothing has happened, and the id is free.
func (t *Transfers) Begin(want Transfer) (Transfer, []platform.Posting, error) {
	if known, ok := t.known[want.ID]; ok {
		if !known.same(want) {
			return known, nil, fmt.Errorf("%w: %s", ErrOther, want.ID)
		}
		return known, nil, nil
	}
	if !want.Amount.Payable() {
		return want, nil, fmt.Errorf("%w: %d in %s", ErrAmount, want.Amount, want.ID)
	}
	if want.Via == "" {
		return t.move(want, Posted, want.From, want.To)
	}
	return t.move(want, Pending, want.From, want.Via)
}

// Refuse voids a transfer that cannot be begun: nothing moves, and its id is used up.
func (t *Transfers) Refuse(want Transfer) (Transfer, error) {
	if known, ok := t.known[want.ID]; ok {
		if !known.same(want) || known.State != Voided {
			return known, fmt.Errorf("%w: %s", ErrOther, want.ID)
		}
		return known, nil
	}
	want.State = Voided
	t.known[want.ID] = want
	return want, nil
}

// Post ends a pending transfer: the amount goes where it was to go.
func (t *Transfers) Post(id string) (Transfer, []platform.Posting, error) {
	known, ok := t.known[id]
	switch {
	case !ok:
		return known, nil, fmt.Errorf("%w: %s", ErrNoTransfer, id)
	case known.State == Voided:
		return known, nil, fmt.Errorf("%w: %s", ErrVoided, id)
	case known.State == Posted:
		return known, nil, nil
	}
	return t.move(known, Posted, known.Via, known.To)
}

// Void ends a pending transfer: the amount goes back.
func (t *Transfers) Void(id string) (Transfer, []platform.Posting, error) {
	known, ok := t.known[id]
	switch {
	case !ok:
		return known, nil, fmt.Errorf("%w: %s", ErrNoTransfer, id)
	case known.State == Posted:
		return known, nil, fmt.Errorf("%w: %s", ErrPosted, id)
	case known.State == Voided:
		return known, nil, nil
	}
	return t.move(known, Voided, known.Via, known.From)
}

// move brings a transfer into a state, with the postings that this takes.
func (t *Transfers) move(of Transfer, to TransferState, from, into string) (Transfer, []platform.Posting, error) {
	var moves []platform.Posting
	if from != into {
		moves = Move(from, into, of.Amount)
		if err := t.book.Post(moves); err != nil {
			return of, nil, err
		}
	}
	of.State = to
	t.known[of.ID] = of
	return of, moves, nil
}
