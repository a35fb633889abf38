package billing

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/signature"
)

// ChangeKeys changes a merchant's keys: an operator's act. It answers the Contract. What
// comes into use was made outside.
type ChangeKeys struct {
	Merchant platform.MerchantID
	Kind     platform.KeyKind
	Act      platform.KeyAct
	By, Note string

	Fresh FreshKey
}

// FreshKey is a key as the contract keeps it.
type FreshKey struct {
	Hash   string             // of an API key
	Sealed []byte             // of a webhook secret, a field key or the platform's own
	Public platform.PublicKey // of the merchant; to retire, its ID
}

// changeKeys keeps the change with an audit entry that says who did it and why.
func (p *Partition) changeKeys(tx *engine.Tx, in ChangeKeys) (any, error) {
	c, ok := p.merchants[in.Merchant]
	if !ok {
		return nil, noMerchant()
	}
	changed := *c
	in.Fresh.Public.Added = tx.Now()
	change := changed.rotate
	if in.Act == platform.KeyRetire {
		change = changed.retire
	}
	if err := change(in); err != nil {
		return nil, err
	}
	p.merchants[in.Merchant] = &changed
	tx.SetField("merchants", string(changed.ID), encode(changed))
	tx.Record(engine.Event{
		Subject: "merchant:" + string(changed.ID), Name: string(in.Act) + "_key", Cause: CauseOperator,
		Data: keyAct{Kind: in.Kind, Key: in.Fresh.Public.ID, By: in.By, Said: p.saying(in.Note)},
	})
	return changed, nil
}

// keyAct is what the journal tells of a change of keys.
type keyAct struct {
	Kind platform.KeyKind `json:"kind"`
	Key  string           `json:"key,omitempty"` // the id of a public key
	By   string           `json:"by"`
	Said string           `json:"said"` // why, sealed
}

// rotate brings a key into use; the one before stays good. There must be room for it.
func (c *Contract) rotate(in ChangeKeys) error {
	switch in.Kind {
	case platform.KeyPublic:
		return c.addPublic(in.Fresh.Public)
	case platform.KeyAPI:
		if c.Profile.Signs() || c.OldAPIKeyHash != "" {
			return noRoom(c.Profile, in.Kind)
		}
		c.APIKeyHash, c.OldAPIKeyHash = in.Fresh.Hash, c.APIKeyHash
	case platform.KeyWebhook:
		return c.push(in, &c.WebhookSecret, &c.OldWebhook, c.Profile == platform.ProfileLegacy)
	case platform.KeyField:
		return c.push(in, &c.FieldKey, &c.OldFieldKey, c.Profile != platform.ProfileLegacy)
	}
	return nil
}

func (c *Contract) push(in ChangeKeys, fresh, old *[]byte, useless bool) error {
	if useless || *old != nil {
		return noRoom(c.Profile, in.Kind)
	}
	*fresh, *old = in.Fresh.Sealed, *fresh
	return nil
}

func (c *Contract) addPublic(k platform.PublicKey) error {
	same := func(other platform.PublicKey) bool { return other.ID == k.ID }
	switch {
	case slices.ContainsFunc(c.Keys, same):
		return invalid("public_key", "the merchant has this key already")
	case !c.Profile.Signs() || len(c.Keys) > 1:
		return noRoom(c.Profile, platform.KeyPublic)
	}
	c.Keys = append([]platform.PublicKey{k}, c.Keys...)
	return nil
}

// retire ends the older key of a kind, or the public key that is named.
func (c *Contract) retire(in ChangeKeys) error {
	none := &platform.Error{
		Code: platform.CodeIllegalState, Field: "kind",
		Detail: fmt.Sprintf("there is one %s key, or none; rotate it first", in.Kind),
	}
	switch in.Kind {
	case platform.KeyPublic:
		return c.retirePublic(in.Fresh.Public.ID, none)
	case platform.KeyAPI:
		if c.OldAPIKeyHash == "" {
			return none
		}
		c.OldAPIKeyHash = ""
	case platform.KeyWebhook:
		if c.OldWebhook == nil {
			return none
		}
		c.OldWebhook = nil
	case platform.KeyField:
		if c.OldFieldKey == nil {
			return none
		}
		c.OldFieldKey = nil
	}
	return nil
}

