package fleet

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/nvm"
)

// Bounds of the control face.
const (
	maxBody  = 64 << 10
	maxText  = 2000 // characters of a text
	maxLimit = 1000 // phones in a page
	pageSize = 100
)

// Handler is the control face of the fleet, for the CLI, tests and a console:
//
//	GET  /v1/phones                            200 Phones; limit= (1 to 1000, else 100), after=
//	POST /v1/phones                            201 NewPhone -> MadePhone
//	POST /v1/phones/batch                      200 NewPhones -> MadePhones
//	PUT  /v1/phones/batch/personalisation      200 Personalisations -> HandedOver
//	GET  /v1/phones/{msisdn}                   200 Phone
//	GET  /v1/phones/{msisdn}/inbox             200 Inbox
//	GET  /v1/phones/{msisdn}/bills             200 Bills
//	PUT  /v1/phones/{msisdn}/personalisation   200 Personalisation -> Phone
//	PUT  /v1/phones/{msisdn}/power             200 Power -> Phone
//	PUT  /v1/phones/{msisdn}/persona           200 Persona -> Phone
//	POST /v1/phones/{msisdn}/confirm           202 Choice -> Bill
//	POST /v1/phones/{msisdn}/pay               202 Payment -> Bill
//	POST /v1/phones/{msisdn}/refuse            202 Refusal -> Bill
//	POST /v1/phones/{msisdn}/defer             202 Choice -> Bill
//	POST /v1/phones/{msisdn}/messages          202 Text -> TextTaken
//	GET  /v1/phones/{msisdn}/ussd              200 Screen
//	POST /v1/phones/{msisdn}/ussd              202 USSD -> Screen
//	POST /v1/phones/{msisdn}/clone             200 -> Phone; a thief copies the element
//	POST /v1/phones/{msisdn}/restore           200 -> Phone; the phone goes on with the copy
//	GET  /v1/fleet                             200 Counts
//	GET  /v1/events                            200 News, a line each, as it happens
//
// A batch has up to [MaxBatch] phones, each number once. Its rows are done or refused each
// for itself, and one that was cut off can be said again: a phone that is there is no problem.
//
// 202 means that the phone has done it and its message is in its outbox. Errors are
// problem+json with the field to blame: 400 bad-request, 404 not-found, 409
// illegal-state, 422 invalid, 500 internal. It asks for no key and takes PINs
// in clear: it belongs on a loopback address.
func (f *Fleet) Handler() http.Handler {
	mux := http.NewServeMux()
	handle(mux, "GET /v1/phones", f.listPhones)
	handle(mux, "POST /v1/phones", f.addPhone)
	handleUpTo(maxBatchBody, mux, "POST /v1/phones/batch", f.addBatch)
	handleUpTo(maxBatchBody, mux, "PUT /v1/phones/batch/personalisation", f.personaliseBatch)
	handle(mux, "GET /v1/phones/{msisdn}", f.showPhone)
	handle(mux, "GET /v1/phones/{msisdn}/inbox", f.showInbox)
	handle(mux, "GET /v1/phones/{msisdn}/bills", f.showBills)
	handle(mux, "PUT /v1/phones/{msisdn}/personalisation", f.personalise)
	handle(mux, "PUT /v1/phones/{msisdn}/power", f.power)
	handle(mux, "PUT /v1/phones/{msisdn}/persona", f.setPersona)
	handle(mux, "POST /v1/phones/{msisdn}/confirm", f.confirm)
	handle(mux, "POST /v1/phones/{msisdn}/pay", f.pay)
	handle(mux, "POST /v1/phones/{msisdn}/refuse", f.refuse)
	handle(mux, "POST /v1/phones/{msisdn}/defer", f.deferBill)
	handle(mux, "POST /v1/phones/{msisdn}/messages", f.sendText)
	handle(mux, "GET /v1/phones/{msisdn}/ussd", f.showScreen)
	handle(mux, "POST /v1/phones/{msisdn}/ussd", f.useScreen)
	handle(mux, "POST /v1/phones/{msisdn}/clone", f.clone)
	handle(mux, "POST /v1/phones/{msisdn}/restore", f.restore)
	handle(mux, "GET /v1/fleet", func(*http.Request) (int, any, error) { return http.StatusOK, f.Counts(), nil })
	mux.HandleFunc("GET /v1/events", f.serveFeed)
	handle(mux, "/", func(*http.Request) (int, any, error) {
		return 0, nil, &Problem{Status: http.StatusNotFound, Detail: "no such resource"}
	})
	return mux
}

