// Package signature signs and verifies what merchants and the platform send each
// other, and hides the parts that only the other one is to read. A merchant may
// import it alone: it knows nothing else of this module.
//
//	modern  [Sign], [Verify]              HTTP Message Signatures, RFC 9421
//	        [ContentDigest]               RFC 9530
//	        [Seal], [Open]                JWE in compact form, RFC 7516
//	        [SignCallback]                Standard Webhooks 1.0.0
//	legacy  [Fields.Sign], [Fields.Verify]  sorted form fields, MD5, RSA PKCS #1 v1.5
//	        [SealField], [OpenField]      3DES-CBC, MAC by ISO/IEC 9797-1 algorithm 3
//	both    [Nonces]                      what was had before
//
// # HTTP Message Signatures
//
// Algorithms of RFC 9421 section 3.3: ed25519, rsa-pss-sha512, ecdsa-p256-sha256 and
// hmac-sha256. Components: fields, @method, @target-uri, @authority, @scheme,
// @request-target, @path, @query, @query-param;name, @status, and ;req in a response. The
// verifier says which components must be covered, which key an id stands for and
// for how long a signature is good; the algorithm is the key's, never the message's choice.
//
// Left out: the parameters sf, bs, key and tr, ecdsa-p384-sha384, rsa-v1_5-sha256, and
// Accept-Signature. Signatures that ask for them do not verify.
//
// # Legacy
//
// MD5 and 3DES are broken or nearly so. The legacy profile is here to speak to what
// speaks nothing else; a program has to choose it, and does not work in FIPS 140 mode.
package signature

import (
	"errors"
	"fmt"
	"io"
)

// Why a message is not believed. None of them tells more than whoever sent it knows.
var (
	ErrUnsigned  = errors.New("the message is not signed as agreed")
	ErrMalformed = errors.New("the signature cannot be read")
	ErrCoverage  = errors.New("the signature does not cover what it must")
	ErrKey       = errors.New("no such key")
	ErrAlgorithm = errors.New("not the algorithm that is registered for the key")
	ErrSignature = errors.New("the signature is not good")
	ErrTimestamp = errors.New("signed too long ago, or in the future")
	ErrReplay    = errors.New("the message was had before")
)

// mask is what every secret of this package prints.
const mask = "***"

// masked prints a mask whatever the verb.
func masked(f fmt.State, text string) { _, _ = io.WriteString(f, text) }
