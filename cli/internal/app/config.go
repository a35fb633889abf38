package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func configCommand() command {
	return command{
		name: "config", short: "see, check and begin the configuration file", section: "Help",
		about: "A setting is from the first of: a flag, the environment (AIRTILL_...), the configuration file, its default.\n" +
			"The file is --config FILE, else AIRTILL_CONFIG, else airtill/config.yaml in $XDG_CONFIG_HOME (~/.config); the working directory's is not read.",
		examples: []string{"airtill config show --sources dev", "airtill config init"},
		sub:      []command{configShow(), configCheck(), configPath(), configInit()},
	}
}

func configShow() command {
	var sources bool
	return command{
		name: "show", short: "show what settings come to, and where each is from", args: "[COMMAND...]",
		about: "Without COMMAND it shows what is not a default, of every command. Flags of COMMAND go behind --, as they would be typed.\n" +
			"Secrets are masked.",
		examples: []string{"airtill config show", "airtill config show --sources dev", "airtill config show --sources -- dev --http 127.0.0.1:9080"},
		flags:    []cli.Flag{&cli.BoolFlag{Name: "sources", Usage: "say where each value is from", Destination: &sources}},
		run: func(ctx context.Context, c *call) error {
			all, err := c.settings(ctx, c.args)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				c.talk("every setting of every command is its default")
			}
			return printSettings(c.out, all, sources, len(c.args) == 0)
		},
	}
}

// settings are those of the command that words name, as it would be called with what
// follows them; of all commands when there are no words: those that are no defaults.
func (c *call) settings(ctx context.Context, words []string) ([]setting, error) {
	if len(words) > 0 {
		here := descend(c.top(), words)
		if !here.runs() {
			return nil, usagef("%s: it is not a command with settings; which? %s", strings.Join(words, " "), strings.Join(visibleNames(here.sub), ", "))
		}
		return c.inspect(ctx, words)
	}
	var all []setting
	for _, path := range leaves(c.top(), nil) {
		some, err := c.inspect(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(some, func(s setting) bool { return s.Source == fromDefault || s.Source == fromFlag })...)
	}
	return together(all), nil
}

// inspect asks the frame what a command's settings would be.
func (c *call) inspect(ctx context.Context, words []string) (all []setting, err error) {
	env := c.env
	env.Stdout, env.Stderr = io.Discard, io.Discard
	f := frame{env: env, line: append([]string{"airtill"}, words...), inspect: func(s []setting) { all = s }}
	err = f.app(c.top()).RunContext(ctx, f.line)
	return all, err
}

// leaves are the paths of all commands that run.
func leaves(c command, path []string) (all [][]string) {
	if c.hidden {
		return nil
	}
	if c.runs() {
		all = append(all, path)
	}
	for _, sub := range c.sub {
		all = append(all, leaves(sub, append(slices.Clone(path), sub.name))...)
	}
	return all
}

// together puts settings that are the same for several commands in one.
func together(all []setting) (out []setting) {
	count := make(map[setting]int)
	for _, s := range all {
		key := s
		key.For = ""
		if count[key]++; count[key] == 1 {
			out = append(out, s)
		}
	}
	for i, s := range out {
		key := s
		key.For = ""
		if n := count[key]; n > 1 {
			out[i].For = fmt.Sprintf("%d commands, such as %s", n, s.For)
		}
	}
	return out
}

func printSettings(p *printer, all []setting, sources, many bool) error {
	columns := []column[setting]{
		{name: "setting", cell: func(s setting) string { return s.Name }},
		{name: "value", cell: func(s setting) string { return s.Value }},
	}
	if sources {
		columns = append(columns,
			column[setting]{name: "from", cell: func(s setting) string { return string(s.Source) }},
			column[setting]{name: "at", cell: func(s setting) string { return s.At }})
	}
	if many {
		columns = append(columns, column[setting]{name: "for", cell: func(s setting) string { return s.For }})
	}
	return printRows(p, all, columns...)
}

