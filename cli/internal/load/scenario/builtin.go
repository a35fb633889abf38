package scenario

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtins lists the names of the scenarios that come with airtill.
func Builtins() []string {
	return []string{"smoke", "steady", "spike", "soak", "find-max", "ussd", "unreliable-people"}
}

// Builtin is the text of one of them, to be printed or read.
func Builtin(name string) ([]byte, error) {
	text, err := builtin.ReadFile(path.Join("builtin", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("no scenario %q comes with airtill: choose from %s, or name a file as in ./%s.yaml", name, strings.Join(Builtins(), ", "), name)
	}
	return text, nil
}
