package management

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway/fault"
)

func (h *Handler) faults() {
	h.handle("GET /v1/faults", h.onFaults(func(*http.Request) (int, error) { return http.StatusOK, nil }))
	h.handle("POST /v1/faults", h.onFaults(h.setFaults))
	h.handle("DELETE /v1/faults", h.onFaults(func(*http.Request) (int, error) {
		return http.StatusOK, h.config.Faults.Off(time.Now())
	}))
	h.handle("DELETE /v1/faults/{id}", h.onFaults(h.faultOff))
}

// Faults is what goes wrong in the carrier, and what presets there are.
type Faults struct {
	Faults  []fault.Record      `json:"faults"`
	Presets map[string][]string `json:"presets"`
}

// NewFaults is the body of POST /v1/faults: each a text, as fault.Parse reads it, or
// an object, as fault.Fault is written.
type NewFaults struct {
	Faults []json.RawMessage `json:"faults"`
}

// onFaults does something to the faults, and answers them all.
func (h *Handler) onFaults(do func(*http.Request) (int, error)) func(*http.Request) (answer, error) {
	return func(r *http.Request) (answer, error) {
		if h.config.Faults == nil {
			return answer{}, problem(unavailable, "", "in this carrier nothing can be made to go wrong")
		}
		status, err := do(r)
		if err != nil {
			return answer{}, err
		}
		all := Faults{Faults: h.config.Faults.Get(time.Now()), Presets: presets()}
		if all.Faults == nil {
			all.Faults = []fault.Record{}
		}
		return answer{status, all}, nil
	}
}

func presets() map[string][]string {
	all := make(map[string][]string)
	for _, name := range fault.Presets() {
		faults, err := fault.Preset(name)
		if err != nil {
			continue // every preset is tested to be readable
		}
		for _, f := range faults {
			all[name] = append(all[name], f.String())
		}
	}
	return all
}

func (h *Handler) setFaults(r *http.Request) (int, error) {
	in, err := read[NewFaults](r)
	if err != nil {
		return 0, err
	}
	if len(in.Faults) == 0 {
		return 0, invalidf("faults", "the field is missing, or empty")
	}
	var all []fault.Fault
	for i, raw := range in.Faults {
		faults, err := readFault(raw)
		if err != nil {
			return 0, invalidf("faults["+strconv.Itoa(i)+"]", "%v", err)
		}
		all = append(all, faults...)
	}
	_, err = h.config.Faults.Set(time.Now(), all...)
	return http.StatusCreated, err
}

func readFault(raw json.RawMessage) ([]fault.Fault, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return fault.Parse(text)
	}
	var f fault.Fault
	err := json.Unmarshal(raw, &f)
	return []fault.Fault{f}, err
}

func (h *Handler) faultOff(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return 0, invalidf("id", "a fault's id is a number; GET /v1/faults lists them")
	}
	return http.StatusOK, h.config.Faults.Off(time.Now(), id)
}
