package api

import (
	"net/http"
	"time"

	"github.com/airtill/airtill/platform/signature"
)

// Header fields of a callback (Standard Webhooks 1.0.0, "Webhook Headers").
const (
	HeaderWebhookID        = signature.HeaderWebhookID
	HeaderWebhookTimestamp = signature.HeaderWebhookTimestamp
	HeaderWebhookSignature = signature.HeaderWebhookSignature
)

// WebhookTolerance is how far a callback's timestamp may be from the receiver's clock.
const WebhookTolerance = signature.WebhookTolerance

// Why a callback is not believed.
var (
	ErrSignature = signature.ErrSignature
	ErrTimestamp = signature.ErrTimestamp
)

// WebhookSecret is a key that callbacks are signed with. It prints as a mask.
type WebhookSecret = signature.WebhookSecret

// ParseWebhookSecret reads a secret as it was handed out. The error does not hold it.
func ParseWebhookSecret(s string) (WebhookSecret, error) { return signature.ParseWebhookSecret(s) }

// SignCallback signs a callback by Standard Webhooks; see [signature.SignCallback].
func SignCallback(h http.Header, id string, at time.Time, body []byte, secrets ...WebhookSecret) {
	signature.SignCallback(h, id, at, body, secrets...)
}

// VerifyCallback checks a callback by Standard Webhooks; see [signature.VerifyCallback].
func VerifyCallback(h http.Header, body []byte, now time.Time, secrets ...WebhookSecret) (id string, err error) {
	return signature.VerifyCallback(h, body, now, secrets...)
}
