package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/archive"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/retention"
)

// archiveAt is where the archive is, and when bills go there.
type archiveAt struct {
	dir    string
	retain time.Duration
}

const usualRetain = 30 * 24 * time.Hour

func (a *archiveAt) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "archive", Usage: "move finished bills, and the journal of their time, to files by day in `DIR`; processes that share a store share DIR too", EnvVars: []string{"AIRTILL_ARCHIVE"}, DefaultText: "the store keeps all", Destination: &a.dir},
		&cli.DurationFlag{Name: "retain", Usage: "keep a bill at hand for `DURATION` after the day it was made on; 0s for ever", Value: usualRetain, EnvVars: []string{"AIRTILL_RETAIN"}, Destination: &a.retain},
	}
}

func (a *archiveAt) valid() error {
	if a.retain != 0 && a.retain < retention.Least {
		return usagef("--retain %s is too short: %s at least, or 0s for ever", a.retain, retention.Least)
	}
	return nil
}

// open opens the archive. A store that has one is not served without it: merchants would
// be told that there are no such bills.
func (a *archiveAt) open(ctx context.Context, store *world.Store) (*archive.Archive, error) {
	if a.dir != "" {
		return archive.Open(a.dir)
	}
	for n := range store.Partitions() {
		texts, err := store.Read(engine.Partition(n)).Get(ctx, billing.CheckpointKey)
		if err != nil {
			return nil, fmt.Errorf("look for an archive: %w", err)
		}
		if texts[0] != "" {
			return nil, hinted(errors.New("bills of this store are in an archive"), "say where it is: --archive DIR")
		}
	}
	return nil, nil
}

// over is a store with its archive, if the directory of one is said. Nothing is made.
func over(store engine.Store, dir string) (engine.Store, error) {
	if dir == "" {
		return store, nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	old, err := archive.Open(dir)
	if err != nil {
		return nil, err
	}
	return old.Over(store), nil
}
