package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/fsm/backup"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
)

// restoreConfig is what restore was told.
type restoreConfig struct {
	redis, data string
	fresh       bool
}

func restoreCommand() command {
	var r restoreConfig
	return command{
		name: "restore", short: "put a backup into an empty store, and prove it by an audit", section: "A running network", args: "FILE",
		about: "FILE is what airtill backup has made; all of it is verified before anything is written. The store is at --redis URL or in --data DIR, and must be empty.\n" +
			"Then every balance is recomputed from the journal: the status is 1 when anything differs.\n" +
			"Start the platform on it with the same vault. It goes on as after a crash at the moment of the copy: what was under way is done again, and nothing twice.\n" +
			"Orders and payments from after that moment are not in it: never let two platforms serve the same merchants from a store and its copy.",
		flags: []cli.Flag{
			&cli.StringFlag{Name: "redis", Usage: "restore into the Redis at `URL`, redis://HOST:PORT/DB", Destination: &r.redis},
			dataFlag(&r.data, "restore into a new store in `DIR`"),
			&cli.BoolFlag{Name: "fresh", Usage: "erase what another network has left in that Redis first", Destination: &r.fresh},
		},
		examples: []string{"airtill restore --redis redis://127.0.0.1:6379/1 store.backup", "airtill restore --data ./restored store.backup"},
		run:      r.run,
	}
}

func (r *restoreConfig) run(ctx context.Context, c *call) (err error) {
	switch {
	case (r.redis == "") == (r.data == ""):
		return usagef("say where to: --redis URL, or --data DIR")
	case r.fresh && r.data != "":
		return usagef("--fresh is for --redis; take another directory: --data DIR")
	}
	file, m, err := openBackup(c.args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	client, done, err := r.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	empty, err := backup.Empty(ctx, client)
	if err != nil {
		return fmt.Errorf("look into the store: %w", err)
	}
	if !empty {
		return hinted(errors.New("there is a store already; nothing was restored"), "take an empty one, or erase what is in that Redis: --fresh")
	}
	return restoreInto(ctx, c, client, file, m)
}

// open finds the store to restore into.
func (r *restoreConfig) open(ctx context.Context, c *call) (redis.UniversalClient, func() error, error) {
	if r.data != "" {
		return openData(ctx, c, r.data)
	}
	urls, err := storeURLs(r.redis)
	if err != nil {
		return nil, nil, err
	}
	if err := knock(ctx, urls); err != nil {
		return nil, nil, err
	}
	if r.fresh {
		if err := erase(ctx, c, r.redis); err != nil {
			return nil, nil, err
		}
	}
	return openURLs(urls)
}

// restoreInto puts a backup into an empty store and audits what it has become.
func restoreInto(ctx context.Context, c *call, client redis.UniversalClient, file *os.File, m backup.Manifest) error {
	err := backup.Restore(ctx, client, file, m)
	if err == nil {
		err = leapCounters(ctx, client, m.Partitions)
	}
	if err != nil {
		return hinted(err, "the store is restored in part: erase it before you try again")
	}
	report, err := auditClient(ctx, client, m.Partitions)
	if err != nil {
		return err
	}
	report.Overdue = nil // it stands still; that is for whoever serves it
	return printReport(c, report)
}

// leapCounters moves the packet counters to all phones ahead, of which those used since
// the copy are not known.
func leapCounters(ctx context.Context, client redis.UniversalClient, partitions int) error {
	for n := range partitions {
		hash := fmt.Sprintf("{%s}:counters", engine.Partition(n))
		fields := client.HScan(ctx, hash, 0, "", 1000).Iterator()
		for fields.Next(ctx) {
			phone := fields.Val()
			if !fields.Next(ctx) {
				break
			}
			ahead, err := billing.Leap(fields.Val())
			if err == nil {
				err = client.HSet(ctx, hash, phone, ahead).Err()
			}
			if err != nil {
				return fmt.Errorf("move the counters in %s ahead: %w", hash, err)
			}
		}
		if err := fields.Err(); err != nil {
			return fmt.Errorf("read %s: %w", hash, err)
		}
	}
	return nil
}

// auditClient audits the store at a client.
func auditClient(ctx context.Context, client redis.UniversalClient, partitions int) (*audit.Report, error) {
	store := redisstore.Reading(client)
	return audit.Run(ctx, store, partitions)
}
