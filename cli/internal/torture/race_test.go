//go:build race

package torture_test

// raced says that the race detector looks on, at this process alone: the tortured ones
// are built without it, so a few rounds are enough.
const raced = true
