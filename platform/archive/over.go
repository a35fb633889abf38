package archive

import (
	"context"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// Over is a store together with what was moved from it to the archive: its readers read
// finished bills and the journal as if nothing had been moved.
func (a *Archive) Over(s engine.Store) engine.Store { return store{s, a} }

type store struct {
	engine.Store
	archive *Archive
}

// Archived marks a store whose readers read what was moved, too.
func (store) Archived() {}

// Read answers a reader of both.
func (s store) Read(p engine.Partition) engine.Reader {
	return reader{s.Store.Read(p), s.archive, p}
}

type reader struct {
	engine.Reader
	archive   *Archive
	partition engine.Partition
}

// dayOfHash says of which day's finished bills a hash is.
func dayOfHash(hash string) (string, bool) { return strings.CutPrefix(hash, "finished:") }

// Field looks in the store first: what is moved is in the archive before it is gone.
func (r reader) Field(ctx context.Context, hash, field string) (string, bool, error) {
	value, ok, err := r.Reader.Field(ctx, hash, field)
	if _, finished := dayOfHash(hash); err != nil || ok || !finished {
		return value, ok, err
	}
	return r.archive.Bill(r.partition, platform.BillID(field))
}

func (r reader) Pick(ctx context.Context, hash string, fields ...string) ([]string, error) {
	values, err := r.Reader.Pick(ctx, hash, fields...)
	if _, finished := dayOfHash(hash); err != nil || !finished {
		return values, err
	}
	for i, value := range values {
		if value != "" {
			continue
		}
		if values[i], _, err = r.archive.Bill(r.partition, platform.BillID(fields[i])); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (r reader) Fields(ctx context.Context, hash string) (map[string]string, error) {
	fields, err := r.Reader.Fields(ctx, hash)
	day, finished := dayOfHash(hash)
	if err != nil || !finished {
		return fields, err
	}
	all, err := r.archive.Bills(r.partition, day)
	for name, value := range fields {
		if err == nil {
			all[name] = value
		}
	}
	return all, err
}

func (r reader) Journal(ctx context.Context, from, to string, limit int) ([]engine.Entry, error) {
	if from == to { // one entry, which is likely still at hand
		if entries, err := r.Reader.Journal(ctx, from, to, limit); err != nil || len(entries) > 0 {
			return entries, err
		}
		return r.archive.Entries(r.partition, from, to, limit)
	}
	// The store first: what is moved between the two looks is found in the archive.
	left, err := r.Reader.Journal(ctx, from, to, limit)
	if err != nil {
		return nil, err
	}
	entries, err := r.archive.Entries(r.partition, from, to, limit)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		entries = slices.DeleteFunc(entries, func(e engine.Entry) bool { return compareEntries(e.ID, left[0].ID) >= 0 })
	}
	entries = append(entries, left...)
	if limit > 0 && len(entries) > limit {
		entries = entries[:limit]
	}
	return entries, nil
}
