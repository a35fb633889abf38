//go:build !unix

package enginebench

import "time"

func cpuTime() time.Duration { return 0 }
