package app

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
)

// The rooms as processes of their own, joined by addresses. demo and dev are these,
// wired together.

// room is what runs until it is told to stop.
type room interface {
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
}

// serve runs a room until ctx ends, and says when it is ready: on stdout, and in the
// ready file if there is to be one, and if it can be in those that commands look for.
func serve(ctx context.Context, c *call, r room, ready world.Ready, say string, path string, found ...string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer stop() // nobody need wait for it to be ready
		done <- r.Run(ctx)
	}()
	err := announce(ctx, c, r, ready, say, path, found...)
	if err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(err, <-done)
	}
	if err = <-done; errors.Is(err, context.Canceled) {
		err = nil
	}
	if err == nil {
		c.talk("stopped")
	}
	for _, path := range append(found, path) {
		if path != "" {
			removeReady(c, path, ready)
		}
	}
	return err
}

func announce(ctx context.Context, c *call, r room, ready world.Ready, say string, path string, found ...string) error {
	if err := r.Ready(ctx); err != nil {
		return err
	}
	if path != "" {
		if err := world.WriteReady(path, ready); err != nil {
			return err
		}
	}
	for _, path := range found {
		if err := world.WriteReady(path, ready); err != nil {
			c.log.Warn().Err(err).Msg("commands will not find this by themselves")
		}
	}
	return c.out.line(ready, say)
}

func readyFlag(into *string) cli.Flag {
	return &cli.StringFlag{Name: "ready-file", Usage: "write addresses as JSON to `PATH` when ready", Destination: into}
}

// bind is how a room binds at the carrier.
type bind struct {
	smsc, systemID, passwordFile string
}

func (b *bind) flags(systemID string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "smsc", Usage: "the carrier is at `HOST:PORT`", Value: "127.0.0.1:2775", EnvVars: []string{"AIRTILL_SMSC"}, Destination: &b.smsc},
		&cli.StringFlag{Name: "system-id", Usage: "bind at the carrier as `ID`", Value: systemID, Destination: &b.systemID},
		passwordFlag(&b.passwordFile),
	}
}

func passwordFlag(into *string) cli.Flag {
	return &cli.StringFlag{
		Name: "password-file", Usage: "read the carrier's password from `FILE` (or AIRTILL_ESME_PASSWORD holds it; default airtill)",
		Destination: into,
	}
}

// defaultPassword is of accounts that nobody chose a password for: the carrier is
// simulated, and listens on the loopback unless told otherwise.
const defaultPassword = "airtill"

func password(c *call, file string) (string, error) {
	s := secret{what: "carrier's password", file: file, flag: "password-file", variable: "AIRTILL_ESME_PASSWORD"}
	text, _, err := s.read(c)
	return cmp.Or(text, defaultPassword), err
}

// stateFile is a file of the user's state directory.
func stateFile(getenv func(string) string, name string) string {
	return filepath.Join(filepath.Dir(readyFile(getenv)), name)
}
