package driver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/airtill/airtill/cli/internal/load"
)

// Control is the HTTP face of a run under way:
//
//	GET  /v1/load          200  a [Standing]
//	POST /v1/load/orders   202  {"kind":"rate","rate":300}: rate, rate+, pause, resume, stop, kill
//	GET  /metrics          200  the same for Prometheus
//
// It asks for no key, and belongs on a loopback address. Its zero value takes no orders.
type Control struct {
	Orders chan<- load.Order // nil: none are taken

	last atomic.Pointer[load.Snapshot]
}

// Standing is how a run stands.
type Standing struct {
	Name    string      `json:"name"`
	Model   string      `json:"model"`
	Phase   string      `json:"phase"`
	Stage   string      `json:"stage,omitempty"`
	Paused  bool        `json:"paused"`
	Elapsed float64     `json:"elapsed_s"`
	Asked   float64     `json:"rate_asked"`
	Begun   float64     `json:"rate_begun"`
	Totals  load.Totals `json:"totals"`
}

// Watch hears how the run stands.
func (c *Control) Watch(s load.Snapshot) { c.last.Store(&s) }

// ServeHTTP implements [http.Handler].
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/load":
		answer(w, http.StatusOK, c.standing())
	case "POST /v1/load/orders":
		c.order(w, r)
	case "GET /metrics":
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s := c.snapshot()
		_ = load.WriteProm(w, &s) // a reader that went away has nothing to be told
	default:
		refuse(w, http.StatusNotFound, "there are GET /v1/load, POST /v1/load/orders and GET /metrics")
	}
}

func (c *Control) snapshot() load.Snapshot {
	if s := c.last.Load(); s != nil {
		return *s
	}
	return load.Snapshot{Phase: "start"}
}

func (c *Control) standing() Standing {
	s := c.snapshot()
	return Standing{
		Name: s.Name, Model: s.Model, Phase: s.Phase, Stage: s.Stage, Paused: s.Paused, Elapsed: s.Elapsed.Seconds(),
		Asked: s.Last.Asked, Begun: s.Last.Begun, Totals: s.Totals,
	}
}

// order takes an order.
func (c *Control) order(w http.ResponseWriter, r *http.Request) {
	const most = 4 << 10
	var o orderWire
	d := json.NewDecoder(io.LimitReader(r.Body, most))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		refuse(w, http.StatusBadRequest, "an order is a JSON object with kind and rate")
		return
	}
	switch o.Kind {
	case "rate", "rate+", "pause", "resume", "stop", "kill":
	default:
		refuse(w, http.StatusUnprocessableEntity, "kind is rate, rate+, pause, resume, stop or kill")
		return
	}
	select {
	case c.Orders <- load.Order{Kind: o.Kind, Rate: o.Rate}: // of a nil channel never
		answer(w, http.StatusAccepted, c.standing())
	default:
		refuse(w, http.StatusServiceUnavailable, "no order is taken now")
	}
}

// orderWire is an order as it is sent.
type orderWire struct {
	Kind string  `json:"kind"`
	Rate float64 `json:"rate,omitempty"`
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that went away has nothing to be told
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string]string{"detail": why})
}

// ControlClient changes a run under way.
type ControlClient struct {
	URL  string
	HTTP *http.Client
}

// Standing asks how the run stands.
func (c ControlClient) Standing(ctx context.Context) (Standing, error) {
	return c.ask(ctx, http.MethodGet, "/v1/load", nil)
}

// Order gives an order, and answers how the run stood when it was taken.
func (c ControlClient) Order(ctx context.Context, o load.Order) (Standing, error) {
	return c.ask(ctx, http.MethodPost, "/v1/load/orders", orderWire{Kind: o.Kind, Rate: o.Rate})
}

func (c ControlClient) ask(ctx context.Context, method, path string, body any) (s Standing, err error) {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return s, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, &content)
	if err != nil {
		return s, err
	}
	response, err := c.HTTP.Do(r)
	if err != nil {
		return s, fmt.Errorf("ask the load: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		var problem struct{ Detail string }
		if json.NewDecoder(response.Body).Decode(&problem) != nil || problem.Detail == "" {
			return s, fmt.Errorf("ask the load: %s; is it a load that answers there?", response.Status)
		}
		return s, errors.New(problem.Detail)
	}
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("read the load's answer: %w", err)
	}
	return s, nil
}
