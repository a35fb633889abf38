package management

import (
	"net/http"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
)

func (h *Handler) radio() {
	h.handle("GET /v1/subscribers/{msisdn}", h.onSubscriber(showSubscriber))
	h.handle("PATCH /v1/subscribers/{msisdn}", h.onSubscriber(changeSubscriber))
	h.handle("DELETE /v1/subscribers/{msisdn}/memory", h.onSubscriber(clearMemory))
	h.handle("GET /v1/radio", h.onAir(showPlan))
	h.handle("PUT /v1/radio", h.onAir(func(a *radio.Air, r *http.Request) (any, error) { return setPlan(a, r, radio.Plan{}) }))
	h.handle("PATCH /v1/radio", h.onAir(func(a *radio.Air, r *http.Request) (any, error) { return setPlan(a, r, a.Plan()) }))
	h.handle("GET /v1/radio/cells/{name}", h.onAir(showCell))
	h.handle("PUT /v1/radio/cells/{name}", h.onAir(func(a *radio.Air, r *http.Request) (any, error) {
		return setCell(a, r, radio.Cell{Name: r.PathValue("name")})
	}))
	h.handle("PATCH /v1/radio/cells/{name}", h.onAir(changeCell))
}

// onAir does something to the air, one request at a time: a change is read, made and
// written.
func (h *Handler) onAir(do func(*radio.Air, *http.Request) (any, error)) func(*http.Request) (answer, error) {
	return func(r *http.Request) (answer, error) {
		if h.config.Radio == nil {
			return answer{}, problem(unavailable, "", "this carrier has no radio: it delivers everything at once")
		}
		body, err := readBody(r) // before the lock
		if err != nil {
			return answer{}, err
		}
		h.plan.Lock()
		defer h.plan.Unlock()
		return ok(do(h.config.Radio, withBody(r, body)))
	}
}

// onSubscriber does something to a subscriber that there is.
func (h *Handler) onSubscriber(do func(*radio.Air, *http.Request) error) func(*http.Request) (answer, error) {
	return h.onAir(func(a *radio.Air, r *http.Request) (any, error) {
		number, err := gateway.ParseMSISDN(r.PathValue("msisdn"))
		if err != nil {
			return nil, invalidf("msisdn", "%v", err)
		}
		if _, phones := h.config.Server.Owner(number.String()); !phones {
			return nil, problem(notFound, "msisdn", "no subscriber has this number; GET /v1/accounts says which numbers there are")
		}
		r.SetPathValue("msisdn", number.String())
		if err := do(a, r); err != nil {
			return nil, err
		}
		return a.Subscriber(time.Now(), number.String()), nil
	})
}

func showSubscriber(*radio.Air, *http.Request) error { return nil }

func changeSubscriber(a *radio.Air, r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	return wrong(a.Update(r.PathValue("msisdn"), func(s *radio.Settings) error { return radio.Decode(body, s) }))
}

func clearMemory(a *radio.Air, r *http.Request) error {
	a.Clear(r.PathValue("msisdn"))
	return nil
}

func showPlan(a *radio.Air, _ *http.Request) (any, error) { return a.Plan(), nil }

func setPlan(a *radio.Air, r *http.Request, p radio.Plan) (any, error) {
	body, err := readBody(r)
	if err == nil {
		err = wrong(radio.Decode(body, &p))
	}
	if err == nil {
		err = wrong(a.SetPlan(p))
	}
	return a.Plan(), err
}

func showCell(a *radio.Air, r *http.Request) (any, error) {
	c, found := a.Cell(r.PathValue("name"))
	if !found {
		return nil, noCell()
	}
	return c, nil
}

func noCell() error {
	return problem(notFound, "name", "there is no such cell; GET /v1/radio lists them, and PUT makes one")
}

func changeCell(a *radio.Air, r *http.Request) (any, error) {
	c, found := a.Cell(r.PathValue("name"))
	if !found {
		return nil, noCell()
	}
	return setCell(a, r, c)
}

func setCell(a *radio.Air, r *http.Request, c radio.Cell) (any, error) {
	body, err := readBody(r)
	if err == nil {
		err = wrong(radio.Decode(body, &c))
	}
	if err == nil && c.Name != r.PathValue("name") {
		err = invalidf("name", "a cell cannot be renamed")
	}
	if err == nil {
		err = wrong(a.SetCell(c))
	}
	return c, err
}

// wrong is an error of package radio as a problem: it names the field itself.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return problem(invalid, "", strings.TrimPrefix(err.Error(), "radio: "))
}
