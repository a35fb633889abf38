package fault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// mostFaults bounds how many faults may be set at a time, and mostMet how many
// accounts each of them remembers.
const (
	mostFaults = 1000
	mostMet    = 1 << 16
)

// ErrTooMany says that no more faults can be set.
var ErrTooMany = fmt.Errorf("fault: %d are set, no more can be; take some off first", mostFaults)

// ErrNone says that there is no fault of a number.
var ErrNone = errors.New("fault: none of this id; see which are set")

// Faults is what goes wrong at present. Its methods may be called from any
// goroutine. In a nil Faults nothing goes wrong.
type Faults struct {
	seed uint64
	on   atomic.Bool // some fault is set and not over

	mu     sync.Mutex
	last   int // the highest id so far
	set    []*standing
	phones map[string]string    // that some fault is for alone, each by itself: a message's own text is not kept
	facing map[meeting][]facing // what is set for whom, found when first asked
}

// standing is a fault that is set.
type standing struct {
	id     int
	fault  Fault
	struck int
	met    map[meeting]*generator
}

// meeting is who and what a fault met.
type meeting struct {
	account   string
	operation smpp.CommandID
	number    string // of a phone that some fault is for alone; else empty
}

// facing is a fault that somebody meets, and its generator for them.
type facing struct {
	*standing
	*generator
}

// generator is a fault's for one meeting.
type generator struct {
	rand  *rand.Rand
	since time.Time // a throttle's current period began
	taken int       // and so many requests came in it
	asked int       // in all, for faults that strike one of so many
}

// Record is a fault that is set, and what it has done.
type Record struct {
	ID     int
	Fault  Fault // For is gone into Until
	Struck int   // how often
	Over   bool  // it will not strike again
}

// New makes a Faults in which nothing goes wrong yet.
func New(seed uint64) *Faults {
	return &Faults{seed: seed, facing: make(map[meeting][]facing)}
}

