package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/spelling"
)

// Error is a failure that says how the program ends.
type Error struct {
	Status int
	Op     string // the command, "airtill bill show"; filled in by the frame
	Hint   string // what to do about it: a second line; may be empty
	Err    error
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// errShowHelp is returned by a group's run that has nothing to do.
var errShowHelp = errors.New("show help")

// usagef is for commands: the command line is wrong in a way that only the
// command can see. The frame adds the command's name and where help is.
func usagef(format string, args ...any) error {
	return &Error{Status: StatusUsage, Err: fmt.Errorf(format, args...)}
}

// hinted adds a second line to an error: what to do about it.
func hinted(err error, format string, args ...any) error {
	return &Error{Status: Status(err), Hint: fmt.Sprintf(format, args...), Err: err}
}

// Report tells the person what went wrong, in at most two lines on stderr, and
// returns the exit status.
func Report(env Env, err error) int {
	if err == nil {
		return StatusDone
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Err: err}
	}
	op, text := cmp.Or(e.Op, "airtill"), e.Err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	text = strings.ReplaceAll(text, "\n", "; ") // joined errors come on lines of their own
	fmt.Fprintf(env.Stderr, "%s: %s\n", op, text)
	if e.Hint != "" {
		fmt.Fprintln(env.Stderr, e.Hint)
	}
	return Status(err)
}

// usage is an error in how the command was called.
func (h helpPage) usage(format string, args ...any) error {
	return &Error{
		Status: StatusUsage,
		Op:     h.path,
		Hint:   "see: " + h.path + " --help",
		Err:    fmt.Errorf(format, args...),
	}
}

// explain completes an error that a command returned.
func (h helpPage) explain(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if ok && e.Status == StatusUsage && e.Hint == "" {
		return h.usage("%w", err)
	}
	if ok && e.Op != "" {
		return err
	}
	full := Error{Status: Status(err), Op: h.path, Err: err}
	if ok {
		full.Hint = e.Hint
	}
	return &full
}

// onUsageError puts urfave's parse errors in words. Help is one of them, for no
// command defines the flag: so it is found wherever it stands on the line.
func (f frame) onUsageError(h helpPage) cli.OnUsageErrorFunc {
	return func(_ *cli.Context, err error, _ bool) error {
		if errors.Is(err, flag.ErrHelp) {
			return h.print(f.env.Stdout)
		}
		name, undefined := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
		switch {
		case !undefined:
			return h.usage("%s", wrongValue(h.flags, longDashes(err.Error())))
		case !h.command.runs() && slices.Contains(commonFlagNames(), name):
			return h.usage("--%s belongs after the command it is for", name)
		}
		if near := spelling.Nearest(name, flagNames(h.flags)); near != "" {
			return h.usage("no flag %s; did you mean %s?", dashed(name), dashed(near))
		}
		return h.usage("no flag %s", dashed(name))
	}
}

func (h helpPage) unknownCommand(word string) error {
	if near := spelling.Nearest(word, visibleNames(h.command.sub)); near != "" {
		return h.usage("no command %q; did you mean %q?", word, near)
	}
	return h.usage("no command %q", word)
}

func (h helpPage) misplaced(stray string) error {
	return h.usage("%s stands after an argument and would not be read; flags come first: %s", stray, h.usageLine())
}

// wrongValue says what a flag wants where package flag says only "parse error".
func wrongValue(flags []cli.Flag, text string) string {
	said, name, ok := strings.Cut(text, " for ")
	name, plain := strings.CutSuffix(strings.TrimPrefix(name, "flag "), ": parse error")
	if !ok || !plain {
		return text
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), strings.TrimLeft(name, "-")) {
			return said + " for flag " + name + ": " + wanted(f)
		}
	}
	return text
}

func wanted(f cli.Flag) string {
	switch f.(type) {
	case *cli.DurationFlag:
		return "it is a time with its unit, such as 90s or 15m"
	case *cli.Uint64Flag:
		return "it is a whole number from 0"
	case *cli.IntFlag, *cli.Int64Flag:
		return "it is a whole number"
	}
	return "it is true or false"
}

// longDashes writes the flags in an error of package flag as people type them.
func longDashes(text string) string {
	return regexp.MustCompile(`(flag|argument:|for) -(\w[\w-]+)`).ReplaceAllString(text, "$1 --$2")
}

func dashed(name string) string {
	if len(name) == 1 || name == "vv" {
		return "-" + name
	}
	return "--" + name
}

// write prints s, keeping only the error.
func write(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}
