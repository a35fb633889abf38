package radio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/radio"
)

func air(t *testing.T, seed uint64, p radio.Profile) *radio.Air {
	t.Helper()
	a, err := radio.New(seed, p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var urban = radio.Profile{Latency: time.Second, Jitter: time.Second, Loss: 0.2, Duplication: 0.1}

func TestIdeal(t *testing.T) {
	var none *radio.Air
	for _, a := range []*radio.Air{none, air(t, 1, radio.Profile{})} {
		if got := a.Cross("8613800000001"); got != (radio.Crossing{}) {
			t.Errorf("%+v", got)
		}
	}
}

func TestProfileHolds(t *testing.T) {
	a := air(t, 7, urban)
	const n = 20000
	var lost, twice int
	for range n {
		c := a.Cross("8613800000001")
		if c.Delay < time.Second || c.Delay > 2*time.Second {
			t.Fatalf("delay %v", c.Delay)
		}
		if c.Lost && c.Twice {
			t.Fatal("lost and twice")
		}
		if c.Lost {
			lost++
		}
		if c.Twice {
			twice++
		}
	}
	if lost < n*18/100 || lost > n*22/100 || twice < n*7/100 || twice > n*9/100 {
		t.Errorf("of %d: %d lost, %d twice", n, lost, twice)
	}
}

// One message more on one link changes nothing on another.
func TestLinksAreIndependent(t *testing.T) {
	alone, busy := air(t, 3, urban), air(t, 3, urban)
	for i := range 100 {
		for j := range 3 {
			busy.Cross(fmt.Sprint("other", i, j))
		}
		if a, b := alone.Cross("link"), busy.Cross("link"); a != b {
			t.Fatalf("message %d: %+v alone, %+v beside others", i, a, b)
		}
	}
	if air(t, 3, urban).Cross("link") == air(t, 4, urban).Cross("link") {
		t.Error("another seed, the same crossing")
	}
}

func TestSetOneLink(t *testing.T) {
	a := air(t, 1, radio.Profile{})
	if err := a.Set("away", radio.Profile{Loss: 1}); err != nil {
		t.Fatal(err)
	}
	if !a.Cross("away").Lost || a.Cross("near").Lost {
		t.Error("the wrong link loses")
	}
}

func TestBadProfiles(t *testing.T) {
	for _, p := range []radio.Profile{{Loss: 1.1}, {Duplication: -0.1}, {Latency: -1}, {Jitter: -1}} {
		if _, err := radio.New(1, p); err == nil {
			t.Errorf("%+v taken", p)
		}
	}
}
