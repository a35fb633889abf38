package screen

import (
	"fmt"
	"io"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bar shows how far something is that has a known end, such as enrolment. For a display of
// TUI it is a bar that moves, for Plain a line at each tenth, for Off nothing. It is safe
// for many goroutines; End must be called.
type Bar struct {
	name  string
	total int64
	lines io.Writer // nil if there are none

	container *mpb.Progress // nil if there is none
	bar       *mpb.Bar

	mu     sync.Mutex
	done   int64
	tenths int64 // that were said
}

// NewBar begins one at nothing of the total. The name says what is done, as in "enrolled".
func NewBar(w io.Writer, mode, name string, total int64) *Bar {
	b := &Bar{name: name, total: total}
	switch mode {
	case Plain:
		b.lines = w
	case TUI:
		b.container = mpb.New(mpb.WithOutput(w), mpb.WithWidth(72))
		b.bar = b.container.AddBar(total,
			mpb.PrependDecorators(decor.Name(name), decor.CountersNoUnit(" %d of %d ")),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_MMSS, decor.WC{W: 7}), " done")))
	}
	return b
}

// Set says how much is done by now. It never goes back.
func (b *Bar) Set(done int64) {
	say := b.note(min(done, b.total))
	switch {
	case b.bar != nil:
		b.bar.SetCurrent(done)
	case say != "" && b.lines != nil:
		_, _ = io.WriteString(b.lines, say) // what is done is more than that it is told
	}
}

// note takes what is done, and says what there is to say of it.
func (b *Bar) note(done int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = max(b.done, done)
	if b.total <= 0 || 10*b.done/b.total <= b.tenths {
		return ""
	}
	b.tenths = 10 * b.done / b.total
	return b.text(fmt.Sprintf("%d%%", 10*b.tenths))
}

func (b *Bar) text(state string) string {
	return fmt.Sprintf("%s %d of %d (%s)\n", b.name, b.done, b.total, state)
}

// End leaves the bar, or the lines, as far as they came.
func (b *Bar) End() {
	if b.bar != nil {
		b.bar.Abort(false) // does nothing to one that is complete
		b.container.Wait()
		return
	}
	b.mu.Lock()
	say := b.text("ended early")
	early := b.lines != nil && b.done < b.total
	b.mu.Unlock()
	if early {
		_, _ = io.WriteString(b.lines, say)
	}
}
