package signature

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// KeySet is what one side publishes of its keys: a JWK Set (RFC 7517 section 5). The
// newest of each kind is first.
type KeySet struct {
	Verification []VerificationKey
	Sealing      []SealingKey
}

// jwkAlgorithms are the names that JWKs have for the algorithms (RFC 7518 section
// 3.1); that of the legacy profile has none.
func jwkAlgorithms() map[Algorithm]string {
	return map[Algorithm]string{Ed25519: "EdDSA", RSAPSS: "PS512", ECDSA: "ES256", RSAMD5: "RSA-MD5"}
}

// MarshalJSON writes the set as a JWK Set.
func (s KeySet) MarshalJSON() ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, v := range s.Verification {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: v.public, KeyID: v.id, Use: "sig", Algorithm: jwkAlgorithms()[v.algorithm]})
	}
	for _, k := range s.Sealing {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.id, Use: "enc"})
	}
	return json.Marshal(set)
}

// UnmarshalJSON reads a JWK Set. Keys of kinds that are not known here are passed over.
func (s *KeySet) UnmarshalJSON(text []byte) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return fmt.Errorf("read a JWK set: %w", err)
	}
	*s = KeySet{}
	for _, k := range set.Keys {
		v, err := newVerificationKey(k.Key)
		if err != nil || !k.IsPublic() || k.KeyID == "" {
			continue
		}
		if k.Use == "enc" {
			s.Sealing = append(s.Sealing, SealingKey{id: k.KeyID, public: k.Key})
			continue
		}
		for algorithm, name := range jwkAlgorithms() {
			if w, err := v.As(algorithm); name == k.Algorithm && err == nil {
				s.Verification = append(s.Verification, w.WithID(k.KeyID))
			}
		}
	}
	return nil
}

// Find answers the key of an id that signs by the algorithms given, or [ErrKey].
func (s KeySet) Find(id string, algorithms ...Algorithm) (VerificationKey, error) {
	for _, v := range s.Verification {
		for _, a := range algorithms {
			if v.id == id && v.algorithm == a {
				return v, nil
			}
		}
	}
	return VerificationKey{}, ErrKey
}
