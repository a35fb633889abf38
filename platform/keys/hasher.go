package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/airtill/airtill/platform/scp80"
)

// hasher is HMAC-SHA-256 of two texts under a master key, which is made ready once: that
// costs as much as to hash them. It is safe for concurrent use.
type hasher struct{ ready sync.Pool } // of *hashing

// hashing is one hash at a time.
type hashing struct {
	hash.Hash
	text []byte // that is hashed
	sum  [sha256.Size]byte
}

func newHasher[P any](k scp80.Key[P]) *hasher {
	h := new(hasher)
	h.ready.New = func() any { return &hashing{Hash: hmac.New(sha256.New, k.Reveal())} }
	return h
}

// sum is the hash of the kind's length in 4 octets, the kind and the value.
func (h *hasher) sum(kind, value string) [sha256.Size]byte {
	one := h.ready.Get().(*hashing)
	defer h.ready.Put(one)
	one.text = binary.BigEndian.AppendUint32(one.text[:0], uint32(len(kind)))
	one.text = append(append(one.text, kind...), value...)
	one.Reset()
	one.Write(one.text)
	clear(one.text) // it may be a secret
	one.Hash.Sum(one.sum[:0])
	return one.sum
}
