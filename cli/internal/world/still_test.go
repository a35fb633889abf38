package world_test

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// still is what the store holds once nothing moves in it any more. Which effects are
// done, and the number of the batch that noted it, are left out: they say nothing.
func (r *rig) still() map[string]string {
	r.t.Helper()
	last, since := r.lasting(), time.Now()
	r.until("the store to stand still", func() bool {
		if now := r.lasting(); !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > 50*time.Millisecond
	})
	return last
}

func (r *rig) lasting() map[string]string {
	r.t.Helper()
	all := r.dump()
	maps.DeleteFunc(all, func(key, _ string) bool {
		return strings.HasSuffix(key, "}:cursor") || strings.HasSuffix(key, "}:seq")
	})
	return all
}

// unchanged checks that the store holds what it held.
func (r *rig) unchanged(before map[string]string) {
	r.t.Helper()
	now := r.lasting()
	keys := slices.Collect(maps.Keys(now))
	for key := range before {
		if _, there := now[key]; !there {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		if now[key] != before[key] {
			r.t.Errorf("%s changed\nfrom %s\nto   %s", key, before[key], now[key])
		}
	}
}
