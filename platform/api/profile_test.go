package api_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/signature"
)

// The merchants of the profiles, besides shop, which has an API key.
const (
	modernShop = platform.MerchantID("10000002")
	legacyShop = platform.MerchantID("10000003")
	otherShop  = platform.MerchantID("10000004") // modern, too
	// rottenKey is an API key that a merchant of profile modern still has, somehow.
	rottenKey = "key_of_a_merchant_that_signs"
)

func skipsLegacy() bool { return fips140.Enforced() }

func skipLegacy(t testing.TB) {
	t.Helper()
	if skipsLegacy() {
		t.Skip("MD5 and 3DES are not there in FIPS 140 mode")
	}
}

// keyring is a platform's keys and its merchants'.
type keyring struct {
	identity api.Identity
	partners map[platform.MerchantID]api.Partner
	changes  []platform.KeyChange
}

func (k *keyring) Partner(_ context.Context, id platform.MerchantID) (api.Partner, error) {
	p, ok := k.partners[id]
	if !ok {
		return p, &platform.Error{Code: platform.CodeUnauthorised, Detail: "no such merchant"}
	}
	return p, nil
}

func (k *keyring) Identity(context.Context) (api.Identity, error) { return k.identity, nil }

func (k *keyring) ChangeKeys(_ context.Context, c platform.KeyChange) (platform.MerchantKeys, error) {
	k.changes = append(k.changes, c)
	return platform.MerchantKeys{ID: c.Merchant, APIKey: "ak_fresh"}, nil
}

// chest holds the private keys of everybody in the tests; RSA is slow to make.
type chest struct {
	platform, shop, other, stranger signature.SigningKey
	opening                         signature.OpeningKey
	platformRSA, shopRSA            signature.SigningKey
	fields                          signature.FieldKey
	secret                          api.WebhookSecret
}

var openChest = sync.OnceValue(func() chest {
	must := func(k signature.SigningKey, err error) signature.SigningKey {
		if err != nil {
			panic(err)
		}
		return k
	}
	c := chest{
		platform: must(signature.GenerateKey(signature.Ed25519)), shop: must(signature.GenerateKey(signature.Ed25519)),
		other: must(signature.GenerateKey(signature.Ed25519)), stranger: must(signature.GenerateKey(signature.Ed25519)),
		platformRSA: must(signature.GenerateKey(signature.RSAMD5)), shopRSA: must(signature.GenerateKey(signature.RSAMD5)),
	}
	c.opening, _ = signature.GenerateOpeningKey()
	c.secret, _ = api.ParseWebhookSecret(standardSecret)
	octets := make([]byte, 32)
	for i := range octets {
		octets[i] = byte(i)
	}
	c.fields, _ = signature.NewFieldKey(octets)
	return c
})

// bench is a platform with merchants of all profiles, on a real connection.
type bench struct {
	*fakePlatform
	keys   *keyring
	server *httptest.Server
}

func (b *bench) Authenticate(ctx context.Context, key string) (platform.Merchant, error) {
	if key == rottenKey {
		return platform.Merchant{ID: modernShop, Profile: platform.ProfileModern}, nil
	}
	return b.fakePlatform.Authenticate(ctx, key)
}

