package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/terminal"
	"github.com/airtill/airtill/fsm/redisstore"
)

// showFindings prints what was found: for people what is fine first, a line each, and then what is
// not, with what to do, so that it stands above the verdict.
func showFindings(c *call, all []finding) error {
	if c.out.form == formTable || c.out.form == "" {
		return write(c.out.w, findingText(all, widthOf(c.out.w)))
	}
	return printRows(c.out, all,
		column[finding]{name: "check", cell: func(f finding) string { return f.Check }},
		column[finding]{name: "is", cell: func(f finding) string { return string(f.Weight) }},
		column[finding]{name: "at", cell: func(f finding) string { return f.At }},
		column[finding]{name: "found", cell: func(f finding) string { return f.Found }},
		column[finding]{name: "wanted", cell: func(f finding) string { return f.Wanted }},
		column[finding]{name: "can cost", cell: func(f finding) string { return f.Cost }},
		column[finding]{name: "mend", cell: func(f finding) string { return f.Mend }},
	)
}

// findingText lays findings out by their weight, in lines of a width; 0 is no bound.
func findingText(all []finding, width int) string {
	var b strings.Builder
	for _, weight := range []redisstore.Weight{redisstore.Fine, redisstore.Note, redisstore.Warning, redisstore.Danger} {
		some := slices.DeleteFunc(slices.Clone(all), func(f finding) bool { return f.Weight != weight })
		if len(some) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:\n", weight)
		if weight == redisstore.Fine {
			b.WriteString(fineText(some))
			continue
		}
		for _, f := range some {
			f.write(&b, width)
		}
	}
	return b.String()
}

func fineText(all []finding) string {
	var rows [][2]string
	for _, f := range all {
		rows = append(rows, [2]string{f.Check, strings.TrimSpace(f.Found + "  " + f.At)})
	}
	return rowsText(rows, 0)
}

// write tells what is found, what is wanted, and the way from the one to the other.
func (f finding) write(b *strings.Builder, width int) {
	const indent = 14
	head := f.Check
	if f.At != "" {
		head += ", " + f.At
	}
	fmt.Fprintf(b, "  %s\n", head)
	for _, line := range [][2]string{{"found", f.Found}, {"wanted", f.Wanted}, {"can cost", f.Cost}, {"mend", f.Mend}} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-*s%s\n", indent-2, "  "+line[0], terminal.Wrap(line[1], width, indent))
		}
	}
}
