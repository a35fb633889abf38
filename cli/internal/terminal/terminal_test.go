package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestColours(t *testing.T) {
	for _, tt := range []struct {
		name     string
		said     string
		drawable bool
		env      map[string]string
		want     bool
	}{
		{"a terminal", "auto", true, nil, true},
		{"a pipe", "auto", false, nil, false},
		{"nothing said", "", true, nil, true},
		{"never", "never", true, map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{"always", "always", false, map[string]string{"NO_COLOR": "1"}, true},
		{"NO_COLOR", "auto", true, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR before force", "auto", true, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		{"force in a pipe", "auto", false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"force is 0", "auto", false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"CLICOLOR is 0", "auto", true, map[string]string{"CLICOLOR": "0"}, false},
	} {
		got, err := Colours(tt.said, tt.drawable, func(name string) string { return tt.env[name] })
		if got != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := Colours("sometimes", true, func(string) string { return "" }); err == nil {
		t.Error("colours sometimes")
	}
}

// What is no terminal has no width, and is not drawn on.
func TestNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if Is(file) || Is(new(bytes.Buffer)) || Width(file) != 0 || Width(new(bytes.Buffer)) != 0 {
		t.Error("a file and a buffer are no terminals")
	}
	if Drawable(file, os.Getenv) || !Dumb(func(string) string { return "dumb" }) || Dumb(func(string) string { return "xterm" }) {
		t.Error("drawn on a file; or which terminals are dumb")
	}
}

func TestTable(t *testing.T) {
	got := Table([]Column{{Name: "bill"}, {Name: "amount", Right: true}, {Name: "why"}}, [][]string{{"b1", "5", ""}, {"bill 22", "1,000", "x"}})
	want := "BILL     AMOUNT  WHY\nb1            5\nbill 22   1,000  x\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text          string
		width, indent int
		want          string
	}{
		{"one two three", 0, 2, "one two three"},
		{"one two three", 7, 0, "one two\nthree"},
		{"one two three", 9, 2, "one two\n  three"},
		{"one  two\nthree", 80, 0, "one two three"},
		{"a verylongword b", 6, 1, "a\n verylongword\n b"},
		{"不多 一二 x", 5, 0, "不多\n一二\nx"},
		{"", 5, 2, ""},
	} {
		if got := Wrap(tt.text, tt.width, tt.indent); got != tt.want {
			t.Errorf("%q in %d: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