// handle serves one route: an answer, or a problem.
func handle(mux *http.ServeMux, pattern string, do func(*http.Request) (int, any, error)) {
	handleUpTo(maxBody, mux, pattern, do)
}

// handleUpTo is handle for requests of up to most octets.
func handleUpTo(most int64, mux *http.ServeMux, pattern string, do func(*http.Request) (int, any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, most)
		status, answer, err := do(r)
		kind := "application/json"
		if err != nil {
			p := problemOf(err)
			status, answer, kind = p.Status, p, "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // the client is gone: nobody to tell
	})
}

// invalid blames a field of the request.
func invalid(field, detail string) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Field: field, Detail: detail}
}

func conflict(field, detail string) *Problem {
	return &Problem{Status: http.StatusConflict, Field: field, Detail: detail}
}

// problemOf makes a problem of any error, with type and title from its status.
func problemOf(err error) *Problem {
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		p = refusalOf(err)
	}
	code := "invalid"
	switch p.Status {
	case http.StatusBadRequest:
		code = "bad-request"
	case http.StatusNotFound:
		code = "not-found"
	case http.StatusConflict:
		code = "illegal-state"
	case http.StatusInternalServerError:
		code = "internal"
	}
	p.Type, p.Title = "urn:airtill:problem:"+code, strings.ReplaceAll(code, "-", " ")
	return p
}

// refusalOf says which field is to blame when the phone refuses.
func refusalOf(err error) *Problem {
	switch {
	case errors.Is(err, handsetsim.ErrUnknownBill):
		return &Problem{Status: http.StatusNotFound, Field: "bill", Detail: err.Error()}
	case errors.Is(err, handsetsim.ErrClosed), errors.Is(err, handsetsim.ErrBusy):
		return conflict("bill", err.Error())
	case errors.Is(err, handsetsim.ErrOff), errors.Is(err, handsetsim.ErrNoElement):
		return conflict("msisdn", err.Error())
	case errors.Is(err, handsetsim.ErrNoSession):
		return conflict("reply", err.Error())
	case errors.Is(err, handsetsim.ErrCode):
		return invalid("dial", err.Error())
	case errors.Is(err, nvm.ErrLost):
		return &Problem{Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	return invalid("", err.Error())
}

// read takes a request's JSON object strictly.
func read[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, &Problem{Status: http.StatusBadRequest, Detail: "one JSON object and nothing after it is expected"}
	}
	return v, nil
}

func unreadable(err error) *Problem {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
		return invalid(t.Field, "cannot be a "+t.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid(strings.Trim(name, `"`), "is not a field of this request")
	}
	return &Problem{Status: http.StatusBadRequest, Detail: "not readable as a JSON object of at most 64 KiB, or 4 MiB of a batch"}
}

// number reads the phone's number from the path.
func number(r *http.Request) (gateway.MSISDN, error) {
	n, err := gateway.ParseMSISDN(r.PathValue("msisdn"))
	if err != nil {
		return "", invalid("msisdn", err.Error())
	}
	return n, nil
}

func unknownPhone() *Problem {
	return &Problem{Status: http.StatusNotFound, Field: "msisdn", Detail: "no such phone in this fleet"}
}

func (f *Fleet) listPhones(r *http.Request) (int, any, error) {
	limit := pageSize
	if s := r.URL.Query().Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return 0, nil, invalid("limit", "is a number from 1 to 1000")
		}
		limit = n
	}
	phones, next := f.Phones(gateway.MSISDN(r.URL.Query().Get("after")), limit)
	return http.StatusOK, Phones{Phones: phones, Next: next}, nil
}

func (f *Fleet) addPhone(r *http.Request) (int, any, error) {
	in, err := read[NewPhone](r)
	if err != nil {
		return 0, nil, err
	}
	made, err := f.Add(in)
	return http.StatusCreated, made, err
}

func (f *Fleet) showPhone(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	phone, err := f.Phone(n)
	return http.StatusOK, phone, err
}
