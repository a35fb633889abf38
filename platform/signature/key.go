package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is how messages are signed: a name of the registry of RFC 9421 section
// 6.2, or RSAMD5, which is not in it.
type Algorithm string

// The algorithms.
const (
	Ed25519 Algorithm = "ed25519"
	RSAPSS  Algorithm = "rsa-pss-sha512"
	ECDSA   Algorithm = "ecdsa-p256-sha256"
	HMAC    Algorithm = "hmac-sha256"
	RSAMD5  Algorithm = "rsa-v1_5-md5" // the legacy profile's
)

// Bounds of keys.
const (
	MinRSA      = 2048 // bits
	MinRSAShort = 1024 // bits, for a legacy peer that has no better: see [ParseShortRSA]
	MinSecret   = 32   // octets of an HMAC key
)

// SigningKey signs. It prints as a mask.
type SigningKey struct {
	id        string
	algorithm Algorithm
	signer    crypto.Signer
	secret    []byte
}

// VerificationKey verifies what a SigningKey has signed. That of HMAC is a secret
// too, so that it prints as its id alone.
type VerificationKey struct {
	id        string
	algorithm Algorithm
	public    crypto.PublicKey
	secret    []byte
}

// GenerateKey makes a key; its id is the thumbprint of its public half (RFC 7638).
func GenerateKey(a Algorithm) (SigningKey, error) {
	var signer crypto.Signer
	var err error
	switch a {
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case RSAPSS, RSAMD5:
		signer, err = rsa.GenerateKey(rand.Reader, MinRSA)
	case ECDSA:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case HMAC:
		return NewSharedKey(rand.Text(), []byte(rand.Text()+rand.Text()))
	default:
		err = ErrAlgorithm
	}
	if err != nil {
		return SigningKey{}, fmt.Errorf("make a %s key: %w", a, err)
	}
	return newSigningKey(signer, a)
}

// NewSharedKey is an HMAC key of at least 32 octets, known to both sides by its id.
func NewSharedKey(id string, secret []byte) (SigningKey, error) {
	if len(secret) < MinSecret || id == "" {
		return SigningKey{}, fmt.Errorf("an HMAC key has an id and at least %d octets", MinSecret)
	}
	return SigningKey{id: id, algorithm: HMAC, secret: secret}, nil
}

// newSigningKey takes a private key; with no algorithm it gets the one of its kind.
func newSigningKey(signer crypto.Signer, a Algorithm) (SigningKey, error) {
	v, err := newVerificationKey(signer.Public())
	if err == nil && a != "" {
		v, err = v.As(a)
	}
	return SigningKey{id: v.id, algorithm: v.algorithm, signer: signer}, err
}

func newVerificationKey(public crypto.PublicKey) (VerificationKey, error) {
	v := VerificationKey{public: public}
	switch k := public.(type) {
	case ed25519.PublicKey:
		v.algorithm = Ed25519
	case *rsa.PublicKey:
		if k.N.BitLen() < MinRSA {
			return v, fmt.Errorf("an RSA key has at least %d bits; this one has %d", MinRSA, k.N.BitLen())
		}
		v.algorithm = RSAPSS
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return v, errors.New("an ECDSA key is on the curve P-256")
		}
		v.algorithm = ECDSA
	default:
		return v, errors.New("a key is Ed25519, RSA or ECDSA on P-256")
	}
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	v.id = base64.RawURLEncoding.EncodeToString(sum)
	return v, err
}

// ParseSigningKey reads a private key from PEM: PKCS #8, PKCS #1 for RSA, or SEC 1 for
// ECDSA, as openssl writes them. An error does not hold the key.
func ParseSigningKey(text []byte) (SigningKey, error) {
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam puts them before the key
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return SigningKey{}, errors.New("a private key is PEM: BEGIN PRIVATE KEY")
	}
	private, err := parsePrivate(block)
	signer, ok := private.(crypto.Signer)
	if err != nil || !ok {
		return SigningKey{}, errors.New("a private key is PKCS #8 of Ed25519, RSA or ECDSA on P-256, without a passphrase")
	}
	return newSigningKey(signer, "")
}

