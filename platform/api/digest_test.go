package api_test

import (
	"errors"
	"testing"

	"github.com/airtill/airtill/platform/api"
)

// The content that RFC 9530 shows its digests of.
func TestContentDigest(t *testing.T) {
	const (
		sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
		sha512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
	)
	body := []byte(`{"hello": "world"}`)
	if got := api.ContentDigest(body); got != sha256 {
		t.Errorf("digest %s, want %s", got, sha256)
	}
	tests := []struct {
		values []string
		good   bool
	}{
		{nil, true}, {[]string{""}, true}, {[]string{" "}, true},
		{[]string{sha256}, true}, {[]string{sha512}, true}, {[]string{sha256 + " ,\t" + sha512}, true}, {[]string{sha512, sha256}, true},
		{[]string{sha256 + ";note=1"}, true}, {[]string{"md5=:AAAA:"}, true}, {[]string{"unixsum=30637, " + sha256}, true}, {[]string{"later"}, true},
		{[]string{sha256[:len(sha256)-1]}, false}, {[]string{"sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="}, false},
		{[]string{"sha-256=:Y48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"}, false}, {[]string{"sha-512" + sha256[7:]}, false},
		{[]string{sha256 + ",sha-512=:AAAA:"}, false}, {[]string{"sha-256"}, false}, {[]string{"sha-256="}, false}, {[]string{"sha-256=:"}, false},
		{[]string{"sha-256=:%:"}, false}, {[]string{"sha-256=::"}, false}, {[]string{sha256 + ","}, false}, {[]string{"SHA-256=:AAAA:"}, false}, {[]string{"{}"}, false},
	}
	for _, tt := range tests {
		err := api.VerifyContentDigest(tt.values, body)
		if (err == nil) != tt.good || err != nil && !errors.Is(err, api.ErrDigest) {
			t.Errorf("%q: %v", tt.values, err)
		}
	}
}
