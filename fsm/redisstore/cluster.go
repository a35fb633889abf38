package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// server is the one that has the partition: in a cluster the master of its slot, as far
// as is known.
func (s *Store) server(ctx context.Context, p engine.Partition) (*redis.Client, error) {
	switch c := s.writer.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, fenceKey(p))
	}
	return nil, fmt.Errorf("redisstore: a %T names no server of a partition", s.writer)
}

// lookAgain has it asked anew which master has which slot. A line follows no
// MOVED by itself, and of one whose server is gone nobody says MOVED, to readers neither.
// In MULTI no ASK can be followed: who meets it waits until the slot has arrived.
func (s *Store) lookAgain() {
	if s.closed.Load() {
		return
	}
	for _, client := range []redis.UniversalClient{s.writer, s.reader} {
		if c, ok := client.(*redis.ClusterClient); ok {
			c.ReloadState(context.Background()) // it only asks for it, and does not wait
		}
	}
}
