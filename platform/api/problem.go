package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/airtill/airtill/platform"
)

// The codes that only HTTP has; the others are the platform's own.
const (
	CodeBadRequest       platform.Code = "bad-request"
	CodeDigestMismatch   platform.Code = "digest-mismatch"
	CodeMethodNotAllowed platform.Code = "method-not-allowed"
	CodeTooLarge         platform.Code = "too-large"
	CodeUnsupportedType  platform.Code = "unsupported-type"
	CodeInternal         platform.Code = "internal"
)

// ProblemType is the start of every problem's type; the code follows.
const ProblemType = "urn:airtill:problem:"

type kind struct {
	status int
	title  string
}

func kindOf(code platform.Code) kind {
	switch code {
	case platform.CodeInvalid:
		return kind{http.StatusUnprocessableEntity, "A field is missing or wrong"}
	case platform.CodeUnauthorised:
		return kind{http.StatusUnauthorized, "No valid key"}
	case platform.CodeNotFound:
		return kind{http.StatusNotFound, "Not found"}
	case platform.CodeUnknownPhone:
		return kind{http.StatusUnprocessableEntity, "The phone is not enrolled"}
	case platform.CodeReferenceTaken:
		return kind{http.StatusConflict, "The reference is taken"}
	case platform.CodeIdempotencyMismatch:
		return kind{http.StatusUnprocessableEntity, "The idempotency key came with other content"}
	case platform.CodeIllegalState:
		return kind{http.StatusConflict, "Its state forbids it"}
	case platform.CodeAlreadyEnrolled:
		return kind{http.StatusConflict, "Already enrolled"}
	case platform.CodeUnavailable:
		return kind{http.StatusServiceUnavailable, "Not possible now"}
	case platform.CodeUnknownOutcome:
		return kind{http.StatusGatewayTimeout, "The outcome is not known"}
	}
	return httpKindOf(code)
}

func httpKindOf(code platform.Code) kind {
	switch code {
	case CodeBadRequest:
		return kind{http.StatusBadRequest, "The request cannot be read"}
	case CodeDigestMismatch:
		return kind{http.StatusBadRequest, "The content is not what its digest says"}
	case CodeMethodNotAllowed:
		return kind{http.StatusMethodNotAllowed, "Method not allowed"}
	case CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "The body is too large"}
	case CodeUnsupportedType:
		return kind{http.StatusUnsupportedMediaType, "Not a media type for this resource"}
	}
	return kind{http.StatusInternalServerError, "Something went wrong on our side"}
}

// Problem is an error as it is answered (RFC 9457 section 3). As an error it is a
// definite no: what was asked for was not done, unless [Problem.Unknown] says otherwise.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"` // the path that was asked for
	Field    string `json:"field,omitempty"`    // of the body, the query or the header
}

// NewProblem makes the problem of a code.
func NewProblem(code platform.Code, field, detail string) *Problem {
	k := kindOf(code)
	return &Problem{Type: ProblemType + string(code), Title: k.title, Status: k.status, Detail: detail, Field: field}
}

// problemOf says a failure in the words of the contract. What is no refusal of ours
// is internal, and its text stays here.
func problemOf(err error) *Problem {
	if refusal, ok := errors.AsType[*platform.Error](err); ok {
		return NewProblem(refusal.Code, refusal.Field, refusal.Detail)
	}
	return NewProblem(CodeInternal, "", "the failure is in our log; try again, and tell us when it stays")
}

// Code is the last part of the type, empty for a type that is not ours.
func (p *Problem) Code() platform.Code {
	if len(p.Type) > len(ProblemType) && p.Type[:len(ProblemType)] == ProblemType {
		return platform.Code(p.Type[len(ProblemType):])
	}
	return ""
}

// Unknown says that what was asked for may be done all the same: repeat the request.
func (p *Problem) Unknown() bool {
	return p.Status >= http.StatusInternalServerError && p.Code() != platform.CodeUnavailable
}

// Again says that the same request may be accepted later.
func (p *Problem) Again() bool {
	return p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests
}

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

// Write answers a request with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	header := w.Header()
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="airtill"`)
	}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusGatewayTimeout {
		header.Set("Retry-After", "1")
	}
	writeBody(w, p.Status, contentProblem, body)
}

// writeBody sends a whole answer with its digest.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set(headerDigest, ContentDigest(body))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader that went away has nothing to be told
}
