package ussd_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// serving runs a Switch, and says how to end it.
func serving(t *testing.T, c ussd.Config) (s *ussd.Switch, end func()) {
	t.Helper()
	s, err := ussd.New(c, instant{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, func() { stop(); served.Wait() }
}

// encoded is a message as it is submitted.
func encoded(t *testing.T, m ussd.Message) *smpp.SubmitSM {
	t.Helper()
	sm, err := ussd.Spec.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return sm
}

// The table of sessions is bounded: an application that does not answer has so many at
// most, whoever dials one more is told to try later, and all of them end in time.
func TestSessionsAreBounded(t *testing.T) {
	const most, dialling = 1000, 5000
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.MaxSessions = most
		s, end := serving(t, c)
		defer end()
		for round := range 2 {
			got := make(map[smpp.Status]int)
			for i := range dialling {
				got[s.Take("fleet", encoded(t, ussd.Message{Kind: ussd.Dial, Phone: fmt.Sprintf("2547%08d", i), Code: code}))]++
			}
			if got[smpp.ROK] != most || got[smpp.RTHROTTLED] != dialling-most {
				t.Errorf("round %d: %v", round, got)
			}
			if n := s.Open(); n != most {
				t.Errorf("%d sessions are open", n)
			}
			time.Sleep(time.Minute)
			if n := s.Open(); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		}
	})
}

// Handsets without end cost no memory without end: of those that had a session little is
// remembered, and not of all.
func TestHandsetsWithoutEnd(t *testing.T) {
	s, end := serving(t, config())
	defer end()
	up, down := encoded(t, ussd.Message{Kind: ussd.Dial, Code: code}), encoded(t, ussd.Message{Kind: ussd.End, Code: code, Text: "Bye"})
	dial := func(from, to int) {
		for i := from; i < to; i++ {
			up.Source.Digits = fmt.Sprintf("2547%08d", i)
			down.Destination.Digits = up.Source.Digits
			if dialled, ended := s.Take("fleet", up), s.Take("shop", down); dialled != smpp.ROK || ended != smpp.ROK {
				t.Fatalf("%d: %v, %v", i, dialled, ended)
			}
		}
	}
	const some, many = 1 << 17, 2 << 17 // what is remembered at most, and more than that
	dial(0, some)
	before := heap()
	dial(some, many)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap has grown by %d octets", grown)
	}
	runtime.KeepAlive(s)
}

// heap is how many octets are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first has finalised
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}
