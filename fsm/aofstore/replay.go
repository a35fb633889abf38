package aofstore

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// ErrDamaged is for a file that is damaged before its end: what was acknowledged may be
// in the damage, so nothing is cut off.
var ErrDamaged = errors.New("the append-only file is damaged")

// replayed is what was found in a file.
type replayed struct {
	units int    // that are whole, and were run
	keep  int64  // octets up to the end of the last of them
	since int    // octets after the last checksum
	sum   uint32 // of those
}

// unit is what is run wholly or not at all: a command, or those from MULTI to EXEC.
type unit struct {
	commands [][]string
	octets   []byte
}

// replay runs the units of a file of that size. A unit that ends too early, or in zeros
// up to the end of the file, is left out with all that follows it: it was being written
// when the machine stopped.
func replay(file io.ReaderAt, size int64, run func(unit) error) (replayed, error) {
	var r replayed
	group := int64(0) // where it begins
	in := newCommands(io.NewSectionReader(file, 0, size))
	for {
		u, err := readUnit(in)
		switch {
		case errors.Is(err, io.EOF):
			return r, nil
		case err != nil && torn(file, r.keep, size, in.at, err):
			return r, nil
		case err != nil:
			return r, damaged(in.at, r.keep, err)
		}
		if sum, ok := u.checksum(); ok {
			if want := fmt.Sprintf("%08x", r.sum); r.since > 0 && sum != want {
				return r, damaged(group, group, fmt.Errorf("the checksum of the octets from there to %d is %s, not %s", r.keep, want, sum))
			}
			r.keep, r.since, r.sum = in.at, 0, 0
			group = in.at
			continue
		}
		if err := run(u); err != nil {
			return r, damaged(r.keep, r.keep, err)
		}
		r.units++
		r.keep, r.since, r.sum = in.at, r.since+len(u.octets), crc32.Update(r.sum, castagnoli, u.octets)
	}
}

func damaged(at, last int64, err error) error {
	return fmt.Errorf("%w at octet %d: %w; put a copy of it back, or if you can do without all after octet %d, cut it there: truncate -s %d FILE",
		ErrDamaged, at, err, last, last)
}

// readUnit reads a unit; io.EOF is the end between two.
func readUnit(in *commands) (unit, error) {
	var u unit
	for {
		args, err := in.next()
		if errors.Is(err, io.EOF) && len(u.commands) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return u, err
		}
		u.octets = appendCommand(u.octets, args...)
		args[0] = strings.ToUpper(args[0]) // a redis-server writes what it is sent
		u.commands = append(u.commands, args)
		switch first, last := u.commands[0][0], args[0]; {
		case last == "MULTI" && len(u.commands) > 1, last == "EXEC" && first != "MULTI":
			return u, fmt.Errorf("%w: %s in the wrong place", errMalformed, last)
		case last == "EXEC", first != "MULTI":
			return u, nil
		}
	}
}

// checksum is the sum that a unit brings, if that is what it is for.
func (u unit) checksum() (string, bool) {
	if args := u.commands[0]; args[0] == checksum && len(args) == 2 {
		return args[1], true
	}
	return "", false
}

// maxTorn is how long a torn tail may be: more was never written at once.
const maxTorn = 256 << 20

// torn says whether what begins at keep is the last write, cut short: it runs to the end
// of the file, and no checksum follows, as there would if its own lengths were damaged.
func torn(file io.ReaderAt, keep, size, at int64, err error) bool {
	if size-keep > maxTorn {
		return false
	}
	tail := make([]byte, size-keep)
	if _, readErr := file.ReadAt(tail, keep); readErr != nil && !errors.Is(readErr, io.EOF) {
		return false
	}
	if zeros := len(tail) - len(bytes.TrimRight(tail, "\x00")); zeros > 0 && int64(len(tail)-zeros) <= at-keep {
		return true
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return !bytes.Contains(tail, []byte("\r\n*2\r\n$4\r\n"+checksum+"\r\n$8\r\n"))
}

// run runs a unit that was kept, all of which must succeed.
func (c *session) run(u unit) error {
	for _, args := range u.commands {
		if kind, why := judge(args); kind == refused {
			return errors.New(why)
		}
		if failed := firstFailure(c.dispatch(args)); failed != "" {
			return fmt.Errorf("%s is refused: %s", args[0], failed)
		}
	}
	return nil
}

// firstFailure is the first error in a reply, or among those that EXEC answers; "" is none.
func firstFailure(reply []byte) string {
	head, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	if _, failed := cutReply(reply); failed {
		return string(head)
	}
	if head[0] != '*' {
		return ""
	}
	for len(rest) > 0 {
		line, _, _ := bytes.Cut(rest, []byte("\r\n"))
		after, failed := cutReply(rest)
		if failed {
			return string(line)
		}
		rest = after
	}
	return ""
}