func configCheck() command {
	return command{
		name: "check", short: "say all that is wrong with a configuration file", args: "[FILE]",
		about:    "It reads the file that commands would read, unless FILE is said. The status is 3 when something is wrong.",
		examples: []string{"airtill config check", "airtill config check airtill.yaml"},
		run: func(ctx context.Context, c *call) error {
			path := c.configFile()
			if len(c.args) > 0 {
				path = c.args[0]
			}
			if path == "" {
				return usagef("there is no home directory to have a configuration in; say FILE")
			}
			return checkConfig(ctx, c, path)
		},
	}
}

// checkConfig reads a file, and tries every value on the commands that it is for.
func checkConfig(ctx context.Context, c *call, path string) error {
	file, err := readConfig(path)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Hint = "what may stand in it: airtill help config"
	}
	if err != nil {
		return err
	}
	for _, words := range leaves(c.top(), nil) {
		if _, err := c.inspect(ctx, append(slices.Clone(words), "--config", path)); err != nil {
			return err
		}
	}
	c.talk("%s is right: settings in it: %d", path, len(file.Values))
	return nil
}

func configPath() command {
	type where struct {
		Path  string `json:"path"`
		Found bool   `json:"found"`
	}
	return command{
		name: "path", short: "say which configuration file is read",
		examples: []string{"airtill config path"},
		run: func(_ context.Context, c *call) error {
			path := c.configFile()
			_, err := os.Stat(path)
			if err := c.out.line(where{path, err == nil}, path); err != nil {
				return err
			}
			if err != nil {
				c.talk("it is not there yet; begin one: airtill config init")
			}
			return nil
		},
	}
}

// configFile is the file that this call has read its settings from.
func (c *call) configFile() string { return cmp.Or(c.config, configFile(c.env.Getenv)) }

func configInit() command {
	return command{
		name: "init", short: "write a configuration file to begin with, all of it commented out", args: "[FILE]",
		about:    "It holds every setting with what it does and its default. A file that is there stays as it is.",
		examples: []string{"airtill config init", "airtill config init airtill.yaml"},
		run: func(_ context.Context, c *call) error {
			path := c.configFile()
			if len(c.args) > 0 {
				path = c.args[0]
			}
			if path == "" {
				return usagef("there is no home directory to have a configuration in; say FILE")
			}
			return beginConfig(c, path)
		},
	}
}

func beginConfig(c *call, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make a directory for the configuration: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &Error{Status: StatusConflict, Err: fmt.Errorf("%s is there, and stays as it is", path), Hint: "say another: airtill config init FILE"}
	}
	if err != nil {
		return fmt.Errorf("begin a configuration: %w", err)
	}
	_, err = f.Write(configTemplate(c.top()))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("begin a configuration: %w", err)
	}
	return c.out.line(map[string]string{"path": path}, path)
}

// configTemplate is every setting there is, as a file in which all of it is commented out.
func configTemplate(top command) []byte {
	var b bytes.Buffer
	b.WriteString("# Configuration of airtill: a flag and the environment come before it. See airtill help config.\n" +
		"# Here for every command that has the flag, below a command's name for that command alone.\n" +
		"# A secret does not stand here: ${NAME} takes it from the environment.\n")
	for _, f := range new(commonFlags).flags("") {
		templateLine(&b, "", f, top)
	}
	for _, words := range leaves(top, nil) {
		leaf := descend(top, words)
		if len(leaf.flags) == 0 {
			continue
		}
		b.WriteString("\n")
		for depth, word := range words {
			fmt.Fprintf(&b, "#%s%s:\n", strings.Repeat("  ", depth), word)
		}
		for _, f := range leaf.flags {
			templateLine(&b, strings.Repeat("  ", len(words)), f, leaf)
		}
	}
	return b.Bytes()
}

func templateLine(b *bytes.Buffer, indent string, f cli.Flag, c command) {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok || !c.isSetting(f) {
		return
	}
	usage, _ := placeholder(doc.GetUsage())
	value := doc.GetValue() // the default text may be in words
	if !doc.TakesValue() {
		value = "false"
	}
	fmt.Fprintf(b, "#%s%s: %s  # %s\n", indent, f.Names()[0], value, usage)
}
