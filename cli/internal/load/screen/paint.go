package screen

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// paint colours text, or leaves it.
type paint func(string) string

// The colours. They are of the terminal's own sixteen, so that its theme is kept.
var (
	good   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	warn   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	accent = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

// paint is the style's, where colours may be.
func (l Look) paint(style lipgloss.Style) paint {
	if !l.Colour {
		return plainly
	}
	return func(s string) string { return style.Render(s) }
}

func plainly(s string) string { return s }

// or picks a text by what can be shown.
func (l Look) or(unicode, ascii string) string {
	if l.ASCII {
		return ascii
	}
	return unicode
}

// clean is text from outside, which must not move the cursor.
func (l Look) clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case !unicode.IsPrint(r):
			return -1
		case l.ASCII && r > unicode.MaxASCII:
			return '?'
		}
		return r
	}, s)
}

// cut shortens text to so many columns, and shows that it did.
func (l Look) cut(s string, columns int) string {
	return ansi.Truncate(s, max(columns, 0), l.or("…", "~"))
}

// pad fills text with blanks to so many columns; to the right of it, or to the left.
func pad(s string, columns int, right bool) string {
	blanks := strings.Repeat(" ", max(columns-ansi.StringWidth(s), 0))
	if right {
		return blanks + s
	}
	return s + blanks
}
