package redisstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
)

// pipeline is one batch as commands. It is used again and again.
type pipeline struct {
	seq   uint64
	chain chain  // when it is in
	text  []byte // all arguments lie here
	spans []span // of all commands, one after the other
	ends  []int  // where each ends
	stamp engine.Stamp
	sent  commands // that all goes as
}

// span is where an argument lies in the text.
type span struct{ from, to int }

// add adds an argument, of a prefix and the rest.
func (l *pipeline) add(prefix, rest string) {
	from := len(l.text)
	l.text = append(append(l.text, prefix...), rest...)
	l.spans = append(l.spans, span{from, len(l.text)})
}

func (l *pipeline) word(word string) { l.add("", word) }

func (l *pipeline) bytes(b []byte) {
	from := len(l.text)
	l.text = append(l.text, b...)
	l.spans = append(l.spans, span{from, len(l.text)})
}

func (l *pipeline) number(n int64) {
	from := len(l.text)
	l.text = strconv.AppendInt(l.text, n, 10)
	l.spans = append(l.spans, span{from, len(l.text)})
}

// begin begins a command over one key.
func (l *pipeline) begin(command string, h *hold, key string) {
	l.word(command)
	l.add(h.prefix, key)
}

func (l *pipeline) end() { l.ends = append(l.ends, len(l.spans)) }

// encode writes the batch out as few commands with many values.
func (l *pipeline) encode(h *hold, b *engine.Batch) error {
	l.seq, l.chain = b.Seq, h.chain
	l.text, l.spans, l.ends = l.text[:0], l.spans[:0], l.ends[:0]
	if err := l.journal(h, b); err != nil {
		return err
	}
	l.records(h, b)
	l.fields(h, b)
	l.scores(h, b)
	if err := l.trim(h, b); err != nil {
		return err
	}
	if b.Release {
		l.begin("DEL", h, "lease")
		l.end()
	}
	l.write(h)
	return nil
}

// trim is an XTRIM up to an entry, that one included.
func (l *pipeline) trim(h *hold, b *engine.Batch) error {
	if b.Trim == "" {
		return nil
	}
	next, err := after(b.Trim)
	if err != nil {
		return err
	}
	l.begin("XTRIM", h, "journal")
	l.word("MINID")
	l.word(next)
	l.end()
	return nil
}

// after is the least id after an entry's.
func after(entry string) (string, error) {
	epoch, seq, _ := strings.Cut(entry, "-")
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return "", fmt.Errorf("trim the journal after %q, which is no entry: %w", entry, err)
	}
	return epoch + "-" + strconv.FormatUint(n+1, 10), nil
}

// write makes the octets of it: a transaction, and the watch for the next one.
func (l *pipeline) write(h *hold) {
	c := &l.sent
	c.octets, c.count = c.octets[:0], 0
	c.add("MULTI")
	start := 0
	for _, end := range l.ends {
		c.begin(end - start)
		for _, s := range l.spans[start:end] {
			c.arg(l.text[s.from:s.to])
		}
		start = end
	}
	c.add("EXEC")
	h.addWatch(c)
}

// records are MSET, with seq, cursor and chain among them, and DEL.
func (l *pipeline) records(h *hold, b *engine.Batch) {
	l.begin("MSET", h, "seq")
	l.number(int64(b.Seq))
	if b.Cursor != "" && b.Cursor != h.cursor {
		l.add(h.prefix, "cursor")
		l.word(b.Cursor)
	}
	if len(b.Journal) > 0 {
		l.add(h.prefix, "chain")
		l.word(l.chain.String())
	}
	for _, r := range b.Puts {
		l.add(h.prefix, r.Key)
		l.bytes(r.Value)
	}
	l.end()
	if len(b.Deletes) == 0 {
		return
	}
	l.word("DEL")
	for _, key := range b.Deletes {
		l.add(h.prefix, key)
	}
	l.end()
}

// fields are an HSET and an HDEL for each hash.
func (l *pipeline) fields(h *hold, b *engine.Batch) {
	byHash := func(a, b engine.Field) int { return strings.Compare(a.Hash, b.Hash) }
	slices.SortStableFunc(b.Fields, byHash)
	slices.SortStableFunc(b.FieldDeletes, byHash)
	sameHash := func(a, b engine.Field) bool { return a.Hash == b.Hash }
	runs(b.Fields, sameHash, func(run []engine.Field) {
		l.begin("HSET", h, run[0].Hash)
		for _, f := range run {
			l.word(f.Name)
			l.word(f.Value)
		}
		l.end()
	})
	runs(b.FieldDeletes, sameHash, func(run []engine.Field) {
		l.begin("HDEL", h, run[0].Hash)
		for _, f := range run {
			l.word(f.Name)
		}
		l.end()
	})
}

