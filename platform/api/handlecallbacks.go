package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/airtill/airtill/platform"
)

// CallbackPage is one page of callbacks: by merchant, and newest bill first; those about a
// bill's refunds come before its own.
type CallbackPage struct {
	Callbacks []platform.Callback `json:"callbacks"`
	Next      string              `json:"next,omitempty"` // after of the next page; empty on the last
}

// Endpoints are the places that do not take callbacks at present.
type Endpoints struct {
	Endpoints []platform.Endpoint `json:"endpoints"`
}

// EnableEndpoint is the body of POST /v1/endpoints/enable, and of the office's, which
// alone has a merchant and says who and why.
type EnableEndpoint struct {
	URL      string              `json:"url"`
	Merchant platform.MerchantID `json:"merchant,omitempty"`
	By       string              `json:"by,omitempty"`
	Note     string              `json:"note,omitempty"`
}

// ByHand is the body of POST /v1/office/callbacks/{id}/resend: who does it, and why.
type ByHand struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

// callbacks are the routes about callbacks: of a merchant, and of the office.
func (h *Handler) callbacks() {
	h.mux.HandleFunc("GET /v1/callbacks", h.merchant(h.listCallbacks))
	h.mux.HandleFunc("GET /v1/callbacks/{id}", h.merchant(h.showCallback))
	h.mux.HandleFunc("POST /v1/callbacks/{id}/resend", h.merchant(h.resendCallback))
	h.mux.HandleFunc("GET /v1/endpoints", h.merchant(h.listEndpoints))
	h.mux.HandleFunc("POST /v1/endpoints/enable", h.merchant(h.enableEndpoint))
	if h.config.Office == nil || h.config.OperatorKey == "" {
		return
	}
	h.mux.HandleFunc("GET /v1/office/callbacks", h.operator(h.officeCallbacks))
	h.mux.HandleFunc("GET /v1/office/callbacks/{id}", h.operator(h.officeCallback))
	h.mux.HandleFunc("POST /v1/office/callbacks/{id}/resend", h.operator(h.officeResend))
	h.mux.HandleFunc("GET /v1/office/endpoints", h.operator(h.officeEndpoints))
	h.mux.HandleFunc("POST /v1/office/endpoints/enable", h.operator(h.officeEnable))
}

func (h *Handler) listCallbacks(a ask) (answer, error) {
	q, err := readCallbackQuery(a.URL, false)
	if err != nil {
		return answer{}, err
	}
	q.Merchant = a.merchant.ID
	return h.callbackPage(a.Request, q)
}

func (h *Handler) officeCallbacks(r *http.Request, _ []byte) (answer, error) {
	q, err := readCallbackQuery(r.URL, true)
	if err != nil {
		return answer{}, err
	}
	return h.callbackPage(r, q)
}

func (h *Handler) callbackPage(r *http.Request, q platform.CallbackQuery) (answer, error) {
	page, err := h.config.Callbacks.Callbacks(r.Context(), q)
	if page.Callbacks == nil {
		page.Callbacks = []platform.Callback{}
	}
	return ok(CallbackPage(page), err)
}

func (h *Handler) showCallback(a ask) (answer, error) { return h.callback(a.Request, a.merchant.ID) }

func (h *Handler) officeCallback(r *http.Request, _ []byte) (answer, error) {
	return h.callback(r, "")
}

func (h *Handler) callback(r *http.Request, m platform.MerchantID) (answer, error) {
	of, err := callbackSubject(r)
	if err != nil {
		return answer{}, err
	}
	return ok(h.config.Callbacks.Callback(r.Context(), m, of))
}

func (h *Handler) resendCallback(a ask) (answer, error) {
	if len(a.body) > 0 {
		if _, err := readObject(a.body); err != nil {
			return answer{}, err
		}
	}
	return h.resend(a.Request, platform.Resend{Merchant: a.merchant.ID})
}

