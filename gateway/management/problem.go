package management

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

// Problem is an error as it is answered: application/problem+json, RFC 9457.
type Problem struct {
	Type     string `json:"type"` // urn:airtill:problem:CODE
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"` // the path that was asked for
	Field    string `json:"field,omitempty"`    // of the request, that is to blame
	// CommandStatus is what the SMSC refuses a message with (SMPP 3.4 §5.1.3).
	CommandStatus string `json:"command_status,omitempty"`
}

const problemType = "urn:airtill:problem:"

// Error implements error.
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.Title)
	if p.Field != "" {
		text += ": " + p.Field
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return text
}

// Code is the last part of the type, empty for a type that is not ours.
func (p *Problem) Code() string {
	if len(p.Type) <= len(problemType) || p.Type[:len(problemType)] != problemType {
		return ""
	}
	return p.Type[len(problemType):]
}

// kind is what problems have in common.
type kind struct {
	code   string
	status int
	title  string
}

var (
	badRequest       = kind{"bad-request", http.StatusBadRequest, "The request cannot be read"}
	unauthorised     = kind{"unauthorised", http.StatusUnauthorized, "No valid key"}
	notFound         = kind{"not-found", http.StatusNotFound, "Not found"}
	methodNotAllowed = kind{"method-not-allowed", http.StatusMethodNotAllowed, "Method not allowed"}
	illegalState     = kind{"illegal-state", http.StatusConflict, "Its state forbids it"}
	tooLarge         = kind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	invalid          = kind{"invalid", http.StatusUnprocessableEntity, "A field is missing or wrong"}
	refused          = kind{"refused", http.StatusUnprocessableEntity, "The carrier refuses the message"}
	busy             = kind{"busy", http.StatusConflict, "Busy"}
	ended            = kind{"session-ended", http.StatusConflict, "The session has ended"}
	unavailable      = kind{"unavailable", http.StatusServiceUnavailable, "Not possible now"}
	givenUp          = kind{"unknown-outcome", http.StatusGatewayTimeout, "The outcome is not known"}
	internal         = kind{"internal", http.StatusInternalServerError, "Something went wrong on our side"}
)

func problem(k kind, field, detail string) *Problem {
	return &Problem{Type: problemType + k.code, Title: k.title, Status: k.status, Detail: detail, Field: field}
}

func invalidf(field, format string, args ...any) *Problem {
	return problem(invalid, field, fmt.Sprintf(format, args...))
}

// sentinels are errors of the packages that the face stands before, as problems.
var sentinels = []struct {
	err   error
	kind  kind
	field string
}{
	{smsc.ErrNoMessage, notFound, "id"},
	{smsc.ErrOnItsWay, illegalState, "id"},
	{smsc.ErrNoSession, notFound, "id"},
	{smsc.ErrUnknownAccount, notFound, "account"},
	{fault.ErrNone, notFound, "id"},
	{fault.ErrTooMany, illegalState, "faults"},
	{ussd.ErrCode, invalid, "code"},
	{ussd.ErrNowhere, notFound, "code"},
	{ussd.ErrNoHandset, notFound, "phone"},
	{ussd.ErrBusy, busy, ""},
	{ussd.ErrStopped, unavailable, ""},
	{ussd.ErrOrder, illegalState, "id"},
}

// problemOf makes a problem of any error. What is no refusal of ours is internal.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*smpp.StatusError](err); ok {
		p := problem(refused, e.Field, e.Error())
		p.CommandStatus = e.Status.String()
		return p
	}
	if e, ok := errors.AsType[*ussd.SessionError](err); ok {
		return problem(ended, "", e.Error())
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return problem(s.kind, s.field, err.Error())
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return problem(givenUp, "", "the request was given up; look what became of it")
	}
	return problem(internal, "", "the failure is in the carrier's log")
}

// fail answers with a failure, and logs one that is ours.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		h.config.Log.Error().Err(err).Str("method", r.Method).Str("route", r.Pattern).Msg("request failed")
	}
	refuse(w, r, p)
}

func refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	own := *p
	own.Instance = r.URL.Path
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="airtill carrier"`)
	}
	respond(w, p.Status, contentProblem, &own)
}

const (
	contentJSON    = "application/json"
	contentProblem = "application/problem+json"
)

// respond sends a whole answer.
func respond(w http.ResponseWriter, status int, contentType string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // of types made for it
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a reader that went away has nothing to be told
}
