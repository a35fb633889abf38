package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/api"
)

// The example of Standard Webhooks 1.0.0, as its reference libraries test it.
const (
	standardSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	standardID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	standardBody      = `{"test": 2432232314}`
	standardSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	standardTimestamp = "1614265330"
)

var standardTime = time.Unix(1614265330, 0)

func secretOf(t interface{ Fatal(...any) }, text string) api.WebhookSecret {
	s, err := api.ParseWebhookSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const otherSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

func TestStandardWebhooksVector(t *testing.T) {
	h := http.Header{}
	api.SignCallback(h, standardID, standardTime, []byte(standardBody), secretOf(t, standardSecret))
	want := map[string]string{"webhook-id": standardID, "webhook-timestamp": standardTimestamp, "webhook-signature": standardSignature}
	for name, value := range want {
		if h.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, h.Get(name), value)
		}
	}
}

func TestVerifyCallback(t *testing.T) {
	ours, other := secretOf(t, standardSecret), secretOf(t, otherSecret)
	tests := []struct {
		name      string
		field     string // changed to
		value     string
		body      string
		at        time.Duration // after it was signed
		secrets   []api.WebhookSecret
		wantError error
	}{
		{name: "good"},
		{name: "five minutes old", at: 5 * time.Minute},
		{name: "five minutes ahead", at: -5 * time.Minute},
		{name: "older", at: 5*time.Minute + time.Second, wantError: api.ErrTimestamp},
		{name: "further ahead", at: -5*time.Minute - time.Second, wantError: api.ErrTimestamp},
		{name: "our second secret", secrets: []api.WebhookSecret{other, ours}},
		{name: "the sender's second signature", field: "webhook-signature", value: "v1a,AAAA v2,x v1,! v1,AAAA " + standardSignature},
		{name: "another secret", secrets: []api.WebhookSecret{other}, wantError: api.ErrSignature},
		{name: "no secret", secrets: []api.WebhookSecret{}, wantError: api.ErrSignature},
		{name: "an empty secret", secrets: []api.WebhookSecret{{}}, wantError: api.ErrSignature},
		{name: "another body", body: `{"test": 2432232315}`, wantError: api.ErrSignature},
		{name: "another id", field: "webhook-id", value: "msg_2", wantError: api.ErrSignature},
		{name: "no id", field: "webhook-id", value: "", wantError: api.ErrSignature},
		{name: "a dot moved", field: "webhook-id", value: standardID + ".1", wantError: api.ErrSignature},
		{name: "another time", field: "webhook-timestamp", value: "1614265331", wantError: api.ErrSignature},
		{name: "no time", field: "webhook-timestamp", value: "", wantError: api.ErrSignature},
		{name: "a time in words", field: "webhook-timestamp", value: "now", wantError: api.ErrSignature},
		{name: "the end of time", field: "webhook-timestamp", value: "9223372036854775807", wantError: api.ErrSignature},
		{name: "no signature", field: "webhook-signature", value: "", wantError: api.ErrSignature},
		{name: "another version", field: "webhook-signature", value: "v2" + standardSignature[2:], wantError: api.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, body, secrets := http.Header{}, []byte(standardBody), []api.WebhookSecret{ours}
			api.SignCallback(h, standardID, standardTime, body, ours)
			if tt.field != "" {
				h.Set(tt.field, tt.value)
			}
			if tt.body != "" {
				body = []byte(tt.body)
			}
			if tt.secrets != nil {
				secrets = tt.secrets
			}
			id, err := api.VerifyCallback(h, body, standardTime.Add(tt.at), secrets...)
			if !errors.Is(err, tt.wantError) || err == nil && id != standardID {
				t.Errorf("%q, %v; want %v", id, err, tt.wantError)
			}
		})
	}
}

// While a merchant changes its secret, either one verifies what both have signed; and no changed octet gets through.
func TestRotationAndTampering(t *testing.T) {
	old, fresh := secretOf(t, standardSecret), secretOf(t, otherSecret)
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(rt, "body")
		h := http.Header{}
		api.SignCallback(h, "evt_1", standardTime, body, old, fresh)
		for _, secret := range []api.WebhookSecret{old, fresh} {
			if _, err := api.VerifyCallback(h, body, standardTime, secret); err != nil {
				rt.Fatal(err)
			}
		}
		body[rapid.IntRange(0, len(body)-1).Draw(rt, "octet")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if _, err := api.VerifyCallback(h, body, standardTime, old, fresh); !errors.Is(err, api.ErrSignature) {
			rt.Fatalf("a changed body: %v", err)
		}
	})
}

func TestParseWebhookSecret(t *testing.T) {
	for _, s := range []string{
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=",
		"whsec_" + strings.Repeat("AAAA", 22), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
	} {
		if _, err := api.ParseWebhookSecret(s); err == nil || len(s) > 10 && strings.Contains(err.Error(), s[6:]) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
