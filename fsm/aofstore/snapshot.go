package aofstore

import (
	"fmt"
	"math"
	"strconv"

	"github.com/alicebob/miniredis/v2"
)

// perCommand is how many values a command of a snapshot has at most.
const perCommand = 512

// snapshot is all that is kept, as commands that make it. The caller keeps others from
// changing it meanwhile.
func snapshot(m *miniredis.Miniredis) ([]byte, error) {
	var s snapshotter
	texts := []string{"MSET"}
	for _, key := range m.Keys() {
		if m.Type(key) != "string" {
			if err := s.structure(m, key); err != nil {
				return nil, fmt.Errorf("take a snapshot of %s: %w", key, err)
			}
			continue
		}
		value, err := m.Get(key)
		if err != nil {
			return nil, fmt.Errorf("take a snapshot of %s: %w", key, err)
		}
		texts = append(texts, key, value)
	}
	s.many(texts[:1], texts[1:])
	return s.out, nil
}

// snapshotter writes commands.
type snapshotter struct{ out []byte }

// many writes a command again and again, with some of the pairs each time.
func (s *snapshotter) many(head, pairs []string) {
	for len(pairs) > 0 {
		n := min(len(pairs), 2*perCommand)
		s.out = appendCommand(s.out, append(head[:len(head):len(head)], pairs[:n]...)...)
		pairs = pairs[n:]
	}
}

func (s *snapshotter) structure(m *miniredis.Miniredis, key string) error {
	switch kind := m.Type(key); kind {
	case "hash":
		return s.hash(m, key)
	case "zset":
		return s.sortedSet(m, key)
	case "stream":
		return s.stream(m, key)
	default:
		return fmt.Errorf("a %s is nothing that a store keeps", kind)
	}
}

func (s *snapshotter) hash(m *miniredis.Miniredis, key string) error {
	names, err := m.HKeys(key)
	if err != nil {
		return err
	}
	pairs := make([]string, 0, 2*len(names))
	for _, name := range names {
		pairs = append(pairs, name, m.HGet(key, name))
	}
	s.many([]string{"HSET", key}, pairs)
	return nil
}

func (s *snapshotter) sortedSet(m *miniredis.Miniredis, key string) error {
	members, err := m.ZMembers(key)
	if err != nil {
		return err
	}
	scores, err := m.SortedSet(key)
	if err != nil {
		return err
	}
	pairs := make([]string, 0, 2*len(members))
	for _, member := range members {
		pairs = append(pairs, score(scores[member]), member)
	}
	s.many([]string{"ZADD", key}, pairs)
	return nil
}

// score writes a score so that it is read as the same number.
func score(f float64) string {
	if math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64) // +Inf, -Inf
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func (s *snapshotter) stream(m *miniredis.Miniredis, key string) error {
	entries, err := m.Stream(key)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.out = appendCommand(s.out, append([]string{"XADD", key, e.ID}, e.Values...)...)
	}
	return nil
}
