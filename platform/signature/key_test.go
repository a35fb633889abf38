package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func pemOf(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Keys that openssl has made are read: genpkey, pkey -pubout, rsa -traditional and ecparam -genkey.
func TestKeysOfOpenSSL(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", "openssl", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	public, err := ParseVerificationKey(read("ed25519.pub.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]string)
	for name, want := range map[string]Algorithm{"ed25519.pem": Ed25519, "ec-sec1.pem": ECDSA, "rsa.pem": RSAPSS, "rsa-pkcs1.pem": RSAPSS} {
		k, err := ParseSigningKey(read(name))
		if err != nil || k.Algorithm() != want {
			t.Errorf("%s: %v, %v", name, k, err)
		}
		ids[name] = k.ID()
	}
	if ids["ed25519.pem"] != public.ID() || ids["rsa.pem"] != ids["rsa-pkcs1.pem"] {
		t.Errorf("ids %v, of the public key %s", ids, public.ID())
	}
}

// A key goes into PEM and a JWK Set and comes back the same, under the id of RFC 7638.
func TestKeysRoundTrip(t *testing.T) {
	var set KeySet
	for _, a := range []Algorithm{Ed25519, RSAPSS, ECDSA, RSAMD5} {
		k := mustKey(t, a)
		text, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseSigningKey(text)
		if err == nil {
			back, err = back.As(a)
		}
		if err != nil || back.ID() != k.ID() || back.Algorithm() != a {
			t.Errorf("%s: %v, %v", a, back.ID(), err)
		}
		if text, err = k.Verification().PEM(); err != nil {
			t.Fatal(err)
		}
		public, err := ParseVerificationKey(text)
		if err != nil || public.ID() != k.ID() {
			t.Errorf("%s: %v, %v", a, public, err)
		}
		set.Verification = append(set.Verification, k.Verification())
	}
	opening, err := GenerateOpeningKey()
	if err != nil {
		t.Fatal(err)
	}
	set.Sealing = append(set.Sealing, opening.Sealing())
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"d"`) {
		t.Error("the set holds a private key")
	}
	var back KeySet
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, want := range set.Verification {
		got, err := back.Find(want.ID(), want.Algorithm())
		if err != nil || got.Algorithm() != want.Algorithm() {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := back.Find(want.ID(), HMAC); !errors.Is(err, ErrKey) {
			t.Errorf("%s for HMAC: %v", want, err)
		}
	}
	if len(back.Sealing) != 1 || back.Sealing[0].ID() != opening.ID() {
		t.Errorf("%+v", back.Sealing)
	}
}

// RFC 8037 appendix A.2 and A.3: an Ed25519 key as a JWK, and its thumbprint.
func TestJWKThumbprint(t *testing.T) {
	k, err := ParseVerificationKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil || k.ID() != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("%s, %v", k.ID(), err)
	}
}

func TestKeysRefused(t *testing.T) {
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	private, _ := mustKey(t, Ed25519).PEM()
	for name, text := range map[string][]byte{
		"nothing":         nil,
		"no key":          []byte("hello"),
		"no key in PEM":   pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("hello")}),
		"a private key":   private,
		"another curve":   pemOf(t, &p384.PublicKey),
		"a private JWK":   []byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`),
		"a symmetric JWK": []byte(`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`),
	} {
		if k, err := ParseVerificationKey(text); err == nil {
			t.Errorf("%s is taken for %s", name, k)
		}
		if _, err := ParseSigningKey(text); err == nil && name != "a private key" {
			t.Errorf("%s is taken for a private key", name)
		}
	}
	if _, err := NewSharedKey("id", make([]byte, MinSecret-1)); err == nil {
		t.Error("a short secret is taken")
	}
	if _, err := mustKey(t, Ed25519).As(RSAMD5); !errors.Is(err, ErrAlgorithm) {
		t.Error(err)
	}
}

// An RSA key under 2048 bits is refused, and one of 1024 has to be asked for by name.
func TestShortRSA(t *testing.T) {
	if fips140.Enforced() {
		t.Skip("FIPS 140 mode makes no short keys")
	}
	short, err := rsa.GenerateKey(rand.Reader, MinRSAShort)
	if err != nil {
		t.Fatal(err)
	}
	text := pemOf(t, &short.PublicKey)
	if _, err := ParseVerificationKey(text); err == nil {
		t.Error("1024 bits are taken")
	}
	if k, err := ParseShortRSA(text); err != nil || k.Algorithm() != RSAMD5 {
		t.Errorf("%s, %v", k, err)
	}
	for _, wrong := range [][]byte{nil, pemOf(t, mustKey(t, ECDSA).Verification().public)} {
		if _, err := ParseShortRSA(wrong); err == nil {
			t.Error("it is no RSA key")
		}
	}
}

// Whatever prints a secret prints a mask.
func TestSecretsPrintMasked(t *testing.T) {
	k := mustKey(t, Ed25519)
	opening, _ := GenerateOpeningKey()
	octets := []byte("0123456789abcdefFEDCBA9876543210")
	field, err := NewFieldKey(octets)
	if err != nil {
		t.Fatal(err)
	}
	shared, _ := NewSharedKey("id", octets)
	for _, secret := range []any{k, opening, field, shared, shared.Verification(), &k, &field} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			text := fmt.Sprintf(verb, secret)
			if strings.Contains(text, "0123456789") || strings.Contains(text, "30313233") || len(text) > 80 {
				t.Errorf("%T with %s: %s", secret, verb, text)
			}
		}
		if text, err := json.Marshal(secret); err == nil && strings.Contains(string(text), "MDEyMzQ1") {
			t.Errorf("%T in JSON: %s", secret, text)
		}
	}
}
