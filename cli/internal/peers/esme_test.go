package peers

import (
	"strings"
	"testing"
)

// libraries are by the name that they load with.
var libraries = map[string]Library{"node v": NodeSMPP, "Net::SMPP ": NetSMPP}

func TestOutsideClientsLoad(t *testing.T) {
	for name, library := range libraries {
		t.Run(library.String(), func(t *testing.T) {
			e := library.start(t, ESMEConfig{})
			if got := e.Await("loaded"); !strings.HasPrefix(got.Text, name) {
				t.Errorf("told %+v", got)
			}
		})
	}
}
