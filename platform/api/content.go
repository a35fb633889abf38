package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/airtill/airtill/platform"
)

// readJSON reads a body that must be JSON. One of which nothing is said may be JSON too.
func readJSON(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, unsupported("Content-Encoding", "the body must not be encoded")
	}
	if value := r.Header.Get("Content-Type"); value != "" && r.ContentLength != 0 {
		media, params, err := mime.ParseMediaType(value)
		charset := params["charset"]
		if err != nil || media != contentJSON && media != contentForm || charset != "" && !strings.EqualFold(charset, "utf-8") {
			return nil, unsupported("Content-Type", "the body must be application/json in UTF-8")
		}
	}
	return readBody(w, r, most)
}

func unsupported(field, detail string) error {
	return &platform.Error{Code: CodeUnsupportedType, Field: field, Detail: detail}
}

// readBody reads a whole body within its cap and checks its digest.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &platform.Error{Code: CodeTooLarge, Detail: fmt.Sprintf("the body is over %d octets", most)}
	}
	if err != nil {
		return nil, &platform.Error{Code: CodeBadRequest, Detail: "the body did not arrive whole"}
	}
	if err := VerifyContentDigest(r.Header.Values(headerDigest), body); err != nil {
		return nil, &platform.Error{Code: CodeDigestMismatch, Field: headerDigest, Detail: err.Error()}
	}
	return body, nil
}
