package world

import (
	"context"
	"fmt"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/signature"
)

// Signing is what a merchant that signs has. The zero Signing is profile key's: nothing.
type Signing struct {
	Profile   platform.Profile
	Merchant  platform.MerchantID
	Key       signature.SigningKey
	FieldKeys []signature.FieldKey // of profile legacy
	Platform  *signature.KeySet    // the platform's keys; nil: asked of it, whoever answers at its address
}

// NewSigning makes a key as the profile has it.
func NewSigning(p platform.Profile, m platform.MerchantID) (Signing, error) {
	if !p.Signs() {
		return Signing{}, nil
	}
	s := Signing{Profile: p, Merchant: m}
	var err error
	s.Key, err = signature.GenerateKey(algorithmOf(p))
	return s, err
}

// algorithmOf is how a merchant of a profile that signs does.
func algorithmOf(p platform.Profile) signature.Algorithm {
	if p == platform.ProfileLegacy {
		return signature.RSAMD5
	}
	return signature.Ed25519
}

// Public is the merchant's public key, as the office is told it; of profile key there is none.
func (s Signing) Public() ([]platform.PublicKey, error) {
	if !s.Profile.Signs() {
		return nil, nil
	}
	text, err := s.Key.Verification().PEM()
	return []platform.PublicKey{{PEM: string(text)}}, err
}

// Side is what a merchant's client and its shop do for its profile.
type Side interface {
	api.RequestSigner
	api.CallbackReader
}

// Side makes the merchant's side; of profile key it is nil. What its platform's keys are
// is asked by c, unless it is known.
func (s Signing) Side(c api.ClientConfig, secrets ...api.WebhookSecret) (Side, error) {
	if !s.Profile.Signs() {
		return nil, nil
	}
	keys := new(api.PlatformKeys)
	if s.Platform != nil {
		keys = api.PinKeys(*s.Platform)
	} else {
		asking, err := api.NewClient(c)
		if err != nil {
			return nil, err
		}
		keys = api.FetchKeys(asking)
	}
	config := api.SideConfig{Merchant: s.Merchant, Key: s.Key, Platform: keys, Secrets: secrets, Fields: s.FieldKeys}
	if s.Profile == platform.ProfileLegacy {
		return legacySide(config)
	}
	m, err := api.NewModern(config)
	return m, err
}

func legacySide(c api.SideConfig) (Side, error) {
	l, err := api.NewLegacy(c)
	return l, err
}

// OpenSigning opens a merchant in its profile, with a new key if it signs.
func OpenSigning(ctx context.Context, office *api.OfficeClient, m api.Merchant) (opened api.OpenedMerchant, s Signing, err error) {
	if s, err = NewSigning(m.Profile, m.ID); err != nil {
		return opened, s, err
	}
	if m.Keys, err = s.Public(); err != nil {
		return opened, s, err
	}
	if opened, err = office.OpenMerchant(ctx, m); err != nil {
		return opened, s, err
	}
	s.Platform = opened.PlatformKeys
	if opened.FieldKey != "" {
		k, err := signature.ParseFieldKey(opened.FieldKey)
		s.FieldKeys = []signature.FieldKey{k}
		return opened, s, err
	}
	return opened, s, nil
}

// Client makes a merchant's client that signs as its profile has it.
func (s Signing) Client(c api.ClientConfig) (*api.Client, error) {
	mine, err := s.Side(c)
	if err != nil {
		return nil, fmt.Errorf("ready the merchant's keys: %w", err)
	}
	if mine != nil {
		c.Signer, c.Key = mine, ""
	}
	return api.NewClient(c)
}
