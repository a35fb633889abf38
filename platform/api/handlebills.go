package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
)

func (h *Handler) bills() {
	h.mux.HandleFunc("POST /v1/bills", h.merchant(h.createBill))
	h.mux.HandleFunc("GET /v1/bills", h.merchant(h.listBills))
	h.mux.HandleFunc("GET /v1/bills/{id}", h.merchant(h.showBill))
	h.mux.HandleFunc("POST /v1/bills/{id}/cancel", h.merchant(h.cancelBill))
	h.mux.HandleFunc("GET /v1/bills/{id}/events", h.merchant(h.billEvents))
}

// send answers a request whose answer is signed.
func (h *Handler) send(out *signedWriter, r *http.Request) {
	if err := out.send(); err != nil {
		h.config.Log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("answer not signed")
	}
}

// ask is a merchant's request, let in and read.
type ask struct {
	*http.Request
	merchant platform.Merchant
	body     []byte
	leg      leg // nil: profile key
}

// merchant lets in a merchant's requests and answers them, in the merchant's profile.
func (h *Handler) merchant(serve func(ask) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, l, err := h.enter(w, r)
		if l != nil {
			out := &signedWriter{ResponseWriter: w, leg: l}
			defer h.send(out, r)
			w = out
		}
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		reply, err := serve(a)
		h.respond(w, r, reply, err)
	}
}

func (h *Handler) createBill(a ask) (answer, error) {
	key, err := readIdempotencyKey(a.Header.Values(headerIdempotency))
	if err != nil {
		return answer{}, err
	}
	if a.leg != nil {
		if a.body, err = a.leg.order(a.body); err != nil {
			return answer{}, err
		}
	}
	order, err := readOrder(a.body)
	if err != nil {
		return answer{}, err
	}
	order.IdempotencyKey = key
	b, err := h.config.Service.CreateBill(a.Context(), a.merchant.ID, order)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, location: billPath(b.ID), replayed: b.Repeated, body: a.billOf(b)}, nil
}

// billOf is a bill as it is answered: a merchant that hides what it orders is not
// told it in the clear.
func (a ask) billOf(b platform.Bill) Bill {
	shown := BillOf(b)
	if a.leg != nil {
		shown.Goods = nil
	}
	return shown
}

func (h *Handler) showBill(a ask) (answer, error) {
	id, err := a.billID()
	if err != nil {
		return answer{}, err
	}
	b, err := h.config.Service.Bill(a.Context(), a.merchant.ID, id)
	return ok(a.billOf(b), err)
}

func (h *Handler) cancelBill(a ask) (answer, error) {
	id, err := a.billID()
	if err != nil {
		return answer{}, err
	}
	if len(a.body) > 0 {
		if _, err := readObject(a.body); err != nil {
			return answer{}, err
		}
	}
	b, err := h.config.Service.CancelBill(a.Context(), a.merchant.ID, id)
	return ok(a.billOf(b), err)
}

func (h *Handler) billEvents(a ask) (answer, error) {
	id, err := a.billID()
	if err != nil {
		return answer{}, err
	}
	story, err := h.config.Service.Events(a.Context(), a.merchant.ID, id)
	return ok(eventsOf(story), err)
}

// billID reads the id in the path; what cannot be an id names no bill.
func (a ask) billID() (platform.BillID, error) {
	id, err := platform.ParseBillID(a.PathValue("id"))
	if err != nil {
		return "", &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"}
	}
	return id, nil
}

func (h *Handler) listBills(a ask) (answer, error) {
	q, err := readQuery(a.URL)
	if err != nil {
		return answer{}, err
	}
	page, err := h.config.Service.Bills(a.Context(), a.merchant.ID, q)
	shown := Page{Bills: make([]Bill, 0, len(page.Bills)), Next: page.Next}
	for _, b := range page.Bills {
		shown.Bills = append(shown.Bills, a.billOf(b))
	}
	return ok(shown, err)
}

func badQuery(name, detail string) error {
	return &platform.Error{Code: CodeBadRequest, Field: name, Detail: detail}
}

// readQuery reads the filters and the page of GET /v1/bills, as strictly as a body.
func readQuery(u *url.URL) (platform.Query, error) {
	var q platform.Query
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return q, badQuery("", "the query cannot be read")
	}
	for name, given := range values {
		if len(given) > 1 {
			return q, badQuery(clip(name), "the parameter is there twice")
		}
		if err := readParameter(&q, name, given[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func readParameter(q *platform.Query, name, value string) error {
	var err error
	switch name {
	case "state":
		q.State = fsm.State(value)
		if !slices.Contains(bill.States(), q.State) { // a misspelt one would list nothing
			return badQuery(name, "not a state of a bill")
		}
	case "reference":
		q.Reference = value
	case "day":
		if q.Day = value; !platform.ValidDay(value) {
			return badQuery(name, "not a day like 2026-11-23")
		}
	case "limit":
		if q.Limit, err = strconv.Atoi(value); err != nil || q.Limit < 1 || q.Limit > MaxLimit {
			return badQuery(name, "must be 1 to "+strconv.Itoa(MaxLimit))
		}
	case "after":
		if q.After, err = platform.ParseBillID(value); err != nil {
			return badQuery(name, "not a bill id; take next from the page before")
		}
	default:
		return badQuery(clip(name), "no such parameter; there are state, reference, day, limit, after")
	}
	return nil
}
