package app

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst puts the flags of a line before its arguments, if its command takes them in
// any order. A "--" keeps what follows it arguments.
func flagsFirst(top command, line []string) []string {
	c, at := top, 1
	for at < len(line) {
		i := slices.IndexFunc(c.sub, func(s command) bool { return s.name == line[at] })
		if i < 0 {
			break
		}
		c, at = c.sub[i], at+1
	}
	if !c.anyOrder || at > len(line) {
		return line
	}
	flags, args := sortedOut(c.allFlags(c.name, new(commonFlags)), line[at:])
	return slices.Concat(line[:at], flags, args)
}

// sortedOut tells the flags of some words, with their values, from the arguments.
func sortedOut(known []cli.Flag, words []string) (flags, args []string) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			return flags, slices.Concat([]string{"--"}, args, words[i+1:])
		case len(word) < 2 || word[0] != '-':
			args = append(args, word)
		case wantsNext(known, word) && i+1 < len(words):
			flags = append(flags, word, words[i+1])
			i++
		default:
			flags = append(flags, word)
		}
	}
	return flags, args
}

// wantsNext says whether a flag's value is the word after it.
func wantsNext(known []cli.Flag, word string) bool {
	name := strings.TrimLeft(word, "-")
	return slices.ContainsFunc(known, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) && takesValue(f) })
}
