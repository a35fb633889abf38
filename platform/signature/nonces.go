package signature

import (
	"errors"
	"sync"
	"time"
)

// ErrTooMany says that one owner has sent more messages than are remembered.
var ErrTooMany = errors.New("too many signed messages in too short a time")

// Nonces remember what was had, for twice the tolerance: a message that is older is
// refused by its time. They are kept in memory, so a replay after a restart is caught only
// by its time and by what makes its effect happen once. It is safe for concurrent use.
type Nonces struct {
	most int

	mu           sync.Mutex
	fresh, stale map[string]map[string]bool // by owner
	turned       time.Time
}

// NewNonces remembers at most so many of each owner.
func NewNonces(most int) *Nonces {
	return &Nonces{most: most, fresh: make(map[string]map[string]bool)}
}

// Take remembers a nonce, or says that it was had.
func (n *Nonces) Take(owner, nonce string, now time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.turned) >= 2*Tolerance {
		n.fresh, n.stale, n.turned = make(map[string]map[string]bool), n.fresh, now
	}
	if n.fresh[owner][nonce] || n.stale[owner][nonce] {
		return ErrReplay
	}
	if len(n.fresh[owner]) >= n.most {
		return ErrTooMany
	}
	if n.fresh[owner] == nil {
		n.fresh[owner] = make(map[string]bool)
	}
	n.fresh[owner][nonce] = true
	return nil
}
