//go:build !unix

package smscbench

import "time"

func cpuTime() time.Duration { return 0 }
