package app

import (
	"net/url"
	"strings"
)

// mask stands for a secret that is not shown.
const mask = "***"

// masked is a flag's value without the secrets in it.
func masked(flag, text string) string {
	for secret := secretIn(flag, text); secret != "" && secret != mask; secret = secretIn(flag, text) {
		text = strings.Replace(text, ":"+secret, ":"+mask, 1)
	}
	return text
}

// secretIn is the part of a flag's value that is a secret: the password in a URL, or the
// one that an application binds with. Of several it is the first that is not masked.
func secretIn(flag, text string) string {
	if flag == "esme" {
		_, rest, _ := strings.Cut(text, ":")
		secret, _, _ := strings.Cut(rest, ":")
		return secret
	}
	for part := range strings.SplitSeq(text, ",") {
		if secret := passwordIn(part); secret != "" && secret != mask {
			return secret
		}
	}
	return ""
}

// passwordIn is the password of a URL, as it stands there.
func passwordIn(text string) string {
	_, rest, found := strings.Cut(text, "://")
	if _, err := url.Parse(text); err == nil { // else it may be anywhere before the last @
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
	}
	user, _, at := cutLast(rest, "@")
	if !found || !at {
		return ""
	}
	_, password, _ := strings.Cut(user, ":")
	return password
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
