// Package billing holds the platform's rules: what becomes of an order, a bill, a
// phone's message, a receipt, a deadline or a sweep, and of the money.
//
// A [Partition] is an engine.Actor: it decides in memory, purely, and stages what
// it decided in the engine's batch. It does no I/O, takes the time from the batch,
// and can be built again from what the store holds at any moment. [Service] is the
// way in for everybody else: it finds the partition, hands the input over and
// answers once the engine has kept the outcome.
//
// What the store holds, by partition (the engine adds the prefix {pNN}:):
//
//	bill:ID           a live bill, as JSON                    payer's partition
//	finished:DAY      hash: bills that are final, by id, filed under the day they were made
//	phones            hash: the register, by number; no PIN, PAN or key
//	held              hash: phones that are held, and since when
//	counters          hash: packet, DUKPT and PIN try counters, by number; no message
//	balances          hash: the book, by account
//	sweeps            hash: the last sweep of each payee and currency
//	elements          hash: whose phone an element is in      the element's partition
//	merchants         hash: merchants, by number              merchant's partition
//	identity          hash: the platform's own keys for merchants, sealed
//	order:M:REF       which bill an order's reference became
//	key:M:KEY         which order an idempotency key came with
//	bills:M           sorted set: the merchant's bills, by id
//	swept             hash: the last sweep applied, by origin
//	refunds:BILL      the refunds of a bill, as JSON
//	refunded:M        sorted set: the merchant's bills that have refunds, by id
//	refunding         sorted set: those about whose refunds something is still to be done
//	credits:DAY       hash: refunds that came to the payer, by id        payer's partition
//	act:ID            an act of the office, and what became of it    the office's partition
//	acts              sorted set: the acts, by id
//	settlement:M:ID   what was paid out to a merchant's bank         merchant's partition
//	settlements:M     sorted set: the merchant's settlements, by time
//	takings:M         hash: what a merchant took here, by day and account  payer's partition
//	taken:M:DAY       hash: the bills that were paid for it, by account and sweep
//	endpoints         hash: the places that do not take callbacks at present
//	callbacks:pending, callbacks:exhausted  sorted sets: the bills, as M:ID, whose
//	                  callback was not acknowledged at once  payer's partition; and the
//	                  refunds, as M:BILL:ID     merchant's partition
//	checkpoint        where the journal begins, once the archive has what was before
//	opening           hash: the book at the checkpoint
//	mended            hash: sweeps that a reconciliation has put right
//	returns, returns:M, returned:M:DAY  what a merchant gave back, likewise  merchant's partition
//	reconciled        when the last one began
//
// What a phone has paid in a day, by card, is among its counters.
package billing

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// Config is what every partition and the service need. Vault and Random must be set.
type Config struct {
	Partitions int // of the store; 0 is 16
	Vault      keys.Module
	Random     io.Reader // for ids and merchants' keys
	Timing     Timing
	Watch      Watch // when packets that are not authentic raise an alarm

	Clock *engine.Clock // the engine's; nil is the process's

	// AllowLegacy lets elements of the legacy suite be enrolled, pay and be paid for with.
	AllowLegacy bool

	// USSDCap is the most that a bill may ask for, in minor units, to be paid over USSD by
	// a phone without a secure element. In a currency that is not there, none may.
	USSDCap map[money.Currency]money.Amount

	Limits Limits // of what may be paid; none unless it says so

	Log zerolog.Logger
}

// DefaultPartitions is how many partitions a store has unless it was made with another count.
const DefaultPartitions = 16

func (c Config) withDefaults() Config {
	if c.Partitions == 0 {
		c.Partitions = DefaultPartitions
	}
	if c.Clock == nil {
		c.Clock = engine.NewClock(nil)
	}
	c.Timing = c.Timing.withDefaults()
	c.Watch = c.Watch.withDefaults()
	return c
}

// allowed says whether elements of a suite are served.
func (c Config) allowed(s scp80.Suite) bool {
	return s == scp80.Modern || s == scp80.Legacy && c.AllowLegacy
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Vault == nil:
		return fmt.Errorf("billing: no vault")
	case c.Random == nil:
		return fmt.Errorf("billing: no source of randomness")
	case c.Partitions < 0 || c.Partitions > 1<<16:
		return fmt.Errorf("billing: %d partitions: 1 to 65536 are possible", c.Partitions)
	}
	return errors.Join(validateCap(c.USSDCap), c.Limits.Validate())
}

