package signature

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// FieldSign is the field that holds a legacy signature.
const FieldSign = "sign"

// Fields are a legacy message: names and values, each name once. The same fields
// may be written as a form or as a JSON object of strings, with the same signature.
type Fields map[string]string

// ParseForm reads application/x-www-form-urlencoded, or the query of a URL.
func ParseForm(body string) (Fields, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the form", ErrMalformed)
	}
	f := make(Fields, len(values))
	for name, given := range values {
		if len(given) != 1 {
			return nil, fmt.Errorf("%w: a field is there twice", ErrMalformed)
		}
		f[name] = given[0]
	}
	return f, nil
}

// ParseObject reads a JSON object. A string is its value; of everything else the
// value is its text, as it is written without blanks; null is a field left out.
func ParseObject(body []byte) (Fields, error) {
	raw, err := members(body)
	if err != nil {
		return nil, err
	}
	f := make(Fields, len(raw))
	for name, value := range raw {
		if string(value) == "null" {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(compact(value))
		}
		f[name] = text
	}
	return f, nil
}

// Base is what is signed: all fields but the signature, sorted by name, each written
// as in a form (blank as +, RFC 3986 unreserved as they are, all else as %XX), joined by &.
func (f Fields) Base() string {
	values := make(url.Values, len(f))
	for name, value := range f {
		if name != FieldSign {
			values.Set(name, value)
		}
	}
	return values.Encode()
}

// Form is the message as a form, the signature included.
func (f Fields) Form() string {
	text := f.Base()
	if sign, ok := f[FieldSign]; ok {
		if text != "" {
			text += "&"
		}
		text += FieldSign + "=" + url.QueryEscape(sign)
	}
	return text
}

// Sign adds the signature: RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) with the MD5
// digest and its object identifier, in base64.
func (f Fields) Sign(key SigningKey) error {
	private, ok := key.signer.(*rsa.PrivateKey)
	if !ok || key.algorithm != RSAMD5 {
		return fmt.Errorf("sign a legacy message: %w", ErrAlgorithm)
	}
	digest := md5.Sum([]byte(f.Base()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.MD5, digest[:])
	if err != nil {
		return fmt.Errorf("sign a legacy message: %w", err)
	}
	f[FieldSign] = base64.StdEncoding.EncodeToString(signature)
	return nil
}

// Verify judges the signature.
func (f Fields) Verify(key VerificationKey) error {
	public, ok := key.public.(*rsa.PublicKey)
	if !ok || key.algorithm != RSAMD5 {
		return ErrAlgorithm
	}
	sign, ok := f[FieldSign]
	if !ok {
		return ErrUnsigned
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(sign)
	if err != nil || strings.ContainsAny(sign, "\r\n") {
		return ErrMalformed
	}
	digest := md5.Sum([]byte(f.Base()))
	if rsa.VerifyPKCS1v15(public, crypto.MD5, digest[:], signature) != nil {
		return ErrSignature
	}
	return nil
}
