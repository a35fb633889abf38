package engine

import (
	"testing"
	"time"
)

// A wake-up that is set again for the time that is kept is no news; one that was taken
// away, had come, or was put off in memory alone is.
func TestWakesNews(t *testing.T) {
	at := time.UnixMilli(1_000)
	late := at.Add(time.Second)
	for name, test := range map[string]struct {
		before func(*wakes)
		at     time.Time
		news   bool
	}{
		"as it is kept":              {func(*wakes) {}, at, false},
		"later":                      {func(*wakes) {}, late, true},
		"earlier":                    {func(*wakes) {}, at.Add(-1), true},
		"there and back":             {func(w *wakes) { w.set("a", late) }, at, true},
		"set before":                 {func(w *wakes) { w.set("a", late) }, late, false},
		"it was taken away":          {func(w *wakes) { w.remove("a") }, at, true},
		"it has come":                {func(w *wakes) { w.pop(at) }, at, true},
		"put off in memory":          {func(w *wakes) { w.pop(at); w.setHere("a", late) }, late, true},
		"put off in memory, and set": {func(w *wakes) { w.setHere("a", late); w.set("a", late) }, late, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWakes([]Due{{ID: "a", At: at}, {ID: "b", At: late}})
			test.before(w)
			if got := w.set("a", test.at); got != test.news {
				t.Errorf("set for %s is news: %t, want %t", test.at.UTC(), got, test.news)
			}
			if due, ok := w.pop(test.at); !ok || due.ID != "a" && due.ID != "b" {
				t.Errorf("at that time %+v comes, %t", due, ok)
			}
		})
	}
}
