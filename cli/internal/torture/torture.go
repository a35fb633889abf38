// Package torture is a crash harness. It runs the real processes - a carrier, platforms,
// handsets with secure elements, a redis-server or a cluster or an embedded store - puts
// a load of orders on them, and kills them: at random moments and at every named point of
// package fault, with their files torn, their network cut, their disk full. After each
// kill the live store is audited. At the end, when all is quiet, what a merchant and the
// phones have written down themselves is compared with what the platform says:
//
//   - every order that was acknowledged has one bill, and no order has two;
//   - every bill has ended, and merchant and platform know of the same one end;
//   - no callback is lost: one at least was answered 2xx;
//   - books sum to zero, nothing is on its way, no bill was debited twice;
//   - accounts of cards and merchants are what the paid bills make of them;
//   - what clients were answered is linearizable, order by order (package history).
//
// A run that finds nothing proves little before the harness has found something: a build
// with the tag mutant has bugs to plant ([Config.Bug]).
package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// Kind is a kind of fault.
type Kind string

// The kinds.
const (
	KillPlatform   Kind = "platform"        // kill -9 at a random moment
	KillAtPoint    Kind = "point"           // kill -9 at the next named point; in a build with the tag faults
	StallAtPoint   Kind = "stall"           // who passes the next named point waits there, and then the platform is killed
	KillRedis      Kind = "redis"           // kill -9, and start again on the same files; of a cluster one master
	TearTail       Kind = "torn"            // kill -9, cut the file's tail that nobody was answered for, mend it, start again
	LoseReplies    Kind = "replies"         // Redis does what it is asked, and its replies are lost
	CutNetwork     Kind = "cut"             // nobody reaches Redis for a while
	FreezePlatform Kind = "freeze-platform" // SIGSTOP, SIGCONT
	FreezeRedis    Kind = "freeze-redis"
	KillGateway    Kind = "gateway"  // kill -9 of the carrier, which keeps its messages
	FillDisk       Kind = "disk"     // Redis's disk is full; then there is room again
	TakeOver       Kind = "takeover" // a platform is frozen, another one takes its place, and it goes on
)

// Store is where the platform keeps everything.
type Store string

// The stores.
const (
	Redis    Store = "redis"    // a redis-server, append-only file always synced
	Embedded Store = "embedded" // the platform's own file
	Cluster  Store = "cluster"  // three masters
)

// Stores lists the stores.
func Stores() []Store { return []Store{Redis, Embedded, Cluster} }

// Kinds lists the kinds of faults that make sense with a store.
func (s Store) Kinds() []Kind {
	switch s {
	case Embedded:
		return []Kind{KillPlatform, KillAtPoint, StallAtPoint, TearTail, FreezePlatform}
	case Cluster:
		return []Kind{KillPlatform, KillAtPoint, StallAtPoint, KillRedis, FreezePlatform, FreezeRedis}
	}
	return []Kind{
		KillPlatform, KillAtPoint, StallAtPoint, KillRedis, TearTail, LoseReplies, CutNetwork,
		FreezePlatform, FreezeRedis, KillGateway, FillDisk, TakeOver,
	}
}

// Config is what a run is told. Binary, Dir and Store must be set.
type Config struct {
	Binary    string        // airtill
	Dir       string        // for logs and files; made if it is not there
	Store     Store         // "" is Redis
	Plan      []Kind        // a round each
	Seed      uint64        // of all that is random
	Platforms int           // processes that share the store; 0 is 1
	Bug       fault.Bug     // to plant; "" is none
	Points    []fault.Name  // to end or stall at, in turn; none: all, in an order drawn from the seed
	Expiry    time.Duration // of bills; 0 is 40 s
	Time      time.Duration
	Talk      io.Writer // hears of each round; may be nil
}

// NeedsFaults says whether a binary with the tag faults is needed.
func (c Config) NeedsFaults() bool {
	return slices.ContainsFunc(c.Plan, func(k Kind) bool {
		return k == KillAtPoint || k == StallAtPoint || k == TearTail && c.Store == Embedded
	})
}

// Validate says what cannot be.
func (c Config) Validate() error {
	switch {
	case c.Binary == "" || c.Dir == "":
		return errors.New("torture: no binary to run, or no directory")
	case c.Platforms > 1 && c.Store == Embedded:
		return errors.New("torture: platforms do not share an embedded store")
	}
	for _, k := range c.Plan {
		if !slices.Contains(c.Store.Kinds(), k) {
			return fmt.Errorf("torture: a fault %q makes no sense with store %q", k, c.Store)
		}
	}
	return nil
}

