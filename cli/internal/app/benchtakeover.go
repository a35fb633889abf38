package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9/logging"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/takeoverbench"
)

func benchTakeover() command {
	var c takeoverbench.Config
	return command{
		name: "takeover", short: "take over a store of many live bills, and measure it",
		about: `Phones are enrolled in one database of the Redis at the URL, which must be empty, and each
is brought a bill, by the platform's own rules: ordered, pushed and delivered, open for a day.
Beyond 10,000 bills, records and deadlines of these are copied under other ids. Then everything is dropped from memory, and all partitions are taken over: the time is until
the last one serves. It is emptied in the end.

After the takeover, phones are asked about that are not in memory: the first touch. With
--finished so many bills are withdrawn, and filed. Octets in the Redis are what INFO and
MEMORY USAGE say.`,
		examples: []string{
			"airtill bench takeover --store redis://127.0.0.1:6379/9",
			"airtill bench takeover --store redis://127.0.0.1:6379/9 --bills 1000000 --finished 100000 --json",
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "store", Usage: "keep bills in a database of a Redis at `URL`, redis://HOST:PORT/DB", Destination: &c.URL},
			&cli.BoolFlag{Name: "fresh", Usage: "erase what that database holds first, all of it", Destination: &c.Fresh},
			&cli.BoolFlag{Name: "keep", Usage: "leave the bills there", Destination: &c.Keep},
			&cli.IntFlag{Name: "bills", Usage: "have `N` live bills", Value: 100_000, Destination: &c.Bills},
			&cli.IntFlag{Name: "phones", Usage: "for `N` phones", DefaultText: "one for each bill, up to 10000", Destination: &c.Phones},
			&cli.IntFlag{Name: "finished", Usage: "finish `N` of the bills in the end", Destination: &c.Finished},
			&cli.IntFlag{Name: "partitions", Usage: "have `N` partitions", Value: 16, Destination: &c.Partitions},
		},
		run: func(ctx context.Context, call *call) error {
			if err := takeoverValid(c); err != nil {
				return err
			}
			logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
			r, err := takeoverbench.Run(ctx, c)
			if errors.Is(err, takeoverbench.ErrTaken) {
				err = hinted(err, "use an empty one (redis://HOST:PORT/9), or erase it with --fresh")
			}
			if r == nil || !r.Whole {
				return err
			}
			return errors.Join(call.out.one(r, takeoverFields(r)...), err)
		},
	}
}

func takeoverValid(c takeoverbench.Config) error {
	urls, err := storeURLs(c.URL)
	switch {
	case err != nil || len(urls) != 1:
		return usagef("--store: say where a Redis is: --store redis://127.0.0.1:6379/9")
	case c.Bills < 1 || c.Bills > 1e8:
		return usagef("--bills %d: 1 to 100000000", c.Bills)
	case c.Phones < 0 || c.Phones > 1e8:
		return usagef("--phones %d: up to 100000000", c.Phones)
	case c.Finished < 0 || c.Finished > c.Bills:
		return usagef("--finished %d: up to as many as --bills", c.Finished)
	case c.Partitions < 1 || c.Partitions > 1<<16:
		return usagef("--partitions %d: 1 to 65536", c.Partitions)
	}
	return nil
}

func takeoverFields(r *takeoverbench.Result) []field {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.RedisParts)) {
		parts = append(parts, fmt.Sprintf("%s %.0f", name, r.RedisParts[name]))
	}
	fields := []field{
		{"store", fmt.Sprintf("%d live bills for %d phones, %d partitions", r.Bills, r.Phones, r.Partitions)},
		{"takeover", fmt.Sprintf("%.2f s, on a machine with a load of %.1f", r.Takeover, r.LoadAverage)},
		{"CPU", fmt.Sprintf("%.2f s here, %.2f s in Redis", r.GoCPU, r.RedisCPU)},
		{"memory here", fmt.Sprintf("%.0f octets a live bill, %.0f a phone in use and its bills", r.Heap, r.AwakeHeap)},
		{"first touch", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms", r.FirstP50, r.FirstP99)},
		{"in Redis", fmt.Sprintf("%.0f octets a live bill, %.0f a phone", r.RedisBill, r.RedisPhone)},
		{"of it", strings.Join(parts, ", ")},
		{"filled", fmt.Sprintf("%.0f bills/s", r.FillPerS)},
	}
	if r.Finished > 0 {
		fields = append(fields, field{"finished", fmt.Sprintf("%d, %.0f octets each, and %.0f in the journal", r.Finished, r.RedisFinished, r.RedisFinishedIn)})
	}
	return fields
}
