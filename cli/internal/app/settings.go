package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/config"
)

// allFlags are a command's own flags and the common ones, each with its variable of the
// environment. A flag of its own takes the place of a common one of the same name.
func (c command) allFlags(path string, common *commonFlags) []cli.Flag {
	flags := slices.Clone(c.flags)
	if !c.runs() {
		return flags
	}
	for _, f := range flags {
		if doc, ok := f.(cli.DocGenerationFlag); ok && c.isSetting(f) && len(doc.GetEnvVars()) == 0 {
			setVariable(f, variableOf(path, f.Names()[0]))
		}
	}
	own := flagNames(flags)
	for _, f := range common.flags(c.logLevel) {
		if !slices.ContainsFunc(f.Names(), func(name string) bool { return slices.Contains(own, name) }) {
			flags = append(flags, f)
		}
	}
	return flags
}

// spoken are flags that are about one act, never a setting: what one of them does must
// not come from a forgotten file or variable.
var spoken = []string{
	"fresh", "yes", "config", "dry-run", "clear", "unencrypted", "drop", "check", "id", "bill", "reference", "idempotency-key",
	"after", "before", "replaces", "replace", "bug", "print-scenario", "print-secret", "fix",
}

// isSetting says whether a flag may be set by the environment and the configuration file.
func (c command) isSetting(f cli.Flag) bool {
	name := f.Names()[0]
	if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
		return false
	}
	return !slices.Contains(spoken, name) && !slices.Contains(c.required, name) && !strings.HasPrefix(name, "write-")
}

// variableOf is the environment's name of a flag: AIRTILL_BILL_CREATE_CURRENCY.
func variableOf(path, flag string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(path + " " + flag))
}

func setVariable(f cli.Flag, name string) {
	names := []string{name}
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = names
	case *cli.BoolFlag:
		f.EnvVars = names
	case *cli.IntFlag:
		f.EnvVars = names
	case *cli.Int64Flag:
		f.EnvVars = names
	case *cli.Uint64Flag:
		f.EnvVars = names
	case *cli.Float64Flag:
		f.EnvVars = names
	case *cli.DurationFlag:
		f.EnvVars = names
	case *cli.StringSliceFlag:
		f.EnvVars = names
	case *cli.GenericFlag:
		f.EnvVars = names
	}
}

// schema is what a configuration file may say of a command and of those below it.
func (c command) schema() config.Schema {
	s := config.Schema{Commands: make(map[string]config.Schema)}
	for _, f := range c.allFlags("", new(commonFlags)) {
		if !c.runs() {
			break // flags of a group are for the group's own use
		}
		if c.isSetting(f) {
			s.Flags = append(s.Flags, f.Names()[0])
		} else {
			s.Spoken = append(s.Spoken, f.Names()[0])
		}
	}
	for _, sub := range c.sub {
		if sub.hidden {
			continue
		}
		below := sub.schema()
		s.Commands[sub.name] = below
		s.Flags = append(s.Flags, below.Flags...)
		s.Spoken = append(s.Spoken, below.Spoken...)
	}
	slices.Sort(s.Flags)
	s.Flags = slices.Compact(s.Flags)
	slices.Sort(s.Spoken)
	s.Spoken = slices.DeleteFunc(slices.Compact(s.Spoken), func(name string) bool {
		return slices.Contains(s.Flags, name) // of one command said, of another a setting
	})
	return s
}

// source is where the value of a setting is from.
type source string

const (
	fromFlag        source = "flag"
	fromEnvironment source = "environment"
	fromFile        source = "file"
	fromDefault     source = "default"
)

// setting is the value of one flag of one command, and where it is from.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // secrets in it are masked
	Source source `json:"source"`
	At     string `json:"at,omitempty"`  // the variable, or FILE:LINE
	For    string `json:"for,omitempty"` // the command it is for
}

