package app

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// helpPage is a command with what its help and its usage errors need.
type helpPage struct {
	command command
	path    string // "airtill bill show"
	flags   []cli.Flag
}

func (h helpPage) print(w io.Writer) error { return write(w, h.text(widthOf(w))) }

// String is the help text in lines as they come.
func (h helpPage) String() string { return h.text(0) }

// widest is how wide text for reading is made at most: longer lines are hard to follow.
const widest = 120

// widthOf is how wide text for reading is on what is written; 0 is no bound.
func widthOf(w io.Writer) int { return min(terminal.Width(w), widest) }

// text is the help text: what it is, usage, examples, commands, flags, in lines of a
// width; 0 is no bound. Examples are to be pasted, and stay whole.
func (h helpPage) text(width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", terminal.Wrap(h.path+" - "+h.command.short, width, 0))
	if h.command.about != "" {
		for paragraph := range strings.SplitSeq(h.command.about, "\n\n") {
			fmt.Fprintf(&b, "%s\n\n", terminal.Wrap(paragraph, width, 0))
		}
	}
	fmt.Fprintf(&b, "usage: %s\n", h.usageLine())
	if len(h.command.examples) > 0 {
		fmt.Fprintf(&b, "\nexamples:\n  %s\n", strings.Join(h.command.examples, "\n  "))
	}
	h.writeCommands(&b, width)
	h.writeFlags(&b, width)
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

func (h helpPage) writeCommands(b *strings.Builder, width int) {
	var rows [][2]string
	section := "commands"
	for _, c := range h.command.sub {
		if c.hidden {
			continue
		}
		if c.section != "" && c.section != section {
			writeRows(b, section, rows, width)
			section, rows = c.section, nil
		}
		rows = append(rows, [2]string{c.name, c.short})
	}
	writeRows(b, section, rows, width)
}

func (h helpPage) writeFlags(b *strings.Builder, width int) {
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
	writeRows(b, "flags", own, width)
	writeRows(b, "common flags", common, width)
}

func writeRows(b *strings.Builder, heading string, rows [][2]string, width int) {
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s:\n%s", heading, rowsText(rows, width))
	}
}

// rowsText lays names and what they mean out in two columns, in lines of a width; 0 is no
// bound.
func rowsText(rows [][2]string, width int) string {
	names := 0
	for _, r := range rows {
		names = max(names, len(r[0]))
	}
	indent := names + 4
	if width > 0 && indent > width/2 { // a narrow terminal: what they mean stands under the names
		indent = 8
	}
	var b strings.Builder
	for _, r := range rows {
		name := fmt.Sprintf("  %-*s  ", names, r[0])
		if width > 0 && len(name) > indent {
			name = "  " + r[0] + "\n" + strings.Repeat(" ", indent)
		}
		b.WriteString(strings.TrimRight(name+terminal.Wrap(r[1], width, indent), " ") + "\n")
	}
	return b.String()
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
