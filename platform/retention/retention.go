// Package retention moves what a store does not have to have at hand any more to an
// archive: bills that are finished, by the day they were made, and the journal of the
// days before.
//
// What is moved is in the archive, on the disk, before it is taken out of the store; a
// move that is broken off is begun again by the next. Of the journal no entry goes whose
// effects are not done. In its place stays a checkpoint, which the auditor begins from:
// with the archive it begins with the first entry of all.
//
// What remains in the store of an archived bill is that its order's reference is taken,
// and its place in its merchant's list. Its idempotency key is free again. A bill that
// lives on, however old, stays.
//
// Left out: a move of a part of a day (a partition's day is read at once), and archives
// of several machines: a partition goes to the archive of the process that owns it, so
// processes on several machines need one directory that they share.
package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/archive"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/money"
)

// Least is how long bills are at hand at least: an order is repeated, and its idempotency
// key refused to another, for so long.
const Least = 24 * time.Hour

// Keeper moves what is old enough. All but Every must be set.
type Keeper struct {
	Engine     billing.Doer // this process's own: of partitions that are another's it answers that they are not available
	Store      engine.Store // without the archive
	Archive    *archive.Archive
	Partitions int
	Retain     time.Duration // how long a bill is at hand after the day it was made on; not less than Least
	Every      time.Duration // between two looks; 0 is an hour
	Log        zerolog.Logger
}

// Moved is what came of a look at one partition.
type Moved struct {
	Bills   int
	Entries int
}

// Validate says what is missing.
func (k *Keeper) Validate() error {
	switch {
	case k.Engine == nil || k.Store == nil || k.Archive == nil || k.Partitions < 1:
		return errors.New("retention: no engine, store, archive or partitions")
	case k.Retain < Least:
		return fmt.Errorf("retention: %s is too short: bills are at hand for %s at least", k.Retain, Least)
	}
	return nil
}

// Serve looks at once and then again and again, until ctx ends. What fails is tried again
// with the next look.
func (k *Keeper) Serve(ctx context.Context) error {
	if err := k.Validate(); err != nil {
		return err
	}
	every := k.Every
	if every == 0 {
		every = time.Hour
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		k.look(ctx)
		timer.Reset(every)
	}
}

func (k *Keeper) look(ctx context.Context) {
	for n := range k.Partitions {
		p := engine.Partition(n)
		moved, err := k.Move(ctx, p, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			k.Log.Warn().Err(err).Stringer("partition", p).Msg("what is old was not moved to the archive; it will be tried again")
		case moved != Moved{}:
			k.Log.Info().Stringer("partition", p).Int("bills", moved.Bills).Int("entries", moved.Entries).Msg("moved to the archive")
		}
	}
}

// Move moves what is old enough of one partition, if this process has it.
func (k *Keeper) Move(ctx context.Context, p engine.Partition, now time.Time) (moved Moved, err error) {
	if _, err := k.Engine.Do(ctx, p, billing.FindCheckpoint{}); err != nil {
		return moved, ignore(err, engine.ErrUnavailable)
	}
	m := &move{Keeper: k, p: p, reader: k.Store.Read(p), before: now.Add(-k.Retain).UTC().Truncate(24 * time.Hour)}
	if moved.Bills, err = m.bills(ctx); err != nil {
		return moved, fmt.Errorf("archive bills: %w", err)
	}
	if moved.Entries, err = m.journal(ctx); err != nil {
		return moved, fmt.Errorf("archive the journal: %w", err)
	}
	return moved, nil
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// move is a look at one partition.
type move struct {
	*Keeper
	p      engine.Partition
	reader engine.Reader
	before time.Time // the day whose bills, and those of all after it, stay
}

func (m *move) day() string { return m.before.Format(time.DateOnly) }

// bills moves the finished bills of each day before.
func (m *move) bills(ctx context.Context) (n int, err error) {
	first, err := m.firstDay(ctx)
	if err != nil {
		return 0, err
	}
	for day := first; day.Before(m.before); day = day.AddDate(0, 0, 1) {
		name := day.Format(time.DateOnly)
		filed, err := m.reader.Fields(ctx, "finished:"+name)
		if err != nil {
			return n, err
		}
		if err := m.retire(ctx, name, filed); err != nil {
			return n, err
		}
		n += len(filed)
	}
	return n, nil
}

// firstDay is the day on which the store's oldest bill can have been made: of the archive's
// beginning, or else of the journal's.
func (m *move) firstDay(ctx context.Context) (time.Time, error) {
	if day, ok, err := m.Archive.FirstDay(m.p); err != nil || ok {
		return day, err
	}
	entries, err := m.reader.Journal(ctx, "-", "+", 1)
	if err != nil || len(entries) == 0 || len(entries[0].Events) == 0 {
		return m.before, err
	}
	// An order may have been claimed, in another partition, before anything happened here.
	return entries[0].Events[0].At.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1), nil
}

// mostRetired is how many bills are taken out of the store at once.
const mostRetired = 500

func (m *move) retire(ctx context.Context, day string, filed map[string]string) error {
	if len(filed) == 0 {
		return nil
	}
	if err := m.Archive.AddBills(m.p, day, filed); err != nil {
		return err
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(filed)), mostRetired) {
		in := billing.Retire{Day: day, Before: m.day()}
		for _, id := range chunk {
			in.Bills = append(in.Bills, platform.BillID(id))
		}
		if _, err := m.Engine.Do(ctx, m.p, in); err != nil {
			return err
		}
	}
	return nil
}

