package signature

import (
	"crypto/ecdsa"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

func openingKeys(t testing.TB) (ec, rsaKey OpeningKey) {
	t.Helper()
	ec, err := GenerateOpeningKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if rsaKey, err = NewOpeningKey(private); err != nil {
		t.Fatal(err)
	}
	return ec, rsaKey
}

// What is sealed to a key is opened by it, and not when an octet of it has changed.
func TestSealAndOpen(t *testing.T) {
	ec, rsaKey := openingKeys(t)
	for _, k := range []OpeningKey{ec, rsaKey} {
		der, err := k.PKCS8()
		if err != nil {
			t.Fatal(err)
		}
		kept, err := ParseOpeningKey(der)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := Seal([]byte("8613800000001"), k.Sealing())
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := Open(sealed, ec, kept); err != nil || string(plain) != "8613800000001" {
			t.Errorf("%q, %v", plain, err)
		}
		for i := range len(sealed) {
			octets := []byte(sealed)
			octets[i] ^= 1
			if same(string(octets), sealed) {
				continue
			}
			if _, err := Open(string(octets), ec, rsaKey); !errors.Is(err, ErrSealed) {
				t.Fatalf("octet %d: %v", i, err)
			}
		}
	}
	sealed, _ := Seal([]byte("x"), ec.Sealing())
	if _, err := Open(sealed, rsaKey); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Open(sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("no key: %v", err)
	}
}

// same says whether two texts are the same octets: base64url has spare bits.
func same(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		p, err := base64.RawURLEncoding.DecodeString(x[i])
		q, err2 := base64.RawURLEncoding.DecodeString(y[i])
		if err != nil || err2 != nil || string(p) != string(q) {
			return false
		}
	}
	return true
}

// Only the algorithms that are agreed are opened, and the header holds nothing else.
func TestOpenRefuses(t *testing.T) {
	ec, rsaKey := openingKeys(t)
	make := func(alg jose.KeyAlgorithm, enc jose.ContentEncryption, k OpeningKey, o *jose.EncrypterOptions) string {
		e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: k.Sealing().public, KeyID: k.ID()}, o)
		if err != nil {
			t.Skip(err) // in FIPS 140 mode
		}
		sealed, err := e.Encrypt([]byte("x"))
		if err != nil {
			t.Skip(err)
		}
		text, _ := sealed.CompactSerialize()
		return text
	}
	for name, text := range map[string]string{
		"A128GCM":        make(jose.ECDH_ES, jose.A128GCM, ec, nil),
		"A128CBC":        make(jose.ECDH_ES, jose.A128CBC_HS256, ec, nil),
		"ECDH-ES+A256KW": make(jose.ECDH_ES_A256KW, jose.A256CBC_HS512, ec, nil),
		"RSA-OAEP":       make(jose.RSA_OAEP, jose.A256CBC_HS512, rsaKey, nil),
		"RSA1_5":         make(jose.RSA1_5, jose.A256CBC_HS512, rsaKey, nil),
		"compressed":     make(jose.ECDH_ES, jose.A256CBC_HS512, ec, &jose.EncrypterOptions{Compression: jose.DEFLATE}),
		"crit":           make(jose.ECDH_ES, jose.A256CBC_HS512, ec, (&jose.EncrypterOptions{}).WithHeader("crit", []string{"x"})),
		"nothing":        "",
		"no parts":       "e30",
		"empty":          "e30....",
		"too long":       strings.Repeat("A", maxSealed+1),
	} {
		if _, err := Open(text, ec, rsaKey); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the library makes with either encryption, and with cty in the header, is opened.
func TestOpensBothEncryptions(t *testing.T) {
	ec, rsaKey := openingKeys(t)
	for _, enc := range []jose.ContentEncryption{jose.A256GCM, jose.A256CBC_HS512} {
		if fips140.Enforced() && enc == jose.A256GCM {
			continue
		}
		for _, k := range []OpeningKey{ec, rsaKey} {
			alg := jose.ECDH_ES
			if k.takes(jose.RSA_OAEP_256) {
				alg = jose.RSA_OAEP_256
			}
			e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: k.Sealing().public, KeyID: k.ID()}, (&jose.EncrypterOptions{}).WithContentType("json"))
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := e.Encrypt([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := sealed.CompactSerialize()
			if plain, err := Open(text, ec, rsaKey); err != nil || string(plain) != "x" {
				t.Errorf("%s %s: %v", alg, enc, err)
			}
		}
	}
}

// RFC 7518 appendix C: the key that ECDH-ES agrees on, with the RFC's keys and result.
func TestRFC7518KeyAgreement(t *testing.T) {
	parse := func(x, y, d string) *ecdsa.PrivateKey {
		var k jose.JSONWebKey
		text, _ := json.Marshal(map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": d})
		if err := k.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		return k.Key.(*ecdsa.PrivateKey)
	}
	alice := parse("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps", "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo")
	bob := parse("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ", "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck", "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")
	apu, apv := []byte("Alice"), []byte("Bob")
	agreed := josecipher.DeriveECDHES("A128GCM", apu, apv, alice, &bob.PublicKey, 16)
	if got := base64.RawURLEncoding.EncodeToString(agreed); got != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("agreed on %s", got)
	}
	k, err := NewOpeningKey(bob)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Seal([]byte("x"), k.Sealing())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(sealed, k); err != nil {
		t.Error(err)
	}
}
