//go:build !race

package conformance_test

// crowd is how many connections are idle at a time.
const crowd = 10_000
