// Package fleet runs thousands of phones on few SMPP connections.
//
// The phones attach to the carrier as one account with a range of numbers (SMPP
// 3.4): what is for a number of the range comes as deliver_sm, and what a phone sends goes
// as submit_sm with its number as the source. A phone is a struct, not a goroutine:
// it is touched when something arrives, when it is due on its shard's heap, or by
// the control face ([Fleet.Handler]). Per connection there are one shard of phones,
// one goroutine for what falls due and a few that send.
//
// USSD sessions come and go on the same connections; any phone has them.
//
// The answers to deliver_sm, SMPP 3.4 §5.1.3:
//
//	ESME_ROK       0x00  taken, also when the element dropped it in silence (wire.md 5)
//	ESME_RX_T_APPN 0x64  the phone is off: keep it and try again
//	ESME_RX_P_APPN 0x65  no phone has this number: give it up
//	ESME_RX_R_APPN 0x66  the user data cannot be read: give it up
//
// A phone sends one message at a time, in order. A message the carrier throttles
// (0x58, 0x14) goes out later; one without an answer goes out again as it is, which is safe,
// because a packet is accepted once; one that is refused is dropped and told. A
// message that could not be sent for [Config.GiveUp] is dropped too.
//
// The same seed gives the same people. The keys of elements come from Config.Rand.
//
// With a [Config.Memory] elements outlive the process: their phones are there again
// with keys, cards and counters, and in the hands of a person of the same kind. A
// message leaves only when the counters that it was made with, and those of all
// that was taken before it, cannot be lost. So what an element has shown to the
// outside it does not show twice, and what it took it does not take twice, but for
// what it took without a trace.
//
// Left out: parts told by SMPP's sar_ parameters instead of a header; coverage and
// latency (the carrier's part); authentication of the control
// face, which belongs on a loopback address; of a phone that outlives the process its
// bills, its texts and the PIN that its holder knows.
package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/nvm"
	"github.com/airtill/airtill/handsetsim/persona"
)

// Config says how a fleet attaches to the carrier and how its people are.
type Config struct {
	Dial         func(ctx context.Context) (net.Conn, error) // to the SMSC; required
	SystemID     string                                      // account of the numbers' range; required
	Password     string
	SystemType   string
	AddressRange string  // as bound; empty is the segment's, or leaves it to the account
	Segment      Segment // of the numbers; those of others the fleet does not take

	// PlatformAddress is where secured packets go. Where they come from is not looked
	// at: the element knows the platform by its keys. Empty is 10658.
	PlatformAddress string
	// Connections to the SMSC, each with its share of the phones. 0 is 1.
	Connections int
	// Senders is how many messages of one connection can be waiting for the carrier's answer. 0 is 32.
	Senders int
	// GiveUp is how long a message is tried that the carrier does not take. 0 is 5 min.
	GiveUp time.Duration

	// Memory keeps the elements from one run to the next; nil: they end with the fleet.
	// Whoever opened it closes it when the fleet has ended.
	Memory *nvm.Memory

	Client handsetsim.Settings // of all payment clients
	Pace   persona.Pace        // of all people
	Seed   uint64              // of what people do
	Rand   io.Reader           // for keys and PIN blocks, safe for concurrent use; nil is crypto/rand

	// Now is the time; nil is the machine's. Who moves it ahead says so: [Fleet.LookAtClock].
	Now func() time.Time

	Log zerolog.Logger
	// Observer is told what happens on the phones, one event at a time, and in order
	// for each phone. When it lags by 64 Ki events the next are lost and counted. May be nil.
	Observer func(handsetsim.Event)
}

