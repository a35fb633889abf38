package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeCommand is what the shell scripts call with the words typed so far,
// the last one being the one under the cursor.
const completeCommand = "__complete"

// The scripts give each candidate as "word<TAB>what it is".
const (
	bashCompletion = `# airtill completion for bash
_airtill() {
  local IFS=$'\n' cur="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(airtill ` + completeCommand + ` "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "$cur"))
}
complete -o default -F _airtill airtill
`
	zshCompletion = `#compdef airtill
# airtill completion for zsh
_airtill() {
  local -a candidates
  candidates=("${(@f)$(airtill ` + completeCommand + ` "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("${(@)candidates:#}")
  candidates=("${(@)candidates/$'\t'/:}")
  if (( ${#candidates} )); then
    _describe airtill candidates
  else
    _files
  fi
}
if [[ "$funcstack[1]" == _airtill ]]; then _airtill "$@"; else compdef _airtill airtill; fi
`
	fishCompletion = `# airtill completion for fish
complete -c airtill -f -a '(airtill ` + completeCommand + ` (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`
)

func completion() command {
	return command{
		name:    "completion",
		short:   "print the completion script of a shell: bash, zsh or fish",
		section: "Help",
		args:    "SHELL",
		examples: []string{
			"source <(airtill completion bash)",
			"airtill completion zsh > ~/.zfunc/_airtill",
			"airtill completion fish > ~/.config/fish/completions/airtill.fish",
		},
		run: func(_ context.Context, c *call) error {
			switch c.args[0] {
			case "bash":
				return write(c.env.Stdout, bashCompletion)
			case "zsh":
				return write(c.env.Stdout, zshCompletion)
			case "fish":
				return write(c.env.Stdout, fishCompletion)
			}
			return usagef("no completion for %q; there is bash, zsh and fish", c.args[0])
		},
	}
}

// complete prints what the last of words could become.
func complete(w io.Writer, top command, words []string) error {
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	if slices.Contains(words[:last], "--") {
		return nil
	}
	here := descend(top, words[:last])
	for _, c := range candidates(here, words[last]) {
		if err := write(w, c+"\n"); err != nil {
			return fmt.Errorf("complete: %w", err)
		}
	}
	return nil
}

// descend follows the words that name commands.
func descend(c command, words []string) command {
	for _, word := range words {
		i := slices.IndexFunc(c.sub, func(s command) bool { return s.name == word })
		if i >= 0 {
			c = c.sub[i]
		}
	}
	return c
}

func candidates(c command, prefix string) []string {
	var out []string
	add := func(word, what string) {
		if strings.HasPrefix(word, prefix) {
			out = append(out, word+"\t"+what)
		}
	}
	if !strings.HasPrefix(prefix, "-") {
		for _, s := range c.sub {
			if !s.hidden {
				add(s.name, s.short)
			}
		}
		return out
	}
	flags := slices.Clone(c.flags)
	if c.runs() {
		flags = append(flags, new(commonFlags).flags(c.logLevel)...)
	}
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
			add(dashed(f.Names()[0]), strings.TrimSpace(flagRow(f)[1]))
		}
	}
	add("--help", "show what it does, with examples")
	return out
}
