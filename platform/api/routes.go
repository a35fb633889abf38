package api

import (
	"net/http"

	"github.com/airtill/airtill/platform"
)

// ServeRoutes answers a request as mux does, but says in problems that nothing is
// served at a path or by a method.
func ServeRoutes(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	if _, pattern := mux.Handler(r); pattern != "" {
		mux.ServeHTTP(w, r)
		return
	}
	var probe routeProbe
	mux.ServeHTTP(&probe, r)
	p := NewProblem(platform.CodeNotFound, "", "nothing is served at this path")
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.Header().Get("Allow")
		w.Header().Set("Allow", allow)
		p = NewProblem(CodeMethodNotAllowed, "", "this path takes "+allow)
	}
	p.Instance = r.URL.Path
	p.Write(w)
}

// routeProbe takes what the mux says of a request that it has no handler for.
type routeProbe struct {
	header http.Header
	status int
}

func (p *routeProbe) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

func (p *routeProbe) Write(b []byte) (int, error) { return len(b), nil }

func (p *routeProbe) WriteHeader(status int) { p.status = status }
