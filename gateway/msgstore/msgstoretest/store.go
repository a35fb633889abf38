package msgstoretest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// TestStore is the conformance suite of msgstore.Store. start makes an empty backend.
func TestStore(t *testing.T, start func(t testing.TB) Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, open Backend)
	}{
		{"an empty store", testEmpty},
		{"a record comes back as it was", testRecord},
		{"the last put counts", testPutAgain},
		{"a final state and its receipt come together", testFinish},
		{"what is removed is gone", testRemove},
		{"put and ended in one batch", testWithinBatch},
		{"a large batch", testLarge},
		{"finished records go by count", testKeepCount},
		{"finished records go by age", testKeepAge},
		{"a load that is broken off", testLoadBrokenOff},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, start(t)) })
	}
}

// reopened is the store as the next process finds it.
func reopened(t *testing.T, open Backend) msgstore.Store { return open(t, nil, msgstore.Keep{}) }

func testEmpty(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	want(t, s)
	commit(t, s, new(msgstore.Batch))
	want(t, reopened(t, open))
}

func testRecord(t *testing.T, open Backend) {
	r := receipt("m1")
	r.OldPeer, r.Tries, r.Next, r.Expires = true, 2, accepted.Add(time.Second), accepted.Add(time.Hour)
	r.Attempts = []msgstore.Attempt{{At: accepted, Status: smpp.RXTAPPN, Cause: "absent"}, {At: accepted.Add(time.Millisecond)}}
	commit(t, open(t, nil, msgstore.Keep{}), batch(t, put(r)))
	got := load(t, reopened(t, open))
	if len(got) != 1 || !reflect.DeepEqual(got[0], *r) {
		t.Errorf("the store has\n%+v, want\n%+v", got, r)
	}
}

func testPutAgain(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	one, two, three := message("m1"), message("m1"), message("m1")
	one.Tries, two.Tries, three.Tries = 1, 2, 3
	commit(t, s, batch(t, put(one)))
	commit(t, s, batch(t, put(two), put(three)))
	if got := load(t, reopened(t, open)); len(got) != 1 || got[0].Tries != 3 {
		t.Errorf("the store has %+v", got)
	}
}

func testFinish(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	commit(t, s, batch(t, put(message("m1")), put(message("m2"))))
	commit(t, s, batch(t, finish(delivered("m1")), put(receipt("m1"))))
	want(t, reopened(t, open), "m1 DELIVRD", "m1/r ENROUTE", "m2 ENROUTE")
}

func testRemove(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	commit(t, s, batch(t, put(message("m1")), put(receipt("m2"))))
	commit(t, s, batch(t, remove("m2/r"), remove("never was")))
	want(t, reopened(t, open), "m1 ENROUTE")
}

func testWithinBatch(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	b := batch(t, put(message("m1")), put(message("m2")), put(receipt("m2")))
	b.Join(batch(t, finish(delivered("m1")), remove("m2/r")))
	commit(t, s, b)
	want(t, reopened(t, open), "m1 DELIVRD", "m2 ENROUTE")
}

func testLarge(t *testing.T, open Backend) {
	const n = 3000
	s := open(t, nil, msgstore.Keep{})
	var all, some msgstore.Batch
	for i := range n {
		if err := all.Put(message(numbered("m", i))); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if err := some.Finish(delivered(numbered("m", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit(t, s, &all)
	commit(t, s, &some)
	seen := make(map[string]string)
	for _, r := range load(t, reopened(t, open)) {
		if _, twice := seen[r.Key]; twice {
			t.Fatalf("%s came twice", r.Key)
		}
		seen[r.Key] = r.State.String()
	}
	if len(seen) != n || seen[numbered("m", 0)] != "DELIVRD" || seen[numbered("m", 1)] != "ENROUTE" {
		t.Errorf("%d records of %d: %s %s", len(seen), n, seen[numbered("m", 0)], seen[numbered("m", 1)])
	}
}

// testKeepCount: the last ones stay; a store may keep some more, but not without bound.
func testKeepCount(t *testing.T, open Backend) {
	const most, batches, each = 100, 300, 10
	keep := msgstore.Keep{Finished: most}
	s := open(t, nil, keep)
	commit(t, s, batch(t, put(message("live"))))
	for i := range batches {
		if i == batches/2 { // the count goes on after a restart
			s = open(t, nil, keep)
			load(t, s)
		}
		var b msgstore.Batch
		for j := range each {
			if err := b.Finish(delivered(numbered("m", i*each+j))); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, s, &b)
	}
	got := contents(t, s)
	if len(got) < 1+most || len(got) > 1+most+each || got[0] != "live ENROUTE" {
		t.Fatalf("%d records are kept, from %s on", len(got), got[0])
	}
	if last := fmt.Sprint(numbered("m", batches*each-1), " DELIVRD"); got[len(got)-1] != last {
		t.Errorf("the last is %s, want %s", got[len(got)-1], last)
	}
}

func testKeepAge(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{Age: time.Nanosecond})
	commit(t, s, batch(t, put(message("m1")), put(message("m2"))))
	commit(t, s, batch(t, finish(delivered("m1"))))
	commit(t, s, new(msgstore.Batch))
	commit(t, s, new(msgstore.Batch))
	want(t, s, "m2 ENROUTE")
}

func testLoadBrokenOff(t *testing.T, open Backend) {
	s := open(t, nil, msgstore.Keep{})
	commit(t, s, batch(t, put(message("m1")), put(message("m2")), finish(delivered("m3")), finish(delivered("m4"))))
	n := 0
	for range s.Load(t.Context()) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d records came", n)
	}
	want(t, s, "m1 ENROUTE", "m2 ENROUTE", "m3 DELIVRD", "m4 DELIVRD")
}
