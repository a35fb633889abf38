package world

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
)

// NewRandom makes a source of random octets from a run's seed and a room's own
// number, so that a run can be played again. It is safe for concurrent use. What it
// makes is only as secret as the seed: rooms that serve others use crypto/rand.
func NewRandom(seed, room uint64) io.Reader {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	binary.BigEndian.PutUint64(key[8:], room)
	return &random{source: rand.NewChaCha8(key)}
}

type random struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Read(p)
}
