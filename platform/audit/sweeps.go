package audit

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// sweep is the last one that left a sub-account.
type sweep struct {
	Number uint64 `json:"number"`
	Amount int64  `json:"amount"`
}

// sweep follows the numbers of sweeps: each leaves once, and comes home once.
func (j *journal) sweep(entry string, event engine.Event, amount int64) {
	last := func(text string) (before string, number uint64) {
		i := max(strings.LastIndexByte(text, ':'), 0)
		number, err := strconv.ParseUint(text[min(i+1, len(text)):], 10, 64)
		if err != nil {
			j.wrong(entry, "%s of %s has no number", event.Name, event.Subject)
		}
		return text[:i], number
	}
	switch {
	case event.Name == "sweep_out" && len(event.Effects) == 1:
		m := j.sweeps[event.Subject]
		_, number := last(event.Effects[0].ID)
		if number != m.now().Number+1 && !(j.cut && len(m) == 0) {
			j.wrong(entry, "sweep %d of %s left after number %d", number, event.Subject, m.now().Number)
		}
		j.sweeps[event.Subject] = m.then(sweep{number, amount}, j.looking)
	case event.Name == "sweep_in":
		origin, number := last(event.Subject)
		m := j.swept[origin]
		if number <= m.now() {
			j.wrong(entry, "sweep %d from %s came home after number %d", number, origin, m.now())
		}
		j.swept[origin] = m.then(max(number, m.now()), j.looking)
	case event.Name == "sweep_late": // a reconciliation has put right that home had lost it
		if origin, number := last(event.Subject); number > j.swept[origin].now() {
			j.wrong(entry, "sweep %d from %s came late, but home had come to number %d only", number, origin, j.swept[origin].now())
		}
	case event.Name == "sweep_corrected": // home had it with another sum
		if sub, number := last(event.Subject); number > j.sweeps[sub].now().Number {
			j.wrong(entry, "sweep %d of %s was corrected before it left", number, sub)
		}
	}
}

// keptSweep is a sub-account's sweep as it is kept.
type keptSweep struct {
	sweep
	Open bool `json:"open"`
}

// compareSweeps holds the numbers that are kept against the journal's: one too low takes
// the same money twice.
func (b *books) compareSweeps(ctx context.Context) error {
	for sub, m := range b.journal.sweeps {
		kept, err := b.keptSweep(sub)
		if err != nil {
			b.differ("sweeps", "the sweep of %s cannot be read", sub)
		} else if !m.was(func(s sweep) bool { return s == kept.sweep }) {
			b.differ("sweeps", "%s was swept last by number %d with %d, the journal says by number %d with %d",
				sub, kept.Number, kept.Amount, m.now().Number, m.now().Amount)
		}
	}
	for sub := range b.sweeps {
		if len(b.journal.sweeps[sub]) == 0 && !b.cut {
			b.differ("sweeps", "%s has a sweep that never left", sub)
		}
	}
	for origin, m := range b.journal.swept {
		kept, _ := strconv.ParseUint(b.swept[origin], 10, 64) // what is no number is 0
		if !m.was(func(n uint64) bool { return n == kept }) {
			b.differ("swept", "from %s the last sweep taken in is number %d, the journal says %d", origin, kept, m.now())
		}
	}
	for origin := range b.swept {
		if len(b.journal.swept[origin]) == 0 && !b.cut {
			b.differ("swept", "a sweep from %s was taken in that never came", origin)
		}
	}
	return b.stuck(ctx)
}

func (b *books) keptSweep(sub string) (kept keptSweep, err error) {
	if text := b.sweeps[sub]; text != "" {
		err = json.Unmarshal([]byte(text), &kept)
	}
	return kept, err
}

// looks is how often money that seems to wait for nothing is looked at again.
const looks = 3

// stuck finds money on a sub-account that no sweep will take home: none is open and none
// is due. What is kept is read key by key, so that a sweep between two of them would show
// as one that is missing: only a look during which the journal stood still counts. A
// journal that never stands still has sweeps due all the time.
func (b *books) stuck(ctx context.Context) error {
	for range looks {
		still := b.journal.last
		waiting := b.withoutSweep()
		if len(waiting) == 0 {
			return nil
		}
		if err := b.readSweeps(ctx); err != nil {
			return err
		}
		if err := b.journal.follow(ctx); err != nil {
			return err
		}
		if again := b.withoutSweep(); b.journal.last == still {
			for _, sub := range again {
				b.differ(engine.DueSet, "%s holds %d, and no sweep of it is open or due", sub, b.balance(sub))
			}
			return nil
		}
	}
	return nil
}

// readSweeps reads once more what says whether money waits for a sweep.
func (b *books) readSweeps(ctx context.Context) (err error) {
	if b.kept, err = b.reader.Fields(ctx, "balances"); err != nil {
		return err
	}
	if b.sweeps, err = b.reader.Fields(ctx, "sweeps"); err != nil {
		return err
	}
	return b.readDue(ctx)
}

// withoutSweep lists the sub-accounts with money that none will take.
func (b *books) withoutSweep() (subs []string) {
	for account := range b.kept {
		if !strings.HasPrefix(account, "sub:") || b.balance(account) <= 0 || b.due["sweep:"+account] {
			continue
		}
		if kept, err := b.keptSweep(account); err == nil && !kept.Open {
			subs = append(subs, account)
		}
	}
	return subs
}
