package api

import (
	"context"
	"net/http"
	"time"

	"github.com/airtill/airtill/platform"
)

// Clock is the time of bills and deadlines. In a network for developers it can be moved.
type Clock interface {
	Now() time.Time
	// Advance moves it ahead. What falls due by that comes at once.
	Advance(ctx context.Context, by time.Duration) error
}

// MostAdvance is how far the clock can be moved at a time.
const MostAdvance = 366 * 24 * time.Hour

// ClockReading is the answer of /v1/office/clock: the time of the machine and that of the
// network's bills and deadlines, and whether that can be moved.
type ClockReading struct {
	Wall    time.Time `json:"wall"`
	Network time.Time `json:"network"`
	Ahead   Duration  `json:"ahead"` // of the wall clock
	Movable bool      `json:"movable"`
}

// Advance is the body of POST /v1/office/clock.
type Advance struct {
	By Duration `json:"advance"`
}

func (h *Handler) clock() {
	h.mux.HandleFunc("GET /v1/office/clock", h.operator(h.showClock))
	h.mux.HandleFunc("POST /v1/office/clock", h.operator(h.advanceClock))
}

func (h *Handler) showClock(*http.Request, []byte) (answer, error) {
	wall := time.Now().UTC()
	reading := ClockReading{Wall: wall, Network: wall}
	if h.config.Clock != nil {
		reading.Network, reading.Movable = h.config.Clock.Now().UTC(), true
		reading.Ahead = Duration(reading.Network.Sub(wall).Round(time.Second))
	}
	return ok(reading, nil)
}

func (h *Handler) advanceClock(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "advance")
	if err != nil {
		return answer{}, err
	}
	o.require("advance")
	by, err := time.ParseDuration(o.text("advance", maxName))
	switch {
	case o.err != nil:
		return answer{}, o.err
	case err != nil:
		return answer{}, invalid("advance", "must be a time such as 20m or 36h")
	case by <= 0:
		return answer{}, invalid("advance", "the clock goes ahead only; begin a new network to start over: airtill dev --fresh")
	case by > MostAdvance:
		return answer{}, invalid("advance", "must be at most %s at a time", MostAdvance)
	case h.config.Clock == nil:
		return answer{}, &platform.Error{
			Code: platform.CodeIllegalState, Field: "advance", Detail: "this platform goes by the clock of its machine; the one of airtill dev can be moved",
		}
	}
	if err := h.config.Clock.Advance(r.Context(), by); err != nil {
		return answer{}, err
	}
	return h.showClock(r, nil)
}

// Clock asks what time it is in the network.
func (c *OfficeClient) Clock(ctx context.Context) (ClockReading, error) {
	return get[ClockReading](ctx, c.caller, "/v1/office/clock")
}

// AdvanceClock moves the network's clock ahead.
func (c *OfficeClient) AdvanceClock(ctx context.Context, by time.Duration) (ClockReading, error) {
	return post[ClockReading](ctx, c.caller, "/v1/office/clock", nil, Advance{By: Duration(by)})
}
