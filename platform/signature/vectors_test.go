package signature

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

// rfc9421 is what appendix B of the RFC shows.
type rfc9421 struct {
	Keys map[string]struct {
		Algorithm               Algorithm
		Public, Private, Secret string
	}
	Request, Response struct {
		Method, Scheme, Authority, Path, Query string
		Status                                 int
		Header                                 map[string]string
		Body                                   string
	}
	Cases []rfcCase
}

type rfcCase struct {
	Name, Label, Signature, Key, Base, Nonce, Tag string
	Components                                    []string
	Created                                       int64
	Response, Repeats                             bool
}

func readVectors(t testing.TB) rfc9421 {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc9421.json")
	if err != nil {
		t.Fatal(err)
	}
	var v rfc9421
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v rfc9421) message(response bool) (Message, []byte) {
	of := v.Request
	if response {
		of = v.Response
	}
	m := Message{
		Method: of.Method, Scheme: of.Scheme, Authority: of.Authority, Path: of.Path, Query: of.Query,
		Status: of.Status, Header: http.Header{},
	}
	for name, value := range of.Header {
		m.Header.Set(name, value)
	}
	return m, []byte(of.Body)
}

func (v rfc9421) key(t testing.TB, id string) VerificationKey {
	t.Helper()
	k := v.Keys[id]
	if k.Secret != "" {
		secret, err := base64.StdEncoding.DecodeString(k.Secret)
		if err != nil {
			t.Fatal(err)
		}
		shared, err := NewSharedKey(id, secret)
		if err != nil {
			t.Fatal(err)
		}
		return shared.Verification()
	}
	parsed, err := ParseVerificationKey([]byte(k.Public))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Algorithm() != k.Algorithm {
		t.Fatalf("%s is for %s, want %s", id, parsed.Algorithm(), k.Algorithm)
	}
	return parsed.WithID(id)
}

func (c rfcCase) input() Input {
	return Input{Label: c.Label, Components: c.Components, Created: time.Unix(c.Created, 0), Nonce: c.Nonce, Tag: c.Tag}
}

// RFC 9421 appendix B.2 and sections 2.5, 3.1: the base of each case is the one printed,
// and the printed signature verifies; not when a bit of it has changed.
func TestRFC9421Vectors(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			m, body := v.message(c.Response)
			list, err := c.input().list(SigningKey{id: c.Key})
			if err != nil {
				t.Fatal(err)
			}
			base, err := m.base(list)
			if err != nil || base != c.Base {
				t.Fatalf("%v\n%s\nwant\n%s", err, base, c.Base)
			}
			params, _ := httpsfv.Marshal(httpsfv.List{list})
			m.Header.Set(HeaderInput, c.Label+"="+params)
			m.Header.Set(HeaderSignature, c.Label+"=:"+c.Signature+":")
			policy := Policy{
				Tag: c.Tag, Now: time.Unix(c.Created, 0), Required: c.Components,
				Key: func(id string) (VerificationKey, error) { return v.key(t, id), nil },
			}
			got, err := Verify(m, policy)
			if err != nil || got.KeyID != c.Key || got.Nonce != c.Nonce {
				t.Errorf("%+v, %v", got, err)
			}
			if err := RequireContentDigest(m.Header.Values("Content-Digest"), body); err != nil {
				t.Error(err)
			}
			octets, _ := base64.StdEncoding.DecodeString(c.Signature)
			octets[len(octets)/2] ^= 1
			m.Header.Set(HeaderSignature, c.Label+"=:"+base64.StdEncoding.EncodeToString(octets)+":")
			if _, err := Verify(m, policy); !errors.Is(err, ErrSignature) {
				t.Errorf("a changed signature: %v", err)
			}
		})
	}
}

// Appendix B.2.5 and B.2.6: what signs the same each time signs as the RFC prints it.
func TestRFC9421Signing(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.Cases {
		if !c.Repeats {
			continue
		}
		key, err := NewSharedKey(c.Key, make([]byte, MinSecret))
		if k := v.Keys[c.Key]; k.Private != "" {
			key, err = ParseSigningKey([]byte(k.Private))
		} else {
			key.secret, _ = base64.StdEncoding.DecodeString(k.Secret)
		}
		if err != nil {
			t.Fatal(err)
		}
		m, _ := v.message(c.Response)
		if err := Sign(m, key.WithID(c.Key), c.input()); err != nil {
			t.Fatal(err)
		}
		if got, want := m.Header.Get(HeaderSignature), c.Label+"=:"+c.Signature+":"; got != want {
			t.Errorf("%s: %s, want %s", c.Name, got, want)
		}
	}
}