// scores are a ZADD and a ZREM for each sorted set, the wake-ups' among them.
func (l *pipeline) scores(h *hold, b *engine.Batch) {
	bySet := func(a, b engine.Score) int { return strings.Compare(a.Set, b.Set) }
	slices.SortStableFunc(b.Scores, bySet)
	slices.SortStableFunc(b.ScoreDeletes, bySet)
	sameSet := func(a, b engine.Score) bool { return a.Set == b.Set }
	runs(b.Scores, sameSet, func(run []engine.Score) {
		l.begin("ZADD", h, run[0].Set)
		for _, m := range run {
			l.word(strconv.FormatFloat(m.Score, 'f', -1, 64))
			l.word(m.Member)
		}
		l.end()
	})
	runs(b.ScoreDeletes, sameSet, func(run []engine.Score) {
		l.begin("ZREM", h, run[0].Set)
		for _, m := range run {
			l.word(m.Member)
		}
		l.end()
	})
	l.wakes(h, b)
}

func (l *pipeline) wakes(h *hold, b *engine.Batch) {
	if len(b.Wakes) > 0 {
		l.begin("ZADD", h, engine.DueSet)
		for _, d := range b.Wakes {
			l.number(d.At.UnixMilli())
			l.word(d.ID)
		}
		l.end()
	}
	if len(b.NoWakes) > 0 {
		l.begin("ZREM", h, engine.DueSet)
		for _, id := range b.NoWakes {
			l.word(id)
		}
		l.end()
	}
}

// runs calls each with the stretches of a sorted slice that belong together.
func runs[E any](all []E, same func(a, b E) bool, each func([]E)) {
	for start := 0; start < len(all); {
		end := start + 1
		for end < len(all) && same(all[start], all[end]) {
			end++
		}
		each(all[start:end])
		start = end
	}
}

// journal is an XADD, the first command because it is the only one that could be refused
// for what the store holds. What its chain is over lies in text, in one piece.
func (l *pipeline) journal(h *hold, b *engine.Batch) error {
	if len(b.Journal) == 0 {
		return nil
	}
	l.begin("XADD", h, "journal")
	start := len(l.text)
	l.text = append(l.text, h.chain[:]...)
	l.word(strconv.FormatUint(h.epoch, 10) + "-" + strconv.FormatUint(b.Seq, 10))
	l.text = append(l.text, '\n')
	for i := range b.Journal {
		event := &b.Journal[i]
		l.word(event.Name)
		l.text = append(l.text, 0)
		from := len(l.text)
		text, err := event.AppendStamped(l.text, &l.stamp)
		if err != nil {
			return fmt.Errorf("journal %s of %s: %w", event.Name, event.Subject, err)
		}
		l.spans = append(l.spans, span{from, len(text)})
		l.text = append(text, '\n')
	}
	l.chain = sha256.Sum256(l.text[start:])
	l.word(chainField)
	l.word(l.chain.String())
	l.end()
	return nil
}

// send sends the batch once, and watches for the next. The error is a redis.Error when
// the server surely did not run it; after any other it may have.
func (l *pipeline) send(ctx context.Context, h *hold) (in bool, err error) {
	answers, err := h.line.ask(ctx, l.sent)
	exec := 1 + len(l.ends)
	if len(answers) <= exec {
		return false, err
	}
	if err := executed(answers[:exec], answers[exec]); err != nil {
		return false, err
	}
	if err != nil || !l.stands(h, answers[exec+1:]) {
		h.drop() // it is in; the next batch finds out where things stand
	}
	return true, nil
}

// stands says that the watch is on, and that the partition is as this batch left it.
func (l *pipeline) stands(h *hold, answers []any) bool {
	fence, seq, err := standing(answers[len(answers)-1])
	if fault.Planted(fault.NoFence) {
		fence = h.epoch
	}
	return firstRefusal(answers) == nil && err == nil && fence == h.epoch && seq == l.seq
}

// executed reads what EXEC answered. Where that is an error, the reason is in the answers
// before it: a command was not queued.
func executed(before []any, exec any) error {
	switch exec := exec.(type) {
	case nil:
		return redis.Nil
	case refusal:
		return cmp.Or(firstRefusal(before), error(exec))
	case []any:
		if err := firstRefusal(exec); err != nil { // the others were done all the same
			return fmt.Errorf("%w: a command failed inside a batch that was done in part: %w", engine.ErrBroken, err)
		}
		return nil
	}
	return fmt.Errorf("%w: EXEC answers %v", engine.ErrBroken, exec)
}
