package msgstoretest

import (
	"errors"
	"testing"

	"github.com/airtill/airtill/gateway/msgstore"
)

// TestFaults is the suite of stores on a server. start makes an empty backend.
func TestFaults(t *testing.T, start func(t testing.TB) Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, open Backend)
	}{
		{"a lost reply is resolved", testLostReply},
		{"a lost request is sent again", testLostRequest},
		{"a late copy writes nothing", testLateCopy},
		{"the last to open has the store", testFence},
		{"a lost reply and a new owner", testLostAndFenced},
		{"a server that is gone", testGone},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, start(t)) })
	}
}

// fails makes an attempt that is expected to fail, but not for good.
func fails(t *testing.T, s msgstore.Store, b *msgstore.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err == nil || msgstore.Final(err) {
		t.Fatalf("the attempt ended with %v", err)
	}
}

func testLostReply(t *testing.T, open Backend) {
	link := new(Link)
	s := open(t, link, msgstore.Keep{})
	commit(t, s, batch(t, put(message("m1"))))
	b := batch(t, finish(delivered("m1")), put(receipt("m1")))
	link.LoseReply()
	fails(t, s, b)
	commit(t, s, b)
	commit(t, s, batch(t, finish(delivered("m2")), remove("m1/r")))
	want(t, open(t, nil, msgstore.Keep{}), "m1 DELIVRD", "m2 DELIVRD")
}

func testLostRequest(t *testing.T, open Backend) {
	link := new(Link)
	s := open(t, link, msgstore.Keep{})
	b := batch(t, put(message("m1")), finish(delivered("m2")))
	link.LoseRequest()
	fails(t, s, b)
	link.LoseRequest()
	fails(t, s, b)
	commit(t, s, b)
	want(t, open(t, nil, msgstore.Keep{}), "m1 ENROUTE", "m2 DELIVRD")
}

// testLateCopy: a batch that was sent again must not come to effect once more when its
// first copy arrives after all; it would bring back what has ended since.
func testLateCopy(t *testing.T, open Backend) {
	link := new(Link)
	s := open(t, link, msgstore.Keep{})
	b := batch(t, put(message("m1")))
	link.HoldBack()
	fails(t, s, b)
	commit(t, s, b)
	commit(t, s, batch(t, finish(delivered("m1"))))
	if err := link.Deliver(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, batch(t, put(message("m2"))))
	want(t, open(t, nil, msgstore.Keep{}), "m1 DELIVRD", "m2 ENROUTE")
}

func testFence(t *testing.T, open Backend) {
	old := open(t, nil, msgstore.Keep{})
	commit(t, old, batch(t, put(message("m1"))))
	now := open(t, nil, msgstore.Keep{})
	commit(t, now, batch(t, put(message("m2"))))
	lost := batch(t, put(message("m3")), finish(delivered("m1")))
	for err := error(nil); !errors.Is(err, msgstore.ErrFenced); {
		if err = old.Commit(t.Context(), lost); err == nil {
			t.Fatal("the old owner has written")
		}
	}
	if err := old.Commit(t.Context(), new(msgstore.Batch)); !errors.Is(err, msgstore.ErrFenced) {
		t.Errorf("asking whether it is still ours: %v", err)
	}
	commit(t, now, batch(t, put(message("m4"))))
	want(t, now, "m1 ENROUTE", "m2 ENROUTE", "m4 ENROUTE")
}

func testLostAndFenced(t *testing.T, open Backend) {
	link := new(Link)
	old := open(t, link, msgstore.Keep{})
	b := batch(t, put(message("m1")))
	link.LoseReply()
	fails(t, old, b)
	now := open(t, nil, msgstore.Keep{})
	if err := old.Commit(t.Context(), b); !errors.Is(err, msgstore.ErrFenced) {
		t.Errorf("committing again: %v", err)
	}
	want(t, now, "m1 ENROUTE")
}

func testGone(t *testing.T, open Backend) {
	link := new(Link)
	s := open(t, link, msgstore.Keep{})
	link.Cut()
	fails(t, s, batch(t, put(message("m1"))))
	for _, err := range s.Load(t.Context()) {
		if err == nil {
			t.Error("something was loaded")
		}
	}
	want(t, open(t, nil, msgstore.Keep{}))
}