func newBench(t testing.TB) *bench {
	t.Helper()
	c := openChest()
	b := &bench{fakePlatform: &fakePlatform{}, keys: &keyring{
		identity: api.Identity{
			Signing: []signature.SigningKey{c.platform}, Opening: []signature.OpeningKey{c.opening},
			Legacy: []signature.SigningKey{c.platformRSA},
		},
		partners: map[platform.MerchantID]api.Partner{
			shop:       {Merchant: platform.Merchant{ID: shop, Profile: platform.ProfileKey}},
			modernShop: {Merchant: platform.Merchant{ID: modernShop, Profile: platform.ProfileModern}, Keys: []signature.VerificationKey{c.shop.Verification()}},
			otherShop:  {Merchant: platform.Merchant{ID: otherShop, Profile: platform.ProfileModern}, Keys: []signature.VerificationKey{c.other.Verification()}},
			legacyShop: {
				Merchant: platform.Merchant{ID: legacyShop, Profile: platform.ProfileLegacy},
				Keys:     []signature.VerificationKey{c.shopRSA.Verification()}, FieldKeys: []signature.FieldKey{c.fields},
			},
		},
	}}
	h, err := api.NewHandler(api.HandlerConfig{
		Service: b, Authenticator: b, Office: b, OperatorKey: operatorKey, Keyring: b.keys, AllowLegacy: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(h)
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) config(m platform.MerchantID, key signature.SigningKey) api.SideConfig {
	c := openChest()
	return api.SideConfig{
		Merchant: m, Key: key, Platform: api.PinKeys(b.keys.identity.Public()),
		Secrets: []api.WebhookSecret{c.secret}, Fields: []signature.FieldKey{c.fields},
	}
}

func (b *bench) modern(t testing.TB, m platform.MerchantID, key signature.SigningKey) *api.Modern {
	t.Helper()
	s, err := api.NewModern(b.config(m, key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) legacy(t testing.TB) *api.Legacy {
	t.Helper()
	s, err := api.NewLegacy(b.config(legacyShop, openChest().shopRSA))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) client(t testing.TB, s api.RequestSigner) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Signer: s})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// S12, S14: in both profiles that sign, everything that a merchant can ask is asked and
// answered signed; numbers and goods do not cross in the clear.
func TestProfilesThatSign(t *testing.T) {
	for name, side := range map[string]func(*testing.T, *bench) api.RequestSigner{
		"modern": func(t *testing.T, b *bench) api.RequestSigner { return b.modern(t, modernShop, openChest().shop) },
		"legacy": func(t *testing.T, b *bench) api.RequestSigner { skipLegacy(t); return b.legacy(t) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			seen := &wiretap{next: http.DefaultTransport}
			c, err := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Signer: side(t, b), HTTP: &http.Client{Transport: seen}})
			if err != nil {
				t.Fatal(err)
			}
			made, err := c.CreateBill(t.Context(), goodOrder(), "")
			if err != nil {
				t.Fatal(err)
			}
			if made.ID != firstBill || made.Amount != 128000 || made.Phone == known || made.Goods != nil {
				t.Errorf("%+v", made)
			}
			again, err := c.CreateBill(t.Context(), goodOrder(), "")
			if err != nil || again.ID != made.ID || len(b.orders) != 1 {
				t.Errorf("the same order again: %v, %v, %d orders", again.ID, err, len(b.orders))
			}
			want := goodOrder()
			got := b.orders[0]
			if got.Phone != want.Phone || got.BuyerPhone != want.BuyerPhone || !bytes.Equal(got.Goods, want.Goods) || got.ExpiresIn != 10*time.Minute {
				t.Errorf("%+v", got)
			}
			if _, err := c.Bill(t.Context(), firstBill); err != nil {
				t.Error(err)
			}
			page, err := c.Bills(t.Context(), api.Query{Reference: "order-1001", Limit: 1})
			if err != nil || len(page.Bills) != 1 || page.Next != firstBill {
				t.Errorf("%+v, %v", page, err)
			}
			if _, err := c.CancelBill(t.Context(), firstBill); err != nil {
				t.Error(err)
			}
			if _, err := c.Events(t.Context(), firstBill); err != nil {
				t.Error(err)
			}
			_, err = c.Bill(t.Context(), "bill_01JDXK3Z7M0003ZZZZZZZZZZZ0")
			if statusOf(err) != http.StatusNotFound || errors.Is(err, api.ErrUnknown) {
				t.Errorf("a bill that is not there: %v", err)
			}
			for _, secret := range []string{known, buyer, "CA1405"} {
				if strings.Contains(seen.text(), secret) {
					t.Errorf("%s crossed in the clear", secret)
				}
			}
		})
	}
}

// wiretap notes what crosses.
type wiretap struct {
	next http.RoundTripper
	mu   sync.Mutex
	all  strings.Builder
}

func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil && r.Body != http.NoBody {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	form, _ := url.QueryUnescape(string(sent))
	w.all.WriteString(query + "\n" + string(sent) + "\n" + form + "\n" + string(body) + "\n")
	return response, err
}

func (w *wiretap) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

const plainOrder = `{"reference":"order-1","amount":500,"currency":"CNY","phone":"` + known + `"}`

