package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// entryLine is a line of a file of the journal.
type entryLine struct {
	ID     string      `json:"id"`
	Chain  string      `json:"chain,omitempty"`
	Events []eventText `json:"events"`
}

// eventText is an event as the store's journal has it, under its name.
type eventText struct {
	Name  string          `json:"name"`
	Event json.RawMessage `json:"event"`
}

// journals lists a partition's files of the journal, the oldest first.
func (a *Archive) journals(p engine.Partition) ([]string, error) {
	paths, err := filepath.Glob(a.path(p, "journal-*.jsonl"))
	slices.Sort(paths)
	return paths, err
}

// AddEntries adds journal entries, which follow those that are there. What is there is
// left out.
func (a *Archive) AddEntries(p engine.Partition, entries []engine.Entry) error {
	last, path, err := a.last(p)
	if err != nil {
		return err
	}
	for len(entries) > 0 {
		if last != "" && compareEntries(entries[0].ID, last) <= 0 {
			entries = entries[1:]
			continue
		}
		// A clock that was put back does not put entries in a file before the last one.
		day := a.path(p, "journal-"+dayOf(entries[0])+".jsonl")
		path = max(path, day)
		n := 1
		for n < len(entries) && a.path(p, "journal-"+dayOf(entries[n])+".jsonl") <= path {
			n++
		}
		if err := appendEntries(path, entries[:n]); err != nil {
			return fmt.Errorf("add to the archive: %w", err)
		}
		entries = entries[n:]
	}
	return nil
}

func dayOf(e engine.Entry) string {
	if len(e.Events) == 0 {
		return ""
	}
	return e.Events[0].At.UTC().Format(time.DateOnly)
}

// last is the last entry that is there, and the file that it is in.
func (a *Archive) last(p engine.Partition) (id, path string, err error) {
	paths, err := a.journals(p)
	if err != nil {
		return "", "", err
	}
	for _, path := range slices.Backward(paths) {
		id, err := lastID(path)
		if err != nil || id != "" {
			return id, path, err
		}
	}
	return "", "", nil
}

// lastID is the id of a file's last line; "" if it has none.
func lastID(path string) (string, error) {
	f, size, err := openLines(path)
	if err != nil || size == 0 {
		return "", err
	}
	defer f.Close()
	start, err := wholeLines(f, size-1)
	if err != nil {
		return "", err
	}
	line, err := lineAt(f, size, start)
	return idOf(line), err
}

// appendEntries appends to a file, after its last whole line.
func appendEntries(path string, entries []engine.Entry) error {
	text, err := encodeEntries(entries)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = appendTo(f, text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func appendTo(f *os.File, text []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size, err := wholeLines(f, info.Size())
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := f.WriteAt(text, size); err != nil {
		return err
	}
	return f.Sync()
}

func encodeEntries(entries []engine.Entry) ([]byte, error) {
	var out bytes.Buffer
	for _, e := range entries {
		line := entryLine{ID: e.ID, Chain: e.Chain, Events: make([]eventText, 0, len(e.Events))}
		for i, event := range e.Events {
			text, err := textOf(e, i)
			if err != nil {
				return nil, fmt.Errorf("entry %s: %w", e.ID, err)
			}
			line.Events = append(line.Events, eventText{event.Name, text})
		}
		text, err := encodeLine(line)
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.ID, err)
		}
		out.Write(text)
	}
	return out.Bytes(), nil
}

// textOf is the text of an entry's event as the store has it, which the chain is over.
func textOf(e engine.Entry, i int) ([]byte, error) {
	if len(e.Texts) == len(e.Events) {
		return []byte(e.Texts[i]), nil
	}
	return e.Events[i].AppendText(nil)
}

// encodeLine leaves texts as they are, so that the chain can be computed again.
func encodeLine(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return out.Bytes(), err
}

func parseEntry(line []byte) (engine.Entry, error) {
	var l entryLine
	if err := json.Unmarshal(line, &l); err != nil {
		return engine.Entry{}, err
	}
	e := engine.Entry{ID: l.ID, Chain: l.Chain}
	for _, t := range l.Events {
		event, err := engine.ParseEvent(t.Name, string(t.Event))
		if err != nil {
			return engine.Entry{}, fmt.Errorf("entry %s: %w", l.ID, err)
		}
		e.Events, e.Texts = append(e.Events, event), append(e.Texts, string(t.Event))
	}
	return e, nil
}

// Entries lists journal entries as an engine.Reader's Journal does.
func (a *Archive) Entries(p engine.Partition, from, to string, limit int) ([]engine.Entry, error) {
	paths, err := a.journals(p)
	if err != nil {
		return nil, err
	}
	var entries []engine.Entry
	for _, path := range paths {
		last, err := lastID(path)
		if err != nil {
			return nil, err
		}
		if last == "" || from != "-" && compareEntries(last, strings.TrimPrefix(from, "(")) < 0 {
			continue
		}
		if entries, err = readEntries(path, from, to, limit, entries); err != nil {
			return nil, err
		}
		if limit > 0 && len(entries) == limit {
			break
		}
	}
	return entries, nil
}

func readEntries(path, from, to string, limit int, entries []engine.Entry) ([]engine.Entry, error) {
	f, size, err := openLines(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return entries, nil
		}
		return nil, err
	}
	defer f.Close()
	start := int64(0)
	bound, without := strings.CutPrefix(from, "(")
	if from != "-" {
		if start, err = search(f, size, func(id string) int { return compareEntries(id, bound) }); err != nil {
			return nil, err
		}
	}
	last, before := strings.CutPrefix(to, "(")
	err = each(path, start, func(line []byte) (bool, error) {
		id := idOf(line)
		if to != "+" && (compareEntries(id, last) > 0 || before && id == last) {
			return false, nil
		}
		if without && id == bound {
			return true, nil
		}
		e, err := parseEntry(line)
		entries = append(entries, e)
		return limit == 0 || len(entries) < limit, err
	})
	return entries, err
}

// compareEntries compares ids of entries, EPOCH-SEQ.
func compareEntries(a, b string) int {
	parse := func(id string) (epoch, seq uint64) {
		_, _ = fmt.Sscanf(id, "%d-%d", &epoch, &seq) // what is none is before all
		return epoch, seq
	}
	epochA, seqA := parse(a)
	epochB, seqB := parse(b)
	switch {
	case epochA != epochB:
		return sign(epochA < epochB)
	case seqA != seqB:
		return sign(seqA < seqB)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}
