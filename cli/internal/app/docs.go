package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

func docsCommand() command {
	return command{
		name: "docs", short: "write the reference of all commands: a manual page or Markdown", section: "Help",
		examples: []string{"airtill docs man", "airtill docs markdown"},
		sub: []command{
			docsOf("man", "write the manual page airtill(1), in the macros of man(7)", "airtill docs man > airtill.1", manPage),
			docsOf("markdown", "write the reference as one page of Markdown", "airtill docs markdown > reference.md", markdownPage),
		},
	}
}

func docsOf(name, short, example string, page func(command) string) command {
	return command{
		name: name, short: short, examples: []string{example},
		run: func(_ context.Context, c *call) error { return write(c.env.Stdout, page(c.top())) },
	}
}

// entry is a command with its whole name, as references list it.
type entry struct {
	helpPage
	words []string
}

// entries are all commands that run, each with its own flags and not the common ones.
func entries(top command) (all []entry) {
	for _, words := range leaves(top, nil) {
		leaf, path := descend(top, words), top.name+" "+strings.Join(words, " ")
		common := commonFlagNames()
		own := slices.DeleteFunc(leaf.allFlags(path, new(commonFlags)), func(f cli.Flag) bool {
			v, ok := f.(cli.VisibleFlag)
			return slices.Contains(common, f.Names()[0]) || ok && !v.IsVisible()
		})
		all = append(all, entry{helpPage{command: leaf, path: path, flags: own}, words})
	}
	return all
}

// roff builds a manual page.
type roff struct{ strings.Builder }

// text escapes a line: a backslash, a hyphen that is one, and what would be a request.
func (r *roff) text(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `...`).Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}

func (r *roff) macro(name, argument string) {
	fmt.Fprintf(r, ".%s \"%s\"\n", name, strings.ReplaceAll(r.text(argument), `"`, `\(dq`))
}

func (r *roff) paragraph(text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			r.WriteString(r.text(line) + "\n")
		}
	}
}

// as writes lines as they are.
func (r *roff) as(text string) {
	r.WriteString(".nf\n")
	for line := range strings.Lines(text) {
		r.WriteString(r.text(strings.TrimRight(line, "\n")) + "\n")
	}
	r.WriteString(".fi\n")
}

// term writes a tagged paragraph.
func (r *roff) term(tag, text string) {
	fmt.Fprintf(r, ".TP\n\\fB%s\\fR\n", strings.TrimPrefix(r.text(tag), `\&`))
	r.paragraph(text)
}

// manPage is airtill(1). Its date is that of the program's sources.
func manPage(top command) string {
	at := built()
	if at.IsZero() {
		at = time.Now()
	}
	var r roff
	fmt.Fprintf(&r, ".TH AIRTILL 1 %q %q %q\n", at.UTC().Format(time.DateOnly), "airtill "+r.text(readBuildInfo().Version), "Airtill")
	r.macro("SH", "NAME")
	r.WriteString("airtill \\- " + r.text(top.short) + "\n")
	r.macro("SH", "SYNOPSIS")
	r.WriteString(".B airtill\nCOMMAND [flags] [arguments]\n")
	r.macro("SH", "DESCRIPTION")
	r.paragraph(top.about)
	r.macro("SH", "COMMANDS")
	for _, e := range entries(top) {
		r.macro("SS", strings.TrimSpace(e.path+" "+e.command.args))
		r.paragraph(e.command.short + ".")
		if e.command.about != "" {
			r.WriteString(".PP\n")
			r.paragraph(e.command.about)
		}
		for _, f := range e.flags {
			row := flagRow(f)
			r.term(row[0], row[1])
		}
		r.WriteString(".PP\nExamples:\n.PP\n")
		r.as(strings.Join(e.command.examples, "\n") + "\n")
	}
	r.macro("SH", "COMMON FLAGS")
	for _, f := range new(commonFlags).flags("") {
		row := flagRow(f)
		r.term(row[0], row[1])
	}
	for _, s := range []struct{ heading, topic string }{
		{"EXIT STATUS", "exit-codes"}, {"ENVIRONMENT", "environment"}, {"FILES", "config"}, {"NETWORKS", "networks"}, {"OUTPUT", "output"},
	} {
		if t, found := findTopic(topics(), s.topic); found {
			r.macro("SH", s.heading)
			r.as(t.fill(top, 0))
		}
	}
	return r.String()
}

// markdownPage is the reference as one page.
func markdownPage(top command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# airtill\n\n%s\n\nMade by `airtill docs markdown`.\n\n", top.about)
	all := entries(top)
	for _, e := range all {
		fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", e.path, strings.ReplaceAll(e.path, " ", "-"), e.command.short)
	}
	for _, e := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n", e.path, e.command.short)
		if e.command.about != "" {
			b.WriteString(e.command.about + "\n\n")
		}
		fmt.Fprintf(&b, "    %s\n\n```sh\n%s\n```\n", e.usageLine(), strings.Join(e.command.examples, "\n"))
		markdownFlags(&b, e.flags)
	}
	b.WriteString("\n## Common flags\n")
	markdownFlags(&b, new(commonFlags).flags(""))
	for _, t := range topics() {
		if t.Name != tourTopic {
			fmt.Fprintf(&b, "\n## %s: %s\n\n```text\n%s```\n", t.Name, t.What, t.fill(top, 0))
		}
	}
	return b.String()
}

func markdownFlags(b *strings.Builder, flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	b.WriteString("\n| flag | what it does |\n|---|---|\n")
	for _, f := range flags {
		row := flagRow(f)
		fmt.Fprintf(b, "| `%s` | %s |\n", row[0], strings.ReplaceAll(row[1], "|", `\|`))
	}
}
