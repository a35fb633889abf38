package billing

import (
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// binding is what the vault finds the keys of the phone's element by.
func (ph *phone) binding() keys.Binding {
	return keys.Binding{Element: ph.Element, Suite: scp80.Modern, Version: 1}
}
