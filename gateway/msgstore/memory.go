package msgstore

import (
	"context"
	"iter"
	"sync"
	"time"
)

// Keep says how many finished records are kept, and for how long. Zero is
// DefaultFinished and DefaultAge.
type Keep struct {
	Finished int
	Age      time.Duration
}

// What is kept of finished records unless said otherwise.
const (
	DefaultFinished = 100_000
	DefaultAge      = 24 * time.Hour
)

// OrDefault fills what is zero.
func (k Keep) OrDefault() Keep {
	if k.Finished <= 0 {
		k.Finished = DefaultFinished
	}
	if k.Age <= 0 {
		k.Age = DefaultAge
	}
	return k
}

// mostTrimmed is how many finished records one commit forgets at most, besides twice as
// many as it brings: no commit is long.
const mostTrimmed = 64

// Memory is a Store that lasts as long as the process. It answers at once.
type Memory struct {
	keep Keep

	mu       sync.Mutex
	live     map[string]string
	finished []ended // the oldest first
}

// ended is a finished record and when it came.
type ended struct {
	key, text string
	at        time.Time
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory(k Keep) *Memory {
	return &Memory{keep: k.OrDefault(), live: make(map[string]string)}
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, e := range m.all() {
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return
			}
			r, err := Decode(e.key, e.text)
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func (m *Memory) all() []ended {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := append(make([]ended, 0, len(m.finished)+len(m.live)), m.finished...)
	for key, text := range m.live {
		all = append(all, ended{key: key, text: text})
	}
	return all
}

// Commit implements Store. It does not fail.
func (m *Memory) Commit(_ context.Context, b *Batch) error {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range b.Puts() {
		m.live[c.Key] = string(c.Value)
	}
	for c := range b.Finished() {
		delete(m.live, c.Key)
		m.finished = append(m.finished, ended{c.Key, string(c.Value), now})
	}
	for c := range b.Removed() {
		delete(m.live, c.Key)
	}
	m.trim(now, mostTrimmed+2*len(b.finished))
	return nil
}

// trim forgets finished records that are too many or too old, at most so many of them.
func (m *Memory) trim(now time.Time, most int) {
	n := 0
	for n < min(most, len(m.finished)) && (len(m.finished)-n > m.keep.Finished || now.Sub(m.finished[n].at) > m.keep.Age) {
		m.finished[n] = ended{}
		n++
	}
	m.finished = m.finished[n:]
}
