// Package app is the airtill command line: its commands, and the one frame they
// all hang in.
//
// A command is one file with one function that returns a command value; its
// flags are bound to a config struct by Destination, and its run function gets a
// call with the arguments, a printer for stdout and a logger for stderr. What
// urfave/cli v2.27 does badly is put right here once (its own help, completion,
// did-you-mean and exit handling are not used), so a command never meets it:
//
//   - a flag after an argument, which urfave takes for an argument, is refused, or read
//     where a command has its flags in any order;
//   - the common flags are on every command that runs;
//   - a usage error is two lines on stderr and status 2, not the whole help on stdout;
//   - an unknown command is a usage error that suggests only visible names;
//   - --help works anywhere on the line, and shows the examples first;
//   - a comma in a repeated flag's value is part of the value;
//   - nothing below main calls os.Exit;
//   - completion is computed from the command tree, so half a flag cannot crash it;
//   - a setting is from a flag, the environment, the configuration file or its default,
//     in this order, whatever the command.
//
// Left out: a pager, colour in tables.
package app

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Env is all a command may see of the process it runs in.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer // data
	Stderr io.Writer // talk and logs
	Getenv func(string) string
}

// Run carries out one command line, args[0] being the program's name. It prints
// data but never the error it returns: that is Report's to do.
func Run(ctx context.Context, env Env, args []string) error {
	return run(ctx, env, root(), args)
}

// Interruptible returns a context that ends at the first interrupt or
// termination signal. From then on signals have their default effect, so a
// second one kills. The returned function gives the signals back.
func Interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals) // before anybody can know of the first
		cancel()
	})
	return ctx, func() { cancel(); watch.Wait() }
}

func run(ctx context.Context, env Env, top command, args []string) error {
	if len(args) > 1 && args[1] == completeCommand {
		return complete(ctx, env, top, args[2:])
	}
	if len(args) > 1 && args[1] == "help" && aboutCommand(top, args[2:]) {
		args = append(append([]string{args[0]}, args[2:]...), "--help")
	}
	args = flagsFirst(top, args)
	return frame{env: env, line: args}.app(top).RunContext(ctx, args)
}

// frame turns commands into urfave's. It holds the line being carried out.
type frame struct {
	env  Env
	line []string

	// inspect gets the settings of the command instead of its being run.
	inspect func([]setting)
}

func (f frame) app(top command) *cli.App {
	built := f.build(top, top.name)
	return &cli.App{
		Name:                      top.name,
		Flags:                     built.Flags,
		Commands:                  built.Subcommands,
		Action:                    built.Action,
		OnUsageError:              built.OnUsageError,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Reader:                    f.env.Stdin,
		Writer:                    f.env.Stdout,
		ErrWriter:                 f.env.Stderr,
	}
}
