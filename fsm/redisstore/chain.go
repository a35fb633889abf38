package redisstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/airtill/airtill/fsm/engine"
)

// chain is a journal entry's hash, over it and the chain of the entry before.
type chain [sha256.Size]byte

func (c chain) String() string { return hex.EncodeToString(c[:]) }

// chainField is the last field of an entry. An event of that name is none: its text
// begins with a brace.
const chainField = "chain"

// parseChain reads a chain; none yet is zeros.
func parseChain(text string) (c chain, err error) {
	if text == "" {
		return c, nil
	}
	octets, err := hex.DecodeString(text)
	if err != nil || len(octets) != len(c) {
		return c, fmt.Errorf("%w: the journal's chain is %q", engine.ErrBroken, text)
	}
	return chain(octets), nil
}

// cutChain takes the chain off an entry's fields; "" if it has none, being older.
func cutChain(fields []any) (events []any, chain string) {
	n := len(fields) - 2
	if n < 0 || fields[n] != chainField {
		return fields, ""
	}
	text, _ := fields[n+1].(string)
	if len(text) == 0 || text[0] == '{' {
		return fields, ""
	}
	return fields[:n], text
}
