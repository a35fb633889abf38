package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/enginebench"
)

// engineBench is what was said of a run.
type engineBench struct {
	config  enginebench.Config
	store   string
	profile string
}

func benchEngine() command {
	var b engineBench
	return command{
		name: "engine", short: "keep bills in a store as fast as it takes them",
		about: `A bill here has five steps that are kept, a debit, a credit, three effects and a deadline; its
next step is sent when the last one was answered, which is after it was kept. No phone, no
callback and no cryptography is in it: what is measured is the engine and the store.

The store is embedded, in memory; or in a directory of its own in DIR, on the disk before it
answers; or one database of the Redis at a URL, which must be empty. It is emptied in the end.

What the engine writes is recorded on its way, batch by batch. Then the store is emptied, and
the very same bytes are written again, on as many connections, each batch when the one before
it is answered, by a loader that decides and encodes nothing. The ratio is of the two rates.
Recorded are the first 128 MB.

Without --rate so many bills are in flight, and a bill begins when one is over. With it bills
begin when they are due, however long they take, and the first step counts from then. Times
are of steps. A Redis on this machine has a processor left to it, and garbage is collected
less often than Go would, unless GOGC says how often. Redis CPU is the server's; an embedded
store's is in this process, and shown is what the process used in the replay.`,
		examples: []string{
			"airtill bench engine",
			"airtill bench engine --store /var/tmp/airtill --time 10s --json",
			"airtill bench engine --store redis://127.0.0.1:6379/9 --rate 20000",
			"airtill bench engine --profile cpu.pprof && go tool pprof -top cpu.pprof",
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "store", Usage: "keep bills in `STORE`: embedded, redis://HOST:PORT/DB, or a directory", Value: "embedded", Destination: &b.store},
			&cli.BoolFlag{Name: "fresh", Usage: "erase what that database holds first, all of it", Destination: &b.config.Fresh},
			&cli.DurationFlag{Name: "time", Usage: "begin bills for `TIME`", DefaultText: "5s, or until --bills are begun", Destination: &b.config.Time},
			&cli.IntFlag{Name: "bills", Usage: "begin `N` bills", DefaultText: "as many as --time allows", Destination: &b.config.Bills},
			&cli.IntFlag{Name: "in-flight", Usage: "have `N` bills in flight", DefaultText: "4096, or with --rate what comes of it", Destination: &b.config.InFlight},
			&cli.Float64Flag{Name: "rate", Usage: "begin `N` bills in a second", DefaultText: "as fast as they end", Destination: &b.config.Rate},
			&cli.IntFlag{Name: "partitions", Usage: "have `N` partitions, each with its writer and its connection", Value: 16, Destination: &b.config.Partitions},
			&cli.IntFlag{Name: "processors", Usage: "use `N` processors at a time", DefaultText: "all, but one where the Redis is on this machine", Destination: &b.config.Processors},
			&cli.StringFlag{Name: "profile", Usage: "write a CPU profile of the engine's part to `FILE`", Destination: &b.profile},
		},
		run: b.run,
	}
}

func (b *engineBench) run(ctx context.Context, c *call) (err error) {
	if err := b.complete(); err != nil {
		return err
	}
	if b.profile != "" {
		f, err := os.Create(b.profile)
		if err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer f.Close()
		b.config.Profile = f
	}
	defer collectRarely(c)()
	logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
	r, err := enginebench.Run(ctx, b.config)
	switch {
	case errors.Is(err, enginebench.ErrTaken):
		err = hinted(err, "use an empty one (redis://HOST:PORT/9), or erase it with --fresh")
	case errors.Is(err, enginebench.ErrNotThere):
		err = hinted(err, "is a Redis 7 there? leave --store out to measure an embedded store")
	}
	if r == nil {
		return err
	}
	return errors.Join(c.out.one(r, engineFields(r)...), err)
}

// complete reads what was said of the store, and fills what was not said.
func (b *engineBench) complete() error {
	switch {
	case b.store == "":
		return usagef("--store is empty: say embedded, redis://HOST:PORT/DB, or a directory")
	case b.store == "embedded":
	case strings.Contains(b.store, "://"):
		b.config.URL = b.store
		if urls, err := storeURLs(b.store); err != nil || len(urls) != 1 {
			return usagef("--store: it is no URL of one server, like redis://127.0.0.1:6379/9")
		}
	default:
		b.config.Dir = b.store
	}
	if b.config.Fresh && b.config.URL == "" {
		return usagef("--fresh is for a Redis: other stores are new")
	}
	if b.config.Time == 0 && b.config.Bills == 0 {
		b.config.Time = 5 * time.Second
	}
	if err := b.config.Validate(); err != nil {
		return usagef("%w", err)
	}
	return nil
}

func engineFields(r *enginebench.Result) []field {
	load := fmt.Sprintf("%d in flight", r.InFlight)
	if r.Rate > 0 {
		load = fmt.Sprintf("%.0f/s", r.Rate)
	}
	fields := []field{
		{"store", fmt.Sprintf("%s, fsync %s, %d partitions", r.Store, r.Fsync, r.Partitions)},
		{"load", fmt.Sprintf("%s, %.1f s, on %d processors of a machine with a load of %.1f", load, r.Seconds, r.Processors, r.LoadAverage)},
		{"bills", fmt.Sprintf("%.0f/s, %d, %d errors", r.BillsPerS, r.Bills, r.Errors)},
	}
	if r.ReplayPerS > 0 {
		fields = append(fields, field{"replay", fmt.Sprintf("%.0f/s, %d, ratio %.2f", r.ReplayPerS, r.ReplayedBills, r.Ratio)})
	}
	return append(fields,
		field{"answered in", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms", r.P50, r.P99, r.P999)},
		field{"CPU", fmt.Sprintf("%.1f us a bill here, %.1f us in Redis; replay %.1f us", r.GoCPUPer, r.RedisCPUPer, r.ReplayCPUPer)},
		field{"written", fmt.Sprintf("%.0f octets a bill, %.0f steps a batch", r.BytesPer, r.StepsPerCommit)},
	)
}
