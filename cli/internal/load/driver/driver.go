// Package driver runs a load test: it enrols handsets, begins bills when they are due,
// times their steps, lets the last ones end, and has the books audited.
//
//	pacer ──▶ orders ──▶ platform ──▶ phones     whoever answers, answers the book:
//	(due times)  (HTTP)                  │       orders, phones' and carrier's events,
//	                         callbacks ◀─┘       callbacks to shops that listen here
//	                             │
//	                             ▼
//	                   book ──▶ load.Recorder ──▶ snapshots, and the result
//
// The pacer waits for nobody: what is due is begun, whatever became of the bills before
// it. Only over MaxInFlight a bill is dropped, and counted. With Users a bill begins when
// another one is over instead; that is the closed model.
//
// Everything is real: orders and callbacks are signed HTTP, phones have secure elements,
// money moves. The shops are the load's own, several merchants of one profile, so that
// what they were told can be held against what the platform says in the end.
//
// What phones do is told by themselves: in a network of the load's own, and in a running one
// by the feed of its handsets. A phone without an element shows no bill's reference, so what
// it does is put down to the one bill that is before it; when there are more, none of
// them is timed on the phone. Clocks of other machines are put right, as far as can be told.
//
// Left out: a running network's carrier tells nobody of its receipts, and over USSD there
// are none.
package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/scenario"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// Config is a load test. Site and Handsets must be set, and Plan unless Users is.
type Config struct {
	Name    string
	Labels  map[string]string
	Command string // that repeats it
	Segment schedule.Segment

	Site    Site
	Plan    schedule.Config        // when bills are due; its Seed and Owns are filled in
	Climb   Climb                  // of --find-max; zero: there is none
	Users   int                    // closed model: so many bills are under way at a time; 0: open
	Traffic schedule.TrafficConfig // whose bills are, and what is in them
	Data    *scenario.Data         // rows of --data; nil: none
	Prefix  string                 // of the phones' numbers; "" is 86137

	MaxInFlight  int              // 0: 20 s of the rate, 1,000 at least
	Expiry       time.Duration    // of bills; 0 is 30 s
	Shops        int              // merchants; 0 is 8
	Profile      platform.Profile // of the merchants; "" is key
	OrderTimeout time.Duration    // 0 is 10 s
	DrainTimeout time.Duration    // 0: as long as a bill lives, and 10 s more
	Interval     time.Duration    // of snapshots; 0 is 1 s

	Thresholds  []load.Threshold
	AbortOnFail bool          // end when one is broken
	AbortAfter  time.Duration // of the run at least

	Orders <-chan load.Order   // that change the run under way; may be nil
	Watch  func(load.Snapshot) // hears how it stands, each interval; may be nil
	Talk   func(format string, args ...any)
	Asked  load.Asked // as it was asked, for the result
	Log    zerolog.Logger

	answer func(reference string, attempt int) int    // what shops answer callbacks, in tests; nil: 204
	forget func(reference string) bool                // what shops do not write down, in tests
	stall  func(at time.Duration)                     // holds the pacer up, in tests
	doze   func(context.Context, time.Duration) error // what the watchdog sleeps by, in tests
}

// Climb finds the highest rate that holds: until a threshold breaks or the generator
// cannot keep up, twice in a row. Without a Step it doubles the rate until then, and after
// that halves the gap between the last good rate and the first bad one until it is within
// a fiftieth; then both are tried once more, for twice as long. [schedule.Search] has the rest.
type Climb struct {
	From    float64       // the first rate; 0: no climb
	Step    float64       // that a rate is higher than the one before
	Every   time.Duration // that a rate is held for; 0 is 5 s. A first part of it is not judged
	Max     float64       // 0: none
	Through bool          // with a Step: go on to Max, whatever breaks
}

// ErrUnreachable is a network under test that is not there.
var ErrUnreachable = errors.New("the network under test is not reachable")

// Defaults of a Config.
const (
	DefaultPrefix       = "86137"
	DefaultExpiry       = 30 * time.Second
	DefaultShops        = 8
	DefaultOrderTimeout = 10 * time.Second
	DefaultInterval     = time.Second

	leastInFlight = 1000
	flightSeconds = 20
	climbInFlight = 50_000
	afterExpiry   = 10 * time.Second
)

func (c Config) withDefaults() Config {
	c.Expiry = orDefault(c.Expiry, DefaultExpiry)
	c.OrderTimeout = orDefault(c.OrderTimeout, DefaultOrderTimeout)
	c.Interval = orDefault(c.Interval, DefaultInterval)
	c.DrainTimeout = orDefault(c.DrainTimeout, c.Expiry+afterExpiry)
	c.Shops = orDefault(c.Shops, DefaultShops)
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = max(leastInFlight, int(flightSeconds*c.topRate()), c.Users)
		if c.Climb.From > 0 && c.Climb.Max == 0 {
			c.MaxInFlight = max(c.MaxInFlight, climbInFlight)
		}
	}
	if c.Talk == nil {
		c.Talk = func(string, ...any) {}
	}
	if c.Watch == nil {
		c.Watch = func(load.Snapshot) {}
	}
	c.Plan.Seed = c.Traffic.Seed
	c.Traffic.Segment = c.Segment
	return c
}

func orDefault[N int | time.Duration](n, otherwise N) N {
	if n == 0 {
		return otherwise
	}
	return n
}

// topRate is the highest rate that is planned.
func (c Config) topRate() float64 {
	top := max(c.Plan.Rate, c.Climb.Max, c.Climb.From)
	for _, s := range c.Plan.Stages {
		top = max(top, s.Rate)
	}
	return top
}

// Model is open or closed.
func (c Config) Model() string {
	if c.Users > 0 {
		return load.Closed
	}
	return load.Open
}

// Validate says what cannot be.
func (c Config) Validate() error {
	switch {
	case c.Site == nil:
		return errors.New("load: no network to load")
	case c.Traffic.Handsets < 1:
		return errors.New("load: no handsets")
	case c.Users < 0 || c.MaxInFlight < 0 || c.Shops < 0:
		return errors.New("load: users, shops and bills in flight cannot be negative")
	case c.Shops > mostShops:
		return fmt.Errorf("load: more than %d shops", mostShops)
	case c.Users > 0 && c.Climb.From > 0:
		return errors.New("load: a closed model has no rate to climb")
	}
	return nil
}

const mostShops = 64

// number is the h-th handset's.
func (c Config) number(h int) gateway.MSISDN {
	if c.Data != nil && h < len(c.Data.Phones) {
		return c.Data.Phones[h]
	}
	const digits = 13
	return gateway.MSISDN(fmt.Sprintf("%s%0*d", c.Prefix, digits-len(c.Prefix), h+1))
}

// Run runs a load test. What was found is in the result, which is there even when
// somebody ended the run; an error is one that kept it from being run. Orders "stop" and
// "kill" end it; ctx ends it at once, without a result.
func Run(ctx context.Context, c Config) (*load.Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d, err := newDrive(c.withDefaults())
	if err != nil {
		return nil, err
	}
	var result *load.Result
	err = d.config.Site.Run(ctx, Watch{Phones: d.book.onPhone, Carrier: d.book.onCarrier, Deaf: d.deaf}, func(ctx context.Context, n *Network) error {
		result, err = d.run(ctx, n)
		return err
	})
	return result, err
}
