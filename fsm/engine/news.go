package engine

import "sync"

// news tells whoever waits that something has changed.
type news struct {
	mu   sync.Mutex
	told chan struct{}
}

func newNews() *news { return &news{told: make(chan struct{})} }

// next is closed at the next change.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.told
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.told)
	n.told = make(chan struct{})
}
