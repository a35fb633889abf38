package api

import "github.com/airtill/airtill/platform/signature"

// ErrDigest is content that is not what its Content-Digest says, or a field that cannot be read.
var ErrDigest = signature.ErrDigest

// ContentDigest is the Content-Digest of a body, with SHA-256 (RFC 9530 section 2).
func ContentDigest(body []byte) string { return signature.ContentDigest(body) }

// VerifyContentDigest checks a body against its digests; see [signature.VerifyContentDigest].
func VerifyContentDigest(values []string, body []byte) error {
	return signature.VerifyContentDigest(values, body)
}
