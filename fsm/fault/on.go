//go:build faults

package fault

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Armed says whether this build can be told to end itself at a point.
const Armed = true

// charge is what happens at one pass of a point.
type charge struct {
	at    int64
	stall time.Duration // 0: the process ends

	passes atomic.Int64
}

var (
	mu      sync.RWMutex
	charges map[Name]*charge
)

// Arm says at which pass of which point the process ends: engine.afterCommit:17. With a
// time, as in engine.afterCommit:17:3s, who passes then or later waits so long instead.
// Several are separated by commas; an empty text is none.
func Arm(text string) error {
	armed := make(map[Name]*charge)
	for one := range strings.SplitSeq(text, ",") {
		if one == "" {
			continue
		}
		name, c, err := parse(one)
		if err != nil {
			return fmt.Errorf("fault %q: %w", one, err)
		}
		armed[name] = c
	}
	mu.Lock()
	defer mu.Unlock()
	charges = armed
	return nil
}

func parse(text string) (Name, *charge, error) {
	parts := strings.Split(text, ":")
	name := Name(parts[0])
	if len(parts) < 2 || len(parts) > 3 || !slices.Contains(Names(), name) {
		return "", nil, fmt.Errorf("write it as POINT:PASS or POINT:PASS:TIME; the points are %v", Names())
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || at < 1 {
		return "", nil, fmt.Errorf("%q is no number of a pass, from 1", parts[1])
	}
	c := &charge{at: at}
	if len(parts) == 3 {
		if c.stall, err = time.ParseDuration(parts[2]); err != nil {
			return "", nil, err
		}
	}
	return name, c, nil
}

// Point is where the process may end.
func Point(n Name) {
	mu.RLock()
	c := charges[n]
	mu.RUnlock()
	if c == nil || c.passes.Add(1) < c.at {
		return
	}
	if c.stall > 0 {
		fmt.Fprintf(os.Stderr, "fault: %s, pass %d: stalled for %s\n", n, c.at, c.stall)
		time.Sleep(c.stall)
		return
	}
	fmt.Fprintf(os.Stderr, "fault: %s, pass %d: killed\n", n, c.at)
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err) // no process may outlive its fault
	}
	select {} // the signal is on its way
}
