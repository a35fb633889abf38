package api

import (
	"strings"

	"github.com/airtill/airtill/platform"
)

// readIdempotencyKey reads the Idempotency-Key field: a quoted string
// (draft-ietf-httpapi-idempotency-key-header-07 section 2.1, RFC 8941 section 3.3.3)
// or the same bare. Without the field the key is empty.
func readIdempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	if strings.HasPrefix(key, `"`) {
		key = unquote(key)
	}
	if len(values) > 1 || key == "" || len(key) > MaxKey || strings.ContainsFunc(key, notPrintable) {
		return "", &platform.Error{
			Code: CodeBadRequest, Field: headerIdempotency,
			Detail: `must be one string of 1 to 255 printable ASCII characters, such as "order-1001"`,
		}
	}
	return key, nil
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// unquote takes the quotes off a structured-field string; "" says that it is none.
func unquote(s string) string {
	var key strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"' && i == len(s)-1:
			return key.String()
		case s[i] == '"':
			return ""
		case s[i] == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return ""
			}
		}
		key.WriteByte(s[i])
	}
	return ""
}

// quote writes a key as a structured-field string.
func quote(key string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
}
