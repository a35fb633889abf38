package app

import (
	"fmt"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

// call is one invocation of a command.
type call struct {
	env  Env
	args []string
	out  *printer       // data, on stdout
	log  zerolog.Logger // what happens meanwhile, on stderr

	given *cli.Context // says which flags were given; may be nil, then none was
}

// isSet says whether a flag was given, or is in the environment.
func (c *call) isSet(name string) bool { return c.given != nil && c.given.IsSet(name) }

// talk prints a line for people on stderr: it is neither data nor log.
func (c *call) talk(format string, args ...any) {
	fmt.Fprintf(c.env.Stderr, format+"\n", args...)
}

// commonFlags are the flags that every command which runs understands.
type commonFlags struct {
	json      bool
	verbose   bool
	logFormat string
	logLevel  string
}

func (o *commonFlags) flags(level string) []cli.Flag {
	if level == "" {
		level = "warn"
	}
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print data as JSON, one object a line", Destination: &o.json},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log everything: --log-level debug", Destination: &o.verbose},
		&cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` up: debug, info, warn, error, off", Value: level,
			EnvVars: []string{"AIRTILL_LOG_LEVEL"}, Destination: &o.logLevel},
		&cli.StringFlag{Name: "log-format", Usage: "write the log in `FORMAT`: auto, console, json", Value: "auto",
			EnvVars: []string{"AIRTILL_LOG_FORMAT"}, Destination: &o.logFormat},
	}
}

// commonFlagNames lists the common flags by their long and short names.
func commonFlagNames() []string { return flagNames(new(commonFlags).flags("")) }

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		names = append(names, f.Names()...)
	}
	return names
}

func newCall(env Env, common *commonFlags, args []string) (*call, error) {
	log, err := newLogger(env, common)
	if err != nil {
		return nil, err
	}
	return &call{env: env, args: args, out: &printer{w: env.Stdout, json: common.json}, log: log}, nil
}
