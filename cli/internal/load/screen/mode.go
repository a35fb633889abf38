package screen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Mode picks the display: TUI, Plain or Off. terminal says that keys come from a terminal
// and the picture goes to one. It refuses what it does not know, and a tui that cannot be.
func Mode(asked string, terminal bool, getenv func(string) string) (string, error) {
	switch {
	case !slices.Contains(Modes(), asked):
		return "", fmt.Errorf("there is no display %q; there are %s", asked, strings.Join(Modes(), ", "))
	case asked == TUI && !terminal:
		return "", errors.New("tui needs a terminal, for its keys and its picture; take plain, or leave it out")
	case asked == TUI && dumb(getenv):
		return "", errors.New("tui needs a terminal that can be painted, and TERM is dumb; take plain, or leave it out")
	case asked == Auto && terminal && !dumb(getenv):
		return TUI, nil
	case asked == Auto:
		return Plain, nil
	}
	return asked, nil
}

// LookOf says how text may look: terminal, that it goes to one. NO_COLOR forbids colours,
// CLICOLOR_FORCE has them where there is no terminal. What is not UTF-8 gets ASCII.
func LookOf(terminal bool, getenv func(string) string) Look {
	l := Look{Width: 80, Height: 24, ASCII: !utf8Locale(getenv)}
	force := getenv("CLICOLOR_FORCE")
	switch {
	case getenv("NO_COLOR") != "":
	case force != "" && force != "0":
		l.Colour = true
	default:
		l.Colour = terminal && !dumb(getenv) && getenv("CLICOLOR") != "0"
	}
	return l
}

func dumb(getenv func(string) string) bool { return getenv("TERM") == "dumb" }

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
