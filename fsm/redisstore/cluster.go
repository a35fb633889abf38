package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// conn pins a connection to the server that has the partition: in a cluster the master
// of its slot, as far as is known.
func (s *Store) conn(ctx context.Context, p engine.Partition) (*redis.Conn, error) {
	switch c := s.writer.(type) {
	case *redis.Client:
		return c.Conn(), nil
	case *redis.ClusterClient:
		master, err := c.MasterForKey(ctx, fenceKey(p))
		if err != nil {
			return nil, err
		}
		return master.Conn(), nil
	}
	return nil, fmt.Errorf("redisstore: no connection can be pinned on a %T", s.writer)
}

// lookAgain has it asked anew which master has which slot. A pinned connection follows no
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
