package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// Whatever is asked, with whatever key, and however the platform fails: no answer
// says a key, a PIN that was sent by mistake, or what an inner failure holds.
func TestNoSecretIsAnswered(t *testing.T) {
	const pin = "190377"
	secrets := []string{apiKey, operatorKey, pin, "inner-secret"}
	f := &fakePlatform{story: []platform.Event{{Name: "pay", Postings: []platform.Posting{{Account: "card:89860000000000000001/1:CNY"}}}}}
	server := serve(t, f)
	if _, err := client(t, server).CreateBill(t.Context(), goodOrder(), ""); err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/v1/bills", "/v1/bills/" + string(firstBill), "/v1/bills/" + string(firstBill) + "/cancel", "/v1/bills/" + string(firstBill) + "/events",
		"/v1/bills/" + pin, "/v1/bills?pin=" + pin, "/v1/office/branch-key", "/v1/office/enrolments", "/v1/office/phones", "/v1/office/merchants", "/livez", "/readyz", "/" + "x",
	}
	bodies := []string{
		"", pin, `{"pin":"` + pin + `"}`, `{"reference":` + pin + `}`, orderWith(t, "phone", `"`+pin+`"`), orderWith(t, "expires_in", `"`+pin+`"`),
		orderWith(t, "callback_url", `"http://shop:`+pin+`@host"`), with(t, goodEnrolment(), "secrets", `"`+pin+`"`), with(t, goodEnrolment(), "form", `"`+pin+`"`),
	}
	failures := []error{nil, errors.New("store: inner-secret"), fmt.Errorf("%w: inner-secret", &platform.Error{Code: platform.CodeUnavailable, Detail: "later"})}
	rapid.Check(t, func(rt *rapid.T) {
		f.failWith(rapid.SampledFrom(failures).Draw(rt, "failure"))
		q := request{
			method: rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(rt, "method"),
			path:   rapid.SampledFrom(paths).Draw(rt, "path"),
			body:   rapid.SampledFrom(bodies).Draw(rt, "body"),
			header: map[string]string{
				"Authorization":   "Bearer " + rapid.SampledFrom([]string{apiKey, operatorKey, pin}).Draw(rt, "key"),
				"Idempotency-Key": rapid.SampledFrom([]string{"", pin, `"` + pin}).Draw(rt, "idempotency"),
			},
		}
		response, body := q.send(t, server)
		answered := string(body) + fmt.Sprint(response.Header)
		for _, secret := range secrets {
			if strings.Contains(strings.ReplaceAll(answered, q.path, ""), secret) {
				rt.Fatalf("%s %s answers %s", q.method, q.path, answered)
			}
		}
	})
}

// The one answer with keys is not to be kept by anything on its way.
func TestMerchantKeysAreNotStored(t *testing.T) {
	body := with(t, api.Merchant{ID: "10000002", Name: "Trains"}, "payees", "")
	response, _ := request{"POST", "/v1/office/merchants", body, map[string]string{"Authorization": "Bearer " + operatorKey}}.send(t, serve(t, &fakePlatform{}))
	if response.StatusCode != http.StatusCreated || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, Cache-Control %q", response.StatusCode, response.Header.Get("Cache-Control"))
	}
}

func TestSecretsPrintAsMasks(t *testing.T) {
	secret, err := api.ParseWebhookSecret(standardSecret)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	log := zerolog.New(&logged)
	log.Info().Object("a", api.Key(apiKey)).Stringer("b", secret).Interface("c", secret).Msg("")
	text, err := json.Marshal([]any{api.Key(apiKey), secret, api.ClientConfig{Key: apiKey}})
	if err != nil {
		t.Fatal(err)
	}
	said := logged.String() + string(text) + fmt.Sprint(api.Key(apiKey), secret) +
		fmt.Sprintf("%v %+v %#v %s %q %x %d", secret, secret, secret, secret, secret, secret, secret) +
		fmt.Sprintf("%v %+v %#v %s %q %x", api.Key(apiKey), api.Key(apiKey), api.Key(apiKey), api.Key(apiKey), api.Key(apiKey), api.Key(apiKey))
	for _, word := range []string{apiKey, fmt.Sprintf("%x", apiKey), strings.TrimPrefix(standardSecret, "whsec_"), "49 194 144"} {
		if strings.Contains(said, word) {
			t.Errorf("%q is in %s", word, said)
		}
	}
	if secret.Reveal() != standardSecret || api.Key(apiKey).Reveal() != apiKey {
		t.Error("Reveal is not the secret")
	}
}
