package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/world"
)

// A context is a network under a name: a copy of its ready file, or what was said of it.
// The name of the one in use is in a file beside them.

// contextName is such that a context is never taken for a path.
var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)

// noContext is said to use none.
const noContext = "none"

func contextsDir(getenv func(string) string) string {
	if dir := configDir(getenv); dir != "" {
		return filepath.Join(dir, "contexts")
	}
	return ""
}

func contextFile(getenv func(string) string, name string) string {
	return filepath.Join(contextsDir(getenv), name+".json")
}

// contextInUse is the name of the context that is in use, or empty.
func contextInUse(getenv func(string) string) string {
	dir := contextsDir(getenv)
	if dir == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(dir, "in-use"))
	if err != nil {
		return "" // none has been used yet
	}
	return strings.TrimSpace(string(text))
}

// contextPath is the file of a context, if there is one of the name.
func contextPath(getenv func(string) string, name string) string {
	if !contextName.MatchString(name) || contextsDir(getenv) == "" {
		return ""
	}
	path := contextFile(getenv, name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// networkFile is the ready file of the network that --network says; of the context in
// use; or the usual one.
func (t *target) networkFile(c *call) (path string, said bool) {
	if t.network != "" {
		if _, err := os.Stat(t.network); err == nil {
			return t.network, true
		}
		return cmp.Or(contextPath(c.env.Getenv, t.network), t.network), true
	}
	if name := contextInUse(c.env.Getenv); name != "" {
		return contextFile(c.env.Getenv, name), true
	}
	return readyFile(c.env.Getenv), false
}

func contextCommand() command {
	return command{
		name: "context", short: "name networks elsewhere, and choose which one commands speak to", section: "A running network",
		about:    "A context holds addresses and keys, as a ready file does, and is its owner's alone. See airtill help networks.",
		examples: []string{"airtill context add --from net.json staging", "airtill context use staging", "airtill context use none"},
		sub:      []command{contextAdd(), contextList(), contextUse(), contextShow(), contextRemove()},
	}
}

// contextOf reads the argument NAME.
func contextOf(c *call) (name, path string, err error) {
	name = c.args[0]
	if !contextName.MatchString(name) || name == noContext {
		return "", "", usagef("%q: a context's name is letters, digits, - and _, and not %q", name, noContext)
	}
	if contextsDir(c.env.Getenv) == "" {
		return "", "", usagef("there is no home directory to keep contexts in: set XDG_CONFIG_HOME")
	}
	return name, contextFile(c.env.Getenv, name), nil
}

// noSuchContext is for a name that nothing is kept under.
func noSuchContext(name string) error {
	return &Error{Status: StatusNotFound, Err: fmt.Errorf("there is no context %s", name), Hint: "which there are: airtill context list; make one: airtill context add NAME"}
}

// contextRow is a context as it is listed: no key is in it.
type contextRow struct {
	Name     string `json:"name"`
	InUse    bool   `json:"in_use"`
	Platform string `json:"platform,omitempty"`
	Handsets string `json:"handsets,omitempty"`
	Carrier  string `json:"carrier,omitempty"`
	Shop     string `json:"shop,omitempty"`
	SMPP     string `json:"smpp,omitempty"`
	Redis    string `json:"redis,omitempty"` // without its password
	Keys     []key  `json:"keys,omitempty"`
}

// key says that there is a key, and whose.
type key string

func rowOf(name string, inUse bool, r world.Ready) contextRow {
	row := contextRow{
		Name: name, InUse: inUse, Platform: platformOf(r), Handsets: r.Handsets, Carrier: r.Carrier, Shop: r.Shop, SMPP: r.SMPP,
		Redis: masked("redis", r.Redis),
	}
	for _, m := range r.Merchants {
		if m.APIKey != "" {
			row.Keys = append(row.Keys, key(strings.TrimSpace("merchant "+m.ID)))
		}
	}
	if r.OperatorKey != "" {
		row.Keys = append(row.Keys, "operator")
	}
	if r.CarrierKey != "" {
		row.Keys = append(row.Keys, "carrier")
	}
	return row
}

func contextList() command {
	return command{
		name: "list", short: "list the contexts; * is in use", examples: []string{"airtill context list", "airtill context list --json"},
		run: func(_ context.Context, c *call) error {
			rows, err := contextRows(c.env.Getenv)
			if err != nil {
				return err
			}
			text := func(name string, of func(contextRow) string) column[contextRow] {
				return column[contextRow]{name: name, cell: of}
			}
			return printWide(c.out, rows, []column[contextRow]{
				text("", func(r contextRow) string { return map[bool]string{true: "*"}[r.InUse] }),
				text("name", func(r contextRow) string { return r.Name }),
				text("platform", func(r contextRow) string { return r.Platform }),
				text("handsets", func(r contextRow) string { return r.Handsets }),
				text("carrier", func(r contextRow) string { return r.Carrier }),
			}, []column[contextRow]{
				text("shop", func(r contextRow) string { return r.Shop }),
				text("smpp", func(r contextRow) string { return r.SMPP }),
				text("redis", func(r contextRow) string { return r.Redis }),
			})
		},
	}
}

// contextRows reads all contexts.
func contextRows(getenv func(string) string) ([]contextRow, error) {
	names, err := contextNames(getenv)
	if err != nil {
		return nil, err
	}
	rows := make([]contextRow, 0, len(names))
	for _, name := range names {
		r, err := world.ReadReady(contextFile(getenv, name))
		if err != nil {
			return nil, err
		}
		rows = append(rows, rowOf(name, name == contextInUse(getenv), r))
	}
	return rows, nil
}

// contextNames lists the contexts' names in order.
func contextNames(getenv func(string) string) ([]string, error) {
	dir := contextsDir(getenv)
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list contexts: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && contextName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func contextUse() command {
	return command{
		name: "use", short: "have commands speak to a context's network", args: "NAME",
		about:    `NAME "none" goes back to the network of airtill dev on this machine.`,
		examples: []string{"airtill context use staging", "airtill context use none"},
		run: func(_ context.Context, c *call) error {
			if c.args[0] == noContext {
				if err := useContext(c.env.Getenv, ""); err != nil {
					return err
				}
				c.talk("no context is in use")
				return nil
			}
			name, _, err := contextOf(c)
			if err != nil {
				return err
			}
			if contextPath(c.env.Getenv, name) == "" {
				return noSuchContext(name)
			}
			if err := useContext(c.env.Getenv, name); err != nil {
				return err
			}
			c.talk("commands speak to %s now", name)
			return nil
		},
	}
}

// useContext notes which context is in use; none when the name is empty.
func useContext(getenv func(string) string, name string) error {
	dir := contextsDir(getenv)
	if dir == "" {
		return nil
	}
	path := filepath.Join(dir, "in-use")
	if name == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("use no context: %w", err)
		}
		return nil
	}
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return fmt.Errorf("use a context: %w", err)
	}
	return nil
}