// sealFor makes an order with a sealed part.
func sealFor(t testing.TB, inner, outer string) string {
	t.Helper()
	sealed, err := signature.Seal([]byte(inner), openChest().opening.Sealing())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(outer, "SEALED", sealed, 1)
}

// post sends an order just as it is, after sign had it.
func (b *bench) post(t testing.TB, body, contentType string, sign func(*http.Request, []byte)) (int, api.Problem) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/v1/bills", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if sign != nil {
		sign(r, []byte(body))
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	var p api.Problem
	if response.StatusCode/100 != 2 {
		f, err := signature.ParseObject(answer)
		if err != nil {
			f, _ = signature.ParseForm(string(answer))
		}
		p.Field, p.Detail = f["field"], f["detail"]
	}
	return response.StatusCode, p
}

func bearer(key string) func(*http.Request, []byte) {
	return func(r *http.Request, _ []byte) { r.Header.Set("Authorization", "Bearer "+key) }
}

// by signs as RFC 9421 has it; edit changes what is signed.
func by(m platform.MerchantID, key signature.SigningKey, edit func(*http.Request, *signature.Input)) func(*http.Request, []byte) {
	return func(r *http.Request, body []byte) {
		r.Header.Set("Content-Digest", api.ContentDigest(body))
		r.Header.Set("Idempotency-Key", `"order-1"`)
		in := signature.Input{
			Components: []string{"@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"},
			Created:    time.Now(), Algorithm: true, Tag: api.Tag,
		}
		if edit != nil {
			edit(r, &in)
		}
		if err := signature.Sign(signature.RequestMessage(r), key.WithID(string(m)+"/"+key.ID()), in); err != nil {
			panic(err)
		}
	}
}

func without(component string) func(*http.Request, *signature.Input) {
	return func(_ *http.Request, in *signature.Input) {
		var rest []string
		for _, c := range in.Components {
			if c != component {
				rest = append(rest, c)
			}
		}
		in.Components = rest
	}
}

