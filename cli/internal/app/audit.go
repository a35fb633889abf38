package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
)

func auditCommand() command {
	var at target
	var archive string
	return command{
		name: "audit", short: "recompute every balance from the journal and compare", section: "A running network",
		about: "It reads the store of a network, running or not, and leaves it as it is. Each difference names the key to look at;\n" +
			"what should have been done minutes ago and was not is overdue. The status is 1 when anything differs or is overdue.\n" +
			"Where the old journal was moved to an archive, it begins from the checkpoint in its place; with --archive from the first entry of all.",
		examples: []string{"airtill audit", "airtill audit --redis redis://127.0.0.1:6379/0 --json", "airtill audit --archive /var/lib/airtill/archive"},
		flags: append(at.store(),
			&cli.StringFlag{Name: "archive", Usage: "read what was moved to the archive in `DIR` too", EnvVars: []string{"AIRTILL_ARCHIVE"}, Destination: &archive}),
		run: func(ctx context.Context, c *call) error {
			urls, err := at.storeURLs(c)
			if err != nil {
				return err
			}
			report, err := auditStore(ctx, urls, archive)
			if err != nil {
				return err
			}
			return printReport(c, report)
		},
	}
}

// storeURLs finds the store.
func (t *target) storeURLs(c *call) ([]string, error) {
	if t.redis != "" {
		return storeURLs(t.redis)
	}
	r, err := t.ready(c)
	if err != nil {
		return nil, err
	}
	if r.Redis == "" {
		return nil, hinted(errors.New("the ready file does not say where its store is"), "say it: --redis URL")
	}
	return storeURLs(r.Redis)
}

func auditStore(ctx context.Context, urls []string, archive string) (report *audit.Report, err error) {
	if err := isStore(ctx, urls); err != nil {
		return nil, err
	}
	store, err := world.OpenStore(ctx, network.TCP{}, "", urls...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	whole, err := over(store, archive)
	if err != nil {
		return nil, err
	}
	return audit.Run(ctx, whole, store.Partitions())
}

// storeMarker is the key by which a store knows itself, as package redisstore says.
const storeMarker = "airtill:store"

// isStore makes sure of a store to look at, because opening makes one where there is none.
func isStore(ctx context.Context, urls []string) error {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return err
	}
	at := strings.Join(options.Addrs, ", ")
	if err := answers(ctx, options.Addrs); err != nil {
		return hinted(fmt.Errorf("look into the store at %s: %w", at, err), "is it running? an embedded store is there while its airtill dev or platform runs")
	}
	client := redis.NewUniversalClient(looking(options))
	marked, err := client.Exists(ctx, storeMarker).Result()
	err = errors.Join(err, client.Close())
	switch {
	case err != nil:
		return fmt.Errorf("look into the store at %s: %w", at, err)
	case marked == 0:
		return hinted(fmt.Errorf("there is no store of Airtill at %s", at),
			"say which it is, with its database: --redis redis://HOST:PORT/DB")
	}
	return nil
}

// looking is for a client that asks once.
func looking(options *redis.UniversalOptions) *redis.UniversalOptions {
	o := *options
	o.MaxRetries, o.DialerRetries = -1, 1
	o.Protocol, o.DisableIdentity = 2, true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &o
}

// answers makes sure that somebody listens, because the Redis client logs in its own way
// when nobody does.
func answers(ctx context.Context, addresses []string) error {
	dialer := net.Dialer{Timeout: 3 * time.Second}
	var last error
	for _, address := range addresses {
		kind := "tcp"
		if strings.HasPrefix(address, "/") {
			kind = "unix"
		}
		conn, err := dialer.DialContext(ctx, kind, address)
		if err == nil {
			return conn.Close()
		}
		last = err
	}
	return last
}

func printReport(c *call, r *audit.Report) error {
	fields := []field{
		{"partitions", strconv.Itoa(r.Partitions)},
		{"journal entries", strconv.Itoa(r.Entries)},
		{"without a chain", some(r.Unchained)},
		{"bills", strconv.Itoa(r.Bills)},
		{"paid", strconv.Itoa(r.Paid)},
		{"debited twice", strconv.Itoa(r.DuplicateDebits)},
		{"settlements", some(r.Settlements)},
		{"refunds", strconv.Itoa(r.Refunds)},
	}
	fields = append(fields, sums("books sum to", r.Sums)...)
	fields = append(fields, sums("on its way", r.Clearing)...)
	for _, d := range r.Differences {
		fields = append(fields, field{"difference", d})
	}
	for _, o := range r.Overdue {
		fields = append(fields, field{"overdue", o})
	}
	if err := c.out.one(r, fields...); err != nil {
		return err
	}
	switch n := len(r.Differences); {
	case n == 1:
		return hinted(errors.New("the books are wrong: 1 difference"), "nothing was changed; keep the store as it is and look at the journal")
	case n > 1:
		return hinted(fmt.Errorf("the books are wrong: %d differences", n), "nothing was changed; keep the store as it is and look at the journal")
	case len(r.Overdue) > 0:
		return hinted(fmt.Errorf("the books are right, but overdue: %d", len(r.Overdue)), "is the platform up, and the carrier and the merchants with it?")
	case r.Entries == 0:
		c.talk("the journal is empty: is that the store that was meant?")
	default:
		c.talk("the books are right")
	}
	return nil
}

// some is a count that is shown when there is something to count.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// sums are amounts by currency, a line each.
func sums(name string, by map[string]int64) []field {
	var fields []field
	for _, currency := range slices.Sorted(maps.Keys(by)) {
		fields = append(fields, field{name, sum(money.Amount(by[currency]), money.Currency(currency))})
	}
	return fields
}

// auditAtStartTime is how long a start waits for the audit at most, unless it is told.
const auditAtStartTime = 3 * time.Second

func auditAtStartFlag(into *time.Duration) cli.Flag {
	return &cli.DurationFlag{
		Name: "audit-at-start", Usage: "audit the store before serving, for `TIME` at most; books that are wrong are not served; 0s does not",
		Value: auditAtStartTime, EnvVars: []string{"AIRTILL_AUDIT_AT_START"}, Destination: into,
	}
}

// auditAtStart refuses to serve books that are wrong. It has so much time; a store too
// large for that is served, and says so. What is overdue is what serving will mend.
func auditAtStart(ctx context.Context, c *call, store *world.Store, most time.Duration) error {
	if most <= 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	report, err := audit.Run(bounded, store, store.Partitions())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case bounded.Err() != nil:
		c.log.Warn().Dur("time", most).Msg("the audit at the start was not done in time; run airtill audit beside the platform")
		return nil
	case err != nil:
		return err
	case len(report.Differences) == 0:
		return nil
	}
	return hinted(fmt.Errorf("the books are wrong: %s", strings.Join(report.Differences, "; ")),
		"keep the store as it is and look at airtill audit; --audit-at-start 0s starts all the same")
}
