package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/airtill/airtill/platform/scp80"
)

// keyed is HMAC-SHA-256 of two texts under a master key, which is made ready once. It is
// safe for concurrent use.
type keyed struct{ ready *sync.Pool }

// readied is a key made ready, and room for what is hashed.
type readied struct {
	hash.Hash
	room []byte
}

func newKeyed[P any](k scp80.Key[P]) keyed {
	return keyed{&sync.Pool{New: func() any { return &readied{Hash: hmac.New(sha256.New, k.Reveal())} }}}
}

// sum is over the length of the first text, the first and the second.
func (k keyed) sum(kind, value string) (sum [sha256.Size]byte) {
	h := k.ready.Get().(*readied)
	defer k.ready.Put(h)
	text := binary.BigEndian.AppendUint32(h.room[:0], uint32(len(kind)))
	text = append(append(text, kind...), value...)
	h.Reset()
	h.Write(text)
	clear(text) // a value may be a PIN
	h.room = h.Sum(text[:0])
	copy(sum[:], h.room)
	return sum
}

// hex is the first octets of the sum in hexadecimal digits.
func (k keyed) hex(kind, value string, octets int) string {
	sum := k.sum(kind, value)
	return hex.EncodeToString(sum[:octets])
}
