package redisstore

import (
	"context"
	"fmt"
)

// Partitions is how many partitions the store was made with.
func (s *Store) Partitions() int { return s.partitions }

// Setting is a setting of the server that decides what it can lose.
type Setting struct {
	Name  string
	Value string
	Right string // what it should be for a store for keeps
	Cost  string // what the value can cost; empty when it is right
}

// OK says that the setting costs nothing.
func (s Setting) OK() bool { return s.Cost == "" }

// String is the setting as a configuration file has it, with what it can cost.
func (s Setting) String() string {
	if s.OK() {
		return s.Name + " " + s.Value
	}
	return fmt.Sprintf("%s %s (should be %s): %s", s.Name, s.Value, s.Right, s.Cost)
}

// wanted are the settings that are looked at, what each should be, and what another
// value can cost.
func wanted() []Setting {
	return []Setting{
		{Name: "appendonly", Right: "yes", Cost: "what was acknowledged since the last snapshot is lost when the server ends"},
		{Name: "appendfsync", Right: "always", Cost: "up to two seconds of what was acknowledged are lost when the machine or the server is killed"},
		{Name: "aof-load-truncated", Right: "no", Cost: "a torn tail can bring back half a transaction on the second restart"},
		{Name: "maxmemory-policy", Right: "noeviction", Cost: "bills and balances may be evicted when memory is short"},
	}
}

// Settings asks the server for the settings that decide what it can lose. A server
// that does not tell answers an error.
func (s *Store) Settings(ctx context.Context) ([]Setting, error) {
	settings := wanted()
	for i := range settings {
		w := &settings[i]
		values, err := s.reader.ConfigGet(ctx, w.Name).Result()
		if err != nil {
			return nil, fmt.Errorf("ask the server for %s: %w", w.Name, err)
		}
		if w.Value = values[w.Name]; w.Value == w.Right {
			w.Cost = ""
		}
	}
	return settings, nil
}
