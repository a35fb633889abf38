package world

import (
	"context"
	"fmt"
	"slices"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/scp80"
)

// Host is what a platform's room stands on: how it reaches the other rooms and is
// reached, and its connection to the store.
type Host struct {
	Network network.Network
	Store   *redisstore.Store
}

func (w *World) newPlatform(ctx context.Context, h Host, address string) (*Platform, error) {
	c := w.config
	return NewPlatform(ctx, PlatformConfig{
		Network: h.Network, Listen: address, SMSC: w.Gateway.Address(),
		SystemID: platformAccount, Password: w.password(platformAccount),
		Store: h.Store, Vault: c.Vault, OperatorKey: w.operatorKey, Timing: c.Timing, AllowLegacy: c.allowsLegacy(), USSDCap: c.USSDCap, Limits: c.Limits,
		CallbackDial: c.CallbackDial, Perform: c.Perform, Wall: c.Wall, Clock: w.Clock, Drain: c.Drain,
		Random: w.random, Wrap: c.Watch.Platform, Log: c.Log,
	})
}

// allowsLegacy says whether anybody in the network needs the legacy suite or profile.
func (c Config) allowsLegacy() bool {
	return c.Suite == scp80.Legacy || c.Profile == platform.ProfileLegacy ||
		slices.ContainsFunc(c.People, func(p Person) bool { return p.Suite == scp80.Legacy })
}

// restart asks for another platform's room in the place of the one that runs.
type restart struct {
	fall func()
	host Host
	done chan error
}

// RestartPlatform ends the platform's room and starts another one in its place, with the
// same keys at the same address, as when its process ends and is started again. What
// fall does to the host that the old room stands on is what that room falls with; with
// nil it stops in order. It answers when the new room is ready.
func (w *World) RestartPlatform(ctx context.Context, fall func(), h Host) error {
	again := restart{fall: fall, host: h, done: make(chan error, 1)}
	select {
	case w.restarts <- again:
	case <-ctx.Done():
		return fmt.Errorf("restart the platform: %w", context.Cause(ctx))
	}
	if err := <-again.done; err != nil {
		return fmt.Errorf("restart the platform: %w", err)
	}
	return w.Platform.Ready(ctx)
}

// runPlatform runs one platform's room after the other until ctx ends.
func (w *World) runPlatform(ctx context.Context) error {
	for {
		room, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func(p *Platform) { ended <- p.Run(room) }(w.Platform)
		select {
		case err := <-ended:
			stop()
			return err
		case again := <-w.restarts:
			if again.fall != nil {
				again.fall()
			}
			stop()
			<-ended // what it says of its end was asked for
			p, err := w.newPlatform(ctx, again.host, w.Platform.ln.Addr().String())
			if err == nil {
				w.Platform = p
			}
			again.done <- err
			if err != nil {
				return err
			}
		}
	}
}
