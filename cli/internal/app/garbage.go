package app

import "runtime/debug"

// gcPercent is for processes whose work is messages that come and go: memory for what
// lives is small, and to collect garbage after as much again costs a fifth of all time.
const gcPercent = 400

// collectRarely has garbage collected less often, unless GOGC says how often, until
// the returned function is called.
func collectRarely(c *call) (back func()) {
	if c.env.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(gcPercent)
	return func() { debug.SetGCPercent(before) }
}