func (c *Contract) retirePublic(id string, none error) error {
	if len(c.Keys) < 2 {
		return none
	}
	at := len(c.Keys) - 1
	if id != "" {
		at = slices.IndexFunc(c.Keys, func(k platform.PublicKey) bool { return k.ID == id })
	}
	if at < 0 {
		return &platform.Error{Code: platform.CodeNotFound, Field: "key_id", Detail: "the merchant has no such key"}
	}
	c.Keys = slices.Delete(slices.Clone(c.Keys), at, at+1)
	return nil
}

func noRoom(p platform.Profile, kind platform.KeyKind) error {
	if p == "" {
		p = platform.ProfileKey
	}
	return &platform.Error{
		Code: platform.CodeIllegalState, Field: "kind",
		Detail: fmt.Sprintf("a merchant of profile %s cannot have another %s key: two are good at a time; retire one first, if it has them", p, kind),
	}
}

// newSecret makes a key of a kind: what the contract keeps of it, and in keys what the
// merchant is told.
func (s *Service) newSecret(m platform.MerchantID, kind platform.KeyKind, keys *platform.MerchantKeys) (FreshKey, error) {
	octets := make([]byte, map[platform.KeyKind]int{platform.KeyAPI: 24, platform.KeyWebhook: 24, platform.KeyField: 32}[kind])
	if _, err := io.ReadFull(s.config.Random, octets); err != nil {
		return FreshKey{}, fmt.Errorf("make a merchant's keys: %w", err)
	}
	var text string
	switch kind {
	case platform.KeyAPI:
		keys.APIKey = apiKeyPrefix + string(m) + "_" + base64.RawURLEncoding.EncodeToString(octets)
		return FreshKey{Hash: hashKey(keys.APIKey)}, nil
	case platform.KeyWebhook:
		text = "whsec_" + base64.StdEncoding.EncodeToString(octets)
		keys.WebhookSecret = text
	case platform.KeyField:
		text = base64.StdEncoding.EncodeToString(octets)
		keys.FieldKey = text
	}
	sealed, err := s.config.Vault.Seal([]byte(text))
	if err != nil {
		return FreshKey{}, fmt.Errorf("seal a merchant's %s key: %w", kind, err)
	}
	return FreshKey{Sealed: sealed}, nil
}

