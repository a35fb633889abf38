package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// again is the command line that says the same again: what was given, wherever, but the
// flags that are named.
func (c *call) again(command string, without ...string) string {
	words := []string{command}
	if c.given == nil {
		return command
	}
	for _, flag := range c.given.Command.Flags {
		name := flag.Names()[0]
		if !c.isSet(name) || slices.Contains(without, name) {
			continue
		}
		switch value := c.given.Value(name).(type) {
		case bool:
			words = append(words, "--"+name+map[bool]string{false: "=false"}[value])
		case cli.StringSlice:
			for _, one := range value.Value() {
				words = append(words, "--"+name, quoted(one))
			}
		default:
			words = append(words, "--"+name, quoted(fmt.Sprint(value)))
		}
	}
	return strings.Join(words, " ")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,.:/%+@") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