func parsePrivate(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// ParseVerificationKey reads a public key from PEM (PKIX) or a JWK (RFC 7517).
func ParseVerificationKey(text []byte) (VerificationKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		if block.Type != "PUBLIC KEY" {
			return VerificationKey{}, errors.New("a public key in PEM begins with BEGIN PUBLIC KEY")
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return VerificationKey{}, errors.New("the PEM holds no public key that is known here")
		}
		return newVerificationKey(public)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil || !jwk.IsPublic() {
		return VerificationKey{}, errors.New("a public key is PEM (BEGIN PUBLIC KEY) or a JWK without its private parts")
	}
	return newVerificationKey(jwk.Key)
}

// As is the same key for another algorithm: RSA keys sign by RSA-PSS unless they
// are taken as RSAMD5.
func (v VerificationKey) As(a Algorithm) (VerificationKey, error) {
	_, isRSA := v.public.(*rsa.PublicKey)
	if a != v.algorithm && !(isRSA && (a == RSAPSS || a == RSAMD5)) {
		return VerificationKey{}, fmt.Errorf("%w: a key for %s cannot be one for %s", ErrAlgorithm, v.algorithm, a)
	}
	v.algorithm = a
	return v, nil
}

// As is the same key for another algorithm, as [VerificationKey.As].
func (k SigningKey) As(a Algorithm) (SigningKey, error) {
	v, err := k.Verification().As(a)
	k.algorithm = v.algorithm
	return k, err
}

// ParseShortRSA reads an RSA public key of 1024 bits or more in PEM, for a legacy
// peer that cannot do better. Nothing in Airtill uses it: whoever does has chosen to.
func ParseShortRSA(text []byte) (VerificationKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return VerificationKey{}, errors.New("a public key in PEM begins with BEGIN PUBLIC KEY")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	k, ok := public.(*rsa.PublicKey)
	if err != nil || !ok || k.N.BitLen() < MinRSAShort {
		return VerificationKey{}, fmt.Errorf("not an RSA key of at least %d bits", MinRSAShort)
	}
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	return VerificationKey{id: base64.RawURLEncoding.EncodeToString(sum), algorithm: RSAMD5, public: k}, err
}

// WithID is the same key under another id.
func (k SigningKey) WithID(id string) SigningKey { k.id = id; return k }

// WithID is the same key under another id.
func (v VerificationKey) WithID(id string) VerificationKey { v.id = id; return v }

// ID is what the key is known by.
func (k SigningKey) ID() string { return k.id }

// ID is what the key is known by.
func (v VerificationKey) ID() string { return v.id }

// Algorithm is the one way the key signs.
func (k SigningKey) Algorithm() Algorithm { return k.algorithm }

// Algorithm is the one way the key's signatures are verified.
func (v VerificationKey) Algorithm() Algorithm { return v.algorithm }

// Verification is the key's other half.
func (k SigningKey) Verification() VerificationKey {
	v := VerificationKey{id: k.id, algorithm: k.algorithm, secret: k.secret}
	if k.signer != nil {
		v.public = k.signer.Public()
	}
	return v
}

// PEM is the private key in PKCS #8, for a file that is meant to hold it.
func (k SigningKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, errors.New("the key has no PEM form")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// PEM is the public key in PKIX form.
func (v VerificationKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(v.public)
	if err != nil {
		return nil, errors.New("the key has no PEM form")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func (k SigningKey) String() string               { return string(k.algorithm) + " key " + mask }
func (k SigningKey) GoString() string             { return k.String() }
func (k SigningKey) Format(f fmt.State, _ rune)   { masked(f, k.String()) }
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (v VerificationKey) String() string             { return string(v.algorithm) + " key " + v.id }
func (v VerificationKey) GoString() string           { return v.String() }
func (v VerificationKey) Format(f fmt.State, _ rune) { masked(f, v.String()) }

func (k SigningKey) sign(text []byte) ([]byte, error) {
	switch k.algorithm {
	case Ed25519:
		return k.signer.Sign(rand.Reader, text, crypto.Hash(0))
	case RSAPSS:
		sum := sha512.Sum512(text)
		return k.signer.Sign(rand.Reader, sum[:], pss())
	case ECDSA:
		private, ok := k.signer.(*ecdsa.PrivateKey)
		if !ok {
			return nil, ErrAlgorithm
		}
		sum := sha256.Sum256(text)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	case HMAC:
		return sumHMAC(k.secret, text), nil
	}
	return nil, ErrAlgorithm
}

// verify judges a signature by the algorithms of RFC 9421 section 3.3.
func (v VerificationKey) verify(text, signature []byte) error {
	good := false
	switch v.algorithm {
	case Ed25519:
		k, ok := v.public.(ed25519.PublicKey)
		good = ok && ed25519.Verify(k, text, signature)
	case RSAPSS:
		k, ok := v.public.(*rsa.PublicKey)
		sum := sha512.Sum512(text)
		good = ok && rsa.VerifyPSS(k, crypto.SHA512, sum[:], signature, pss()) == nil
	case ECDSA:
		k, ok := v.public.(*ecdsa.PublicKey)
		sum := sha256.Sum256(text)
		good = ok && len(signature) == 64 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case HMAC:
		good = len(v.secret) >= MinSecret && hmac.Equal(signature, sumHMAC(v.secret, text))
	}
	if !good {
		return ErrSignature
	}
	return nil
}

func pss() *rsa.PSSOptions { return &rsa.PSSOptions{SaltLength: 64, Hash: crypto.SHA512} }

func sumHMAC(secret, text []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write(text) // a hash does not fail
	return mac.Sum(nil)
}
