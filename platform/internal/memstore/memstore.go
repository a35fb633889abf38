// Package memstore is a model of a store in memory, for tests: it applies batches and
// reads what they left, by the rules of engine.Store.
//
// Left out: holds and fences (there is one writer), doubt, and concurrent use.
package memstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// Store keeps partitions in memory.
type Store struct{ partitions []*Partition }

var _ engine.Store = (*Store)(nil)

// New makes an empty store.
func New(partitions int) *Store {
	s := new(Store)
	for range partitions {
		s.partitions = append(s.partitions, &Partition{
			Records: make(map[string]string), Hashes: make(map[string]map[string]string), Sets: make(map[string]map[string]float64),
		})
	}
	return s
}

// Take is not for a model.
func (s *Store) Take(context.Context, engine.Partition) (engine.Hold, error) {
	return nil, errors.New("memstore: nothing is held here")
}

// Read answers a reader of one partition.
func (s *Store) Read(p engine.Partition) engine.Reader { return s.partitions[p] }

// Partition is what one partition holds. Tests may look at it and plant faults in it.
func (s *Store) Partition(p engine.Partition) *Partition { return s.partitions[p] }

// Partition is one partition's keys.
type Partition struct {
	Records map[string]string
	Hashes  map[string]map[string]string
	Sets    map[string]map[string]float64
	Entries []engine.Entry // the journal
}

var _ engine.Reader = (*Partition)(nil)

// Apply writes a batch of epoch 1. It keeps nothing of the batch itself.
func (p *Partition) Apply(b *engine.Batch) error {
	for _, put := range b.Puts {
		p.Records[put.Key] = string(put.Value)
	}
	for _, key := range b.Deletes {
		delete(p.Records, key)
	}
	for _, f := range b.Fields {
		member(p.Hashes, f.Hash)[f.Name] = f.Value
	}
	for _, f := range b.FieldDeletes {
		delete(p.Hashes[f.Hash], f.Name)
	}
	for _, s := range b.Scores {
		member(p.Sets, s.Set)[s.Member] = s.Score
	}
	for _, s := range b.ScoreDeletes {
		delete(p.Sets[s.Set], s.Member)
	}
	for _, w := range b.Wakes {
		member(p.Sets, engine.DueSet)[w.ID] = float64(w.At.UnixMilli())
	}
	for _, id := range b.NoWakes {
		delete(p.Sets[engine.DueSet], id)
	}
	if b.Trim != "" {
		p.Entries = slices.DeleteFunc(p.Entries, func(e engine.Entry) bool { return number(e.ID) <= number(b.Trim) })
	}
	return p.enter(b)
}

func member[V any](all map[string]map[string]V, name string) map[string]V {
	if all[name] == nil {
		all[name] = make(map[string]V)
	}
	return all[name]
}

func (p *Partition) enter(b *engine.Batch) error {
	if len(b.Journal) == 0 {
		return nil
	}
	p.Records["seq"], p.Records["fence"] = strconv.FormatUint(b.Seq, 10), "1" // as the engine's stores keep them
	entry := engine.Entry{ID: fmt.Sprintf("1-%d", b.Seq)}
	for _, e := range b.Journal {
		if e.Data != nil {
			text, err := json.Marshal(e.Data)
			if err != nil {
				return err
			}
			e.Data = json.RawMessage(text)
		}
		e.Effects = slices.Clone(e.Effects)
		entry.Events = append(entry.Events, e)
	}
	p.Entries = append(p.Entries, entry)
	return nil
}

// Due lists the wake-ups that have come by now, the earliest first.
func (p *Partition) Due(now time.Time) []engine.Due {
	var due []engine.Due
	for id, ms := range p.Sets[engine.DueSet] {
		if at := time.UnixMilli(int64(ms)).UTC(); !at.After(now) {
			due = append(due, engine.Due{ID: id, At: at})
		}
	}
	slices.SortFunc(due, func(a, b engine.Due) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return due
}

// Get reads records.
func (p *Partition) Get(_ context.Context, keys ...string) ([]string, error) {
	texts := make([]string, 0, len(keys))
	for _, key := range keys {
		texts = append(texts, p.Records[key])
	}
	return texts, nil
}

// Field reads one field.
func (p *Partition) Field(_ context.Context, hash, field string) (string, bool, error) {
	v, ok := p.Hashes[hash][field]
	return v, ok, nil
}

// Pick reads some fields.
func (p *Partition) Pick(_ context.Context, hash string, fields ...string) ([]string, error) {
	texts := make([]string, 0, len(fields))
	for _, field := range fields {
		texts = append(texts, p.Hashes[hash][field])
	}
	return texts, nil
}

// Fields reads a hash.
func (p *Partition) Fields(_ context.Context, hash string) (map[string]string, error) {
	return maps.Clone(p.Hashes[hash]), nil
}

// Members lists a sorted set.
func (p *Partition) Members(_ context.Context, set string, r engine.Range) ([]string, error) {
	scores := p.Sets[set]
	members := slices.SortedFunc(maps.Keys(scores), func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[a], scores[b]), strings.Compare(a, b))
	})
	if r.Reverse {
		slices.Reverse(members)
	}
	members = slices.DeleteFunc(members, func(m string) bool {
		switch {
		case r.ByScore && (scores[m] < r.Min || scores[m] > r.Max):
			return true
		case r.After == "":
			return false
		case r.Reverse:
			return m >= r.After
		}
		return m <= r.After
	})
	if r.Limit > 0 && len(members) > r.Limit {
		members = members[:r.Limit]
	}
	return members, nil
}

// Journal lists entries.
func (p *Partition) Journal(_ context.Context, from, to string, limit int) ([]engine.Entry, error) {
	var page []engine.Entry
	for _, entry := range p.Entries {
		if below(entry.ID, from) || above(entry.ID, to) {
			continue
		}
		page = append(page, entry)
		if len(page) == limit {
			break
		}
	}
	return page, nil
}

func below(id, from string) bool {
	bound, without := strings.CutPrefix(from, "(")
	return from != "-" && (number(id) < number(bound) || without && id == bound)
}

func above(id, to string) bool {
	bound, without := strings.CutPrefix(to, "(")
	return to != "+" && (number(id) > number(bound) || without && id == bound)
}

// number is the number of an entry in epoch 1; one that cannot be read is before all.
func number(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "1-"))
	if err != nil {
		return -1
	}
	return n
}
