// Package archive keeps what a store does not have to have at hand any more: bills that
// were finished long ago, and the journal of that time. It is a directory of text files
// that only grow:
//
//	p03/bills-2026-10-28.jsonl    bills made on that day, in order of their ids
//	p03/bills-2026-10-28.2.jsonl  those of them that were finished later
//	p03/journal-2026-10-28.jsonl  journal entries from that day on, in their order
//
// Each line is a JSON object that begins with its id, so that a line is found by halving
// the file, without an index beside it. What was sealed in the store is sealed here.
//
// What was added is on the disk when the call returns. Adding it again changes nothing,
// so whoever takes it out of the store afterwards may begin again after a crash. A last
// line that is not whole was never added; it is not seen, and cut off by the next.
//
// One process at a time adds to a partition. Others may read meanwhile.
package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// Archive is a directory.
type Archive struct{ dir string }

// Open opens the directory, and makes it if it is not there.
func Open(dir string) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return &Archive{dir}, nil
}

// billLine is a line of a file of bills.
type billLine struct {
	ID   string          `json:"id"`
	Bill json.RawMessage `json:"bill"`
}

func (a *Archive) path(p engine.Partition, name string) string {
	return filepath.Join(a.dir, p.String(), name)
}

// billFiles lists the files of a day's bills, the first one first.
func (a *Archive) billFiles(p engine.Partition, day string) (paths []string, err error) {
	for n := 1; ; n++ {
		path := a.billFile(p, day, n)
		switch _, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			return paths, nil
		case err != nil:
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		paths = append(paths, path)
	}
}

func (a *Archive) billFile(p engine.Partition, day string, n int) string {
	if n == 1 {
		return a.path(p, "bills-"+day+".jsonl")
	}
	return a.path(p, fmt.Sprintf("bills-%s.%d.jsonl", day, n))
}

// AddBills adds bills of a day, as the store has them, by id.
func (a *Archive) AddBills(p engine.Partition, day string, bills map[string]string) error {
	paths, err := a.billFiles(p, day)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(bills)) {
		_, known, err := billIn(paths, id)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		line, err := encodeLine(billLine{id, json.RawMessage(bills[id])})
		if err != nil {
			return fmt.Errorf("archive %s: %w", id, err)
		}
		text.Write(line)
	}
	if text.Len() == 0 {
		return nil
	}
	return create(a.billFile(p, day, len(paths)+1), text.Bytes())
}

// Bill finds a bill.
func (a *Archive) Bill(p engine.Partition, id platform.BillID) (text string, ok bool, err error) {
	paths, err := a.billFiles(p, id.Day())
	if err != nil {
		return "", false, err
	}
	return billIn(paths, string(id))
}

func billIn(paths []string, id string) (text string, ok bool, err error) {
	for _, path := range paths {
		line, err := lookUp(path, func(other string) int { return strings.Compare(other, id) })
		if err != nil {
			return "", false, err
		}
		if line == nil {
			continue
		}
		var b billLine
		if err := json.Unmarshal(line, &b); err != nil {
			return "", false, fmt.Errorf("read %s in %s: %w", id, path, err)
		}
		if b.ID == id {
			return string(b.Bill), true, nil
		}
	}
	return "", false, nil
}

// Bills answers all bills of a day, by id.
func (a *Archive) Bills(p engine.Partition, day string) (map[string]string, error) {
	paths, err := a.billFiles(p, day)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for _, path := range paths {
		err := each(path, 0, func(line []byte) (bool, error) {
			var b billLine
			err := json.Unmarshal(line, &b)
			all[b.ID] = string(b.Bill)
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// create writes a file whole or not at all.
func create(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("add to the archive: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("add to the archive: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("add to the archive: %w", err)
	}
	return nil
}

// syncDir has the names in a directory kept.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// idOf is the id that a line begins with; "" if it does not.
func idOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":"`))
	id, _, whole := bytes.Cut(rest, []byte{'"'})
	if !ok || !whole {
		return ""
	}
	return string(id)
}

// lookUp finds the first line whose id is not less than what is looked for; nil is none.
func lookUp(path string, compare func(id string) int) ([]byte, error) {
	f, size, err := openLines(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	at, err := search(f, size, compare)
	if err != nil || at >= size {
		return nil, err
	}
	line, err := lineAt(f, size, at)
	return bytes.Clone(line), err
}

// each calls do for the lines from an offset on, until it says false.
func each(path string, from int64, do func(line []byte) (bool, error)) error {
	f, size, err := openLines(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(section(f, from, size))
	for at := from; at < size; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		at += int64(len(line))
		more, err := do(line[:len(line)-1])
		if err != nil {
			return fmt.Errorf("read %s at octet %d: %w", path, at, err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// FirstDay is the first day of which something is in the archive.
func (a *Archive) FirstDay(p engine.Partition) (day time.Time, ok bool, err error) {
	for _, kind := range []string{"bills-", "journal-"} {
		paths, err := filepath.Glob(a.path(p, kind+"*.jsonl"))
		if err != nil {
			return day, ok, err
		}
		for _, path := range paths {
			name := strings.TrimPrefix(filepath.Base(path), kind)
			at, err := time.Parse(time.DateOnly, name[:min(len(name), len(time.DateOnly))])
			if err == nil && (!ok || at.Before(day)) {
				day, ok = at, true
			}
		}
	}
	return day, ok, nil
}
