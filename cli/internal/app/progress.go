package app

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows on stderr how far something long is: a bar on a terminal, one plain line
// a second off it.
type progress struct {
	c     *call
	what  string
	total int
	began time.Time
	bars  *mpb.Progress // nil: plain lines
	bar   *mpb.Bar

	mu   sync.Mutex
	done int
	stop chan struct{} // of the plain lines
	told sync.WaitGroup
}

// progressEvery is how often a plain line comes.
const progressEvery = time.Second

// newProgress begins to show how far what is of total things. End it with end.
func newProgress(c *call, what string, total int) *progress {
	p := &progress{c: c, what: what, total: total, began: time.Now(), stop: make(chan struct{})}
	if !c.quiet && c.look.screen {
		p.bars = mpb.New(mpb.WithOutput(c.env.Stderr), mpb.WithWidth(60))
		p.bar = p.bars.AddBar(int64(total),
			mpb.PrependDecorators(decor.Name(what+" "), decor.CountersNoUnit("%d of %d")),
			mpb.AppendDecorators(decor.AverageSpeed(0, " %.0f/s"), decor.Name("  left "), decor.AverageETA(decor.ET_STYLE_GO)),
		)
		return p
	}
	p.told.Go(p.lines)
	return p
}

// set says how many are done.
func (p *progress) set(done int) {
	p.mu.Lock()
	p.done = done
	p.mu.Unlock()
	if p.bar != nil {
		p.bar.SetCurrent(int64(done))
	}
}

// lines tells it once a second.
func (p *progress) lines() {
	t := time.NewTicker(progressEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-t.C:
			p.mu.Lock()
			done := p.done
			p.mu.Unlock()
			p.c.talk("%s %d of %d, %.0f/s", p.what, done, p.total, perSecond(done, now.Sub(p.began)))
		}
	}
}

func perSecond(done int, in time.Duration) float64 {
	return float64(done) / cmp.Or(max(in, 0), time.Nanosecond).Seconds()
}

// end shows no more. It answers in how long what is done was done.
func (p *progress) end() time.Duration {
	took := time.Since(p.began)
	close(p.stop)
	p.told.Wait()
	if p.bar != nil {
		if !p.bar.Completed() {
			p.bar.Abort(false)
		}
		p.bars.Wait()
	}
	return took
}

// tookAt is how long something took, and how many a second that were.
func tookAt(done int, took time.Duration) string {
	return fmt.Sprintf("%s, %.0f/s", took.Round(10*time.Millisecond), perSecond(done, took))
}
