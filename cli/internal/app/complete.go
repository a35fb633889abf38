package app

import (
	"context"
	"fmt"
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
  candidates=("${(@)${(@)candidates/$'\t'/:}%:}")
  if (( ${#candidates} )); then
    _describe airtill candidates
  else
    _files
  fi
}
if [[ "$funcstack[1]" == _airtill ]]; then _airtill "$@"; else compdef _airtill airtill; fi
`
	fishCompletion = `# airtill completion for fish
function __airtill
  set -l candidates (airtill ` + completeCommand + ` (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c airtill -f -a '(__airtill)'
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

// complete prints what the last of words could become. Whatever was typed, it must not
// disturb the prompt: what cannot be found is not there.
func complete(ctx context.Context, env Env, top command, words []string) error {
	if len(words) == 0 {
		words = []string{""}
	}
	words = joinEquals(words)
	last := len(words) - 1
	if slices.Contains(words[:last], "--") {
		return nil
	}
	t := typed{env: env, command: descend(top, words[:last]), top: top, before: words[:last], word: words[last]}
	for _, c := range t.candidates(ctx) {
		if strings.HasPrefix(c[0], t.word) {
			if err := write(env.Stdout, c[0]+"\t"+c[1]+"\n"); err != nil {
				return fmt.Errorf("complete: %w", err)
			}
		}
	}
	return nil
}

// joinEquals undoes what bash does to --flag=value: it makes three words of it, and
// replaces the third.
func joinEquals(words []string) []string {
	last := len(words) - 1
	switch {
	case last > 0 && words[last] == "=":
		return append(slices.Clone(words[:last]), "")
	case last > 1 && words[last-1] == "=":
		return append(slices.Clone(words[:last-1]), words[last])
	}
	return words
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

// typed is a line that is half typed.
type typed struct {
	env     Env
	top     command
	command command  // that the words so far name
	before  []string // the words before the cursor
	word    string   // the one under it
}

// candidates are words with what they are.
func (t typed) candidates(ctx context.Context) [][2]string {
	if f := t.flagBefore(); f != nil {
		return t.valuesOf(ctx, f)
	}
	if name, _, found := strings.Cut(t.word, "="); found && strings.HasPrefix(name, "-") {
		return t.joined(ctx, name)
	}
	if strings.HasPrefix(t.word, "-") {
		return t.flags()
	}
	if len(t.command.sub) > 0 {
		return commandRows(t.command)
	}
	return t.arguments(ctx)
}

func commandRows(c command) (rows [][2]string) {
	for _, s := range c.sub {
		if !s.hidden {
			rows = append(rows, [2]string{s.name, s.short})
		}
	}
	return rows
}

// allFlags are the flags that may stand here, visible ones only.
func (t typed) allFlags() []cli.Flag {
	return slices.DeleteFunc(t.command.allFlags("airtill", new(commonFlags)), func(f cli.Flag) bool {
		v, ok := f.(cli.VisibleFlag)
		return ok && !v.IsVisible()
	})
}

func (t typed) flags() (rows [][2]string) {
	for _, f := range t.allFlags() {
		usage, _ := placeholder(f.(cli.DocGenerationFlag).GetUsage()) //nolint:forcetypeassert // every flag of urfave has it
		rows = append(rows, [2]string{dashed(f.Names()[0]), usage})
	}
	return append(rows, [2]string{"--help", "show what it does, with examples"})
}

// flagNamed is the flag that a word with dashes names.
func (t typed) flagNamed(word string) cli.Flag {
	name := strings.TrimLeft(word, "-")
	for _, f := range t.allFlags() {
		if name != word && slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	doc, ok := f.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

// flagBefore is the flag whose value is under the cursor, if it is one.
func (t typed) flagBefore() cli.Flag {
	if len(t.before) == 0 {
		return nil
	}
	if f := t.flagNamed(t.before[len(t.before)-1]); f != nil && takesValue(f) {
		return f
	}
	return nil
}

// joined completes --flag=value.
func (t typed) joined(ctx context.Context, name string) (rows [][2]string) {
	f := t.flagNamed(name)
	if f == nil {
		return nil
	}
	for _, row := range t.valuesOf(ctx, f) {
		rows = append(rows, [2]string{name + "=" + row[0], row[1]})
	}
	return rows
}

// arguments completes the positional argument under the cursor.
func (t typed) arguments(ctx context.Context) [][2]string {
	names := strings.Fields(t.command.args)
	at := t.position()
	if at >= len(names) {
		if len(names) == 0 || !strings.Contains(names[len(names)-1], "...") {
			return nil
		}
		at = len(names) - 1
	}
	return t.argument(ctx, strings.TrimSuffix(strings.Trim(names[at], "[]"), "..."))
}

// position counts the arguments before the cursor: what is no command, no flag and no
// value of one.
func (t typed) position() (n int) {
	c, value := t.top, false
	for _, word := range t.before {
		i := slices.IndexFunc(c.sub, func(s command) bool { return s.name == word })
		switch {
		case value:
			value = false
		case i >= 0:
			c = c.sub[i]
		case strings.HasPrefix(word, "-"):
			f := t.flagNamed(word)
			value = f != nil && takesValue(f)
		default:
			n++
		}
	}
	return n
}
