package signature

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrDigest is content that is not what its Content-Digest says, or a field that cannot be read.
var ErrDigest = errors.New("content digest")

// ContentDigest is the Content-Digest of a body, with SHA-256 (RFC 9530 section 2).
func ContentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// RequireContentDigest is [VerifyContentDigest], and refuses content without a digest
// that it knows: what a signature covers must say what the content is.
func RequireContentDigest(values []string, body []byte) error {
	field := "," + strings.ReplaceAll(strings.Join(values, ","), " ", "")
	if !strings.Contains(field, ",sha-256=") && !strings.Contains(field, ",sha-512=") {
		return fmt.Errorf("%w: neither sha-256 nor sha-512 is there", ErrDigest)
	}
	return VerifyContentDigest(values, body)
}

// VerifyContentDigest checks body against every digest in the field values given
// whose algorithm it knows, sha-256 and sha-512. Other algorithms are passed over, as
// RFC 9530 section 2 allows; without a field there is nothing to check. Failures wrap [ErrDigest].
func VerifyContentDigest(values []string, body []byte) error {
	field := strings.Join(values, ",")
	if strings.Trim(field, " \t") == "" {
		return nil
	}
	for member := range strings.SplitSeq(field, ",") {
		if err := verifyMember(strings.Trim(member, " \t"), body); err != nil {
			return fmt.Errorf("%w: %w", ErrDigest, err)
		}
	}
	return nil
}

// verifyMember checks one member of the dictionary (RFC 8941 section 3.2), "sha-256=:base64:".
func verifyMember(member string, body []byte) error {
	algorithm, value, _ := strings.Cut(member, "=")
	if algorithm == "" || strings.Trim(algorithm, "abcdefghijklmnopqrstuvwxyz0123456789_-.*") != "" {
		return errors.New("a member is not of the form sha-256=:base64: as it should be")
	}
	var want []byte
	switch algorithm {
	case "sha-256":
		sum := sha256.Sum256(body)
		want = sum[:]
	case "sha-512":
		sum := sha512.Sum512(body)
		want = sum[:]
	default:
		return nil
	}
	value, _, _ = strings.Cut(value, ";")
	if len(value) < 2 || value[0] != ':' || value[len(value)-1] != ':' {
		return fmt.Errorf("%s: no byte sequence between colons", algorithm)
	}
	got, err := base64.StdEncoding.DecodeString(value[1 : len(value)-1])
	if err != nil {
		return fmt.Errorf("%s: not base64", algorithm)
	}
	if len(got) != len(want) || subtle.ConstantTimeCompare(got, want) != 1 {
		return fmt.Errorf("%s does not match the content", algorithm)
	}
	return nil
}
