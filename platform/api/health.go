package api

import (
	"context"
	"net/http"
	"slices"
)

// Part is how a part of the platform is.
type Part struct {
	Name   string `json:"part"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // in words: why it is not well, or how it is
}

// Health tells how the parts are, at once, and without secrets or people's data.
type Health func(ctx context.Context) []Part

// Probe is the answer to GET /livez and GET /readyz.
type Probe struct {
	Status  string   `json:"status"`            // ok, or unready with status 503
	Reasons []string `json:"reasons,omitempty"` // why it is unready: a part, a colon, and why
	Parts   []Part   `json:"parts,omitempty"`
}

func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	h.respond(w, r, answer{status: http.StatusOK, body: Probe{Status: "ok"}}, nil)
}

// ready says whether orders and phones' messages can be taken, and why not.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	p := Probe{Status: "ok"}
	if h.config.Health != nil {
		p.Parts = h.config.Health(r.Context())
	}
	status := http.StatusOK
	for _, part := range p.Parts {
		if !part.OK {
			status, p.Status = http.StatusServiceUnavailable, "unready"
			p.Reasons = append(p.Reasons, part.Name+": "+part.Detail)
		}
	}
	slices.Sort(p.Reasons)
	h.respond(w, r, answer{status: status, body: p}, nil)
}

// metrics lets in who has the operator's key.
func (h *Handler) metrics(w http.ResponseWriter, r *http.Request) {
	if !bearer(r).Equal(h.config.OperatorKey) {
		h.refuse(w, r, noKey())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	h.config.Metrics.ServeHTTP(w, r)
}
