package app

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

// call is one invocation of a command.
type call struct {
	env  Env
	args []string
	out  *printer       // data, on stdout
	log  zerolog.Logger // what happens meanwhile, on stderr

	top    func() command // the whole command line, for commands about commands
	config string         // the configuration file that was said, if one was
	quiet  bool           // only data and errors
	yes    bool           // yes to what would be asked
	input  bool           // somebody may be asked: --no-input was not said
	look   look           // of what people see

	given *cli.Context // says which flags were given; may be nil, then none was
}

// isSet says whether a flag was given, or is in the environment or the configuration.
func (c *call) isSet(name string) bool { return c.given != nil && c.given.IsSet(name) }

// talk prints a line for people on stderr: it is neither data nor log.
func (c *call) talk(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.env.Stderr, format+"\n", args...)
	}
}

// commonFlags are the flags that every command which runs understands.
type commonFlags struct {
	output    outputValue
	json      bool
	quiet     bool
	noInput   bool
	yes       bool
	color     string
	config    string
	verbose   bool
	chatty    bool // -vv
	logFormat string
	logLevel  string
}

func (o *commonFlags) flags(level string) []cli.Flag {
	if level == "" {
		level = "warn"
	}
	o.output = outputValue(formTable)
	return []cli.Flag{
		&cli.GenericFlag{Name: "output", Aliases: []string{"o"}, Usage: "print data as `FORM`: " + strings.Join(forms(), ", "),
			EnvVars: []string{"AIRTILL_OUTPUT"}, Value: &o.output},
		&cli.BoolFlag{Name: "json", Usage: "print data as JSON, one object a line: -o jsonl", Destination: &o.json},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print data and errors, and nothing else", EnvVars: []string{"AIRTILL_QUIET"}, Destination: &o.quiet},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "answer yes to what would be asked", Destination: &o.yes},
		&cli.BoolFlag{Name: "no-input", Usage: "ask nothing: fail instead", EnvVars: []string{"AIRTILL_NO_INPUT"}, Destination: &o.noInput},
		&cli.StringFlag{Name: "color", Usage: "colour what people see `WHEN`: auto, always, never", Value: "auto",
			EnvVars: []string{"AIRTILL_COLOR"}, Destination: &o.color},
		&cli.StringFlag{Name: "config", Usage: "read settings from `FILE`, or \"none\"", DefaultText: "$XDG_CONFIG_HOME/airtill/config.yaml",
			EnvVars: []string{"AIRTILL_CONFIG"}, Destination: &o.config},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log what happens and what is asked: --log-level info", Destination: &o.verbose},
		&cli.BoolFlag{Name: "vv", Usage: "log everything: --log-level debug", Destination: &o.chatty},
		&cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` up: debug, info, warn, error, off", Value: level,
			EnvVars: []string{"AIRTILL_LOG_LEVEL"}, Destination: &o.logLevel},
		&cli.StringFlag{Name: "log-format", Usage: "write the log in `FORMAT`: auto, console, json", Value: "auto",
			EnvVars: []string{"AIRTILL_LOG_FORMAT"}, Destination: &o.logFormat},
	}
}

// commonValues are what common flags that choose take.
func commonValues() map[string][]string {
	return map[string][]string{
		"output": forms(), "color": {"auto", "always", "never"},
		"log-level": {"debug", "info", "warn", "error", "off"}, "log-format": {"auto", "console", "json"},
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
	look, err := readLook(env, common.color)
	if err != nil {
		return nil, err
	}
	log, err := newLogger(env, common, look)
	if err != nil {
		return nil, err
	}
	out, err := newPrinter(env, common)
	if err != nil {
		return nil, err
	}
	return &call{
		env: env, args: args, out: out, log: log, top: root, config: common.config, look: look,
		quiet: common.quiet, yes: common.yes, input: !common.noInput,
	}, nil
}

// newPrinter prints in the form that was asked for.
func newPrinter(env Env, common *commonFlags) (*printer, error) {
	p := &printer{w: env.Stdout, form: form(common.output)}
	switch {
	case common.json && p.form != formTable && p.form != formJSONL && p.form != "":
		return nil, fmt.Errorf("--json is -o jsonl, and -o %s was said too: give one of them", p.form)
	case common.json:
		p.form = formJSONL
	}
	p.json = p.form == formJSON || p.form == formJSONL || p.form == formYAML
	return p, nil
}