// settle gives every flag that neither the line nor the environment has set what the
// configuration file says. It answers all, with where each is from.
func (f frame) settle(cc *cli.Context, h helpPage, common *commonFlags) ([]setting, error) {
	file, err := f.configuration(common.config)
	if err != nil {
		return nil, err
	}
	line := f.flagsSaid(cc)
	words := strings.Fields(h.path)[1:]
	var all []setting
	for _, flag := range h.flags {
		name := flag.Names()[0]
		s := setting{Name: name, Source: fromDefault, For: strings.Join(words, " ")}
		value, said := file.Find(words, name)
		switch {
		case slices.ContainsFunc(flag.Names(), func(n string) bool { return slices.Contains(line, n) }):
			s.Source = fromFlag
		case variableSet(flag) != "":
			s.Source, s.At = fromEnvironment, variableSet(flag)
		case said && h.command.isSetting(flag):
			s.Source, s.At = fromFile, fmt.Sprintf("%s:%d", file.Path, value.Line)
			if err := f.apply(cc, file, value); err != nil {
				return nil, err
			}
		}
		s.Value = valueOf(cc, flag)
		all = append(all, s)
	}
	return all, nil
}

// flagsSaid are the names of the flags on the line, as they were typed: urfave counts
// those that the environment has set among them.
func (f frame) flagsSaid(cc *cli.Context) (names []string) {
	for _, word := range f.line[:max(0, len(f.line)-cc.NArg())] {
		if bare := strings.TrimLeft(word, "-"); bare != word {
			name, _, _ := strings.Cut(bare, "=")
			names = append(names, name)
		}
	}
	return names
}

// apply sets a flag to what the file says.
func (f frame) apply(cc *cli.Context, file *config.File, v config.Value) error {
	texts, err := file.Expand(v, f.env.Getenv)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if err := cc.Set(v.Flag, text); err != nil {
			return file.Wrong(v, fmt.Errorf("%q: %s", masked(v.Flag, text), f.mistake(cc, v.Flag, err)))
		}
	}
	return nil
}

// mistake says what is wrong with the value of a flag.
func (f frame) mistake(cc *cli.Context, name string, err error) string {
	for _, flag := range cc.Command.Flags {
		if flag.Names()[0] == name && err.Error() == "parse error" {
			return wanted(flag)
		}
	}
	return err.Error()
}

// variableSet is the variable that has set a flag. An empty one has not.
func variableSet(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	for _, name := range doc.GetEnvVars() {
		if os.Getenv(name) != "" { // where urfave looks
			return name
		}
	}
	return ""
}

// valueOf is a flag's value as it would be typed, without secrets.
func valueOf(cc *cli.Context, f cli.Flag) string {
	name := f.Names()[0]
	if generic, ok := f.(*cli.GenericFlag); ok { // its value cannot be got from the context
		return generic.Value.String()
	}
	if many, ok := cc.Value(name).(cli.StringSlice); ok {
		var all []string
		for _, text := range many.Value() {
			all = append(all, masked(name, text))
		}
		return strings.Join(all, " ")
	}
	return masked(name, fmt.Sprint(cc.Value(name)))
}

// configFile is where the configuration is unless it is said: empty when there is no home.
func configFile(getenv func(string) string) string {
	dir := configDir(getenv)
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "config.yaml")
}

// configDir is where a person's own configuration is.
func configDir(getenv func(string) string) string {
	base := getenv("XDG_CONFIG_HOME")
	if base == "" && getenv("HOME") != "" {
		base = filepath.Join(getenv("HOME"), ".config")
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "airtill")
}

// noConfig is said instead of a file, to read none.
const noConfig = "none"

// configuration reads the file that was said, or the usual one if it is there.
func (f frame) configuration(said string) (*config.File, error) {
	if said == noConfig {
		return new(config.File), nil
	}
	path := cmp.Or(said, configFile(f.env.Getenv))
	if path == "" {
		return new(config.File), nil
	}
	file, err := readConfig(path)
	if errors.Is(err, fs.ErrNotExist) && said == "" {
		return new(config.File), nil
	}
	return file, err
}

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20

// readConfig reads a configuration file and checks it against the whole command line.
func readConfig(path string) (*config.File, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("it has more than %d octets", maxConfig)
	}
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err // the path is said once
		}
		return nil, explainConfig(&config.Error{Path: path, Err: err}, path)
	}
	file, err := config.Read(path, text, config.Rules{Schema: root().schema(), Secret: secretIn})
	return file, explainConfig(err, path)
}

func explainConfig(err error, path string) error {
	if err == nil {
		return nil
	}
	return &Error{Status: StatusConfig, Err: err, Hint: "what may stand in it: airtill help config; all that is wrong: airtill config check " + path}
}