// unseal opens sealed secrets, passing over those that are not there.
func (s *Service) unseal(sealed ...[]byte) ([]string, error) {
	var texts []string
	for _, one := range sealed {
		if one == nil {
			continue
		}
		text, err := s.config.Vault.Open(one)
		if err != nil {
			return nil, fmt.Errorf("open a merchant's secret: %w", err)
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// checkProfile takes the default profile for none, and a merchant's keys for what its
// profile makes of them.
func (s *Service) checkProfile(m platform.Merchant) (platform.Merchant, error) {
	switch m.Profile {
	case platform.ProfileKey:
		m.Profile = ""
	case "", platform.ProfileModern:
	case platform.ProfileLegacy:
		if !s.config.AllowLegacy {
			return m, invalid("profile", "the legacy profile is off; start the platform with --allow-legacy, or take profile modern")
		}
	default:
		return m, invalid("profile", "key, modern or legacy")
	}
	if m.Profile.Signs() != (len(m.Keys) > 0) {
		return m, invalid("public_key", "a merchant has public keys if its profile is modern or legacy, and only then")
	}
	m.Keys = slices.Clone(m.Keys)
	for i, k := range m.Keys {
		checked, err := checkPublic(m.Profile, k)
		if err != nil {
			return m, err
		}
		m.Keys[i] = checked
	}
	return m, nil
}

// checkPublic reads a key and binds it to the algorithm of the profile.
func checkPublic(p platform.Profile, k platform.PublicKey) (platform.PublicKey, error) {
	v, err := signature.ParseVerificationKey([]byte(k.PEM))
	if err == nil && p == platform.ProfileLegacy {
		v, err = v.As(signature.RSAMD5)
	}
	if err != nil {
		return k, invalid("public_key", err.Error())
	}
	k.ID, k.Algorithm = v.ID(), string(v.Algorithm())
	return k, nil
}

var _ api.Keyring = (*Service)(nil)

// Partner finds a merchant with what its messages are judged with.
func (s *Service) Partner(ctx context.Context, id platform.MerchantID) (api.Partner, error) {
	c, err := s.contract(ctx, id)
	if isNotFound(err) || err == nil && c.Profile == platform.ProfileLegacy && !s.config.AllowLegacy {
		return api.Partner{}, unauthorised()
	}
	if err != nil {
		return api.Partner{}, err
	}
	p := api.Partner{Merchant: c.merchant()}
	if p.Keys, err = verificationKeys(c.Keys); err != nil {
		return p, fmt.Errorf("merchant %s: %w", id, err)
	}
	secrets, err := s.unseal(c.WebhookSecret, c.OldWebhook)
	if err != nil {
		return p, fmt.Errorf("merchant %s: %w", id, err)
	}
	for _, text := range secrets {
		secret, err := api.ParseWebhookSecret(text)
		if err != nil {
			return p, fmt.Errorf("merchant %s: %w", id, err)
		}
		p.Secrets = append(p.Secrets, secret)
	}
	p.FieldKeys, err = s.fieldKeys(c)
	return p, err
}

func verificationKeys(keys []platform.PublicKey) ([]signature.VerificationKey, error) {
	var all []signature.VerificationKey
	for _, k := range keys {
		v, err := signature.ParseVerificationKey([]byte(k.PEM))
		if err != nil {
			return nil, err
		}
		if v, err = v.As(signature.Algorithm(k.Algorithm)); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (s *Service) fieldKeys(c Contract) ([]signature.FieldKey, error) {
	texts, err := s.unseal(c.FieldKey, c.OldFieldKey)
	if err != nil {
		return nil, fmt.Errorf("merchant %s: %w", c.ID, err)
	}
	var keys []signature.FieldKey
	for _, text := range texts {
		k, err := signature.ParseFieldKey(text)
		if err != nil {
			return nil, fmt.Errorf("merchant %s: %w", c.ID, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// ChangeKeys is an operator's act on a merchant's keys, or on the platform's own. It
// answers the secrets that were made, this once.
func (s *Service) ChangeKeys(ctx context.Context, change platform.KeyChange) (platform.MerchantKeys, error) {
	keys := platform.MerchantKeys{ID: change.Merchant}
	if err := checkAct(change.By, change.Note); err != nil {
		return keys, err
	}
	if change.Merchant == "" {
		return keys, s.changeIdentity(ctx, change)
	}
	in := ChangeKeys{Merchant: change.Merchant, Kind: change.Kind, Act: change.Act, By: change.By, Note: change.Note}
	if err := s.readyChange(ctx, change, &in, &keys); err != nil {
		return keys, err
	}
	reply, err := s.do(ctx, s.merchantPartition(change.Merchant), in)
	if err != nil {
		return platform.MerchantKeys{}, err
	}
	s.merchants.known.Store(change.Merchant, foundContract{reply.(Contract), time.Now()})
	return keys, nil
}

// readyChange makes what a change brings into use.
func (s *Service) readyChange(ctx context.Context, change platform.KeyChange, in *ChangeKeys, keys *platform.MerchantKeys) error {
	c, err := s.contract(ctx, change.Merchant)
	if err != nil {
		return err
	}
	in.Fresh.Public = change.Public
	switch {
	case change.Act == platform.KeyRetire:
		return nil
	case change.Kind == platform.KeyPublic:
		in.Fresh.Public, err = checkPublic(c.Profile, change.Public)
		return err
	}
	in.Fresh, err = s.newSecret(change.Merchant, change.Kind, keys)
	return err
}