func (h *Handler) officeResend(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "by", "note")
	if err != nil {
		return answer{}, err
	}
	var in platform.Resend
	if in.By, in.Note = o.said(); o.err != nil {
		return answer{}, o.err
	}
	return h.resend(r, in)
}

// resend answers before the attempt is over.
func (h *Handler) resend(r *http.Request, in platform.Resend) (answer, error) {
	of, err := callbackSubject(r)
	if err != nil {
		return answer{}, err
	}
	in.Bill, in.Refund = of.Bill, of.Refund
	c, err := h.config.Callbacks.Resend(r.Context(), in)
	return answer{status: http.StatusAccepted, body: c}, err
}

// callbackSubject reads the id in the path: a callback's, or its bill's or refund's.
func callbackSubject(r *http.Request) (platform.CallbackSubject, error) {
	of, err := platform.ParseCallbackID(r.PathValue("id"))
	if err != nil {
		return of, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such callback"}
	}
	return of, nil
}

func (h *Handler) listEndpoints(a ask) (answer, error) {
	return h.endpoints(a.Request, a.merchant.ID)
}

func (h *Handler) officeEndpoints(r *http.Request, _ []byte) (answer, error) {
	values, err := readParameters(r.URL, "merchant")
	if err != nil {
		return answer{}, err
	}
	m, err := merchantIn(values)
	if err != nil {
		return answer{}, err
	}
	return h.endpoints(r, m)
}

func (h *Handler) endpoints(r *http.Request, m platform.MerchantID) (answer, error) {
	all, err := h.config.Callbacks.Endpoints(r.Context(), m)
	return ok(Endpoints{Endpoints: all}, err)
}

func (h *Handler) enableEndpoint(a ask) (answer, error) {
	o, err := readObject(a.body, "url")
	if err != nil {
		return answer{}, err
	}
	o.require("url")
	e := platform.EnableEndpoint{Merchant: a.merchant.ID, URL: o.text("url", MaxURL)}
	if o.err != nil {
		return answer{}, o.err
	}
	return ok(struct{}{}, h.config.Callbacks.EnableEndpoint(a.Context(), e))
}

func (h *Handler) officeEnable(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "merchant", "url", "by", "note")
	if err != nil {
		return answer{}, err
	}
	var e platform.EnableEndpoint
	if o.require("merchant") {
		if e.Merchant, err = platform.ParseMerchantID(o.text("merchant", maxName)); err != nil {
			o.fail("merchant", "a merchant number has 8 digits and does not start with 0")
		}
	}
	o.require("url")
	e.URL = o.text("url", MaxURL)
	if e.By, e.Note = o.said(); o.err != nil {
		return answer{}, o.err
	}
	return ok(struct{}{}, h.config.Callbacks.EnableEndpoint(r.Context(), e))
}

// readCallbackQuery reads the filters and the page of a list of callbacks.
func readCallbackQuery(u *url.URL, office bool) (q platform.CallbackQuery, err error) {
	names := []string{"state", "limit", "after"}
	if office {
		names = append(names, "merchant")
	}
	values, err := readParameters(u, names...)
	if err != nil {
		return q, err
	}
	if q.Merchant, err = merchantIn(values); err != nil {
		return q, err
	}
	q.State, q.After = platform.CallbackState(values["state"]), values["after"]
	switch q.State {
	case "", platform.CallbackPending, platform.CallbackDelivered, platform.CallbackExhausted:
	default:
		return q, badQuery("state", "must be pending, delivered or exhausted")
	}
	if text, given := values["limit"]; given {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > MaxLimit {
			return q, badQuery("limit", "must be 1 to "+strconv.Itoa(MaxLimit))
		}
	}
	return q, nil
}

func merchantIn(values map[string]string) (platform.MerchantID, error) {
	text, given := values["merchant"]
	if !given {
		return "", nil
	}
	m, err := platform.ParseMerchantID(text)
	if err != nil {
		return "", badQuery("merchant", "a merchant number has 8 digits and does not start with 0")
	}
	return m, nil
}
