//go:build race

package conformance_test

// The race detector follows 8,128 goroutines at most.
const crowd = 2_000