// pageSize is how many journal entries are looked at at once; mostEvents is about how many
// events go at once.
const (
	pageSize   = 200
	mostEvents = 2000
)

// journal moves the entries of the days before whose effects are done.
func (m *move) journal(ctx context.Context) (n int, err error) {
	for {
		last, err := m.Engine.Do(ctx, m.p, billing.FindCheckpoint{})
		if err != nil {
			return n, err
		}
		texts, err := m.reader.Get(ctx, "cursor")
		if err != nil {
			return n, err
		}
		page, err := m.reader.Journal(ctx, "-", "+", pageSize)
		if err != nil {
			return n, err
		}
		old := m.old(page, texts[0])
		if len(old) == 0 {
			return n, nil
		}
		trimmed, err := m.trim(ctx, last.(billing.Checkpoint), old)
		if err != nil || !trimmed {
			return n, err
		}
		n += len(old)
		if len(old) == len(page)-1 && len(page) < pageSize {
			return n, nil // the rest is what this has added
		}
	}
}

// old are the first entries of a page, as far as they are from before and their effects
// are done. The last of a journal stays, so that there is one.
func (m *move) old(page []engine.Entry, cursor string) []engine.Entry {
	n, events := 0, 0
	for n < len(page) && events < mostEvents && reached(cursor, page[n].ID) && m.isOld(page[n]) {
		events += len(page[n].Events)
		n++
	}
	if len(page) < pageSize {
		n = min(n, len(page)-1)
	}
	return page[:max(n, 0)]
}

func (m *move) isOld(e engine.Entry) bool {
	return !slices.ContainsFunc(e.Events, func(event engine.Event) bool { return !event.At.Before(m.before) })
}

// reached says that a cursor is at an entry, or past it.
func reached(cursor, entry string) bool {
	at, want := place(cursor), place(entry)
	return at[0] > want[0] || at[0] == want[0] && at[1] >= want[1]
}

// place is an entry's epoch and number; zeros for what is none.
func place(id string) (p [2]uint64) {
	epoch, seq, _ := strings.Cut(id, "-")
	p[0], _ = strconv.ParseUint(epoch, 10, 64)
	p[1], _ = strconv.ParseUint(seq, 10, 64)
	return p
}

// trim moves entries, and says whether they are gone: not if somebody else did it.
func (m *move) trim(ctx context.Context, last billing.Checkpoint, entries []engine.Entry) (bool, error) {
	if err := m.Archive.AddEntries(m.p, entries); err != nil {
		return false, err
	}
	in := billing.Trim{After: last.Entry, Checkpoint: last, Balances: make(map[string]money.Amount)}
	end := entries[len(entries)-1]
	in.Checkpoint.Entry, in.Checkpoint.Chain = end.ID, end.Chain
	in.Checkpoint.Before = max(last.Before, m.day())
	in.Checkpoint.Entries += len(entries)
	var claims []string
	for _, e := range entries {
		for _, event := range e.Events {
			in.Checkpoint.At = event.At
			key, err := count(&in, event)
			if err != nil {
				return false, fmt.Errorf("entry %s: %w", e.ID, err)
			}
			if key != "" {
				claims = append(claims, key)
			}
		}
	}
	if err := m.open(ctx, in.Balances); err != nil {
		return false, err
	}
	var err error
	if in.Claims, err = m.claims(ctx, claims); err != nil {
		return false, err
	}
	reply, err := m.Engine.Do(ctx, m.p, in)
	if err != nil {
		return false, err
	}
	now, _ := reply.(billing.Checkpoint)
	return now.Entry == end.ID, nil
}

// count adds one event to what the journal comes to. It answers the record of a claim, if
// the event is one.
func count(in *billing.Trim, event engine.Event) (claim string, err error) {
	var told struct{ Postings []platform.Posting }
	if err := event.Decode(&told); err != nil {
		return "", err
	}
	for _, p := range told.Postings {
		in.Balances[p.Account] += p.Amount
	}
	switch {
	case strings.HasPrefix(event.Subject, "order:") && event.Name == "claim" && len(event.Effects) == 1:
		var open struct {
			Merchant string `json:"merchant"`
			Order    struct{ Reference string }
		}
		err = json.Unmarshal(event.Effects[0].Body, &open)
		return "order:" + open.Merchant + ":" + open.Order.Reference, err
	case !strings.HasPrefix(event.Subject, "bill_"):
	case event.Name == "create":
		in.Checkpoint.Bills++
	case event.Name == string(bill.Pay):
		in.Checkpoint.Paid++
	}
	return "", nil
}

// open adds what accounts held at the checkpoint before to what has moved since.
func (m *move) open(ctx context.Context, moved map[string]money.Amount) error {
	accounts := slices.Sorted(maps.Keys(moved))
	texts, err := m.reader.Pick(ctx, billing.OpeningHash, accounts...)
	if err != nil {
		return err
	}
	for i, text := range texts {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("opening balance of %s: %w", accounts[i], err)
		}
		moved[accounts[i]] += money.Amount(n)
	}
	return nil
}

func (m *move) claims(ctx context.Context, names []string) (all []billing.ShortClaim, err error) {
	texts, err := m.reader.Get(ctx, names...)
	if err != nil {
		return nil, err
	}
	for i, text := range texts {
		if text == "" {
			continue // the auditor's business
		}
		c, err := billing.Shorten(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
		all = append(all, c)
	}
	return all, nil
}
