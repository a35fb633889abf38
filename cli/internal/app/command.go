package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// command is one word of the command line: either a group (sub is set) or a
// command that runs (run is set).
type command struct {
	name     string
	short    string   // one line, lower case, no full stop
	about    string   // more of it, if one line is not enough
	section  string   // heading it is listed under in its parent's help
	examples []string // whole command lines; a command that runs has at least one
	hidden   bool

	// args names the positional arguments: "BILL", "[BILL]" (may be left out),
	// "BILL..." (one or more).
	args string
	// flags are bound to the command's config by Destination. A default belongs
	// in the flag's Value: urfave overwrites what the struct held.
	flags []cli.Flag
	// required names the flags that must be given or be in the environment.
	// (urfave's own Required prints the whole help on stdout.)
	required []string
	// logLevel is the default of --log-level: "warn" unless said.
	logLevel string
	// values are what flags that choose take, for completion: by the flag's name.
	values map[string][]string

	run func(ctx context.Context, c *call) error // of a group: when no subcommand is named
	sub []command

	// alone is of a group that is a command too: it has the common flags.
	alone bool

	// anyOrder is of a command whose flags may stand behind its arguments too.
	anyOrder bool
}

// runs says whether the command has the flags of one that runs.
func (c command) runs() bool { return len(c.sub) == 0 || c.alone }

// build makes urfave's form of c; path is c with its parents: "airtill bill show".
func (f frame) build(c command, path string) *cli.Command {
	var common commonFlags
	flags := c.allFlags(path, &common)
	h := helpPage{command: c, path: path, flags: flags}
	out := &cli.Command{
		Name:         c.name,
		Hidden:       c.hidden,
		HideHelp:     true,
		Flags:        flags,
		OnUsageError: f.onUsageError(h),
		Action:       f.leafAction(h, &common),
	}
	for _, sub := range c.sub {
		out.Subcommands = append(out.Subcommands, f.build(sub, path+" "+sub.name))
	}
	if len(c.sub) > 0 {
		out.Action = f.groupAction(h, &common)
	}
	return out
}

// leafAction checks what urfave leaves unchecked, then runs the command.
func (f frame) leafAction(h helpPage, common *commonFlags) cli.ActionFunc {
	return func(cc *cli.Context) error {
		args := cc.Args().Slice()
		if stray := f.strayFlag(args); stray != "" {
			if isHelp(stray) {
				return h.print(f.env.Stdout)
			}
			return h.misplaced(stray)
		}
		if f.inspect == nil {
			if err := h.checkCount(args); err != nil {
				return err
			}
		}
		if done, err := f.settled(cc, h, common); done || err != nil {
			return err
		}
		for _, name := range h.command.required {
			if !cc.IsSet(name) {
				return h.usage("--%s must be given", name)
			}
		}
		c, err := newCall(f.env, common, args)
		if err != nil {
			return h.usage("%w", err)
		}
		c.given = cc
		return h.explain(h.command.run(cc.Context, c))
	}
}

// settled gives flags what the configuration says. It is all there is to do where only
// that is to be seen.
func (f frame) settled(cc *cli.Context, h helpPage, common *commonFlags) (done bool, err error) {
	settings, err := f.settle(cc, h, common)
	if err != nil {
		return false, h.explain(err)
	}
	if f.inspect != nil {
		f.inspect(settings)
	}
	return f.inspect != nil, nil
}

// groupAction runs when no subcommand matched.
func (f frame) groupAction(h helpPage, common *commonFlags) cli.ActionFunc {
	return func(cc *cli.Context) error {
		first := cc.Args().First()
		if stray := f.strayFlag(cc.Args().Slice()); stray != "" && h.command.runs() {
			if isHelp(stray) {
				return h.print(f.env.Stdout)
			}
			return h.misplaced(stray)
		}
		switch {
		case first == "" && h.command.run != nil:
			return f.runGroup(cc, h, common)
		case first == "":
			return h.usage("which command? %s", strings.Join(visibleNames(h.command.sub), ", "))
		case first == "help":
			return h.print(f.env.Stdout)
		}
		return h.unknownCommand(first)
	}
}

// runGroup runs a group that was called without a command of its own.
func (f frame) runGroup(cc *cli.Context, h helpPage, common *commonFlags) error {
	if h.command.runs() {
		if done, err := f.settled(cc, h, common); done || err != nil {
			return err
		}
	}
	c, err := newCall(f.env, common, nil)
	if err != nil {
		return h.usage("%w", err)
	}
	c.given = cc
	err = h.command.run(cc.Context, c)
	if errors.Is(err, errShowHelp) {
		return h.print(f.env.Stdout)
	}
	return h.explain(err)
}

// strayFlag returns the first argument that looks like a flag. "-" alone stands
// for stdin, and what follows a "--" typed before the arguments is meant.
func (f frame) strayFlag(args []string) string {
	before := len(f.line) - len(args) - 1
	if before >= 0 && f.line[before] == "--" {
		return ""
	}
	for _, a := range args {
		if len(a) > 1 && a[0] == '-' {
			return a
		}
	}
	return ""
}

func isHelp(arg string) bool {
	return slices.Contains([]string{"-h", "--h", "-help", "--help"}, arg)
}

// checkCount compares the arguments given with those the command names.
func (h helpPage) checkCount(args []string) error {
	names := strings.Fields(h.command.args)
	least, most := 0, len(names)
	for _, name := range names {
		if !strings.HasPrefix(name, "[") {
			least++
		}
		if strings.HasSuffix(strings.Trim(name, "[]"), "...") {
			most = len(args)
		}
	}
	switch {
	case len(args) < least:
		return h.usage("%s is missing", strings.TrimSuffix(names[len(args)], "..."))
	case len(args) > most && most == 0:
		return h.usage("takes no arguments, and was given %q", args[0])
	case len(args) > most:
		return h.usage("one argument too many: %q", args[most])
	}
	return nil
}

func visibleNames(commands []command) []string {
	var names []string
	for _, c := range commands {
		if !c.hidden {
			names = append(names, c.name)
		}
	}
	return names
}
