// Package terminal is where people read what commands print: whether there is a terminal,
// what it can show, and the table that every command lays its rows out in.
package terminal

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Is says whether what is read or written is a terminal: somebody types, or somebody looks.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Drawable says whether bars and pictures can be drawn on what is written: on a terminal
// that is not a dumb one, and has columns.
func Drawable(w io.Writer, getenv func(string) string) bool {
	return Is(w) && !Dumb(getenv) && Width(w) > 0
}

// Dumb says whether terminals only take lines.
func Dumb(getenv func(string) string) bool { return getenv("TERM") == "dumb" }

// Width is how many columns fit into a line; 0 when that is not known, as of a file.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Colours says whether text may have colours where it goes, which drawable is about. What
// was said (auto, always, never) comes before the environment: NO_COLOR of no-color.org,
// then CLICOLOR_FORCE and CLICOLOR of bixense.com/clicolors.
func Colours(said string, drawable bool, getenv func(string) string) (bool, error) {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case said == "always":
		return true, nil
	case said == "never":
		return false, nil
	case said != "" && said != "auto":
		return false, fmt.Errorf("--color %q is not auto, always or never", said)
	case getenv("NO_COLOR") != "":
		return false, nil
	case force != "" && force != "0":
		return true, nil
	}
	return drawable && getenv("CLICOLOR") != "0", nil
}
