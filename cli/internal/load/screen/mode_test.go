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
		name  string
		env   map[string]string
		ascii bool
	}{
		{"UTF-8", map[string]string{"LANG": "en_GB.UTF-8"}, false},
		{"the C locale", map[string]string{"LANG": "C"}, true},
		{"no locale", nil, true},
		{"LC_ALL before LANG", map[string]string{"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, true},
		{"LC_CTYPE before LANG", map[string]string{"LC_CTYPE": "UTF-8", "LANG": "C"}, false},
		{"a Windows terminal", map[string]string{"WT_SESSION": "x"}, false},
	}
	for _, tt := range tests {
		for _, colour := range []bool{true, false} {
			if got := LookOf(colour, environment(tt.env)); got.Colour != colour || got.ASCII != tt.ascii {
				t.Errorf("%s: colour %v, ASCII %v; want %v, %v", tt.name, got.Colour, got.ASCII, colour, tt.ascii)
			}
		}
	}
}
