package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header fields of a callback (Standard Webhooks 1.0.0, "Webhook Headers").
const (
	HeaderWebhookID        = "Webhook-Id"
	HeaderWebhookTimestamp = "Webhook-Timestamp"
	HeaderWebhookSignature = "Webhook-Signature"
)

// WebhookTolerance is how far a callback's timestamp may be from the receiver's clock.
const WebhookTolerance = 5 * time.Minute

// A webhook secret is "whsec_" and the base64 of a key of 24 to 64 octets
// (Standard Webhooks 1.0.0, "Signature scheme").
const (
	secretPrefix = "whsec_"
	secretLeast  = 24
	secretMost   = 64
)

// WebhookSecret is a key that callbacks are signed with. It prints as a mask.
type WebhookSecret struct{ key []byte }

// ParseWebhookSecret reads a secret as it was handed out. The error does not hold it.
func ParseWebhookSecret(s string) (WebhookSecret, error) {
	text, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return WebhookSecret{}, errors.New("a webhook secret starts with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < secretLeast || len(key) > secretMost {
		return WebhookSecret{}, fmt.Errorf("a webhook secret is %s and the base64 of %d to %d octets",
			secretPrefix, secretLeast, secretMost)
	}
	return WebhookSecret{key: key}, nil
}

// Reveal is the secret's text, as ParseWebhookSecret reads it.
func (s WebhookSecret) Reveal() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key)
}

func (WebhookSecret) String() string                 { return secretPrefix + mask }
func (WebhookSecret) GoString() string               { return secretPrefix + mask }
func (s WebhookSecret) Format(f fmt.State, _ rune)   { masked(f, s.String()) }
func (s WebhookSecret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
func (s WebhookSecret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// sum is the HMAC-SHA256 of "id.timestamp.body".
func (s WebhookSecret) sum(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(mac, id+"."+timestamp+".") // a hash does not fail
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// SignCallback sets the three fields of a callback sent at a time, with one signature
// for each secret: two while a merchant changes over. The id must not hold a dot.
func SignCallback(h http.Header, id string, at time.Time, body []byte, secrets ...WebhookSecret) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(secrets))
	for _, s := range secrets {
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(s.sum(id, timestamp, body)))
	}
	h.Set(HeaderWebhookID, id)
	h.Set(HeaderWebhookTimestamp, timestamp)
	h.Set(HeaderWebhookSignature, strings.Join(signatures, " "))
}

// VerifyCallback checks that one of the signatures was made with one of the secrets, and
// not more than [WebhookTolerance] from now. It answers the webhook-id, by which a
// receiver knows a callback that it has already had. Signatures of other versions,
// such as v1a, are passed over.
func VerifyCallback(h http.Header, body []byte, now time.Time, secrets ...WebhookSecret) (id string, err error) {
	id, timestamp := h.Get(HeaderWebhookID), h.Get(HeaderWebhookTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" || strings.Contains(id, ".") {
		return "", ErrSignature
	}
	if !signed(h.Get(HeaderWebhookSignature), id, timestamp, body, secrets) {
		return "", ErrSignature
	}
	if off := now.Sub(time.Unix(seconds, 0)); off.Abs() > WebhookTolerance {
		return "", ErrTimestamp
	}
	return id, nil
}

func signed(field, id, timestamp string, body []byte, secrets []WebhookSecret) bool {
	for signature := range strings.FieldsSeq(field) {
		version, text, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if version != "v1" || err != nil {
			continue
		}
		for _, s := range secrets {
			if len(s.key) > 0 && hmac.Equal(got, s.sum(id, timestamp, body)) {
				return true
			}
		}
	}
	return false
}
