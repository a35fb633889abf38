package signature

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"pgregory.net/rapid"
)

func mustKey(t testing.TB, a Algorithm) SigningKey {
	t.Helper()
	k, err := GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var signedAt = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// request is one with a query, two lines of one field, and a body's digest.
func request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://Shop.example:80/v1/bills?state=paid&limit=2", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Digest", ContentDigest([]byte(body)))
	r.Header.Set("Idempotency-Key", `"order-1"`)
	r.Header.Add("X-Note", " one ")
	r.Header.Add("X-Note", "two")
	return r
}

const body = `{"reference":"order-1"}`

func components() []string {
	return []string{"@method", "@scheme", "@authority", "@path", "@query", "@request-target", "@target-uri", `@query-param;name="limit"`, "content-type", "content-digest", "idempotency-key", "x-note"}
}

func policy(k SigningKey) Policy {
	return Policy{Tag: "test", Required: components(), Now: signedAt, Key: func(id string) (VerificationKey, error) {
		if id != k.ID() {
			return VerificationKey{}, ErrKey
		}
		return k.Verification(), nil
	}}
}

func signedRequest(t testing.TB, k SigningKey) *http.Request {
	t.Helper()
	r := request()
	in := Input{Components: components(), Created: signedAt, Expires: signedAt.Add(time.Minute), Algorithm: true, Nonce: "n", Tag: "test"}
	if err := Sign(RequestMessage(r), k, in); err != nil {
		t.Fatal(err)
	}
	return r
}

// Every component that is covered is protected, whatever the algorithm.
func TestEveryCoveredComponent(t *testing.T) {
	changes := map[string]func(*http.Request){
		"@method":         func(r *http.Request) { r.Method = http.MethodPut },
		"@scheme":         func(r *http.Request) { r.URL.Scheme = "https" },
		"@authority":      func(r *http.Request) { r.Host = "other.example" },
		"the port":        func(r *http.Request) { r.Host = "shop.example:8080" },
		"@path":           func(r *http.Request) { r.URL.Path = "/v1/bill" },
		"an escape":       func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/v1/bills", "/v1/%62ills" },
		"@query":          func(r *http.Request) { r.URL.RawQuery = "state=paid&limit=3" },
		"no query":        func(r *http.Request) { r.URL.RawQuery = "" },
		"content-type":    func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"content-digest":  func(r *http.Request) { r.Header.Set("Content-Digest", ContentDigest(nil)) },
		"idempotency-key": func(r *http.Request) { r.Header.Set("Idempotency-Key", `"order-2"`) },
		"a field's order": func(r *http.Request) { r.Header["X-Note"] = []string{"two", "one"} },
		"one line more":   func(r *http.Request) { r.Header.Add("X-Note", "three") },
		"a field less":    func(r *http.Request) { r.Header.Del("X-Note") },
		"created":         func(r *http.Request) { replaceInput(r, ";created=1795600800", ";created=1795600801") },
		"expires":         func(r *http.Request) { replaceInput(r, ";expires=1795600860", ";expires=1795600960") },
		"nonce":           func(r *http.Request) { replaceInput(r, `nonce="n"`, `nonce="m"`) },
		"a component":     func(r *http.Request) { replaceInput(r, `"@method" `, `"@method" "date" `) },
		"their order":     func(r *http.Request) { replaceInput(r, `"@method" "@scheme"`, `"@scheme" "@method"`) },
		"one twice":       func(r *http.Request) { replaceInput(r, `"@method"`, `"@method" "@method"`) },
	}
	for _, a := range []Algorithm{Ed25519, RSAPSS, ECDSA, HMAC} {
		k := mustKey(t, a)
		r := signedRequest(t, k)
		v, err := Verify(RequestMessage(r), policy(k))
		if err != nil || v.Algorithm != a || v.KeyID != k.ID() || !v.Created.Equal(signedAt) || v.Nonce != "n" {
			t.Fatalf("%s: %+v, %v", a, v, err)
		}
		for name, change := range changes {
			r := signedRequest(t, k)
			before := r.Header.Get(HeaderInput)
			change(r)
			if _, err := Verify(RequestMessage(r), policy(k)); err == nil {
				t.Errorf("%s: changed %s, and it is believed", a, name)
			}
			if strings.Contains("created expires nonce", name) && r.Header.Get(HeaderInput) == before {
				t.Errorf("%s was not changed in %s", name, before)
			}
		}
	}
}

