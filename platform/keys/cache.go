package keys

import (
	"sync"

	"github.com/airtill/airtill/platform/scp80"
)

// cachedChannels bounds the cache: about 1.5 KB each.
const cachedChannels = 8192

type channelKey struct {
	Binding
	direction scp80.Direction
}

// cache keeps the channels used last in two generations: what is used moves to the
// young one, and when that is full the old one is forgotten. It never holds more
// than size.
type cache struct {
	mu         sync.Mutex
	size       int
	young, old map[channelKey]*scp80.Channel
}

func newCache(size int) *cache {
	return &cache{size: size, young: make(map[channelKey]*scp80.Channel)}
}

func (c *cache) get(k channelKey) (*scp80.Channel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch, ok := c.young[k]; ok {
		return ch, true
	}
	ch, ok := c.old[k]
	if ok {
		delete(c.old, k)
		c.add(k, ch)
	}
	return ch, ok
}

func (c *cache) put(k channelKey, ch *scp80.Channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(k, ch)
}

func (c *cache) add(k channelKey, ch *scp80.Channel) {
	if c.size < 2 {
		return // no room for two generations
	}
	if len(c.young) >= c.size/2 {
		c.old, c.young = c.young, make(map[channelKey]*scp80.Channel)
	}
	c.young[k] = ch
}

// channel is the ready channel of an element and direction.
func (s *state) channel(b Binding, d scp80.Direction) (*scp80.Channel, error) {
	k := channelKey{Binding: b, direction: d}
	if ch, ok := s.channels.get(k); ok {
		return ch, nil
	}
	keys, err := s.packetKeys(b, d)
	if err != nil {
		return nil, err
	}
	ch, err := scp80.NewChannel(b.Suite.Profile(d, b.Version), keys)
	if err != nil {
		return nil, err
	}
	s.channels.put(k, ch)
	return ch, nil
}