// S12: whatever is less than a merchant's profile asks for is refused, by the field that
// is to blame, and makes no bill.
func TestNoDowngrade(t *testing.T) {
	c := openChest()
	const outer = `{"reference":"order-1","amount":500,"currency":"CNY","sealed":"SEALED"}`
	inner := `{"merchant":"10000002","reference":"order-1","phone":"` + known + `"}`
	good := sealFor(t, inner, outer)
	js := "application/json"
	tests := []struct {
		name, body string
		sign       func(*http.Request, []byte)
		status     int
		field      string
	}{
		{"key: its key", plainOrder, bearer(apiKey), 202, ""},
		{"key: nothing", plainOrder, nil, 401, ""},
		{"key: another key", plainOrder, bearer("ak_10000001_x"), 401, ""},
		{"key: signed, with no key registered", good, by(shop, c.stranger, nil), 401, "Signature-Input"},
		{"modern: signed and sealed", good, by(modernShop, c.shop, nil), 202, ""},
		{"modern: @target-uri covered in place of its parts", good, by(modernShop, c.shop, func(_ *http.Request, in *signature.Input) {
			in.Components = []string{"@method", "@target-uri", "content-type", "content-digest", "idempotency-key"}
		}), 202, ""},
		{"modern: an API key only", good, bearer(rottenKey), 401, "Authorization"},
		{"modern: an API key with a bad signature beside it", good, func(r *http.Request, body []byte) {
			bearer(rottenKey)(r, body)
			by(modernShop, c.stranger, nil)(r, body)
		}, 401, "Signature-Input"},
		{"modern: unsigned", good, nil, 401, ""},
		{"modern: signed for something else", good, by(modernShop, c.shop, func(_ *http.Request, in *signature.Input) { in.Tag = "other" }), 401, ""},
		{"modern: a stranger's key", good, by(modernShop, c.stranger, nil), 401, "Signature-Input"},
		{"modern: a stranger under our key's id", good, by(modernShop, c.stranger.WithID(c.shop.ID()), nil), 401, "Signature"},
		{"modern: another merchant's key", good, by(modernShop, c.other, nil), 401, "Signature-Input"},
		{"modern: another merchant's order", good, by(otherShop, c.other, nil), 422, "sealed.merchant"},
		{"modern: plain phone", strings.Replace(good, `"amount"`, `"phone":"`+known+`","amount"`, 1), by(modernShop, c.shop, nil), 422, "phone"},
		{"modern: plain payee", strings.Replace(good, `"amount"`, `"payee":"acct_10000002","amount"`, 1), by(modernShop, c.shop, nil), 422, "payee"},
		{"modern: plain buyer", strings.Replace(good, `"amount"`, `"buyer_phone":"`+buyer+`","amount"`, 1), by(modernShop, c.shop, nil), 422, "buyer_phone"},
		{"modern: an order in the clear, signed", plainOrder, by(modernShop, c.shop, nil), 422, "phone"},
		{"modern: sealed for another order", sealFor(t, strings.Replace(inner, "order-1", "order-2", 1), outer), by(modernShop, c.shop, nil), 422, "sealed.reference"},
		{"modern: sealed says too much", sealFor(t, strings.Replace(inner, `"phone"`, `"amount":1,"phone"`, 1), outer), by(modernShop, c.shop, nil), 422, "sealed"},
		{"modern: not sealed to us", strings.Replace(outer, "SEALED", "a.b.c.d.e", 1), by(modernShop, c.shop, nil), 422, "sealed"},
		{"modern: too old", good, by(modernShop, c.shop, func(_ *http.Request, in *signature.Input) { in.Created = time.Now().Add(-6 * time.Minute) }), 401, "Signature-Input"},
		{"modern: ahead of time", good, by(modernShop, c.shop, func(_ *http.Request, in *signature.Input) { in.Created = time.Now().Add(6 * time.Minute) }), 401, "Signature-Input"},
		{"modern: expired", good, by(modernShop, c.shop, func(_ *http.Request, in *signature.Input) { in.Expires = time.Now().Add(-time.Second) }), 401, "Signature-Input"},
		{"modern: without @method", good, by(modernShop, c.shop, without("@method")), 401, "Signature-Input"},
		{"modern: without @authority", good, by(modernShop, c.shop, without("@authority")), 401, "Signature-Input"},
		{"modern: without @path", good, by(modernShop, c.shop, without("@path")), 401, "Signature-Input"},
		{"modern: without @query", good, by(modernShop, c.shop, without("@query")), 401, "Signature-Input"},
		{"modern: without content-digest", good, by(modernShop, c.shop, without("content-digest")), 401, "Signature-Input"},
		{"modern: without content-type", good, by(modernShop, c.shop, without("content-type")), 401, "Signature-Input"},
		{"modern: without idempotency-key", good, by(modernShop, c.shop, without("idempotency-key")), 401, "Signature-Input"},
		{"modern: a digest of an algorithm that nobody knows", good, by(modernShop, c.shop, func(r *http.Request, _ *signature.Input) { r.Header.Set("Content-Digest", "md5=:AAAA:") }), 401, "Content-Digest"},
		{"modern: a signature that cannot be read", good, func(r *http.Request, _ []byte) { r.Header.Set("Signature-Input", "(("); r.Header.Set("Signature", "x") }, 401, "Signature-Input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			status, p := b.post(t, tt.body, js, tt.sign)
			if status != tt.status || p.Field != tt.field {
				t.Errorf("%d %s: %s; want %d %s", status, p.Field, p.Detail, tt.status, tt.field)
			}
			if (len(b.orders) == 1) != (tt.status == 202) || tt.status != 202 && p.Detail == "" {
				t.Errorf("%d orders, %+v", len(b.orders), p)
			}
			if strings.Contains(p.Detail, known) || strings.Contains(p.Detail, rottenKey) {
				t.Errorf("it says too much: %s", p.Detail)
			}
		})
	}
}

