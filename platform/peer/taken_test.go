package peer

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestWindow holds the window against a model: no number is taken twice, and one that is
// new and not far behind is taken.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen := make(map[uint64]bool)
		highest := uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			var n uint64
			switch rapid.IntRange(0, 3).Draw(t, "which") {
			case 0:
				n = highest + 1
			case 1:
				n = highest + rapid.Uint64Range(0, 3*windowWidth).Draw(t, "ahead")
			default:
				n = highest - min(highest, rapid.Uint64Range(0, windowWidth+200).Draw(t, "behind"))
			}
			want := n > 0 && !seen[n] && n+windowWidth > highest
			if got := w.take(n); got != want {
				t.Fatalf("%d after %d was taken: %t, want %t", n, highest, got, want)
			}
			seen[n] = true
			highest = max(highest, n)
		}
	})
}

// TestTakenForgets: callers that are gone make room, and one that calls stays known.
func TestTakenForgets(t *testing.T) {
	var all taken
	for n := range uint64(5 * mostCallers) {
		if !all.take(fmt.Sprint("caller ", n), 1) || !all.take("here", n+1) {
			t.Fatalf("call %d was not taken", n)
		}
	}
	if all.take("here", 5*mostCallers) || len(all.young)+len(all.old) > mostCallers {
		t.Errorf("%d callers are known", len(all.young)+len(all.old))
	}
}

// FuzzOpen: nothing that this vault has not sealed is read.
func FuzzOpen(f *testing.F) {
	v := newVault(f)
	sealed, err := seal(v, callMark, call{From: "a", To: "b", Number: 1, Name: "billing.Alarms", Input: []byte("{}")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, text []byte) {
		var c call
		if err := open(v, callMark, text, &c); err == nil && string(text) != string(sealed) {
			t.Fatalf("read was %+v", c)
		}
		// what is under the seal is the platform's own, and read with care all the same
		again, err := v.Seal(append([]byte(answerMark), text...))
		if err != nil {
			t.Fatal(err)
		}
		var a answer
		if open(v, answerMark, again, &a) == nil {
			_, _ = a.result()
		}
	})
}
