package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/aofstore"
)

// Verify reads a file to its end and answers its manifest, if the file is as it was
// written and holds nothing but what a store is made of. It leaves the file at its beginning.
func Verify(file io.ReadSeeker) (Manifest, error) {
	m, err := readManifest(aofstore.ReadCommands(file))
	if err != nil {
		return m, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	h := sha256.New()
	if _, err := io.CopyN(h, file, m.Octets); err != nil {
		return m, fmt.Errorf("read the backup: %w", err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != m.SHA256 {
		return m, fmt.Errorf("%w: its SHA-256 is %s, its manifest says %s", ErrDamaged, sum, m.SHA256)
	}
	_, err = file.Seek(0, io.SeekStart)
	return m, err
}

// readManifest reads all commands, up to the manifest.
func readManifest(in *aofstore.Commands) (Manifest, error) {
	for n := 0; ; n++ {
		start := in.At()
		args, err := in.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return Manifest{}, fmt.Errorf("%w: it ends after %d octets, without its manifest", ErrDamaged, start)
		case err != nil:
			return Manifest{}, fmt.Errorf("%w at octet %d: %w", ErrDamaged, start, err)
		case args[0] == "ECHO":
			return parseManifest(in, args, start, n)
		case !harmless(args):
			return Manifest{}, fmt.Errorf("%w at octet %d: %.20q of %.40q does not belong there", ErrDamaged, start, args[0], args[min(1, len(args)-1)])
		}
	}
}

// parseManifest reads the manifest, which is the last, and holds what was read against it.
func parseManifest(in *aofstore.Commands, args []string, start int64, commands int) (m Manifest, err error) {
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%w: something follows its manifest", ErrDamaged)
	}
	if len(args) != 2 || json.Unmarshal([]byte(args[1]), &m) != nil || m.Format == 0 {
		return m, fmt.Errorf("%w: it has no manifest at its end", ErrDamaged)
	}
	switch {
	case m.Format != Format:
		return m, fmt.Errorf("the backup is of format %d; this is for format %d", m.Format, Format)
	case m.Octets != start || m.Commands != commands || len(m.Marks) != m.Partitions:
		return m, fmt.Errorf("%w: it has %d commands in %d octets, its manifest says %d in %d", ErrDamaged, commands, start, m.Commands, m.Octets)
	}
	return m, nil
}

// harmless says whether a command only adds to a store.
func harmless(args []string) bool {
	if len(args) < 3 || !slices.Contains([]string{"SET", "MSET", "HSET", "ZADD", "XADD"}, args[0]) {
		return false
	}
	switch args[0] {
	case "SET":
		return args[1] == storeKey && len(args) == 3
	case "MSET":
		for i := 1; i < len(args); i += 2 {
			if !copied(args[i]) {
				return false
			}
		}
		return len(args)%2 == 1
	}
	return copied(args[1])
}

// restorePage is how many commands are sent at once.
const restorePage = 64

// Restore puts a file that was verified into a store that has none of its keys.
func Restore(ctx context.Context, client redis.UniversalClient, file io.Reader, m Manifest) error {
	in := aofstore.ReadCommands(io.LimitReader(file, m.Octets))
	for {
		pipe := client.Pipeline()
		end, err := queue(ctx, pipe, in)
		if err != nil {
			return err
		}
		if pipe.Len() > 0 {
			if _, err := pipe.Exec(ctx); err != nil {
				return fmt.Errorf("restore: %w", err)
			}
		}
		if end {
			return compareMarks(ctx, client, m)
		}
	}
}

// queue puts some commands into a pipeline, and says whether they are the last.
func queue(ctx context.Context, pipe redis.Pipeliner, in *aofstore.Commands) (end bool, err error) {
	for size := 0; pipe.Len() < restorePage && size < fileChunk; {
		args, err := in.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("%w at octet %d: %w", ErrDamaged, in.At(), err)
		}
		values := make([]any, len(args))
		for i, arg := range args {
			values[i] = arg
			size += len(arg)
		}
		pipe.Do(ctx, values...)
	}
	return false, nil
}

// compareMarks makes sure that the store stands where the copied one stood.
func compareMarks(ctx context.Context, client redis.UniversalClient, m Manifest) error {
	c := &copying{client: client, journals: make([]journal, m.Partitions)}
	marks, err := c.readMarks(ctx)
	if err != nil {
		return err
	}
	for n, mark := range marks {
		length, err := client.XLen(ctx, prefix(n)+"journal").Result()
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		mark.Entries = int(length)
		if mark != m.Marks[n] {
			return fmt.Errorf("restore: %s stands at %+v, in the backup it stood at %+v", prefix(n), mark, m.Marks[n])
		}
	}
	return nil
}

// Empty says whether nothing was ever kept in a store.
func Empty(ctx context.Context, client redis.UniversalClient) (bool, error) {
	c := &copying{client: client}
	empty := true
	err := c.masters(ctx, func(ctx context.Context, m *redis.Client) error {
		keys := m.Scan(ctx, 0, "{p*", page).Iterator()
		for keys.Next(ctx) {
			if _, ours := partitionOf(keys.Val()); !ours {
				continue
			}
			kept, err := filled(ctx, m, keys.Val())
			if err != nil || kept {
				empty = false
				return err
			}
		}
		return keys.Err()
	})
	return empty, err
}

// filled says whether a partition's key is more than the fence that a new store sets.
func filled(ctx context.Context, m *redis.Client, key string) (bool, error) {
	if !strings.HasSuffix(key, ":fence") {
		return true, nil
	}
	at, err := m.Get(ctx, key).Result()
	return at != "0", err
}
