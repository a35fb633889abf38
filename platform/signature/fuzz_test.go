package signature

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a header says, nothing but our own signature over our own request is believed.
func FuzzVerify(f *testing.F) {
	k, err := ParseSigningKey([]byte(readVectors(f).Keys["test-key-ed25519"].Private))
	if err != nil {
		f.Fatal(err)
	}
	signed := signedRequest(f, k)
	good, sig := signed.Header.Get(HeaderInput), signed.Header.Get(HeaderSignature)
	f.Add(good, sig)
	f.Add(`sig=();created=1;keyid="a";tag="test"`, "sig=:AAAA:")
	f.Add(`sig=("@query-param";name="limit" "x-note";sf "@status");created=1795600800;tag="test"`, "sig=:AAAA:, b=1")
	f.Add("((", "?1")
	f.Fuzz(func(t *testing.T, input, signature string) {
		r := request()
		r.Header.Set(HeaderInput, input)
		r.Header.Set(HeaderSignature, signature)
		p := policy(k)
		v, err := Verify(RequestMessage(r), p)
		if err == nil && (!sameMeaning(input, good) || !sameMeaning(signature, sig) || len(v.Components) != len(components())) {
			t.Errorf("%q %q is believed", input, signature)
		}
		p.Required = nil
		_, _ = Verify(RequestMessage(r), p)
		_, _ = Verify(ResponseMessage(200, r.Header, RequestMessage(request())), p)
	})
}

func FuzzContentDigest(f *testing.F) {
	for _, seed := range []string{ContentDigest([]byte(body)), "sha-512=:AA==:", "sha-256=", ",", "sha-256=:AA==:;a=1, md5=:x:"} {
		f.Add(seed, body)
	}
	f.Fuzz(func(t *testing.T, field, content string) {
		err := RequireContentDigest([]string{field}, []byte(content))
		if err == nil && RequireContentDigest([]string{field}, []byte(content+"x")) == nil {
			t.Errorf("%q is the digest of two contents", field)
		}
	})
}

// A form or an object that is read has the same signature's base however it is written.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{"a=1&b=2&sign=x", "a=%E8%AE%A2+x", `{"a":1,"b":"x","c":{"d":[null]}}`, `{"a":null}`, "{", "a=1&a=2", `{"a":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (Fields, error){ParseForm, func(s string) (Fields, error) { return ParseObject([]byte(s)) }} {
			fields, err := parse(text)
			if err != nil {
				continue
			}
			again, err := ParseForm(fields.Form())
			if err != nil || again.Base() != fields.Base() {
				t.Fatalf("%q: %v, %q then %q", text, err, fields.Base(), again.Base())
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	k, err := GenerateOpeningKey()
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := Seal([]byte("x"), k.Sealing())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{sealed, "e30....", "a.b.c.d.e", strings.Replace(sealed, ".", "..", 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if plain, err := Open(text, k); err == nil && string(plain) != "x" {
			t.Errorf("%q opens as %q", text, plain)
		}
	})
}

func FuzzOpenField(f *testing.F) {
	skipLegacy(f)
	k := fieldKey(f, 1)
	sealed, err := SealField(k, "phone", "8613800000001")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("phone", sealed)
	f.Add("payee", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, text string) {
		if plain, err := OpenField(name, text, k); err == nil && (name != "phone" || plain != "8613800000001") {
			t.Errorf("%q of %q opens as %q", text, name, plain)
		}
	})
}

// Keys of strangers are read without harm, and what is read can be written.
func FuzzKeys(f *testing.F) {
	v := readVectors(f)
	for _, k := range v.Keys {
		f.Add([]byte(k.Public))
		f.Add([]byte(k.Private))
	}
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","use":"sig","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"RSA","n":"AQ","e":"AQAB"}]}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseVerificationKey(text); err == nil {
			if _, err := k.PEM(); err != nil || k.ID() == "" {
				t.Errorf("%q: %v", text, err)
			}
		}
		if k, err := ParseSigningKey(text); err == nil {
			if _, err := k.PEM(); err != nil {
				t.Errorf("a private key: %v", err)
			}
		}
		var set KeySet
		if json.Unmarshal(text, &set) == nil {
			if _, err := json.Marshal(set); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func FuzzVerifyCallback(f *testing.F) {
	s, err := ParseWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		f.Fatal(err)
	}
	h := http.Header{}
	SignCallback(h, "msg_1", signedAt, []byte(body), s)
	good := h.Get(HeaderWebhookSignature)
	f.Add("msg_1", h.Get(HeaderWebhookTimestamp), good)
	f.Add("", "", "")
	f.Add("a.b", "-1", "v1,AAAA v1a,x")
	f.Fuzz(func(t *testing.T, id, at, signature string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set(HeaderWebhookID, id)
		r.Header.Set(HeaderWebhookTimestamp, at)
		r.Header.Set(HeaderWebhookSignature, signature)
		if got, err := VerifyCallback(r.Header, []byte(body), signedAt, s); err == nil && got != "msg_1" {
			t.Errorf("%q %q %q is believed", id, at, signature)
		}
	})
}
