package app

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every example, of the help and of the README, is a command line that would run.
func TestExamplesParse(t *testing.T) {
	top := muted(root())
	for _, line := range slices.Concat(examples(root()), readmeLines(t), topicLines()) {
		t.Run(line, func(t *testing.T) {
			words := commandLine(line)
			if len(words) == 0 || words[0] != "airtill" {
				t.Fatalf("no airtill in it: %q", words)
			}
			var stdout, stderr bytes.Buffer
			env := Env{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }}
			if err := run(t.Context(), env, top, words); err != nil {
				t.Errorf("%q: %v", words, err)
			}
		})
	}
}

// topicLines are the lines of help's topics and of the cheat sheets that run airtill.
func topicLines() (lines []string) {
	for _, t := range append(topics(), cheats()...) {
		for line := range strings.Lines(t.text) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  ") // what it does stands apart
			if strings.HasPrefix(line, "airtill ") && !strings.Contains(line, " COMMAND") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// muted is a command line whose commands do nothing.
func muted(c command) command {
	if c.run != nil {
		c.run = func(context.Context, *call) error { return nil }
	}
	for i := range c.sub {
		c.sub[i] = muted(c.sub[i])
	}
	return c
}

func examples(c command) []string {
	all := c.examples
	for _, sub := range c.sub {
		all = append(all, examples(sub)...)
	}
	return all
}

// readmeLines are the lines of the README's code blocks that run airtill.
func readmeLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	code := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code = !code
		} else if code && strings.HasPrefix(line, "airtill ") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		t.Fatal("the README shows no command")
	}
	return lines
}

// commandLine splits the part of a shell's line that is airtill's into words: as
// much of a shell as the examples need.
func commandLine(line string) []string {
	if i := strings.Index(line, "airtill"); i >= 0 {
		line = line[i:]
	}
	var words []string
	var word strings.Builder
	quote, started := rune(0), false
	end := func() {
		if started {
			words = append(words, word.String())
		}
		word.Reset()
		started = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case strings.ContainsRune("|<>)&#;", r):
			end()
			return words
		case r == ' ':
			end()
		default:
			started = true
			word.WriteRune(r)
		}
	}
	end()
	return words
}
