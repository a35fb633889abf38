package fault

import (
	"fmt"
	"maps"
	"slices"
)

// presets are faults that come together, by name. None has malformed PDUs in it.
var presets = map[string][]string{
	// A centre that mostly works.
	"flaky": {"submit_sm=ESME_RSYSERR@5%", "submit_sm=delay:50ms-2s@10%", "submit_sm=lose@0.5%", "submit_sm=drop@0.1%"},
	// The Christmas evening.
	"overloaded": {"submit_sm=ESME_RTHROTTLED@30%", "submit_sm=ESME_RMSGQFUL@5%", "submit_sm=delay:500ms-5s"},
	// Answers are lost, and the sender is in doubt.
	"lossy": {"any=lose@5%"},
	// Sessions end under way, some of them with an answer still due.
	"dropping": {"any=drop@1%", "any=drop-after@1%"},
	// Nobody gets in.
	"locked": {"bind=ESME_RBINDFAIL"},
	// Receipts as they are on a bad day.
	"receipts-late":    {"receipt=delay:5s-1m"},
	"receipts-wrong":   {"receipt=lose@2%", "receipt=twice@2%", "receipt=reorder:2s@20%"},
	"receipts-missing": {"receipt=lose"},
}

// Presets lists the names of faults that come together.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset returns the faults of a name.
func Preset(name string) ([]Fault, error) {
	texts, ok := presets[name]
	if !ok {
		return nil, fmt.Errorf("preset: %q is none; there is %s; %w", name, list(Presets()), ErrText)
	}
	var faults []Fault
	for _, text := range texts {
		f, err := parseHead(text)
		if err != nil {
			return nil, fmt.Errorf("preset %s: %w", name, err)
		}
		faults = append(faults, f...)
	}
	return faults, nil
}
