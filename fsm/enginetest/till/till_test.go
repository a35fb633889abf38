package till

import (
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

func TestID(t *testing.T) {
	for n, want := range map[int64]string{1: "bill_0000000000000001", 1234567890: "bill_0000001234567890"} {
		if got := id(n); got != want {
			t.Errorf("bill %d is %s, want %s", n, got, want)
		}
	}
}

// A bill's life is five steps, and leaves its money where it belongs.
func TestLife(t *testing.T) {
	a := New(0).(*Actor)
	var effects, fields int
	for n, event := range life {
		_, batch, err := engine.Decide(a, 0, uint64(n+1), testTime, &Step{Bill: id(7), Event: event})
		if err != nil {
			t.Fatal(err)
		}
		fields += len(batch.Fields)
		for _, e := range batch.Journal {
			effects += len(e.Effects)
		}
	}
	if effects != 3 || fields != 3 || len(a.bills) != 0 {
		t.Errorf("%d effects, %d fields, %d bills left over", effects, fields, len(a.bills))
	}
	if *a.balances["card:007:CNY"] != -128000 || *a.balances["sub:10000001:CNY"] != 128000 {
		t.Errorf("the balances are %v", a.balances)
	}
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
