package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// journal is one partition's story, read on and on, and what it comes to.
type journal struct {
	*books
	last      string // entry that was read
	balances  map[string]moments[int64]
	lives     map[string]moments[life]     // of bills
	standings map[string]moments[standing] // of phones
	sweeps    map[string]moments[sweep]    // out of sub-accounts
	swept     map[string]moments[uint64]   // taken in, by origin: the highest number
	merchants map[string]bool              // opened, and whether since the look began
	disabled  map[string]moments[bool]     // endpoints
	claims    claims                       // of all partitions
	refunds   map[string]moments[refund]   // of bills whose merchant is here
	refunded  map[string][]string          // those, by bill
	given     map[string]int64             // back, by bill
	credits   map[string]credit            // of refunds to cards that are here
	cards     map[string]string            // phones, by account
	spent     map[string]spent             // by phone
	own       map[string]bool              // bills that were claimed here
	payouts   map[string]settlement        // by their keys
	logged    map[string]moments[string]   // outcomes of the office's acts
	steps     map[step]bool                // that a bill can take
	looking   bool                         // moments are kept
	made      map[string]bool              // bills and phones, and whether since the look began
	newest    time.Time                    // event
	done      place                        // the cursor when it was read last
	chain     chain
	outside   []outstanding // effects beyond it
}

// moments are what something was at each moment of a look: as the look began, and
// after each entry since.
type moments[V comparable] []V

func (m moments[V]) now() (v V) {
	if len(m) > 0 {
		v = m[len(m)-1]
	}
	return v
}

// then adds a moment; without a look only the last one is of use. What begins during a
// look was nothing before.
func (m moments[V]) then(v V, looking bool) moments[V] {
	if !looking {
		m = m[:0]
	} else if len(m) == 0 {
		var nothing V
		m = append(m, nothing)
	}
	return append(m, v)
}

// was says whether something held at one of the moments.
func (m moments[V]) was(held func(V) bool) bool { return slices.ContainsFunc(m, held) }

// life is where a bill's history has come to.
type life struct {
	state  string
	entry  string // that has its latest event
	before string // the entry before that
	final  bool   // the merchant has the result
	debits int

	partial bool // its beginning is not in the journal any more

	debit int64  // the sum of them
	card  string // the account that was debited last
}

// pageSize is how many journal entries, or records, are read at once.
const pageSize = 500

// follow reads the journal on to its end.
func (j *journal) follow(ctx context.Context) error {
	for {
		from := "-"
		if j.last != "" {
			from = "(" + j.last
		}
		entries, err := j.reader.Journal(ctx, from, "+", pageSize)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			j.enter(entry)
			j.last = entry.ID
			j.reachedCheckpoint(entry.ID, entry.Chain)
		}
		if len(entries) < pageSize {
			return nil
		}
	}
}

// wrong notes what is wrong with an entry.
func (j *journal) wrong(entry, format string, args ...any) {
	j.differ("journal", "entry %s: %s", entry, fmt.Sprintf(format, args...))
}

// told is what this package reads of an event's data.
type told struct {
	Postings []posting `json:"postings"`
}

type posting struct {
	Account string      `json:"account"`
	Amount  json.Number `json:"amount"`
}

// enter adds one journal entry to the books.
func (j *journal) enter(entry engine.Entry) {
	j.report.Entries++
	j.chain.enter(entry)
	balances := map[string]int64{}
	for _, event := range entry.Events {
		j.live(entry.ID, event)
		j.phone(entry.ID, event)
		j.claim(entry.ID, event)
		j.endpointEvent(entry.ID, event)
		j.effects(entry.ID, event)
		var data told
		if err := event.Decode(&data); err != nil {
			j.wrong(entry.ID, "%s of %s cannot be read: %v", event.Name, event.Subject, err)
			continue
		}
		j.payOut(entry.ID, event, data)
		j.act(entry.ID, event)
		j.add(entry.ID, event, data, balances)
		switch {
		case isRefund(event.Subject):
			j.refund(entry.ID, event, data)
		case strings.HasPrefix(event.Subject, "credit:"):
			j.credit(entry.ID, event, data)
		}
	}
	for account, change := range balances {
		m := j.balances[account]
		j.balances[account] = m.then(m.now()+change, j.looking)
	}
}

// add sums up the postings of an event.
func (j *journal) add(entry string, event engine.Event, data told, balances map[string]int64) {
	sums := map[string]int64{}
	for _, p := range data.Postings {
		amount, err := p.Amount.Int64()
		if err != nil {
			j.wrong(entry, "amount %q on %s is no whole number", p.Amount, p.Account)
			continue
		}
		balances[p.Account] += amount
		sums[currency(p.Account)] += amount
		if amount < 0 && strings.HasPrefix(p.Account, "card:") {
			j.debit(entry, event, p.Account, -amount)
		}
		if strings.HasPrefix(p.Account, "clearing:") && !refunds(event) {
			j.transit.see(j.books, entry, event, amount)
			j.sweep(entry, event, amount)
		}
	}
	for c, sum := range sums {
		if sum != 0 {
			j.wrong(entry, "%s of %s is off by %d %s", event.Name, event.Subject, sum, c)
		}
	}
}

// refunds says whether an event is a step of a refund, in either partition.
func refunds(event engine.Event) bool {
	return isRefund(event.Subject) || strings.HasPrefix(event.Subject, "credit:")
}

// debit notes that a bill took money from a card.
func (j *journal) debit(entry string, event engine.Event, account string, amount int64) {
	m := j.lives[event.Subject]
	if len(m) == 0 {
		j.wrong(entry, "%s of %s takes %d from a card", event.Name, event.Subject, amount)
		return
	}
	l := &m[len(m)-1]
	l.debits++
	l.debit += amount
	l.card = account
	j.spend(account, event.At, amount)
	if l.debits == 2 {
		j.report.DuplicateDebits++
	}
	if l.debits > 1 {
		j.wrong(entry, "%s was debited %d times", event.Subject, l.debits)
	}
}
