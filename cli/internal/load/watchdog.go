package load

import (
	"context"
	"sync"
	"time"
)

// Watchdog watches the generator itself: whether it is held up, and what it uses.
type Watchdog struct {
	pids  []int // of the other processes of the system under test
	sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	stalls  int64
	stalled time.Duration
	longest time.Duration
}

// NewWatchdog makes one for this process, and for the processes of the system under test
// whose ids are known, if that is another.
func NewWatchdog(pids ...int) *Watchdog { return newWatchdog(pids) }

// Run looks at the clock 50 times a second until ctx ends, and counts the times it was
// held up for longer than StallLimit: then so was all of this process.
func (w *Watchdog) Run(ctx context.Context) { w.run(ctx) }

// Look says how many cores this process and the system under test used since the last
// Look, or since the start.
func (w *Watchdog) Look() (cpu, server float64) { return w.look() }

// Generator says how the generator did since the start. Its lag is the Recorder's.
func (w *Watchdog) Generator() Generator { return w.generator() }
