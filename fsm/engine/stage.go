package engine

import (
	"encoding/json"
	"fmt"
	"time"
)

// stage gathers one batch and who waits for it. It is used again and again.
type stage struct {
	epoch, seq uint64
	id         string // of the entry, once somebody asked

	records []record
	fields  []fieldChange
	scores  []scoreChange
	due     []Due // a zero time takes it away
	events  []Event

	recordAt, fieldAt, scoreAt, dueAt index

	trim    string
	changes int // staged so far
	inputs  int
	waiting []reply
	flush   bool // commit even if nothing is staged, for the cursor's or the lease's sake
	release bool // the last batch of a partition that is given up

	text    text // the records' and events' encodings lie here
	encoder *json.Encoder
	batch   Batch
}

type record struct {
	key   string
	value any // nil deletes
}

type fieldChange struct {
	Field
	gone bool
}

type scoreChange struct {
	Score
	gone bool
}

// reply is an input's answer that waits for the commit.
type reply struct {
	done func(any, error)
	answer
}

func newStage() *stage {
	s := new(stage)
	s.encoder = json.NewEncoder(&s.text)
	s.encoder.SetEscapeHTML(false)
	return s
}

// reset empties the stage for the batch with this number.
func (s *stage) reset(epoch, seq uint64) {
	s.epoch, s.seq, s.id = epoch, seq, ""
	s.records, s.fields, s.scores = emptied(s.records), emptied(s.fields), emptied(s.scores)
	s.due, s.events, s.waiting = emptied(s.due), emptied(s.events), emptied(s.waiting)
	s.recordAt.empty()
	s.fieldAt.empty()
	s.scoreAt.empty()
	s.dueAt.empty()
	s.changes, s.inputs, s.flush, s.release, s.trim = 0, 0, false, false, ""
	s.text = s.text[:0]
	b := &s.batch
	b.Puts, b.Deletes, b.Fields, b.FieldDeletes = emptied(b.Puts), emptied(b.Deletes), emptied(b.Fields), emptied(b.FieldDeletes)
	b.Scores, b.ScoreDeletes, b.Wakes, b.NoWakes = emptied(b.Scores), emptied(b.ScoreDeletes), emptied(b.Wakes), emptied(b.NoWakes)
}

// emptied forgets what a slice pointed to and keeps its room.
func emptied[S ~[]E, E any](s S) S {
	clear(s)
	return s[:0]
}

func (s *stage) entryID() string {
	if s.id == "" {
		s.id = entryID(s.epoch, s.seq)
	}
	return s.id
}

func (s *stage) put(key string, value any) {
	s.changes++
	if i, ok := s.recordAt.find(name(key), len(s.records), func(n int) bool { return s.records[n].key == key }); ok {
		s.records[i].value = value
		return
	}
	s.records = append(s.records, record{key, value})
}

func (s *stage) field(f Field, gone bool) {
	s.changes++
	is := func(n int) bool { return s.fields[n].Name == f.Name && s.fields[n].Hash == f.Hash }
	if i, ok := s.fieldAt.find(names(f.Hash, f.Name), len(s.fields), is); ok {
		s.fields[i] = fieldChange{f, gone}
		return
	}
	s.fields = append(s.fields, fieldChange{f, gone})
}

func (s *stage) score(m Score, gone bool) {
	s.changes++
	is := func(n int) bool { return s.scores[n].Member == m.Member && s.scores[n].Set == m.Set }
	if i, ok := s.scoreAt.find(names(m.Set, m.Member), len(s.scores), is); ok {
		s.scores[i] = scoreChange{m, gone}
		return
	}
	s.scores = append(s.scores, scoreChange{m, gone})
}

func (s *stage) wake(id string, at time.Time) {
	s.changes++
	if i, ok := s.dueAt.find(name(id), len(s.due), func(n int) bool { return s.due[n].ID == id }); ok {
		s.due[i].At = at
		return
	}
	s.due = append(s.due, Due{ID: id, At: at})
}

func (s *stage) record(e Event) {
	s.changes++
	if e.Data != nil {
		e.Data = json.RawMessage(s.encode(e.Subject, e.Data))
	}
	s.events = append(s.events, e)
}

// encode writes v into the stage's text. What it answers is good until the reset.
func (s *stage) encode(whose string, v any) []byte {
	start := len(s.text)
	end := 0
	var err error
	switch v := v.(type) {
	case string:
		return []byte(v)
	case []byte:
		return v
	case json.RawMessage:
		return v
	case Appender:
		s.text, err = v.AppendJSON(s.text)
	default:
		err = s.encoder.Encode(v)
		end = 1 // the encoder's line feed is left out
	}
	if err != nil {
		panic(fmt.Sprintf("engine: encode %T of %s: %v", v, whose, err))
	}
	end = len(s.text) - end
	return s.text[start:end:end]
}

// text is octets that a json.Encoder can write to.
type text []byte

func (t *text) Write(b []byte) (int, error) {
	*t = append(*t, b...)
	return len(b), nil
}

// seal makes the batch of what is staged.
func (s *stage) seal(cursor string) *Batch {
	b := &s.batch
	b.Seq, b.Cursor, b.Journal, b.Release, b.Trim = s.seq, cursor, s.events, s.release, s.trim
	for _, r := range s.records {
		if r.value == nil {
			b.Deletes = append(b.Deletes, r.key)
			continue
		}
		b.Puts = append(b.Puts, Put{Key: r.key, Value: s.encode(r.key, r.value)})
	}
	for _, f := range s.fields {
		if f.gone {
			b.FieldDeletes = append(b.FieldDeletes, f.Field)
		} else {
			b.Fields = append(b.Fields, f.Field)
		}
	}
	for _, m := range s.scores {
		if m.gone {
			b.ScoreDeletes = append(b.ScoreDeletes, m.Score)
		} else {
			b.Scores = append(b.Scores, m.Score)
		}
	}
	for _, d := range s.due {
		if d.At.IsZero() {
			b.NoWakes = append(b.NoWakes, d.ID)
		} else {
			b.Wakes = append(b.Wakes, d)
		}
	}
	return b
}

// answer tells everybody who waits: what the actor said, or that the commit failed.
func (s *stage) answer(err error) {
	for _, r := range s.waiting {
		switch {
		case r.done == nil:
		case err != nil:
			r.done(nil, err)
		default:
			r.done(r.reply, r.err)
		}
	}
}

// wait keeps an input's answer until the commit.
func (s *stage) wait(done func(any, error), value any, err error) {
	s.waiting = append(s.waiting, reply{done, answer{value, err}})
}

// staged says that there is something to commit.
func (s *stage) staged() bool { return s.changes > 0 || s.flush }

// empty says that there is nothing to commit and nobody to answer.
func (s *stage) empty() bool { return !s.staged() && s.inputs == 0 }
