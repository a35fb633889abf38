package due_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/internal/due"
)

// Timers come out in the order of their instants, then of their numbers, however often
// they were set; those that were set to nothing do not.
func TestOrder(t *testing.T) {
	start := time.Unix(1700000000, 0)
	rapid.Check(t, func(t *rapid.T) {
		var h due.Heap[int]
		timers := make([]due.Timer[int], rapid.IntRange(1, 20).Draw(t, "timers"))
		at := make([]int, len(timers)) // seconds after start; 0: not set
		for i := range timers {
			timers[i] = due.Timer[int]{Of: i, Order: uint64(len(timers) - i)}
		}
		for range rapid.IntRange(0, 60).Draw(t, "sets") {
			i := rapid.IntRange(0, len(timers)-1).Draw(t, "which")
			at[i] = rapid.IntRange(0, 9).Draw(t, "at")
			when := time.Time{}
			if at[i] > 0 {
				when = start.Add(time.Duration(at[i]) * time.Second)
			}
			h.Set(&timers[i], when)
		}
		var want []int
		for i := range timers {
			if timers[i].Waits() != (at[i] > 0) {
				t.Fatalf("timer %d waits: %t", i, timers[i].Waits())
			}
			if at[i] > 0 {
				want = append(want, i)
			}
		}
		slices.SortFunc(want, func(i, j int) int {
			if at[i] != at[j] {
				return at[i] - at[j]
			}
			return j - i
		})
		var got []int
		for second := range 10 {
			now := start.Add(time.Duration(second) * time.Second)
			for h.Len() > 0 && !h.Next().After(now) {
				first := h.First()
				if first != h.Take(now) {
					t.Fatal("the first is another")
				}
				got = append(got, first.Of)
			}
			if h.Take(now) != nil {
				t.Fatal("one that is not due")
			}
		}
		if !slices.Equal(got, want) || h.First() != nil || !h.Next().IsZero() || len(h.All()) != 0 {
			t.Fatalf("%v came, want %v", got, want)
		}
	})
}
