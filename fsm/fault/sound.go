//go:build !mutant

package fault

// Mutant says whether this build can be told to have a bug.
const Mutant = false

// Planted says whether the process was told to have the bug.
func Planted(Bug) bool { return false }
