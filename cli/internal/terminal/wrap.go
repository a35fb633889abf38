package terminal

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Wrap breaks a paragraph at its spaces into lines of at most width columns, of which the
// second and those after it begin with an indent of so many. The first is taken to stand
// behind as many, so that width is that of the whole line. A width of 0 is no bound; a
// longer word has a line of its own.
func Wrap(paragraph string, width, indent int) string {
	if width <= 0 {
		return paragraph
	}
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(paragraph) {
		length := text.StringWidth(word)
		switch {
		case i == 0:
		case column+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}
