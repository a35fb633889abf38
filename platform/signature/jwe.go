package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrSealed is what cannot be opened. It does not say why, so that nobody learns from trying.
var ErrSealed = errors.New("what is sealed cannot be opened: it is to be a compact JWE for a key of the receiver, by ECDH-ES or RSA-OAEP-256 with A256GCM or A256CBC-HS512")

// SealingKey is a public key that one seals to.
type SealingKey struct {
	id     string
	public crypto.PublicKey
}

// OpeningKey opens what was sealed to its other half. It prints as a mask.
type OpeningKey struct {
	id      string
	private crypto.PrivateKey
}

// GenerateOpeningKey makes a key on P-256, for ECDH-ES.
func GenerateOpeningKey() (OpeningKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return OpeningKey{}, fmt.Errorf("make a key to open with: %w", err)
	}
	return NewOpeningKey(private)
}

// NewOpeningKey takes an RSA key of at least 2048 bits, or an EC key on P-256.
func NewOpeningKey(private crypto.Signer) (OpeningKey, error) {
	switch private.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
	default:
		return OpeningKey{}, errors.New("a key to open with is RSA or EC on P-256")
	}
	v, err := newVerificationKey(private.Public())
	return OpeningKey{id: v.id, private: private}, err
}

// ParseOpeningKey reads PKCS #8, as [OpeningKey.PKCS8] writes it.
func ParseOpeningKey(der []byte) (OpeningKey, error) {
	private, err := x509.ParsePKCS8PrivateKey(der)
	signer, ok := private.(crypto.Signer)
	if err != nil || !ok {
		return OpeningKey{}, errors.New("not a private key in PKCS #8")
	}
	return NewOpeningKey(signer)
}

// PKCS8 is the private key itself, for a store that seals it.
func (k OpeningKey) PKCS8() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(k.private) }

// ID is what the key is known by, kid in the header.
func (k OpeningKey) ID() string { return k.id }

// ID is what the key is known by, kid in the header.
func (k SealingKey) ID() string { return k.id }

// Sealing is the key's public half.
func (k OpeningKey) Sealing() SealingKey {
	signer, _ := k.private.(crypto.Signer)
	return SealingKey{id: k.id, public: signer.Public()}
}

func (OpeningKey) String() string               { return "opening key " + mask }
func (k OpeningKey) GoString() string           { return k.String() }
func (k OpeningKey) Format(f fmt.State, _ rune) { masked(f, k.String()) }
func (k OpeningKey) MarshalText() ([]byte, error) {
	return []byte(k.String()), nil
}

// maxSealed bounds what is read; the longest order is shorter.
const maxSealed = 32 << 10

// Seal makes a compact JWE (RFC 7516 section 3.1) that only the key's owner can open:
// ECDH-ES or RSA-OAEP-256 by the key's kind, and A256GCM. In FIPS 140 mode it is
// A256CBC-HS512, because the library draws the nonces of GCM by itself.
func Seal(plain []byte, to SealingKey) (string, error) {
	enc := jose.A256GCM
	if fips140.Enforced() {
		enc = jose.A256CBC_HS512
	}
	alg := jose.ECDH_ES
	if _, ok := to.public.(*rsa.PublicKey); ok {
		alg = jose.RSA_OAEP_256
	}
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: to.public, KeyID: to.id}, nil)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	sealed, err := encrypter.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return sealed.CompactSerialize()
}

// Open opens a compact JWE with the key that its header names. The header is judged
// before any key is used: only the algorithms of [Seal], and that of the key.
func Open(sealed string, keys ...OpeningKey) ([]byte, error) {
	h, err := readHeader(sealed)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.id == h.KeyID && k.takes(h.Algorithm) {
			return k.open(sealed, h)
		}
	}
	return nil, ErrSealed
}

func (k OpeningKey) takes(alg jose.KeyAlgorithm) bool {
	switch k.private.(type) {
	case *rsa.PrivateKey:
		return alg == jose.RSA_OAEP_256
	case *ecdsa.PrivateKey:
		return alg == jose.ECDH_ES
	}
	return false
}

func (k OpeningKey) open(sealed string, h header) ([]byte, error) {
	parsed, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{h.Algorithm}, []jose.ContentEncryption{h.Encryption})
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := parsed.Decrypt(k.private)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// header is the protected header as far as it is allowed here: no compression, no
// critical extensions, nothing that would be taken from elsewhere.
type header struct {
	Algorithm  jose.KeyAlgorithm      `json:"alg"`
	Encryption jose.ContentEncryption `json:"enc"`
	KeyID      string                 `json:"kid"`
	Ephemeral  json.RawMessage        `json:"epk"`
	Type       string                 `json:"typ"`
	Content    string                 `json:"cty"`
}

func readHeader(sealed string) (header, error) {
	var h header
	first, _, _ := strings.Cut(sealed, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || len(sealed) > maxSealed {
		return h, ErrSealed
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil || dec.More() {
		return h, ErrSealed
	}
	if h.Encryption != jose.A256GCM && h.Encryption != jose.A256CBC_HS512 {
		return h, ErrSealed
	}
	return h, nil
}
