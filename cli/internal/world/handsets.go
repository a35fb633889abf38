package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/nvm"
	"github.com/airtill/airtill/handsetsim/persona"
)

// HandsetsConfig is what a fleet of handsets needs.
type HandsetsConfig struct {
	Network     network.Network
	Listen      string // address for the control face
	SMSC        string // address of the carrier
	SystemID    string // at the carrier
	Password    string
	Connections int
	Segment     fleet.Segment // of the numbers, when several fleets share them; zero: all
	State       string        // directory that keeps the elements from one run to the next; empty: they end with the room
	Client      handsetsim.Settings
	Pace        persona.Pace
	Seed        uint64
	Random      io.Reader // for keys and PIN blocks; nil is crypto/rand
	Observer    func(handsetsim.Event)
	Clock       *Clock // of the network, where it may be moved; nil: the machine's
	Log         zerolog.Logger
}

// Handsets is the room of the phones and the people.
type Handsets struct {
	fleet  *fleet.Fleet
	ln     net.Listener
	memory *nvm.Memory // nil: elements end with the room
}

// NewHandsets makes a fleet whose control face listens already: without phones, or
// with those whose elements are kept.
func NewHandsets(ctx context.Context, c HandsetsConfig) (*Handsets, error) {
	memory, err := openMemory(c.State)
	if err != nil {
		return nil, err
	}
	h, err := newHandsets(ctx, c, memory)
	if err != nil {
		return nil, errors.Join(err, closeMemory(memory))
	}
	return h, nil
}

func openMemory(dir string) (*nvm.Memory, error) {
	if dir == "" {
		return nil, nil
	}
	return nvm.Open(dir)
}

func closeMemory(m *nvm.Memory) error {
	if m == nil {
		return nil
	}
	return m.Close()
}

func newHandsets(ctx context.Context, c HandsetsConfig, memory *nvm.Memory) (*Handsets, error) {
	config := fleet.Config{
		Dial: dialer(c.Network, c.SMSC), SystemID: c.SystemID, Password: c.Password, SystemType: "HANDSETS",
		PlatformAddress: PlatformAddress, Connections: c.Connections, Segment: c.Segment, Memory: memory,
		Client: c.Client, Pace: c.Pace, Seed: c.Seed + seedHandsets, Rand: c.Random,
		Observer: c.Observer, Log: c.Log.With().Str("room", "handsets").Logger(),
	}
	if c.Clock != nil {
		config.Now = c.Clock.Now
	}
	f, err := fleet.New(config)
	if err != nil {
		return nil, err
	}
	if c.Clock != nil {
		c.Clock.tell(f.LookAtClock)
	}
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for control: %w", err)
	}
	return &Handsets{fleet: f, ln: ln, memory: memory}, nil
}

// URL is where the control face is.
func (h *Handsets) URL() string { return URL(h.ln) }

// Ready answers once every connection to the carrier is bound.
func (h *Handsets) Ready(ctx context.Context) error { return h.fleet.WaitBound(ctx) }

// Run lets the phones live until ctx ends.
func (h *Handsets) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveHTTP(ctx, h.ln, h.fleet.Handler()) })
	g.Go(func() error { return h.fleet.Run(ctx) })
	return errors.Join(g.Wait(), closeMemory(h.memory))
}
