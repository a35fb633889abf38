package api

import (
	"context"
	"net/http"

	"github.com/airtill/airtill/platform"
)

// Finding is something that one partition of the store knows and another has lost.
type Finding struct {
	Kind     platform.FindingKind `json:"kind"`
	Look     string               `json:"look"`   // the key to look at
	Detail   string               `json:"detail"` // in words
	Repaired bool                 `json:"repaired"`
	Left     string               `json:"left,omitempty"` // why it was not repaired
}

// Reconciliation is the answer of /v1/office/reconciliation: to GET what would be
// repaired, to POST what was.
type Reconciliation struct {
	Findings []Finding `json:"findings"`
	Left     int       `json:"left"` // of them, not repaired
}

func (h *Handler) reconciliation() {
	if h.config.Reconciler == nil {
		return
	}
	h.mux.HandleFunc("GET /v1/office/reconciliation", h.operator(h.reconcile(true)))
	h.mux.HandleFunc("POST /v1/office/reconciliation", h.operator(h.reconcile(false)))
}

func (h *Handler) reconcile(dry bool) func(*http.Request, []byte) (answer, error) {
	return func(r *http.Request, _ []byte) (answer, error) {
		found, err := h.config.Reconciler.Reconcile(r.Context(), dry)
		all := Reconciliation{Findings: make([]Finding, 0, len(found.Findings)), Left: found.Left()}
		for _, f := range found.Findings {
			all.Findings = append(all.Findings, Finding(f))
		}
		return ok(all, err)
	}
}

// Reconcile has what is lost between partitions found, and repaired unless dry.
func (c *OfficeClient) Reconcile(ctx context.Context, dry bool) (Reconciliation, error) {
	const path = "/v1/office/reconciliation"
	if dry {
		return get[Reconciliation](ctx, c.caller, path)
	}
	return post[Reconciliation](ctx, c.caller, path, nil, struct{}{})
}
