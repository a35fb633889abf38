package app

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpPage is a command with what its help and its usage errors need.
type helpPage struct {
	command command
	path    string // "airtill bill show"
	flags   []cli.Flag
}

func (h helpPage) print(w io.Writer) error { return write(w, h.String()) }

// String is the help text: what it is, usage, examples, commands, flags.
func (h helpPage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\n", h.path, h.command.short)
	if h.command.about != "" {
		fmt.Fprintf(&b, "%s\n\n", h.command.about)
	}
	fmt.Fprintf(&b, "usage: %s\n", h.usageLine())
	if len(h.command.examples) > 0 {
		fmt.Fprintf(&b, "\nexamples:\n  %s\n", strings.Join(h.command.examples, "\n  "))
	}
	h.writeCommands(&b)
	h.writeFlags(&b)
	return b.String()
}

func (h helpPage) usageLine() string {
	if h.command.alone {
		return h.path + " [flags], or " + h.path + " COMMAND [flags] ..."
	}
	if len(h.command.sub) > 0 {
		return h.path + " COMMAND [flags] ..."
	}
	return strings.TrimRight(h.path+" [flags] "+h.command.args, " ")
}

func (h helpPage) writeCommands(b *strings.Builder) {
	var rows [][2]string
	section := "commands"
	for _, c := range h.command.sub {
		if c.hidden {
			continue
		}
		if c.section != "" && c.section != section {
			writeRows(b, section, rows)
			section, rows = c.section, nil
		}
		rows = append(rows, [2]string{c.name, c.short})
	}
	writeRows(b, section, rows)
}

func (h helpPage) writeFlags(b *strings.Builder) {
	var own, common [][2]string
	isCommon := commonFlagNames()
	for _, f := range h.flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		if h.command.runs() && slices.Contains(isCommon, f.Names()[0]) {
			common = append(common, flagRow(f))
		} else {
			own = append(own, flagRow(f))
		}
	}
	writeRows(b, "flags", own)
	writeRows(b, "common flags", common)
}

func writeRows(b *strings.Builder, heading string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	fmt.Fprintf(b, "\n%s:\n", heading)
	for _, r := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", width, r[0], r[1])
	}
}

// flagRow describes one flag: "--seed N, -s N" and what it does. A word in
// backquotes in the flag's usage names its value.
func flagRow(f cli.Flag) [2]string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return [2]string{dashed(f.Names()[0]), ""}
	}
	usage, value := placeholder(doc.GetUsage())
	if !doc.TakesValue() {
		value = ""
	} else if value == "" {
		value = "VALUE"
	}
	var names []string
	for _, name := range f.Names() {
		names = append(names, dashed(name))
	}
	left := strings.TrimRight(strings.Join(names, ", ")+" "+value, " ")
	return [2]string{left, usage + defaults(doc)}
}

// defaults is the remark after a flag's usage: "(default 16; or AIRTILL_X)".
func defaults(doc cli.DocGenerationFlag) string {
	var notes []string
	if text := strings.Trim(doc.GetDefaultText(), `"`); doc.TakesValue() && text != "" && text != "0" && text != "0s" {
		notes = append(notes, "default "+text)
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		notes = append(notes, "or "+strings.Join(vars, ", "))
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

// placeholder splits "write it to `PATH`" into the text and its PATH.
func placeholder(usage string) (text, value string) {
	before, rest, found := strings.Cut(usage, "`")
	if !found {
		return usage, ""
	}
	value, after, _ := strings.Cut(rest, "`")
	return before + value + after, value
}
