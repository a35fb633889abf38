package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
)

// chain follows the hash chain of one journal. Each entry's is the SHA-256 of the chain
// before it (zeros for the first), its id, a line feed, and for each event its name, a
// zero, its text and a line feed. Entries written before there were chains have none.
type chain struct {
	head      string   // of the last entry
	broken    string   // what is wrong with the first entry that does not fit
	misfits   int      // entries that do not fit to the one before
	unchained int      // before the first that has one
	moments   []string // the heads since the look at the one that is kept
	looking   bool
}

// enter adds an entry.
func (c *chain) enter(entry engine.Entry) {
	switch {
	case entry.Chain == "" && c.head == "":
		c.unchained++
		return
	case entry.Chain == "":
		c.misfit("entry %s has no chain, but one before it has", entry.ID)
	case entry.Chain != c.next(entry):
		c.misfit("entry %s does not fit to the journal before it: it was changed, or one was left out or put in", entry.ID)
	}
	if entry.Chain != "" {
		c.head = entry.Chain
	}
	if c.looking {
		c.moments = append(c.moments, c.head)
	}
}

func (c *chain) misfit(format string, args ...any) {
	if c.misfits++; c.misfits == 1 {
		c.broken = fmt.Sprintf(format, args...)
	}
}

// next is what the chain of an entry must be. It answers nothing if the one before is none.
func (c *chain) next(entry engine.Entry) string {
	before, err := hex.DecodeString(c.head)
	if err != nil || len(before) != sha256.Size && c.head != "" || len(entry.Texts) != len(entry.Events) {
		return ""
	}
	h := sha256.New()
	h.Write(append(before, make([]byte, sha256.Size-len(before))...))
	fmt.Fprintf(h, "%s\n", entry.ID)
	for i, event := range entry.Events {
		fmt.Fprintf(h, "%s\x00%s\n", event.Name, entry.Texts[i])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// look begins a look at the head that is kept: it must be one of those from now on.
func (c *chain) look() { c.looking, c.moments = true, []string{c.head} }

// compareChain says what is wrong with the partition's chain.
func (b *books) compareChain() {
	c := &b.journal.chain
	b.report.Unchained += c.unchained
	switch {
	case c.misfits > 1:
		b.differ("journal", "%s; %d more do not fit", c.broken, c.misfits-1)
	case c.misfits == 1:
		b.differ("journal", "%s", c.broken)
	}
	if !slices.Contains(c.moments, b.marks.chain) {
		b.differ("chain", "the journal's chain ends in %q, the head that is kept is %q: entries were left out or put in at the end", c.head, b.marks.chain)
	}
}
