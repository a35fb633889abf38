package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// ErrOther is for a store that was made for something else: another count of
// partitions, another version, or not by this program.
var ErrOther = errors.New("the store was made for something else")

// ErrLost is for a partition whose server has lost its keys: taken as if it were new, it
// would forget its money.
var ErrLost = errors.New("the partition's keys are lost")

// lost is ErrLost, with what to do.
func lost(p engine.Partition) error {
	return fmt.Errorf("%w: there is no %s; its server was started without its files, or its slot was given away empty: bring them back",
		ErrLost, fenceKey(p))
}

// marker is what the store says about itself.
type marker struct {
	Version    int `json:"version"`
	Partitions int `json:"partitions"`
}

const (
	markerKey    = "airtill:store"
	storeVersion = 1
)

// claim checks the store's marker, and sets it in a store that is new. The store has so
// many partitions, or with 0 those of the marker.
func (s *Store) claim(ctx context.Context, partitions int) error {
	if err := s.whole(ctx); err != nil {
		return err
	}
	want := marker{Version: storeVersion, Partitions: s.partitions}
	text, err := s.reader.Get(ctx, markerKey).Result()
	if errors.Is(err, redis.Nil) {
		made := s.makeNew(ctx, want)
		text, err = s.reader.Get(ctx, markerKey).Result()
		if made != nil && (err != nil || !errors.Is(made, ErrOther)) { // else another has made it meanwhile
			return made
		}
	}
	if err != nil {
		return err
	}
	var got marker
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return fmt.Errorf("%w: %s is %q", ErrOther, markerKey, text)
	}
	if partitions == 0 && got.Partitions > 0 && got.Partitions <= engine.MostPartitions {
		s.partitions, want.Partitions = got.Partitions, got.Partitions
	}
	if got != want {
		return fmt.Errorf("%w: it has version %d and %d partitions, wanted are %d and %d",
			ErrOther, got.Version, got.Partitions, want.Version, want.Partitions)
	}
	return nil
}

// whole makes sure that one server that is named has all partitions: a node of a cluster
// has not, and refuses a command about all of them.
func (s *Store) whole(ctx context.Context) error {
	server, ok := s.reader.(*redis.Client)
	if !ok {
		return nil
	}
	var fences []string
	for n := range s.partitions {
		fences = append(fences, fenceKey(engine.Partition(n)))
	}
	err := server.Exists(ctx, fences...).Err()
	if redis.HasErrorPrefix(err, "CROSSSLOT") || redis.HasErrorPrefix(err, "MOVED") {
		return fmt.Errorf("it is one node of a cluster: name two of its masters or more: %w", err)
	}
	return err
}

// makeNew marks an empty store. Each partition gets a fence, so that one whose keys are
// lost is never taken for a new one. A store that has lost its marker but not its
// partitions is not new.
func (s *Store) makeNew(ctx context.Context, m marker) error {
	for n := range m.Partitions {
		fence := fenceKey(engine.Partition(n))
		if err := s.reader.SetNX(ctx, fence, "0", 0).Err(); err != nil {
			return err
		}
		switch at, err := s.reader.Get(ctx, fence).Result(); {
		case err != nil:
			return err
		case at != "0":
			return fmt.Errorf("%w: there is %s but no %s", ErrOther, fence, markerKey)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.reader.SetNX(ctx, markerKey, text, 0).Err()
}
