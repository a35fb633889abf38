package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/backup"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform/api"
)

// backupConfig is what backup was told.
type backupConfig struct {
	at    target
	data  string
	check bool
	pause time.Duration
	by    string
}

func backupCommand() command {
	var b backupConfig
	return command{
		name: "backup", short: "copy a store into a file, while it is in use", section: "A running network", args: "FILE",
		about: "It copies the store of the running network, the one at --redis URL, or the one in --data DIR that nobody uses; the network goes on. FILE must not be there.\n" +
			"The copy is of one moment: writers are held back for up to --pause if they do not stand still for as long as it takes (CLIENT PAUSE, which the Redis user must be allowed).\n" +
			"FILE holds Redis commands, which airtill restore or redis-cli --pipe takes, and ends with its SHA-256. What is in it is sealed as it is in the store.\n" +
			"The vault is not in it: keep a copy of that elsewhere. Without it nothing in the backup can be opened, nor in the store.\n" +
			"--check restores FILE into memory and audits it: the status is 1 unless it is whole and its books are right.",
		flags: append(b.at.store(),
			dataFlag(&b.data, "copy the store in `DIR`, which no process uses"),
			&cli.BoolFlag{Name: "check", Usage: "make no copy: prove that FILE is a good one", Destination: &b.check},
			&cli.DurationFlag{Name: "pause", Usage: "hold writers back for at most `TIME`; 0s never does", Value: backup.DefaultPause, Destination: &b.pause},
			&cli.StringFlag{Name: "by", Usage: "`NAME` of who does it, for the office's log of the running network", Destination: &b.by},
			b.at.platformFlag(), operatorKeyFlag(&b.at),
		),
		examples: []string{"airtill backup store.backup", "airtill backup --redis redis://127.0.0.1:6379/0 store.backup", "airtill backup --check store.backup"},
		run: func(ctx context.Context, c *call) error {
			if b.check {
				return b.prove(ctx, c, c.args[0])
			}
			return b.run(ctx, c, c.args[0])
		},
	}
}

func dataFlag(into *string, usage string) cli.Flag {
	return &cli.StringFlag{Name: "data", Usage: usage, Destination: into}
}

func (b *backupConfig) run(ctx context.Context, c *call, path string) (err error) {
	client, done, err := b.source(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return usagef("%w", err)
	}
	m, err := copyInto(ctx, client, file, b.pause)
	if err != nil {
		return errors.Join(explainBackup(err), os.Remove(path))
	}
	if err := c.out.one(m, manifestFields(path, m)...); err != nil {
		return err
	}
	c.talk("the vault is not in it: keep a copy of that elsewhere")
	c.talk("next: airtill backup --check %s", path)
	return b.log(ctx, c, path)
}

// copyInto copies a store into a file, to the disk.
func copyInto(ctx context.Context, client redis.UniversalClient, file *os.File, pause time.Duration) (backup.Manifest, error) {
	if pause == 0 {
		pause = -1 // never
	}
	m, err := backup.Copy(ctx, client, file, backup.Options{Pause: pause})
	if err == nil {
		err = file.Sync()
	}
	return m, errors.Join(err, file.Close())
}

func explainBackup(err error) error {
	switch {
	case errors.Is(err, backup.ErrBusy):
		return hinted(err, "hold writers back for longer: --pause 5s; or copy it when less is going on")
	case errors.Is(err, backup.ErrNoStore):
		return hinted(err, "say which it is, with its database: --redis redis://HOST:PORT/DB")
	}
	return err
}

// source finds the store to copy.
func (b *backupConfig) source(ctx context.Context, c *call) (redis.UniversalClient, func() error, error) {
	if b.data != "" && b.at.redis != "" {
		return nil, nil, usagef("--redis URL or --data DIR, not both")
	}
	if b.data != "" {
		if _, err := os.Stat(b.data); err != nil {
			return nil, nil, usagef("--data: %w", err)
		}
		return openData(ctx, c, b.data)
	}
	urls, err := b.at.storeURLs(c)
	if err != nil {
		return nil, nil, err
	}
	if err := isStore(ctx, urls); err != nil {
		return nil, nil, err
	}
	return openURLs(urls)
}

// openURLs is a client of a store that runs.
func openURLs(urls []string) (redis.UniversalClient, func() error, error) {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil, nil, err
	}
	o := looking(options)
	o.ReadTimeout, o.WriteTimeout = time.Minute, time.Minute
	client := redis.NewUniversalClient(o)
	return client, client.Close, nil
}

// openData opens a data directory that nobody uses, or makes it, and is a client of it.
// Without a directory it is in memory.
func openData(ctx context.Context, c *call, dir string) (redis.UniversalClient, func() error, error) {
	warn := func(err error) { c.log.Warn().Err(err).Msg("the store") }
	store, err := world.OpenKept(ctx, network.TCP{}, "127.0.0.1:0", dir, warn)
	if errors.Is(err, aofstore.ErrInUse) {
		return nil, nil, hinted(err, "a store in use is reached through its network: leave --data out, or say --redis URL")
	}
	if err != nil {
		return nil, nil, explainStore(err, dir)
	}
	client, done, err := openURLs([]string{store.URL})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return client, func() error { return errors.Join(done(), store.Close()) }, nil
}

// log writes the backup down in the office's log, if somebody says who made it.
func (b *backupConfig) log(ctx context.Context, c *call, path string) error {
	if b.by == "" {
		return nil
	}
	client, err := b.at.officeClient(c)
	if err == nil {
		err = client.NoteAct(ctx, api.NotedAct{Act: "backup", On: path, By: b.by, Note: "the store was copied"})
	}
	if err != nil {
		return fmt.Errorf("the backup is made, but is not in the office's log: %w", b.at.explain(err))
	}
	return nil
}

func manifestFields(path string, m backup.Manifest) []field {
	return []field{
		{"file", path},
		{"made", moment(m.Made)},
		{"partitions", strconv.Itoa(m.Partitions)},
		{"journal entries", strconv.Itoa(m.Entries())},
		{"octets", strconv.FormatInt(m.Octets, 10)},
		{"sha256", m.SHA256},
	}
}

// prove restores a file into memory and audits it.
func (b *backupConfig) prove(ctx context.Context, c *call, path string) (err error) {
	file, m, err := openBackup(path)
	if err != nil {
		return err
	}
	defer file.Close()
	client, done, err := openData(ctx, c, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return restoreInto(ctx, c, client, file, m)
}

// openBackup opens a file and makes sure that it is whole.
func openBackup(path string) (*os.File, backup.Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, backup.Manifest{}, usagef("%w", err)
	}
	m, err := backup.Verify(file)
	if err != nil {
		return nil, m, errors.Join(hinted(fmt.Errorf("%s: %w", path, err), "nothing was restored; take another copy"), file.Close())
	}
	return file, m, nil
}
