//go:build !faults

package fault

// Armed says whether this build can be told to end itself at a point.
const Armed = false

// Point is where a process may end.
func Point(Name) {}