func contextShow() command {
	return command{
		name: "show", short: "show a context, or the one in use; keys stay hidden", args: "[NAME]",
		examples: []string{"airtill context show", "airtill context show staging"},
		run: func(_ context.Context, c *call) error {
			inUse := contextInUse(c.env.Getenv)
			if len(c.args) == 0 {
				if inUse == "" {
					return &Error{Status: StatusNotFound, Err: errors.New("no context is in use"), Hint: "commands speak to airtill dev on this machine; use one: airtill context use NAME"}
				}
				c.args = []string{inUse}
			}
			name, path, err := contextOf(c)
			if err != nil {
				return err
			}
			r, err := world.ReadReady(path)
			if errors.Is(err, fs.ErrNotExist) {
				return noSuchContext(name)
			}
			if err != nil {
				return err
			}
			return printContext(c.out, rowOf(name, name == inUse, r))
		},
	}
}

func printContext(p *printer, r contextRow) error {
	var keys []string
	for _, k := range r.Keys {
		keys = append(keys, string(k))
	}
	return p.one(r,
		field{"context", r.Name}, field{"in use", map[bool]string{true: "yes"}[r.InUse]},
		field{"platform", r.Platform}, field{"handsets", r.Handsets}, field{"carrier", r.Carrier}, field{"shop", r.Shop},
		field{"smpp", r.SMPP}, field{"redis", r.Redis}, field{"keys of", strings.Join(keys, ", ")},
	)
}

func contextRemove() command {
	return command{
		name: "remove", short: "forget a context; its network is left alone", args: "NAME", examples: []string{"airtill context remove staging"},
		run: func(_ context.Context, c *call) error {
			name, path, err := contextOf(c)
			if err != nil {
				return err
			}
			if err := os.Remove(path); errors.Is(err, fs.ErrNotExist) {
				return noSuchContext(name)
			} else if err != nil {
				return fmt.Errorf("remove a context: %w", err)
			}
			if name != contextInUse(c.env.Getenv) {
				return nil
			}
			c.talk("it was in use: no context is in use now")
			return useContext(c.env.Getenv, "")
		},
	}
}
