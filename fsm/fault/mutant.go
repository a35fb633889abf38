//go:build mutant

package fault

import (
	"fmt"
	"slices"
)

// Mutant says whether this build can be told to have a bug.
const Mutant = true

var planted Bug

// Plant gives the process a bug, before it starts anything; "" is none.
func Plant(name string) error {
	if name != "" && !slices.Contains(Bugs(), Bug(name)) {
		return fmt.Errorf("there is no bug %q to plant; there are %v", name, Bugs())
	}
	planted = Bug(name)
	return nil
}

// Planted says whether the process was told to have the bug.
func Planted(b Bug) bool { return planted == b }