func replaceInput(r *http.Request, old, fresh string) {
	r.Header.Set(HeaderInput, strings.Replace(r.Header.Get(HeaderInput), old, fresh, 1))
}

// No octet of the content, of the signature or of what it says of itself can change.
func TestEveryOctet(t *testing.T) {
	k := mustKey(t, Ed25519)
	for i := range len(body) {
		octets := []byte(body)
		octets[i] ^= 1
		if err := RequireContentDigest([]string{ContentDigest([]byte(body))}, octets); !errors.Is(err, ErrDigest) {
			t.Errorf("octet %d of the body: %v", i, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := signedRequest(t, k)
		name := rapid.SampledFrom([]string{HeaderInput, HeaderSignature}).Draw(rt, "field")
		octets := []byte(r.Header.Get(name))
		octets[rapid.IntRange(0, len(octets)-1).Draw(rt, "octet")] ^= 1 << rapid.IntRange(0, 6).Draw(rt, "bit")
		changed, signed := string(octets), r.Header.Get(name)
		r.Header.Set(name, changed)
		if _, err := Verify(RequestMessage(r), policy(k)); err == nil && !sameMeaning(changed, signed) {
			rt.Fatalf("%s: %q is believed", name, changed)
		}
	})
}

// sameMeaning says whether a changed header reads as the one that was signed: blanks,
// and spare bits of base64, which the parser of RFC 9651 allows.
func sameMeaning(changed, signed string) bool {
	a, err := httpsfv.UnmarshalDictionary([]string{changed})
	b, err2 := httpsfv.UnmarshalDictionary([]string{signed})
	if err != nil || err2 != nil {
		return false
	}
	x, err := httpsfv.Marshal(a)
	y, err2 := httpsfv.Marshal(b)
	return err == nil && err2 == nil && x == y
}

func TestPolicy(t *testing.T) {
	k, other := mustKey(t, Ed25519), mustKey(t, Ed25519)
	tests := map[string]struct {
		change func(*http.Request, *Policy)
		want   error
	}{
		"another key":       {func(_ *http.Request, p *Policy) { p.Key = policy(other).Key }, ErrKey},
		"another algorithm": {func(_ *http.Request, p *Policy) { p.Key = keyOf(mustKey(t, ECDSA)) }, ErrAlgorithm},
		"an HMAC of the public key": {func(r *http.Request, _ *Policy) {
			text, _ := k.Verification().PEM()
			forged, _ := NewSharedKey(k.ID(), text)
			r.Header.Del(HeaderInput)
			r.Header.Del(HeaderSignature)
			_ = Sign(RequestMessage(r), forged, Input{Components: components(), Created: signedAt, Tag: "test"})
		}, ErrSignature},
		"more is required":    {func(_ *http.Request, p *Policy) { p.Required = []string{"date"} }, ErrCoverage},
		"too old":             {func(_ *http.Request, p *Policy) { p.Now = signedAt.Add(Tolerance + time.Second) }, ErrTimestamp},
		"ahead":               {func(_ *http.Request, p *Policy) { p.Now = signedAt.Add(-Tolerance - time.Second) }, ErrTimestamp},
		"expired":             {func(_ *http.Request, p *Policy) { p.Now = signedAt.Add(time.Minute) }, ErrTimestamp},
		"a tighter tolerance": {func(_ *http.Request, p *Policy) { p.Now, p.Tolerance = signedAt.Add(2*time.Second), time.Second }, ErrTimestamp},
		"another tag":         {func(_ *http.Request, p *Policy) { p.Tag = "other" }, ErrUnsigned},
		"no signature":        {func(r *http.Request, _ *Policy) { r.Header.Del(HeaderSignature) }, ErrUnsigned},
		"no input":            {func(r *http.Request, _ *Policy) { r.Header.Del(HeaderInput) }, ErrUnsigned},
		"another label":       {func(r *http.Request, _ *Policy) { replaceInput(r, "sig=", "gis=") }, ErrMalformed},
		"no octets":           {func(r *http.Request, _ *Policy) { r.Header.Set(HeaderSignature, `sig="text"`) }, ErrMalformed},
		"not a dictionary":    {func(r *http.Request, _ *Policy) { r.Header.Set(HeaderInput, "((") }, ErrMalformed},
		"two of the tag":      {func(r *http.Request, _ *Policy) { r.Header.Add(HeaderInput, `b=();created=1;tag="test"`) }, ErrMalformed},
		"no created":          {func(r *http.Request, _ *Policy) { replaceInput(r, ";created=1795600800", "") }, ErrCoverage},
		"created is text":     {func(r *http.Request, _ *Policy) { replaceInput(r, ";created=1795600800", `;created="now"`) }, ErrCoverage},
		"sf":                  {func(r *http.Request, p *Policy) { p.Required = nil; replaceInput(r, `"x-note"`, `"x-note";sf`) }, ErrMalformed},
		"a response's":        {func(r *http.Request, p *Policy) { p.Required = nil; replaceInput(r, `"@method"`, `"@status"`) }, ErrMalformed},
		"req in a request":    {func(r *http.Request, p *Policy) { p.Required = nil; replaceInput(r, `"@method"`, `"@method";req`) }, ErrMalformed},
		"in upper case":       {func(r *http.Request, p *Policy) { p.Required = nil; replaceInput(r, `"x-note"`, `"X-Note"`) }, ErrMalformed},
		"not accepted":        {func(_ *http.Request, p *Policy) { p.Accept = func(Verified) error { return ErrReplay } }, ErrReplay},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, p := signedRequest(t, k), policy(k)
			tt.change(r, &p)
			if _, err := Verify(RequestMessage(r), p); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func keyOf(k SigningKey) func(string) (VerificationKey, error) {
	return func(string) (VerificationKey, error) { return k.Verification(), nil }
}

// A response's signature can say which request it answers (RFC 9421 section 2.4).
func TestResponseBoundToItsRequest(t *testing.T) {
	k := mustKey(t, Ed25519)
	covers := []string{"@status", "content-digest", "@method;req", "@path;req", "signature;req"}
	p := Policy{Tag: "test", Required: covers, Now: signedAt, Key: keyOf(k)}
	r := signedRequest(t, k)
	h := http.Header{"Content-Digest": {ContentDigest([]byte(body))}}
	if err := Sign(ResponseMessage(200, h, RequestMessage(r)), k, Input{Components: covers, Created: signedAt, Tag: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(ResponseMessage(200, h, RequestMessage(r)), p); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(ResponseMessage(201, h, RequestMessage(r)), p); !errors.Is(err, ErrSignature) {
		t.Errorf("another status: %v", err)
	}
	other := signedRequest(t, mustKey(t, Ed25519))
	if _, err := Verify(ResponseMessage(200, h, RequestMessage(other)), p); !errors.Is(err, ErrSignature) {
		t.Errorf("another request: %v", err)
	}
}

// Signatures that others made stay, and are passed over.
func TestSeveralSignatures(t *testing.T) {
	k := mustKey(t, Ed25519)
	r := signedRequest(t, k)
	if err := Sign(RequestMessage(r), mustKey(t, ECDSA), Input{Label: "proxy", Components: []string{"@method"}, Created: signedAt, Tag: "proxy"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(RequestMessage(r), policy(k)); err != nil {
		t.Error(err)
	}
	if id, err := KeyID(r.Header, "test"); err != nil || id != k.ID() {
		t.Error(id, err)
	}
}

func TestNonces(t *testing.T) {
	n := NewNonces(2)
	at := func(d time.Duration) time.Time { return signedAt.Add(d) }
	for i, step := range []struct {
		owner, nonce string
		at           time.Duration
		want         error
	}{
		{"a", "1", 0, nil},
		{"a", "1", time.Minute, ErrReplay},
		{"b", "1", time.Minute, nil},
		{"a", "2", time.Minute, nil},
		{"a", "3", time.Minute, ErrTooMany},
		{"b", "2", time.Minute, nil},
		{"a", "1", 2 * Tolerance, ErrReplay},
		{"a", "3", 2 * Tolerance, nil},
		{"a", "1", 4 * Tolerance, nil},
	} {
		if err := n.Take(step.owner, step.nonce, at(step.at)); !errors.Is(err, step.want) {
			t.Errorf("step %d: %v, want %v", i, err, step.want)
		}
	}
}
