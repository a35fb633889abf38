package screen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// The displays of a run that is under way.
const (
	Auto  = "auto" // tui on a terminal, plain elsewhere
	TUI   = "tui"
	Plain = "plain"
	Off   = "off"
)

// Modes lists what may be asked for.
func Modes() []string { return []string{Auto, TUI, Plain, Off} }

// Mode picks the display: TUI, Plain or Off. atTerminal says that keys come from a terminal
// and the picture goes to one. It refuses what it does not know, and a tui that cannot be.
func Mode(asked string, atTerminal bool, getenv func(string) string) (string, error) {
	switch {
	case !slices.Contains(Modes(), asked):
		return "", fmt.Errorf("there is no display %q; there are %s", asked, strings.Join(Modes(), ", "))
	case asked == TUI && !atTerminal:
		return "", errors.New("tui needs a terminal, for its keys and its picture; take plain, or leave it out")
	case asked == TUI && terminal.Dumb(getenv):
		return "", errors.New("tui needs a terminal that can be painted, and TERM is dumb; take plain, or leave it out")
	case asked == Auto && atTerminal && !terminal.Dumb(getenv):
		return TUI, nil
	case asked == Auto:
		return Plain, nil
	}
	return asked, nil
}

// LookOf says how text may look: with colours, if it may have them. What is not UTF-8 gets
// ASCII.
func LookOf(colour bool, getenv func(string) string) Look {
	return Look{Width: 80, Height: 24, Colour: colour, ASCII: !utf8Locale(getenv)}
}

// utf8Locale goes by the first variable that is set, as setlocale does. On a Windows
// terminal there is none, and it shows all.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return getenv("WT_SESSION") != ""
}