// The algorithm is the registered key's: what the message says of it can only be wrong.
func TestAlgorithmIsTheKeys(t *testing.T) {
	b, c := newBench(t), openChest()
	body := sealFor(t, `{"merchant":"10000002","reference":"order-1","phone":"`+known+`"}`, `{"reference":"order-1","amount":500,"currency":"CNY","sealed":"SEALED"}`)
	for _, alg := range []string{"hmac-sha256", "rsa-pss-sha512", "none", ""} {
		status, p := b.post(t, body, "application/json", func(r *http.Request, octets []byte) {
			by(modernShop, c.shop, nil)(r, octets)
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "ed25519", alg, 1))
		})
		if status != http.StatusUnauthorized || p.Detail == "" {
			t.Errorf("alg %q: %d %+v", alg, status, p)
		}
	}
	// an HMAC under the public key as its secret
	public, _ := c.shop.Verification().PEM()
	forged, err := signature.NewSharedKey(c.shop.ID(), public)
	if err != nil {
		t.Fatal(err)
	}
	hide := func(_ *http.Request, in *signature.Input) { in.Algorithm = false }
	if status, p := b.post(t, body, "application/json", by(modernShop, forged, hide)); status != http.StatusUnauthorized {
		t.Errorf("%d %+v", status, p)
	}
	if len(b.orders) != 0 {
		t.Errorf("%d orders", len(b.orders))
	}
}

// A request without an idempotency key is taken once.
func TestReplay(t *testing.T) {
	b, c := newBench(t), openChest()
	ask := func(nonce string) (int, api.Problem) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/v1/bills", nil)
		err := signature.Sign(signature.RequestMessage(r), c.shop.WithID(string(modernShop)+"/"+c.shop.ID()), signature.Input{
			Components: []string{"@method", "@target-uri"}, Created: time.Now(), Nonce: nonce, Tag: api.Tag,
		})
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var p api.Problem
		_ = json.NewDecoder(response.Body).Decode(&p)
		if len(response.Header.Values("Signature")) != 1 {
			t.Error("the answer is not signed")
		}
		return response.StatusCode, p
	}
	for _, tt := range []struct {
		nonce  string
		status int
	}{{"n1", 200}, {"n1", 401}, {"n2", 200}, {"", 401}, {"n2", 401}} {
		if status, p := ask(tt.nonce); status != tt.status {
			t.Errorf("nonce %q: %d %+v, want %d", tt.nonce, status, p, tt.status)
		}
	}
}

// No answer is believed that was changed on its way, or that answers something else.
func TestAnswersTampered(t *testing.T) {
	edits := map[string]func(*http.Response, *[]byte){
		"the status":           func(r *http.Response, _ *[]byte) { r.StatusCode = http.StatusAccepted + 1 },
		"refused in its place": func(r *http.Response, _ *[]byte) { r.StatusCode = http.StatusConflict },
		"an octet of the body": func(r *http.Response, b *[]byte) {
			(*b)[len(*b)/2] ^= 1
			r.Header.Set("Content-Digest", api.ContentDigest(*b))
		},
		"the digest": func(r *http.Response, _ *[]byte) { r.Header.Del("Content-Digest") },
		"the media":  func(r *http.Response, _ *[]byte) { r.Header.Set("Content-Type", "text/plain") },
		"unsigned":   func(r *http.Response, _ *[]byte) { r.Header.Del("Signature") },
		"another's key": func(r *http.Response, _ *[]byte) {
			r.Header.Set("Signature-Input", strings.ReplaceAll(r.Header.Get("Signature-Input"), "keyid=\"", "keyid=\"x"))
		},
	}
	for name, edit := range edits {
		t.Run("modern: "+name, func(t *testing.T) {
			b := newBench(t)
			tamper := &meddler{edit: edit}
			c, err := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Signer: b.modern(t, modernShop, openChest().shop), HTTP: &http.Client{Transport: tamper}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.CreateBill(t.Context(), goodOrder(), ""); !errors.Is(err, api.ErrUnknown) {
				t.Errorf("%v", err)
			}
		})
	}
	for name, edit := range map[string]func(*http.Response, *[]byte){
		"the status": func(r *http.Response, _ *[]byte) { r.StatusCode = http.StatusConflict },
		"the body": func(_ *http.Response, b *[]byte) {
			*b = bytes.Replace(*b, []byte("amount=128000"), []byte("amount=128001"), 1)
		},
		"no signature": func(_ *http.Response, b *[]byte) { *b = (*b)[:bytes.Index(*b, []byte("&sign="))] },
		"another answer": func(_ *http.Response, b *[]byte) {
			*b = bytes.Replace(*b, []byte("answer_to="), []byte("answer_to=X"), 1)
		},
	} {
		t.Run("legacy: "+name, func(t *testing.T) {
			skipLegacy(t)
			b := newBench(t)
			tamper := &meddler{edit: func(r *http.Response, body *[]byte) {
				edit(r, body)
				r.Header.Set("Content-Digest", api.ContentDigest(*body))
			}}
			c, err := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Signer: b.legacy(t), HTTP: &http.Client{Transport: tamper}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.CreateBill(t.Context(), goodOrder(), ""); !errors.Is(err, api.ErrUnknown) {
				t.Errorf("%v", err)
			}
		})
	}
}

