package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Lazy is an actor that does not read all of its partition at Load. What it wants for an
// input is read while others are handled, and the input is handled again when it is there.
//
// Nothing that an actor has asked for may change before it was fed: it stages a key only
// when it has it, or knows that there is none. So what was read is as it is kept, however
// long the way was.
type Lazy interface {
	Actor

	// Index is called once, after Load, with the wake-ups that are kept.
	Index(wakes []Due) error

	// Feed brings what was asked for, the keys of one Missing always together.
	Feed(all []Kept)
}

// Key names what is kept: a text record, or a field of a hash.
type Key struct {
	Hash string // "" for a record
	Name string
}

// Kept is what a key holds; "" is nothing.
type Kept struct {
	Key
	Text string
}

// Missing is a Lazy actor's answer to an input that it cannot decide before it was fed
// these keys. It has staged and changed nothing.
type Missing struct{ Keys []Key }

func (m *Missing) Error() string { return fmt.Sprintf("%d keys are not in memory", len(m.Keys)) }

// parked is an input that waits for keys.
type parked struct {
	input
	wake bool // it is a Due of the engine's own
	left int  // keys to come
	last Key  // the first of them
	err  error
}

// pantry reads what a lazy actor misses: one page at a time, beside the loop. All but
// read is for the loop's goroutine.
type pantry struct {
	reader  Reader
	config  Config
	asked   map[Key][]*parked
	parked  []*parked // in the order in which they came
	orders  [][]Key   // not yet asked for, each to be fed together
	reading bool
	pages   chan page // what was read; has room for one
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// page is some orders, filled or not.
type page struct {
	keys []Key
	kept []Kept
	err  error
}

func newPantry(r Reader, c Config) *pantry {
	return &pantry{reader: r, config: c, asked: make(map[Key][]*parked), pages: make(chan page, 1), cancel: func() {}}
}

// full says that no more inputs may wait.
func (p *pantry) full() bool { return len(p.parked) >= p.config.Queue }

// park has an input wait for keys, and asks for those that nobody has asked for.
func (p *pantry) park(in *parked, keys []Key) {
	in.left, in.last, in.err = len(keys), keys[0], nil
	var order []Key
	for _, k := range keys {
		if _, known := p.asked[k]; !known {
			order = append(order, k)
		}
		p.asked[k] = append(p.asked[k], in)
	}
	p.parked = append(p.parked, in)
	if len(order) > 0 {
		p.orders = append(p.orders, order)
	}
}

// pageKeys is how many keys are read at once, and a little more.
const pageKeys = 1000

// start has the next page read, if there is one and none is being read.
func (p *pantry) start(ctx context.Context) {
	if p.reading || len(p.orders) == 0 {
		return
	}
	var keys []Key
	n := 0
	for ; n < len(p.orders) && len(keys) < pageKeys; n++ {
		keys = append(keys, p.orders[n]...)
	}
	p.orders = append(p.orders[:0], p.orders[n:]...)
	p.reading = true
	ctx, p.cancel = context.WithTimeout(context.WithoutCancel(ctx), p.config.CommitTimeout)
	cancel := p.cancel
	p.work.Go(func() {
		defer cancel()
		kept, err := read(ctx, p.reader, keys)
		p.pages <- page{keys, kept, err}
	})
}

// read reads keys, those of a kind together.
func read(ctx context.Context, r Reader, keys []Key) ([]Kept, error) {
	names := make(map[string][]string)
	for _, k := range keys {
		names[k.Hash] = append(names[k.Hash], k.Name)
	}
	texts := make(map[Key]string, len(keys))
	for hash, names := range names {
		for names := range slices.Chunk(names, pageKeys) {
			values, err := pick(ctx, r, hash, names)
			if err != nil {
				return nil, err
			}
			for i, text := range values {
				texts[Key{hash, names[i]}] = text
			}
		}
	}
	kept := make([]Kept, 0, len(keys))
	for _, k := range keys {
		kept = append(kept, Kept{k, texts[k]})
	}
	return kept, nil
}

func pick(ctx context.Context, r Reader, hash string, names []string) ([]string, error) {
	if hash == "" {
		return r.Get(ctx, names...)
	}
	return r.Pick(ctx, hash, names...)
}

// arrived takes a page in, and answers those that wait for nothing any more.
func (p *pantry) arrived(pg page) (ready []*parked) {
	p.reading = false
	for _, k := range pg.keys {
		for _, in := range p.asked[k] {
			in.left--
			if pg.err != nil {
				in.err = pg.err
			}
		}
		delete(p.asked, k)
	}
	waiting := p.parked[:0]
	for _, in := range p.parked {
		if in.left > 0 {
			waiting = append(waiting, in)
		} else {
			ready = append(ready, in)
		}
	}
	clear(p.parked[len(waiting):])
	p.parked = waiting
	return ready
}

// refuse answers all that wait, and waits for what is being read.
func (p *pantry) refuse(err error) {
	p.cancel()
	p.work.Wait()
	for _, in := range p.parked {
		in.answer(nil, err)
	}
	p.parked = nil
}

// supplied takes note of a page: what waited for it is handled.
func (s *session) supplied(pg page) {
	if lazy, ok := s.actor.(Lazy); ok && pg.err == nil {
		lazy.Feed(pg.kept)
	}
	s.look()
	for _, in := range s.pantry.arrived(pg) {
		switch {
		case in.err == nil:
			s.resume(in)
		case in.wake:
			s.comeAgain(in.in.(Due), in.err)
		default:
			s.log.Warn().Err(in.err).Msg("what an input is about could not be read")
			in.answer(nil, ErrUnavailable)
		}
	}
}

// resume handles an input that was parked.
func (s *session) resume(in *parked) {
	s.resuming = in
	if due, ok := in.in.(Due); ok && in.wake {
		s.handleDue(due)
	} else {
		s.handle(in.input)
	}
	s.resuming = nil
}

// park puts an input aside if that is what the actor's answer comes to.
func (s *session) park(in input, wake bool, err error) bool {
	missing, ok := err.(*Missing)
	if !ok {
		return false
	}
	was := s.resuming
	switch {
	case was == nil:
		was = &parked{input: in, wake: wake}
	case len(missing.Keys) == 0 || missing.Keys[0] == was.last:
		panic(fmt.Sprintf("engine: partition %s: the actor was fed %v and asks for it again", s.number, was.last))
	}
	s.pantry.park(was, missing.Keys)
	return true
}
