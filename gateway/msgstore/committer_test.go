package msgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
)

// slow is a store whose commits wait for their outcome.
type slow struct {
	begun   chan []string // the keys of a commit that begins
	outcome chan error
}

func newSlow() *slow { return &slow{begun: make(chan []string), outcome: make(chan error)} }

func (*slow) Load(context.Context) iter.Seq2[msgstore.Record, error] { return nil }

func (s *slow) Commit(_ context.Context, b *msgstore.Batch) error {
	keys := []string{}
	for c := range b.Puts() {
		keys = append(keys, c.Key)
	}
	s.begun <- keys
	return <-s.outcome
}

func (s *slow) want(t *testing.T, keys ...string) {
	t.Helper()
	if got := <-s.begun; !slices.Equal(got, keys) {
		t.Errorf("the commit has %v, want %v", got, keys)
	}
}

// told is what batches were answered, in order.
type told struct {
	mu  sync.Mutex
	all []string
}

func (d *told) done(key string) func(error) {
	return func(err error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all = append(d.all, fmt.Sprint(key, " ", err))
	}
}

func (d *told) want(t *testing.T, answers ...string) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.all, answers) {
		t.Errorf("the answers are %q, want %q", d.all, answers)
	}
	d.all = nil
}

func one(t *testing.T, key string) *msgstore.Batch {
	t.Helper()
	var b msgstore.Batch
	if err := b.Put(&msgstore.Record{Key: key, State: gateway.Enroute, PDU: submit(key)}); err != nil {
		t.Fatal(err)
	}
	return &b
}

// serve runs a committer in a bubble.
func serve(t *testing.T, c msgstore.CommitterConfig, test func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow()
		c.Store = s
		ctx, cancel := context.WithCancel(t.Context())
		committer := msgstore.NewCommitter(c)
		ended := make(chan error, 1)
		go func() { ended <- committer.Serve(ctx) }()
		test(t, s, committer, func() error { cancel(); return <-ended })
	})
}

// What comes while one commit is under way is the next one, and answers keep the order.
func TestGroupCommit(t *testing.T) {
	d := new(told)
	serve(t, msgstore.CommitterConfig{}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		c.Add(one(t, "a"), d.done("a"))
		s.want(t, "a")
		b := one(t, "b")
		c.Add(b, d.done("b"))
		b.Reset() // it is free at once
		c.Add(one(t, "c"), func(err error) {
			d.done("c")(err)
			c.Add(one(t, "d"), d.done("d")) // from within an answer
		})
		d.want(t)
		s.outcome <- nil
		s.want(t, "b", "c")
		d.want(t, "a <nil>")
		s.outcome <- nil
		s.want(t, "d")
		d.want(t, "b <nil>", "c <nil>")
		s.outcome <- nil
		d.want(t, "d <nil>")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A store that does not answer is tried again, with the same batch, and said once.
func TestCommitAgain(t *testing.T) {
	var log bytes.Buffer
	d := new(told)
	serve(t, msgstore.CommitterConfig{Log: zerolog.New(&log)}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		c.Add(one(t, "a"), d.done("a"))
		start := time.Now()
		for range 10 {
			s.want(t, "a")
			s.outcome <- errors.New("no answer")
			c.Add(one(t, "b"), d.done("b"))
		}
		s.want(t, "a")
		d.want(t)
		s.outcome <- nil
		s.want(t, slices.Repeat([]string{"b"}, 10)...)
		d.want(t, "a <nil>")
		s.outcome <- nil
		if took := time.Since(start); took < time.Second || took > time.Minute {
			t.Errorf("ten attempts took %s", took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 2 ||
		!strings.Contains(lines[0], "no answer") || !strings.Contains(lines[1], "again") {
		t.Errorf("the log is %q", lines)
	}
}

// When ctx ends, what was added is still kept; what comes later is refused.
func TestStop(t *testing.T) {
	d := new(told)
	serve(t, msgstore.CommitterConfig{}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		c.Add(one(t, "a"), d.done("a"))
		s.want(t, "a")
		c.Add(one(t, "b"), d.done("b"))
		go func() { s.outcome <- nil; s.want(t, "b"); s.outcome <- nil }()
		if err := stop(); err != nil {
			t.Error(err)
		}
		d.want(t, "a <nil>", "b <nil>")
		c.Add(one(t, "c"), d.done("c"))
		d.want(t, "c "+msgstore.ErrStopped.Error())
		if err := c.Wait(t.Context()); !errors.Is(err, msgstore.ErrStopped) {
			t.Errorf("waiting for a committer that has stopped: %v", err)
		}
	})
}

// A committer that is to stop while the store does not answer gives all up, and sends no
// batch after one that is in doubt.
func TestStopInDoubt(t *testing.T) {
	d := new(told)
	serve(t, msgstore.CommitterConfig{}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		c.Add(one(t, "a"), d.done("a"))
		s.want(t, "a")
		c.Add(one(t, "b"), d.done("b"))
		s.outcome <- errors.New("no answer")
		if err := stop(); err != nil {
			t.Error(err)
		}
		d.want(t, "a not kept: no answer", "b not kept: no answer")
	})
}

// A store that another gateway has taken ends the committer.
func TestFenced(t *testing.T) {
	d := new(told)
	serve(t, msgstore.CommitterConfig{Beat: time.Second}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		s.want(t) // nothing was added: it is the beat that asks
		c.Add(one(t, "a"), d.done("a"))
		s.outcome <- msgstore.ErrFenced
		d.want(t, "a "+msgstore.ErrFenced.Error())
		if err := stop(); !errors.Is(err, msgstore.ErrFenced) {
			t.Errorf("the committer ended with %v", err)
		}
	})
}

// Wait holds back who would add more than may wait.
func TestBackPressure(t *testing.T) {
	d := new(told)
	serve(t, msgstore.CommitterConfig{Queue: 100}, func(t *testing.T, s *slow, c *msgstore.Committer, stop func() error) {
		c.Add(one(t, "a"), d.done("a"))
		s.want(t, "a")
		if err := c.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		c.Add(one(t, "b"), d.done("b"))
		waited := make(chan error, 1)
		go func() { waited <- c.Wait(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Wait(ctx); !errors.Is(err, context.Canceled) || len(waited) > 0 {
			t.Errorf("waiting ended: %v, %d", err, len(waited))
		}
		s.outcome <- nil
		s.want(t, "b")
		if err := <-waited; err != nil {
			t.Error(err)
		}
		s.outcome <- nil
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
