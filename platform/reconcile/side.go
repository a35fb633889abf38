package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// side is what one partition knows of what has gone between it and others.
type side struct {
	number engine.Partition
	reader engine.Reader

	closed map[string]kept   // sweeps out of sub-accounts as they are kept, before the journals were read
	sweeps map[string]kept   // and after
	swept  map[string]uint64 // last numbers that were taken in, by origin, before
	cursor place             // up to which all effects were done, before
	fresh  bool              // nothing was ever written, before

	last  string    // entry that was read
	first time.Time // of the events that are still there
	round int       // of reading the journal

	left    map[string]departure // sweeps, by name
	arrived map[string]arrival
	claims  map[platform.BillID]claim
	made    map[platform.BillID]arrival // bills
}

// kept is the last sweep out of a sub-account.
type kept struct {
	Payee    string `json:"payee"`
	Currency string `json:"currency"`
	Number   uint64 `json:"number"`
	Open     bool   `json:"open"`
}

// departure is a sweep that has left, with what was put right about it since.
type departure struct {
	Sweep
	sub string
	at  time.Time
}

// arrival is a sweep or a bill, and when it was seen.
type arrival struct {
	Sweep
	at    time.Time
	round int
}

// claim is an order's, with the effect that makes its bill.
type claim struct {
	body  json.RawMessage
	entry place
	at    time.Time
}

func newSide(n engine.Partition, r engine.Reader) *side {
	return &side{
		number: n, reader: r, left: make(map[string]departure), arrived: make(map[string]arrival),
		claims: make(map[platform.BillID]claim), made: make(map[platform.BillID]arrival),
	}
}

// name is a sweep's, as home's journal has it: ORIGIN:PAYEE:CURRENCY:NUMBER.
func (s Sweep) name() string { return s.origin() + ":" + strconv.FormatUint(s.Number, 10) }

func (s Sweep) origin() string {
	return strconv.Itoa(int(s.From)) + ":" + s.Payee + ":" + s.Currency
}

// parseName reads a sweep's name; a payee may have colons.
func parseName(name string) (s Sweep, ok bool) {
	from, rest, _ := strings.Cut(name, ":")
	rest, number := cutLast(rest)
	payee, currency := cutLast(rest)
	n, err := strconv.Atoi(from)
	s = Sweep{From: engine.Partition(n), Payee: payee, Currency: currency}
	if err == nil {
		s.Number, err = strconv.ParseUint(number, 10, 64)
	}
	return s, err == nil && payee != "" && currency != ""
}

func cutLast(text string) (before, after string) {
	i := strings.LastIndexByte(text, ':')
	return text[:max(i, 0)], text[i+1:]
}

// place is an entry's: epoch and batch.
type place struct{ epoch, seq uint64 }

func placeOf(id string) (p place) {
	epoch, seq, _ := strings.Cut(id, "-")
	p.epoch, _ = strconv.ParseUint(epoch, 10, 64) // what is no number is before all
	p.seq, _ = strconv.ParseUint(seq, 10, 64)
	return p
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.epoch, q.epoch), cmp.Compare(p.seq, q.seq))
}

// covers says that what happened in the partition since a moment is still in its journal,
// if it is anywhere: journals are trimmed from their beginning.
func (s *side) covers(at time.Time) bool {
	return s.fresh || !s.first.IsZero() && !at.Before(s.first)
}

// readMarks reads what is closed and done.
func (s *side) readMarks(ctx context.Context) error {
	texts, err := s.reader.Get(ctx, "cursor", "seq")
	if err != nil {
		return err
	}
	s.cursor, s.fresh = placeOf(texts[0]), texts[1] == ""
	swept, err := s.reader.Fields(ctx, "swept")
	if err != nil {
		return err
	}
	s.swept = make(map[string]uint64, len(swept))
	for origin, text := range swept {
		s.swept[origin], _ = strconv.ParseUint(text, 10, 64) // the auditor says what is no number
	}
	s.closed, err = s.readKept(ctx)
	return err
}

// readSweeps reads once more which sweeps the partition knows.
func (s *side) readSweeps(ctx context.Context) (err error) {
	s.sweeps, err = s.readKept(ctx)
	return err
}

func (s *side) readKept(ctx context.Context) (map[string]kept, error) {
	fields, err := s.reader.Fields(ctx, "sweeps")
	all := make(map[string]kept, len(fields))
	for sub, text := range fields {
		var k kept
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			continue // the auditor says so
		}
		all[sub] = k
	}
	return all, err
}

// pageSize is how many entries, or members of a list, are read at once.
const pageSize = 500

// follow reads the journal to its end.
func (s *side) follow(ctx context.Context) error {
	for {
		from := "-"
		if s.last != "" {
			from = "(" + s.last
		}
		entries, err := s.reader.Journal(ctx, from, "+", pageSize)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			for _, event := range entry.Events {
				s.enter(entry.ID, event)
			}
			s.last = entry.ID
		}
		if len(entries) < pageSize {
			return nil
		}
	}
}

// again reads what the journal has added since.
func (s *side) again(ctx context.Context) error {
	s.round++
	return s.follow(ctx)
}

// told is what this package reads of an event's data.
type told struct {
	Postings []struct {
		Account string `json:"account"`
		Amount  int64  `json:"amount"`
	} `json:"postings"`
}

// clearing is what an event moves into clearing.
func clearing(event engine.Event) (sum int64) {
	var data told
	if err := event.Decode(&data); err != nil {
		return 0 // the auditor says so
	}
	for _, p := range data.Postings {
		if strings.HasPrefix(p.Account, "clearing:") {
			sum += p.Amount
		}
	}
	return sum
}

// enter notes what an event tells of what goes between partitions.
func (s *side) enter(entry string, event engine.Event) {
	if s.first.IsZero() {
		s.first = event.At
	}
	switch event.Name {
	case "sweep_out":
		s.depart(event)
	case "sweep_corrected":
		sub, number := cutLast(event.Subject)
		name := strconv.Itoa(int(s.number)) + ":" + strings.TrimPrefix(sub, "sub:") + ":" + number
		d := s.left[name]
		d.Amount += clearing(event)
		s.left[name] = d
	case "sweep_in", "sweep_late":
		if sweep, ok := parseName(event.Subject); ok {
			sweep.Amount = -clearing(event)
			s.arrived[event.Subject] = arrival{Sweep: sweep, at: event.At, round: s.round}
		}
	case "claim":
		if id, ok := strings.CutPrefix(event.Subject, "order:"); ok && len(event.Effects) == 1 {
			s.claims[platform.BillID(id)] = claim{event.Effects[0].Body, placeOf(entry), event.At}
		}
	case "create":
		s.made[platform.BillID(event.Subject)] = arrival{at: event.At, round: s.round}
	}
}

// depart notes a sweep that leaves.
func (s *side) depart(event engine.Event) {
	if len(event.Effects) != 1 {
		return
	}
	d := departure{sub: event.Subject, at: event.At}
	if err := json.Unmarshal(event.Effects[0].Body, &d.Sweep); err != nil || d.Payee == "" {
		return // the auditor says so
	}
	d.Amount = clearing(event)
	s.left[d.name()] = d
}
