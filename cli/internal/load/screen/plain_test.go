package screen

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
)

// lines are what the display prints of so many intervals.
func lines(t *testing.T, n int) string {
	t.Helper()
	var out strings.Builder
	snapshots := make(chan load.Snapshot)
	go func() {
		defer close(snapshots)
		s := running()
		for i := range n {
			s.Elapsed, s.Last = time.Duration(i+1)*time.Second, s.Past[i]
			snapshots <- s.Snapshot
		}
	}()
	if err := Watch(t.Context(), Plain, Console{Out: &out}, snapshots, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPlain(t *testing.T) {
	got := lines(t, 45)
	golden(t, "lines.txt", got)
	if heads := strings.Count(got, "ASKED/S"); heads != 3 {
		t.Errorf("the columns' names come %d times in 45 lines, not 3", heads)
	}
	if strings.ContainsRune(got, '\x1b') {
		t.Error("there are escape codes")
	}
}

// A line's columns stand where those above them do, from before the run to its end.
func TestPlainColumns(t *testing.T) {
	head := strings.TrimSuffix(lineHead(), "\n")
	at := strings.Index(head, "STAGE")
	big := running().Snapshot
	big.Elapsed, big.Phase, big.Totals.Dropped, big.Totals.InFlight = 100*time.Hour, "warm-up", 123_456_789, 99_999_999
	big.Last.Asked, big.Last.Lag, big.Last.CPU = 123_456, 123_456, 64.5
	for _, s := range []load.Snapshot{running().Snapshot, big, {Stage: "2/3 200/s"}} {
		if got := strings.Index(line(s), s.Stage); got != at {
			t.Errorf("the stage is at %d, not at %d:\n%s\n%s", got, at, head, line(s))
		}
	}
}

// A pipe that nobody reads ends the lines with an error, and off shows nothing.
func TestWatchEnds(t *testing.T) {
	snapshots := make(chan load.Snapshot, 2)
	snapshots <- running().Snapshot
	r, w := io.Pipe()
	_ = r.Close()
	if err := Watch(t.Context(), Plain, Console{Out: w}, snapshots, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("it ends with %v", err)
	}
	var out strings.Builder
	snapshots <- running().Snapshot
	close(snapshots)
	if err := Watch(t.Context(), Off, Console{Out: &out}, snapshots, nil); err != nil || out.Len() > 0 {
		t.Errorf("off shows %q, and ends with %v", out.String(), err)
	}
}

// A display that sees nothing more holds nobody up.
func TestDisplay(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	stuck := Start(t.Context(), Plain, Console{Out: w}, nil)
	var out strings.Builder
	fine := Start(t.Context(), Plain, Console{Out: &out}, nil)
	s := running().Snapshot
	for range 3 * unseen {
		stuck.Show(s)
	}
	s.Stage = "the last"
	fine.Show(s)
	if err := stuck.End(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a display without an end to write to ends with %v", err)
	}
	if err := fine.End(); err != nil || !strings.HasSuffix(out.String(), "the last\n") {
		t.Errorf("the last snapshot is not shown: %v\n%s", err, out.String())
	}
}
