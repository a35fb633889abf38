package api

import (
	"context"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// Keyring is what signed requests are judged with and answers are signed with, and
// where operators change keys. Refusals are [*platform.Error].
type Keyring interface {
	// Partner finds a merchant by its number; CodeUnauthorised when there is none.
	Partner(ctx context.Context, id platform.MerchantID) (Partner, error)
	// Identity answers the platform's own keys; they are made when first asked for.
	Identity(ctx context.Context) (Identity, error)
	// ChangeKeys is an operator's act. It answers secrets that were made, this once.
	ChangeKeys(ctx context.Context, change platform.KeyChange) (platform.MerchantKeys, error)
}

// Partner is a merchant with what its messages are judged with. Of each kind there
// are at most two: two while they change.
type Partner struct {
	Merchant  platform.Merchant
	Keys      []signature.VerificationKey
	Secrets   []WebhookSecret
	FieldKeys []signature.FieldKey // of profile legacy
}

// key finds the partner's key of an id.
func (p Partner) key(id string) (signature.VerificationKey, error) {
	for _, k := range p.Keys {
		if k.ID() == id {
			return k, nil
		}
	}
	return signature.VerificationKey{}, signature.ErrKey
}

// Identity is the platform's own keys, of each kind the newest first. Of two that sign
// the older one does: the newer is published for merchants to learn, and comes into
// use when the older is retired.
type Identity struct {
	Signing []signature.SigningKey // Ed25519
	Opening []signature.OpeningKey // what merchants have sealed
	Legacy  []signature.SigningKey // RSA with MD5; empty unless the legacy profile is on
}

// Signer is the key that answers and callbacks of profile modern are signed with.
func (i Identity) Signer() (signature.SigningKey, error) { return oldest(i.Signing) }

// LegacySigner is the key that those of profile legacy are signed with.
func (i Identity) LegacySigner() (signature.SigningKey, error) { return oldest(i.Legacy) }

func oldest(keys []signature.SigningKey) (signature.SigningKey, error) {
	if len(keys) == 0 {
		return signature.SigningKey{}, signature.ErrKey
	}
	return keys[len(keys)-1], nil
}

// Public is what the platform publishes.
func (i Identity) Public() signature.KeySet {
	var set signature.KeySet
	for _, k := range append(append([]signature.SigningKey{}, i.Signing...), i.Legacy...) {
		set.Verification = append(set.Verification, k.Verification())
	}
	for _, k := range i.Opening {
		set.Sealing = append(set.Sealing, k.Sealing())
	}
	return set
}

// Tag marks the signatures that are made for Airtill (RFC 9421 section 2.3, tag).
const Tag = "airtill"

// keyID is how a merchant's key is called in a signature: its number, then the key's own id.
func keyID(m platform.MerchantID, id string) string { return string(m) + "/" + id }