// Result is what a run has come to.
type Result struct {
	Seed        uint64         `json:"seed"`
	Store       Store          `json:"store"`
	Rounds      int            `json:"rounds"`
	Kills       int            `json:"kills"`
	Faults      map[string]int `json:"faults"` // by kind; "point" and "platform" are kills of a platform
	Points      []string       `json:"points"` // at which a platform has ended
	Orders      int            `json:"orders"`
	Bills       int            `json:"bills"`
	Paid        int            `json:"paid"`
	Callbacks   int            `json:"callbacks"` // that the merchant got
	Repeats     int            `json:"repeats"`   // of orders, by the merchant
	Asked       int            `json:"asked"`     // questions whose histories were judged
	Lost        int            `json:"lost"`      // orders or callbacks
	Double      int            `json:"double"`    // bills or debits
	Ledger      int64          `json:"ledger"`    // the sum of all accounts
	Seconds     float64        `json:"seconds"`
	Differences []string       `json:"differences"`
	Logs        string         `json:"logs,omitempty"` // where the processes' logs are kept, after a failure
}

// String is the result in a line.
func (r *Result) String() string {
	var kinds []string
	for _, k := range Redis.Kinds() { // the others have no kinds of their own
		if n := r.Faults[string(k)]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", k, n))
		}
	}
	return fmt.Sprintf("%d kills (%s), %d bills, %d paid, %d lost, %d double, ledger %d",
		r.Kills, strings.Join(kinds, ", "), r.Bills, r.Paid, r.Lost, r.Double, r.Ledger)
}

// Good says whether nothing was wrong.
func (r *Result) Good() bool { return len(r.Differences) == 0 }

// Run tortures a network of its own. An error is one of the harness; what was found is in
// the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Platforms = max(1, c.Platforms)
	if c.Expiry == 0 {
		c.Expiry = defaultExpiry
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	if c.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Time+settleTime, fmt.Errorf("not done %s after its time", settleTime))
		defer cancel()
	}
	s := newSite(c)
	defer s.close()
	begun := time.Now()
	err := s.torture(ctx)
	s.result.Seconds = time.Since(begun).Seconds()
	if !s.result.Good() {
		s.result.Logs = c.Dir
	}
	return &s.result, err
}

// defaultExpiry is of bills that somebody pays or refuses, in a second or two.
const defaultExpiry = 40 * time.Second

// settleTime is how long a run may take after its rounds.
const settleTime = 2 * time.Minute

// torture opens the site, goes through the rounds under load, and judges.
func (s *site) torture(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	stopLoad := s.load(ctx)
	err := s.rounds(ctx)
	stopLoad()
	if err != nil {
		return err
	}
	if s.broken() {
		return nil // it is found; what is left cannot become quiet
	}
	if err := s.quiet(ctx); err != nil {
		return err
	}
	return s.judge(ctx)
}

// rounds is one fault after the other; each ends when orders are taken again and the
// live books are right.
func (s *site) rounds(ctx context.Context) error {
	until := time.Now().Add(s.config.Time)
	for _, kind := range s.config.Plan {
		if s.broken() || s.config.Time > 0 && time.Now().After(until) {
			return nil
		}
		pause(ctx, time.Duration(50+s.random.IntN(350))*time.Millisecond)
		begun := time.Now()
		if err := s.round(ctx, kind); err != nil {
			return fmt.Errorf("round %d, %s: %w", s.result.Rounds+1, kind, err)
		}
		s.result.Rounds++
		s.talk("round %d: %s, %.1f s, %d orders so far", s.result.Rounds, kind, time.Since(begun).Seconds(), s.shop.count())
	}
	return nil
}

// talk tells whoever waits how far it has come.
func (s *site) talk(format string, args ...any) {
	if s.config.Talk != nil {
		fmt.Fprintf(s.config.Talk, format+"\n", args...)
	}
}

func (s *site) round(ctx context.Context, kind Kind) error {
	if err := s.fault(ctx, kind); err != nil {
		return err
	}
	if s.broken() {
		return nil
	}
	if !s.progress(ctx) {
		s.differ(lost, "after %s no order was taken for %s", kind, progressWithin)
		return nil
	}
	return s.audit(ctx)
}

// progressWithin is how long a network may take to go on after a fault.
const progressWithin = 30 * time.Second

// progress waits until orders are acknowledged again.
func (s *site) progress(ctx context.Context) bool {
	const some = 8
	target := s.shop.acknowledged() + some
	return until(ctx, progressWithin, func() bool { return s.broken() || s.shop.acknowledged() >= target })
}

// until waits until ok says yes, looking again and again.
func until(ctx context.Context, within time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !ok() {
		if !pause(ctx, 10*time.Millisecond) {
			return false
		}
	}
	return true
}

// pause lets time pass, and says false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// generator draws from the seed; each use has one of its own.
func (c Config) generator(use uint64) *rand.Rand { return rand.New(rand.NewPCG(c.Seed, use)) }
