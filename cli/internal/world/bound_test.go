package world_test

import (
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
)

// bound is what the vault finds an element's first keys by.
func (r *rig) bound(id applet.ElementID) keys.Binding {
	return keys.Binding{Element: id, Suite: r.suite, Version: 1}
}