// Partition is one partition's bills, phones, merchants and money.
type Partition struct {
	config  Config
	number  engine.Partition
	machine *fsm.Machine[bill.Facts]
	book    *ledger.Book

	bills     map[applet.BillRef]*record
	messages  map[gateway.MessageID]*record // by pushes whose receipt is awaited
	phones    map[gateway.MSISDN]*phone
	elements  map[string]claim // by the last digits of their numbers
	merchants map[platform.MerchantID]*Contract
	identity  ownKeys // the platform's own keys, in the one partition that has them
	recent    recentClaims
	strangers strangers
	pools     map[string]*pool  // by sub-account
	swept     map[string]uint64 // by origin
	settled   settled           // of late
	mended    map[string]money.Amount
	returns   map[string]takings // by account: what was given back
	transfers *ledger.Transfers  // refunds: out of a merchant's account, in to a payer's

	refunds        map[platform.BillID]*refunds
	restingRefunds lately
	restingCredits lately

	endpoints map[string]*platform.Endpoint // in trouble, by endpointKey
	troubled  map[platform.MerchantID]int   // how many of them a merchant has
	states    map[fsm.State]int             // of the live bills
	pending   map[string]time.Time          // when bills and refunds ended whose callback was not acknowledged at once and is made again, by member
	exhausted map[string]struct{}           // those whose callback is not made again

	checkpoint Checkpoint // where the journal begins

	asleep asleep   // what is not in memory
	moved  []*phone // whose counters this input has moved
	drops  map[Drop]int
}

// New makes the actor of one partition, empty until the engine loads it.
func New(config Config, number engine.Partition) (*Partition, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	machine, err := bill.NewMachine()
	if err != nil {
		return nil, fmt.Errorf("billing: %w", err)
	}
	book := ledger.NewBook(nil)
	return &Partition{
		config:    config.withDefaults(),
		number:    number,
		machine:   machine,
		book:      book,
		transfers: ledger.NewTransfers(book),
		refunds:   make(map[platform.BillID]*refunds),
		bills:     make(map[applet.BillRef]*record),
		messages:  make(map[gateway.MessageID]*record),
		phones:    make(map[gateway.MSISDN]*phone),
		elements:  make(map[string]claim),
		merchants: make(map[platform.MerchantID]*Contract),
		recent:    recentClaims{claims: make(map[string]claimed)},
		pools:     make(map[string]*pool),
		swept:     make(map[string]uint64),
		returns:   make(map[string]takings),
		settled:   settled{known: make(map[string]knownSettlement)},
		endpoints: make(map[string]*platform.Endpoint),
		troubled:  make(map[platform.MerchantID]int),
		states:    make(map[fsm.State]int),
		pending:   make(map[string]time.Time),
		exhausted: make(map[string]struct{}),
		mended:    make(map[string]money.Amount),
		drops:     make(map[Drop]int),
		asleep:    newAsleep(),
	}, nil
}

var _ engine.Resumer = (*Partition)(nil)

// Handle decides one input and stages the decision.
func (p *Partition) Handle(tx *engine.Tx, in any) (any, error) {
	if err := p.need(in); err != nil {
		return nil, err
	}
	reply, err := p.decide(tx, in)
	p.stageCounters(tx)
	return reply, err
}

