package redisstore

import (
	"context"
	"fmt"
	"strings"
)

// Risks asks the server for the settings that decide what it can lose of what it has
// acknowledged, and says in words what that is; nothing is empty. A server that does not
// tell answers an error.
func (s *Store) Risks(ctx context.Context) ([]string, error) {
	var risks []string
	for _, w := range []struct{ name, right, cost string }{
		{"appendonly", "yes", "messages since the last snapshot are lost when the server ends"},
		{"appendfsync", "always", "up to two seconds of messages are lost when its machine fails or it is killed"},
		{"no-appendfsync-on-rewrite", "no", "messages taken while the file is rewritten are lost when its machine fails"},
		{"aof-load-truncated", "no", "a torn tail can bring back half a batch on the second restart"},
		{"maxmemory-policy", "noeviction", "messages may be evicted when memory is short"},
	} {
		values, err := s.client.ConfigGet(ctx, w.name).Result()
		if err != nil {
			return nil, fmt.Errorf("ask the server for %s: %w", w.name, err)
		}
		if got := values[w.name]; got != w.right {
			risks = append(risks, strings.Join([]string{w.name, got, "and not", w.right + ":", w.cost}, " "))
		}
	}
	return risks, nil
}