// DefaultPlatformAddress is the platform's short code unless a Config names another.
const DefaultPlatformAddress = "10658"

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.Dial == nil:
		return errors.New("fleet config: Dial is missing")
	case c.SystemID == "":
		return errors.New("fleet config: SystemID is missing")
	case c.Connections < 0 || c.Senders < 0 || c.GiveUp < 0:
		return errors.New("fleet config: Connections, Senders and GiveUp cannot be negative")
	case len(c.PlatformAddress) > 20 || strings.Trim(c.PlatformAddress, "0123456789") != "":
		return fmt.Errorf("fleet config: PlatformAddress %q is not a number", c.PlatformAddress)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.PlatformAddress == "" {
		c.PlatformAddress = DefaultPlatformAddress
	}
	c.AddressRange = cmp.Or(c.AddressRange, c.Segment.AddressRange())
	c.Connections = max(c.Connections, 1)
	if c.Senders == 0 {
		c.Senders = 32
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.GiveUp == 0 {
		c.GiveUp = 5 * time.Minute
	}
	return c
}

// Fleet is a population of phones. Phones can be added and controlled before, while
// and after it runs.
type Fleet struct {
	config   Config
	settings *handsetsim.Settings
	pace     *persona.Pace
	shards   []*shard
	teller   *teller
	counts   counts
	making   [64]sync.Mutex // held while a phone is made, by its number
}

// New makes a fleet: without phones, or with those whose elements the memory keeps.
func New(c Config) (*Fleet, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	f := &Fleet{
		config:   c,
		settings: handsetsim.NewSettings(c.Client),
		pace:     persona.NewPace(c.Pace),
		teller:   newTeller(c.Observer),
	}
	for range c.Connections {
		s, err := newShard(f)
		if err != nil {
			return nil, err
		}
		f.shards = append(f.shards, s)
	}
	if err := f.resume(); err != nil {
		return nil, fmt.Errorf("make fleet: %w", err)
	}
	return f, nil
}

// Run attaches the fleet to the carrier and lets the phones live until ctx ends or
// a bind is refused. When it returns, all that it started has ended.
func (f *Fleet) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var told sync.WaitGroup
	stopTelling := make(chan struct{})
	told.Go(func() { f.teller.run(stopTelling) })
	for _, s := range f.shards {
		wg.Go(func() {
			if err := s.client.Run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("run fleet: %w", err))
			}
		})
		wg.Go(func() { s.runDue(ctx) })
		for range f.config.Senders {
			wg.Go(func() { s.runSend(ctx) })
		}
	}
	<-ctx.Done()
	wg.Wait()
	close(stopTelling)
	told.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// LookAtClock has every phone see what is due by now: the time was moved ahead.
func (f *Fleet) LookAtClock() {
	for _, s := range f.shards {
		nudge(s.wakeDue)
	}
}

// WaitBound waits until every connection is bound.
func (f *Fleet) WaitBound(ctx context.Context) error {
	for _, s := range f.shards {
		if err := s.client.WaitBound(ctx); err != nil {
			return err
		}
	}
	return nil
}

// shardOf finds the shard of a number, the same one always.
func (f *Fleet) shardOf(n gateway.MSISDN) *shard {
	if len(f.shards) == 1 {
		return f.shards[0]
	}
	return f.shards[hash(string(n))%uint64(len(f.shards))]
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s) // a hash takes everything
	return h.Sum64()
}

// numbers lists all phones in order.
func (f *Fleet) numbers() []gateway.MSISDN {
	var all []gateway.MSISDN
	for _, s := range f.shards {
		s.mu.Lock()
		for n := range s.phones {
			all = append(all, n)
		}
		s.mu.Unlock()
	}
	slices.Sort(all)
	return all
}

func (f *Fleet) esmeConfig(deliver func(*smpp.DeliverSM, func(smpp.Status))) esme.Config {
	return esme.Config{
		Dial: f.config.Dial, SystemID: f.config.SystemID, Password: f.config.Password,
		SystemType: f.config.SystemType, AddressRange: f.config.AddressRange,
		Window: f.config.Senders, Log: f.config.Log, Deliver: deliver,
	}
}