func (p *Partition) decide(tx *engine.Tx, in any) (any, error) {
	switch in := in.(type) {
	case Claim:
		return p.claim(tx, in)
	case Open:
		return p.open(tx, in)
	case Submitted:
		p.submitted(tx, in)
		return nil, nil
	case Receipt:
		p.receipt(tx, in)
		return nil, nil
	case Message:
		return p.message(tx, in), nil
	case Cancel:
		return p.cancel(tx, in)
	case Reported:
		p.reported(tx, in)
		return nil, nil
	case Resend:
		return p.resend(tx, in)
	case EndpointFailed:
		p.endpointFailed(tx, in)
		return nil, nil
	case EndpointWorks:
		p.endpointWorks(tx, in)
		return nil, nil
	case platform.EnableEndpoint:
		return nil, p.enableEndpoint(tx, in)
	case Tally:
		return p.tally(), nil
	case engine.Due:
		return nil, p.due(tx, in)
	case ApplySweep:
		p.applySweep(tx, in)
		return nil, nil
	case Swept:
		p.sweepApplied(tx, in)
		return nil, nil
	case Reconciling:
		p.reconciling(tx)
		return nil, nil
	case RestoreSweep:
		p.restoreSweep(tx, in)
		return nil, nil
	case RedoSweep:
		return nil, p.redoSweep(tx, in)
	case CorrectSweep:
		return nil, p.correctSweep(tx, in)
	case RestoreClaim:
		return nil, p.restoreClaim(tx, in)
	case Refund:
		return p.refund(tx, in)
	case Credit:
		return p.credit(tx, in)
	case Credited:
		p.credited(tx, in)
		return nil, nil
	case ClaimElement:
		return nil, p.claimElement(tx, in)
	case Enrol:
		return p.enrol(tx, in)
	case AddMerchant:
		return p.addMerchant(tx, in)
	case FindMerchant:
		return p.findMerchant(in)
	case FindPhone:
		return p.findPhone(in)
	case ChangeKeys:
		return p.changeKeys(tx, in)
	case KeepIdentity:
		return p.keepIdentity(tx, in)
	case FindBills:
		return p.findBills(tx, in), nil
	case Chosen:
		return p.chosen(tx, in), nil
	case Typed:
		return p.typed(tx, in), nil
	case platform.Unlock:
		return nil, p.unlock(tx, in)
	case platform.Release:
		return nil, p.release(tx, in)
	case Alarms:
		return p.watched(), nil
	case Drain:
		return p.drain(tx, in), nil
	case Settle:
		return p.settle(tx, in)
	case BeginAct:
		return p.beginAct(tx, in), nil
	case EndAct:
		p.endAct(tx, in)
		return nil, nil
	case FindTakings:
		return p.findTakings(in), nil
	case Retire:
		p.retire(tx, in)
		return nil, nil
	case FindCheckpoint:
		return p.checkpoint, nil
	case Trim:
		return p.trim(tx, in), nil
	}
	return nil, fmt.Errorf("billing: no rule for an input of type %T", in)
}

// Timing is how long the platform waits for what. The zero value is for real use.
type Timing struct {
	// PushAgain is how long after each push the next one goes out while the phone
	// has not been heard of; the last one repeats. The carrier keeps trying on its own meanwhile.
	PushAgain []time.Duration
	// RemindLeast is the least time left of a bill for which its holder is reminded,
	// which happens half-way to the bill's end, again and again.
	RemindLeast time.Duration
	// SweepEvery is the least time between two sweeps of one payee's sub-account.
	SweepEvery time.Duration
	// Reports is how long after each failed callback the next is made.
	Reports []time.Duration
	// ReportJitter is by how much of its wait a callback may come later: Reports is the least.
	// Below zero it is none.
	ReportJitter float64
	// ReportTimeout is how long a callback may stay without an outcome before it counts as
	// failed; it is longer than whoever makes them takes over one.
	ReportTimeout time.Duration
	// DisableAfter is how long an endpoint may answer callbacks with nothing but failures.
	DisableAfter time.Duration
	// Linger is how long a bill stays at hand after its end, for a phone that asks again.
	Linger time.Duration
}

func (t Timing) withDefaults() Timing {
	if len(t.PushAgain) == 0 {
		t.PushAgain = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}
	}
	if len(t.Reports) == 0 {
		t.Reports = []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		}
	}
	t.RemindLeast = orDefault(t.RemindLeast, time.Minute)
	t.SweepEvery = orDefault(t.SweepEvery, time.Second)
	t.ReportJitter = orDefault(t.ReportJitter, 0.1)
	t.ReportTimeout = orDefault(t.ReportTimeout, 40*time.Second)
	t.DisableAfter = orDefault(t.DisableAfter, 5*24*time.Hour)
	t.Linger = orDefault(t.Linger, time.Minute)
	return t
}

func orDefault[N time.Duration | float64](d, otherwise N) N {
	if d == 0 {
		return otherwise
	}
	return d
}
