package peers

import (
	"strings"
	"testing"
)

func TestOutsideClientLoads(t *testing.T) {
	e := startESME(t, ESMEConfig{})
	if got := e.Await("loaded"); !strings.HasPrefix(got.Text, "node v") {
		t.Errorf("told %+v", got)
	}
}