// Set sets faults, all or none, and returns them as they are then. One with the
// same operation, account, number and kind of effect (of the same status or malformation)
// as a fault that is set takes its place and id; how often it struck starts again.
func (f *Faults) Set(now time.Time, faults ...Fault) ([]Record, error) {
	for _, ft := range faults {
		if err := ft.Validate(); err != nil {
			return nil, fmt.Errorf("fault: %w", err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.set)+f.fresh(faults) > mostFaults {
		return nil, ErrTooMany
	}
	var records []Record
	for _, ft := range faults {
		records = append(records, f.place(now, ft).record(now))
	}
	f.changed(now)
	return records, nil
}

// fresh counts the faults that take nobody's place.
func (f *Faults) fresh(faults []Fault) (n int) {
	for _, ft := range faults {
		if f.index(ft) < 0 {
			n++
		}
	}
	return n
}

// index is where the fault is set already, less than 0 if it is not.
func (f *Faults) index(ft Fault) int {
	return slices.IndexFunc(f.set, func(s *standing) bool { return s.fault.identity() == ft.identity() })
}

// place sets one fault.
func (f *Faults) place(now time.Time, ft Fault) *standing {
	if ft.Chance == 0 {
		ft.Chance = 1
	}
	if ft.For > 0 {
		ft.Until, ft.For = now.Add(ft.For), 0
	}
	if i := f.index(ft); i >= 0 {
		f.set[i].fault, f.set[i].struck = ft, 0
		return f.set[i]
	}
	f.last++
	s := &standing{id: f.last, fault: ft, met: make(map[meeting]*generator)}
	f.set = append(f.set, s)
	return s
}

// identity is what two faults cannot have in common: its text without how much,
// how often and how long.
func (ft Fault) identity() Fault {
	effect := Effect{Kind: ft.Effect.Kind, Status: ft.Effect.Status, Malform: ft.Effect.Malform}
	return Fault{Operation: ft.Operation, Account: ft.Account, Number: ft.Number, Effect: effect}
}

// Get lists what is set, in the order it was set in, over or not.
func (f *Faults) Get(now time.Time) []Record {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var records []Record
	for _, s := range f.set {
		records = append(records, s.record(now))
	}
	return records
}

func (s *standing) record(now time.Time) Record {
	return Record{ID: s.id, Fault: s.fault, Struck: s.struck, Over: s.over(now)}
}

// Off takes faults off, all or none of those named; without ids, every one.
func (f *Faults) Off(now time.Time, ids ...int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if !slices.ContainsFunc(f.set, func(s *standing) bool { return s.id == id }) {
			return fmt.Errorf("%w: %d", ErrNone, id)
		}
	}
	f.set = slices.DeleteFunc(f.set, func(s *standing) bool { return len(ids) == 0 || slices.Contains(ids, s.id) })
	f.changed(now)
	return nil
}

// changed has what is set found anew.
func (f *Faults) changed(now time.Time) {
	clear(f.facing)
	f.phones = make(map[string]string)
	for _, s := range f.set {
		if s.fault.Number != "" {
			f.phones[s.fault.Number] = s.fault.Number
		}
	}
	f.review(now)
}

// review says whether anybody need be asked.
func (f *Faults) review(now time.Time) {
	f.on.Store(slices.ContainsFunc(f.set, func(s *standing) bool { return !s.over(now) }))
}

func (s *standing) over(now time.Time) bool {
	return s.fault.Count > 0 && s.struck >= s.fault.Count || !s.fault.Until.IsZero() && !now.Before(s.fault.Until)
}

// Decide says what to do with a request of an account: the system_id that a
// session is bound as, or asks to be. The number is where a message goes; empty where
// none does. Where two faults strike at once the one set
// first gives the status and the malformation, and the longer delay counts.
func (f *Faults) Decide(now time.Time, account string, operation smpp.CommandID, number string) Action {
	if f.idle() {
		return Action{}
	}
	return f.decide(now, account, operation, number)
}

// idle says whether nothing can go wrong at present.
func (f *Faults) idle() bool { return f == nil || !f.on.Load() }

func (f *Faults) decide(now time.Time, account string, operation smpp.CommandID, number string) (a Action) {
	f.each(now, meeting{account, operation, number}, a.take)
	return a
}

// DecideReceipt says what to do with a receipt for an account, of a message to a number.
func (f *Faults) DecideReceipt(now time.Time, account, number string) ReceiptAction {
	if f.idle() {
		return ReceiptAction{}
	}
	return f.decideReceipt(now, account, number)
}

func (f *Faults) decideReceipt(now time.Time, account, number string) (a ReceiptAction) {
	f.each(now, meeting{account, receiptID, number}, a.take)
	return a
}

// each calls take with the effect of every fault that strikes; it says whether the
// effect made a difference, for only then has the fault struck.
func (f *Faults) each(now time.Time, m meeting, take func(e *Effect, spread float64) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.number = f.phones[m.number]
	ended := false
	for _, s := range f.faces(m) {
		if !s.over(now) {
			if spread, strikes := s.draw(now); strikes && take(&s.fault.Effect, spread) {
				s.struck++
			}
		}
		ended = ended || s.over(now)
	}
	if ended {
		f.review(now)
	}
}

// faces lists the faults that somebody meets.
func (f *Faults) faces(m meeting) []facing {
	list, ok := f.facing[m]
	if ok {
		return list
	}
	for _, s := range f.set {
		if s.fault.covers(m) {
			list = append(list, facing{s, s.generator(f.seed, m)})
		}
	}
	if len(f.facing) >= mostMet {
		clear(f.facing)
	}
	f.facing[m] = list
	return list
}

func (ft *Fault) covers(m meeting) bool {
	return (ft.Account == "" || ft.Account == m.account) && (ft.Number == "" || ft.Number == m.number) && ft.Operation.covers(m.operation)
}

// draw says whether the fault strikes, and where in its spread.
func (s facing) draw(now time.Time) (spread float64, strikes bool) {
	chance, spread := s.rand.Float64(), s.rand.Float64()
	within := s.fault.Effect.Kind == Throttle && s.within(&s.fault.Effect, now)
	spared := s.fault.Every > 0 && s.asked%s.fault.Every != 0
	s.asked++
	return spread, chance < s.fault.Chance && !within && !spared
}

func (s *standing) generator(seed uint64, m meeting) *generator {
	if s.fault.Number == "" {
		m.number = "" // whoever else is told apart, it goes on with the same draws
	}
	if g, ok := s.met[m]; ok {
		return g
	}
	if len(s.met) >= mostMet {
		clear(s.met)
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%v %q %d", s.fault.identity(), m.account, m.operation)
	g := &generator{rand: rand.New(rand.NewPCG(seed, h.Sum64()))} //nolint:gosec // a simulation replays from its seed
	s.met[m] = g
	return g
}

// within counts a request, and says whether it is within the rate.
func (g *generator) within(e *Effect, now time.Time) bool {
	if g.since.IsZero() || now.Sub(g.since) >= e.Per {
		g.since, g.taken = now, 0
	}
	g.taken++
	return g.taken <= e.Rate
}

// take adds an effect, and says whether that made a difference.
func (a *Action) take(e *Effect, spread float64) bool {
	before := *a
	switch e.Kind {
	case Refuse:
		a.refuse(e.Status)
	case Throttle:
		a.refuse(smpp.RTHROTTLED)
	case Delay:
		a.Delay = max(a.Delay, e.delay(spread))
	case Lose:
		a.Lose = true
	case Drop:
		a.Lose, a.Drop = true, true
	case DropAfter:
		a.Drop = true
	case Malform:
		if a.Malform == 0 {
			a.Malform = e.Malform
		}
	case Twice, Reorder: // of receipts
	}
	return *a != before
}

func (a *Action) refuse(s smpp.Status) {
	if a.Status == smpp.ROK {
		a.Status = s
	}
}

// take adds an effect, and says whether that made a difference.
func (a *ReceiptAction) take(e *Effect, spread float64) bool {
	before := *a
	switch e.Kind {
	case Lose:
		a.Lose = true
	case Twice:
		a.Twice = true
	case Delay, Reorder:
		a.Delay = max(a.Delay, e.delay(spread))
	case Refuse, Drop, DropAfter, Throttle, Malform: // of requests
	}
	return *a != before
}

// delay is evenly spread between the least and the most.
func (e *Effect) delay(spread float64) time.Duration {
	return e.Least + time.Duration(spread*float64(e.Most-e.Least))
}