// meddler changes answers on their way.
type meddler struct{ edit func(*http.Response, *[]byte) }

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	m.edit(response, &body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// legacyOrder makes the fields of an order and signs them; edit changes them before.
func legacyOrder(t testing.TB, edit func(signature.Fields)) signature.Fields {
	t.Helper()
	c := openChest()
	phone, err := signature.SealField(c.fields, "phone", known)
	if err != nil {
		t.Fatal(err)
	}
	f := signature.Fields{
		"reference": "order-1", "amount": "500", "currency": "CNY", "phone": phone,
		"merchant": string(legacyShop), "service": "POST /v1/bills", "serial": "s1",
		"time": time.Now().UTC().Format("20060102150405"), "key": c.shopRSA.ID(), "sign_type": "RSA-MD5",
	}
	if edit != nil {
		edit(f)
	}
	if err := f.Sign(c.shopRSA); err != nil {
		t.Fatal(err)
	}
	return f
}

func set(name, value string) func(signature.Fields) {
	return func(f signature.Fields) { f[name] = value }
}

// S14: the legacy profile takes forms and JSON alike, and nothing that is less than it asks for.
func TestLegacyOrders(t *testing.T) {
	skipLegacy(t)
	const form = "application/x-www-form-urlencoded"
	tests := []struct {
		name   string
		edit   func(signature.Fields)
		after  func(signature.Fields)
		status int
		field  string
	}{
		{"good", nil, nil, 202, ""},
		{"goods in the clear", set("goods", `{"kind":"water"}`), nil, 202, ""},
		{"unsigned", nil, func(f signature.Fields) { delete(f, "sign") }, 401, ""},
		{"another amount", nil, set("amount", "501"), 401, "sign"},
		{"one field more", nil, set("subject", "x"), 401, "sign"},
		{"one field less", set("subject", "x"), func(f signature.Fields) { delete(f, "subject") }, 401, "sign"},
		{"plain phone", set("phone", known), nil, 422, "phone"},
		{"a sealed value of another field", func(f signature.Fields) { f["buyer_phone"] = f["phone"] }, nil, 422, "buyer_phone"},
		{"another service", set("service", "POST /v1/bills/x/cancel"), nil, 401, "service"},
		{"another algorithm", set("sign_type", "RSA-SHA1"), nil, 401, "sign_type"},
		{"no such merchant", set("merchant", "19999999"), nil, 401, ""},
		{"a merchant of profile modern", set("merchant", string(modernShop)), nil, 401, "Authorization"},
		{"a merchant of profile key", set("merchant", string(shop)), nil, 401, "Authorization"},
		{"no such key", set("key", "other"), nil, 401, "key"},
		{"no serial", set("serial", ""), nil, 401, "serial"},
		{"too old", set("time", time.Now().Add(-6*time.Minute).UTC().Format("20060102150405")), nil, 401, "time"},
		{"no time", set("time", "now"), nil, 401, "time"},
		{"an amount in words", set("amount", "many"), nil, 422, "amount"},
		{"no such field", set("colour", "red"), nil, 422, "colour"},
	}
	for _, tt := range tests {
		for _, as := range []string{form, "application/json"} {
			t.Run(tt.name+" as "+as, func(t *testing.T) {
				b := newBench(t)
				f := legacyOrder(t, tt.edit)
				if tt.after != nil {
					tt.after(f)
				}
				body := f.Form()
				if as != form {
					text, _ := json.Marshal(f)
					body = string(text)
				}
				status, p := b.post(t, body, as, nil)
				if status != tt.status || p.Field != tt.field {
					t.Errorf("%d %+v; want %d %s", status, p, tt.status, tt.field)
				}
				if (len(b.orders) == 1) != (tt.status == 202) {
					t.Errorf("%d orders", len(b.orders))
				}
				if status, p := b.post(t, body, as, nil); tt.status == 202 && (status != 401 || p.Field != "serial") {
					t.Errorf("again: %d %+v", status, p)
				}
			})
		}
	}
}

// An API key does not open what is the legacy merchant's, and the profile is off unless asked for.
func TestLegacyIsOffByDefault(t *testing.T) {
	skipLegacy(t)
	b := newBench(t)
	h, err := api.NewHandler(api.HandlerConfig{Service: b, Authenticator: b, Keyring: b.keys})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/v1/bills", strings.NewReader(legacyOrder(t, nil).Form()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized || len(b.orders) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// GET /v1/keys is for everybody, and shows public keys only.
func TestPlatformKeys(t *testing.T) {
	b := newBench(t)
	c, err := api.NewClient(api.ClientConfig{BaseURL: b.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.PlatformKeys(t.Context())
	if err != nil || len(set.Verification) != 2 || len(set.Sealing) != 1 || set.Verification[0].ID() != openChest().platform.ID() {
		t.Errorf("%+v, %v", set, err)
	}
	response, err := http.Get(b.server.URL + "/v1/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if strings.Contains(string(text), `"d":`) {
		t.Error("a private key is published")
	}
	modern, err := api.NewModern(api.SideConfig{Merchant: modernShop, Key: openChest().shop, Platform: api.FetchKeys(c)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client(t, modern).CreateBill(t.Context(), goodOrder(), ""); err != nil {
		t.Errorf("with keys that were fetched: %v", err)
	}
}

// The office opens merchants that sign, and changes keys.
func TestOfficeKeys(t *testing.T) {
	b := newBench(t)
	office, err := api.NewOfficeClient(api.ClientConfig{BaseURL: b.server.URL, Key: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	public, _ := openChest().shop.Verification().PEM()
	m := api.Merchant{ID: "10000009", Name: "Sky", Profile: platform.ProfileModern, Keys: []platform.PublicKey{{PEM: string(public)}}}
	opened, err := office.OpenMerchant(t.Context(), m)
	if err != nil || opened.PlatformKeys == nil || len(b.opened) != 1 || b.opened[0].Keys[0].ID != openChest().shop.ID() {
		t.Fatalf("%+v, %v", opened, err)
	}
	for name, wrong := range map[string]api.Merchant{
		"profile":     {ID: "10000009", Name: "Sky", Profile: "none"},
		"public_key":  {ID: "10000009", Name: "Sky", Profile: platform.ProfileModern},
		"keys[0].pem": {ID: "10000009", Name: "Sky", Profile: platform.ProfileModern, Keys: []platform.PublicKey{{PEM: "x"}}},
	} {
		_, err := office.OpenMerchant(t.Context(), wrong)
		if p, ok := errors.AsType[*api.Problem](err); !ok || p.Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	change := api.KeyChange{Act: platform.KeyRotate, Kind: platform.KeyPublic, PublicKey: string(public), By: "Wang", Note: "yearly"}
	keys, err := office.ChangeMerchantKeys(t.Context(), "10000009", change)
	if err != nil || keys.APIKey != "ak_fresh" {
		t.Errorf("%+v, %v", keys, err)
	}
	if err := office.ChangePlatformKeys(t.Context(), api.KeyChange{Act: platform.KeyRetire, Kind: platform.KeySigning, By: "Wang", Note: "yearly"}); err != nil {
		t.Error(err)
	}
	want := []platform.KeyChange{
		{Merchant: "10000009", Kind: "public", Act: "rotate", Public: b.opened[0].Keys[0], By: "Wang", Note: "yearly"},
		{Kind: "signing", Act: "retire", By: "Wang", Note: "yearly"},
	}
	if diff := cmp.Diff(want, b.keys.changes); diff != "" {
		t.Error(diff)
	}
	_, err = office.ChangeMerchantKeys(t.Context(), "10000009", api.KeyChange{Act: "rotate", Kind: platform.KeySigning, By: "W", Note: "n"})
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Field != "kind" {
		t.Errorf("the platform's key of a merchant: %v", err)
	}
}
