package engine

import (
	"testing"

	"pgregory.net/rapid"
)

// A lane gives back what it was given, in order, and the room of what is done is used
// again: a lane that is never empty does not grow without end.
func TestLane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l lane
		pushed, done, most := 0, 0, 0
		for _, push := range rapid.SliceOfN(rapid.Bool(), 1, 500).Draw(t, "pushes") {
			if push {
				l.push(task{effect: Effect{Kind: string(rune(pushed))}})
				pushed++
			} else if done < pushed {
				if got := l.next().effect.Kind; got != string(rune(done)) {
					t.Fatalf("effect %d is %q", done, got)
				}
				l.tasks[l.done] = task{}
				l.done++
				done++
			}
			most = max(most, pushed-done)
			if cap(l.tasks) > 4*max(most, 2) {
				t.Fatalf("room for %d where there were %d at most", cap(l.tasks), most)
			}
		}
	})
}
