package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"

	"github.com/rs/zerolog"
)

// Key is an API key or the operator's key. It prints as a mask; Reveal is the way to its text.
type Key string

const mask = "***"

// Reveal is the key itself, for an Authorization header or a file that is meant to hold it.
func (k Key) Reveal() string { return string(k) }

// Equal compares in a time that does not depend on where the keys differ.
func (k Key) Equal(other Key) bool {
	a, b := sha256.Sum256([]byte(k)), sha256.Sum256([]byte(other))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (Key) String() string                        { return mask }
func (Key) GoString() string                      { return mask }
func (Key) Format(f fmt.State, _ rune)            { _, _ = io.WriteString(f, mask) }
func (Key) MarshalJSON() ([]byte, error)          { return json.Marshal(mask) }
func (Key) MarshalText() ([]byte, error)          { return []byte(mask), nil }
func (Key) MarshalZerologObject(e *zerolog.Event) { e.Str("key", mask) }
