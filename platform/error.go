package platform

import "fmt"

// Code is the kind of a refusal; it is the last part of the problem type in HTTP.
type Code string

// The refusals of the platform's services.
const (
	CodeInvalid             Code = "invalid"              // a field is missing or wrong; Field names it
	CodeUnauthorised        Code = "unauthorised"         // no key, or not a merchant's
	CodeNotFound            Code = "not-found"            // no such thing, or another merchant's
	CodeUnknownPhone        Code = "unknown-phone"        // the designated phone is not enrolled
	CodeReferenceTaken      Code = "reference-taken"      // the reference belongs to another order
	CodeIdempotencyMismatch Code = "idempotency-mismatch" // the key was used with other content
	CodeIllegalState        Code = "illegal-state"        // the bill's state forbids it
	CodeAlreadyEnrolled     Code = "already-enrolled"     // the phone or the element is in use
	CodeUnavailable         Code = "unavailable"          // not done; try again
	CodeUnknownOutcome      Code = "unknown-outcome"      // may be done; repeat the same request to find out
)

// Error is a refusal that a caller can act on. Its text holds no secret.
type Error struct {
	Code   Code
	Field  string // of the request, as the caller wrote it; empty when none is to blame
	Detail string // in words, with what to do next
}

func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Detail)
}
