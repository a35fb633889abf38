package screen

import "testing"

func TestMode(t *testing.T) {
	tests := []struct {
		asked    string
		terminal bool
		term     string
		want     string // "" is an error
	}{
		{Auto, true, "xterm", TUI},
		{Auto, true, "", TUI},
		{Auto, true, "dumb", Plain},
		{Auto, false, "xterm", Plain},
		{TUI, true, "xterm", TUI},
		{TUI, true, "dumb", ""},
		{TUI, false, "xterm", ""},
		{Plain, true, "xterm", Plain},
		{Off, true, "xterm", Off},
		{Off, false, "dumb", Off},
		{"", true, "xterm", ""},
		{"fancy", true, "xterm", ""},
	}
	for _, tt := range tests {
		got, err := Mode(tt.asked, tt.terminal, environment(map[string]string{"TERM": tt.term}))
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q, terminal %v, TERM=%q: %q, %v; want %q", tt.asked, tt.terminal, tt.term, got, err, tt.want)
		}
	}
}

func TestLookOf(t *testing.T) {
	tests := []struct {
		name          string
		terminal      bool
		env           map[string]string
		colour, ascii bool
	}{
		{"a terminal", true, map[string]string{"TERM": "xterm", "LANG": "en_GB.UTF-8"}, true, false},
		{"a pipe", false, map[string]string{"TERM": "xterm", "LANG": "en_GB.UTF-8"}, false, false},
		{"no colour", true, map[string]string{"NO_COLOR": "1", "LANG": "C.utf8"}, false, false},
		{"no colour, and force", true, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1", "LANG": "C.utf8"}, false, false},
		{"force in a pipe", false, map[string]string{"CLICOLOR_FORCE": "1", "LANG": "C.utf8"}, true, false},
		{"force is 0", false, map[string]string{"CLICOLOR_FORCE": "0", "LANG": "C.utf8"}, false, false},
		{"CLICOLOR is 0", true, map[string]string{"CLICOLOR": "0", "LANG": "C.utf8"}, false, false},
		{"dumb", true, map[string]string{"TERM": "dumb", "LANG": "C.utf8"}, false, false},
		{"the C locale", true, map[string]string{"LANG": "C"}, true, true},
		{"no locale", true, nil, true, true},
		{"LC_ALL before LANG", true, map[string]string{"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, true, true},
		{"LC_CTYPE before LANG", true, map[string]string{"LC_CTYPE": "UTF-8", "LANG": "C"}, true, false},
		{"a Windows terminal", true, map[string]string{"WT_SESSION": "x"}, true, false},
	}
	for _, tt := range tests {
		if got := LookOf(tt.terminal, environment(tt.env)); got.Colour != tt.colour || got.ASCII != tt.ascii {
			t.Errorf("%s: colour %v, ASCII %v; want %v, %v", tt.name, got.Colour, got.ASCII, tt.colour, tt.ascii)
		}
	}
}
