// Package smscbench measures an SMSC: a client of raw sockets that sends submit_sm PDUs
// encoded beforehand, so many unanswered on each of its binds, and counts what comes
// back. It costs a fraction of what any SMSC does.
//
// A closed loop: the next submit_sm goes out when one is answered, and all that one read
// allows go out as one write. With receipts, every message_id that was answered must come
// back in exactly one receipt. What the messages become at the other end is seen by binds
// that receive and answer.
package smscbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/cli/internal/cputime"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/smpp"
)

// Login is who binds.
type Login struct {
	SystemID string
	Password smpp.Password
}

// Config is one run. Address, Sender, and Messages or Time are needed.
type Config struct {
	Network  network.Network // nil is TCP
	Address  string          // of the SMSC
	Sender   Login           // who submits
	Receiver Login           // who takes what is delivered; with no SystemID nobody does

	Binds     int           // that submit; zero is 1
	Window    int           // submit_sm unanswered on each; zero is 10
	Receivers int           // binds that take what is delivered; zero is 1 for each 50 that submit
	Messages  int           // to submit in all; zero is as many as Time allows
	Time      time.Duration // to submit for; zero is until Messages are
	Receipts  bool          // ask for them, and match them
	Drain     time.Duration // how long to wait for what is still to come after the last submit; zero is 10 s

	Source string // that messages come from; empty is 10658
	Prefix string // that the numbers they go to begin with, seven digits follow; empty is 861380
	Text   string // of 140 octets at most; empty is one of 50
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.Binds < 0 || c.Window < 0 || c.Receivers < 0 || c.Messages < 0 || c.Time < 0:
		return errors.New("a number is negative")
	case c.Messages == 0 && c.Time == 0:
		return errors.New("neither a count of messages nor a time")
	case len(c.Text) > 140:
		return errors.New("the text is over 140 octets")
	case c.Sender.SystemID == "":
		return errors.New("nobody to submit as")
	}
	return nil
}

// bindsPerReceiver is how many binds that submit keep one that receives busy: each of
// them gets as much of the processors.
const bindsPerReceiver = 50

func (c *Config) setDefaults() {
	if c.Network == nil {
		c.Network = network.TCP{}
	}
	c.Binds = cmp.Or(c.Binds, 1)
	c.Window = cmp.Or(c.Window, 10)
	c.Receivers = cmp.Or(c.Receivers, (c.Binds+bindsPerReceiver-1)/bindsPerReceiver)
	c.Drain = cmp.Or(c.Drain, 10*time.Second)
	c.Source = cmp.Or(c.Source, "10658")
	c.Prefix = cmp.Or(c.Prefix, "861380")
	c.Text = cmp.Or(c.Text, "A short message of some fifty octets, more or less")
}

// bench is one run under way.
type bench struct {
	config   Config
	ledger   *ledger // nil without receipts
	all      []*conn
	started  time.Time
	tickets  atomic.Int64 // submits still to send, if they are counted
	over     atomic.Bool  // nothing more is submitted
	answered atomic.Int64 // with ESME_ROK
	refused  atomic.Int64
	open     atomic.Int64 // unanswered
	took     atomic.Int64 // deliver_sm at the receivers
}

// Run binds, submits and waits for what comes of it. The error is that of binding, a
// connection that was lost, or ctx's; the result is then what was seen until then.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("smscbench: %w", err)
	}
	c.setDefaults()
	b := &bench{config: c}
	if c.Receipts {
		b.ledger = newLedger()
	}
	defer b.close()
	if err := b.bind(ctx); err != nil {
		return nil, err
	}
	return b.run(ctx)
}

// bind makes all connections.
func (b *bench) bind(ctx context.Context) error {
	if b.config.Receiver.SystemID != "" {
		for range b.config.Receivers {
			if err := b.dial(ctx, b.config.Receiver, nil); err != nil {
				return err
			}
		}
	}
	for i := range b.config.Binds {
		load, err := encode(&b.config, i)
		if err != nil {
			return err
		}
		if err := b.dial(ctx, b.config.Sender, load); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) dial(ctx context.Context, who Login, load [][]byte) error {
	nc, err := b.config.Network.Dial(ctx, b.config.Address)
	if err != nil {
		return fmt.Errorf("connect to the SMSC: %w", err)
	}
	c := newConn(b, nc, load)
	b.all = append(b.all, c)
	if err := c.bind(who); err != nil {
		return fmt.Errorf("bind as %s: %w", who.SystemID, err)
	}
	return nil
}

// close ends all connections. It may be called twice.
func (b *bench) close() {
	for _, c := range b.all {
		_ = c.conn.Close()
	}
}

func (b *bench) run(ctx context.Context) (*Result, error) {
	b.tickets.Store(int64(b.config.Messages))
	lost := make(chan error, len(b.all))
	var readers sync.WaitGroup
	before := cputime.Self()
	b.started = time.Now()
	for _, c := range b.all {
		readers.Go(func() {
			if err := c.run(); err != nil {
				lost <- err
			}
		})
	}
	err := b.wait(ctx, lost, b.submitted)
	r := &Result{Binds: b.config.Binds, Window: b.config.Window, WithReceipts: b.config.Receipts}
	r.measured(b, time.Since(b.started))
	b.over.Store(true)
	if err == nil {
		drain, cancel := context.WithTimeout(ctx, b.config.Drain)
		err = b.wait(drain, lost, b.drained)
		cancel()
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = nil // what has not come is counted as missing
	}
	r.CPU = cputime.Self() - before
	r.Seconds = time.Since(b.started).Seconds()
	b.over.Store(true)
	b.close()
	readers.Wait()
	r.total(b)
	return r, err
}

// look is how often a run under way is looked at.
const look = 5 * time.Millisecond

// wait waits until something is true, a connection is lost, or ctx ends.
func (b *bench) wait(ctx context.Context, lost <-chan error, done func() bool) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !done() {
		select {
		case err := <-lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// submitted says whether all is submitted, or the time is over.
func (b *bench) submitted() bool {
	done := b.answered.Load() + b.refused.Load()
	return b.config.Time > 0 && time.Since(b.started) >= b.config.Time ||
		b.config.Messages > 0 && done >= int64(b.config.Messages)
}

// drained says whether nothing more is to come.
func (b *bench) drained() bool {
	answered := b.answered.Load()
	return b.open.Load() == 0 &&
		(b.ledger == nil || b.ledger.matched.Load() >= answered) &&
		(b.config.Receiver.SystemID == "" || b.took.Load() >= answered)
}

// draw takes up to n submits that are to be sent.
func (b *bench) draw(n int) int {
	if b.over.Load() {
		return 0
	}
	if b.config.Messages == 0 {
		return n
	}
	left := b.tickets.Add(-int64(n))
	return max(0, min(n, n+int(left)))
}
