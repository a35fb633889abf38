package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Names that a redis-server gives its files, and the one under which a torn tail is kept.
const (
	childAOF      = "appendonly.aof"
	childFiles    = "appendonlydir"
	childManifest = childAOF + ".manifest"
	childTorn     = "appendonly.aof.torn"
)

// errDamaged is for an append-only file that is damaged before its end.
var errDamaged = errors.New("the append-only file is damaged before its end: whole batches come after it, so nothing was cut off; bring it back from a backup")

// analysed is what redis-check-aof says of a file.
var analysed = regexp.MustCompile(`AOF analyzed: filename=(\S+), size=(\d+), ok_up_to=(\d+),`)

// tail is what comes after the last whole batch in the last file of a redis-server.
type tail struct {
	file       string
	keep, size int64
}

// mendTail cuts the torn tail off the files of a redis-server that has ended, where
// redis-check-aof finds one: a batch that was being written when the machine stopped. It
// cuts before MULTI, and puts aside what it cuts. It answers how many octets those were.
func mendTail(ctx context.Context, dir string) (cut int64, err error) {
	t, err := findTail(ctx, dir)
	if err != nil || t.keep == t.size {
		return 0, err
	}
	f, err := os.OpenFile(t.file, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := keepTail(f, t, filepath.Join(dir, childTorn)); err != nil {
		return 0, err
	}
	return t.size - t.keep, errors.Join(f.Truncate(t.keep), f.Sync())
}

// findTail asks redis-check-aof. A server that has no files yet has none.
func findTail(ctx context.Context, dir string) (tail, error) {
	manifest := filepath.Join(dir, childFiles, childManifest)
	if _, err := os.Stat(manifest); errors.Is(err, os.ErrNotExist) {
		return tail{}, nil
	}
	said, err := exec.CommandContext(ctx, "redis-check-aof", manifest).CombinedOutput()
	if err == nil {
		return tail{}, nil
	}
	all := analysed.FindAllSubmatch(said, -1)
	if len(all) == 0 {
		return tail{}, fmt.Errorf("check the append-only file: %w: %.200s", err, said)
	}
	last := all[len(all)-1]
	t := tail{file: filepath.Join(dir, childFiles, string(last[1]))}
	t.size, _ = strconv.ParseInt(string(last[2]), 10, 64)
	t.keep, _ = strconv.ParseInt(string(last[3]), 10, 64)
	return t, nil
}

// keepTail puts the tail aside. One in which a batch ends is not torn but damaged: what
// was acknowledged may be in it.
func keepTail(f *os.File, t tail, aside string) error {
	octets, err := io.ReadAll(io.NewSectionReader(f, t.keep, t.size-t.keep))
	if err != nil {
		return err
	}
	if bytes.Contains(bytes.ToUpper(octets), []byte("\r\nEXEC\r\n")) {
		return fmt.Errorf("%s, at octet %d: %w", t.file, t.keep, errDamaged)
	}
	kept, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = kept.Write(octets)
	return errors.Join(err, kept.Sync(), kept.Close())
}
