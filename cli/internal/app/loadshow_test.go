package app

import (
	"bytes"
	"testing"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/screen"
)

// A line that is said while a picture stands comes when it has gone; the bar ends before one.
func TestDisplayTalks(t *testing.T) {
	for _, tt := range []struct{ mode, want string }{
		{screen.Plain, "handsets 2 of 2 (100%)\n2 enrolled\nending\n"},
		{screen.TUI, "2 enrolled\nending\n"},
	} {
		var out bytes.Buffer
		d := &display{
			call: &call{env: Env{Stderr: &out}}, mode: tt.mode, bar: screen.NewBar(&out, screen.Plain, "handsets", 2),
			start: func() *screen.Display { return screen.Start(t.Context(), screen.Off, screen.Console{}, nil) },
		}
		if tt.mode == screen.TUI {
			d.bar = screen.NewBar(&out, screen.Off, "handsets", 2)
		}
		d.watch(load.Snapshot{Phase: "enrol", Handsets: 2})
		d.talk("%d enrolled", 2)
		d.watch(load.Snapshot{Phase: "run"})
		d.talk("ending")
		if said := out.String(); tt.mode == screen.TUI && said != "2 enrolled\n" {
			t.Errorf("while the picture stands it says %q", said)
		}
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.mode, got, tt.want)
		}
	}
}
