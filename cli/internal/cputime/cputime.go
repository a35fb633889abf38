// Package cputime says how much of the processors processes have used.
package cputime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Tick is what Linux counts the time of processes in, on all that Go runs on.
const Tick = 10 * time.Millisecond

// Of is what another process has used, in user and in system mode; zero if it is
// not there, or the system does not say.
func Of(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // not Linux, or it has ended
	}
	return parseStat(string(text))
}

// parseStat reads the times in /proc/PID/stat: the 14th and 15th field, of which the
// second may have spaces and brackets in it.
func parseStat(text string) time.Duration {
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 13 {
		return 0
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	if errUser != nil || errSystem != nil {
		return 0
	}
	return time.Duration(user+system) * Tick
}
