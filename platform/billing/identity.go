package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/signature"
)

// The platform's own keys for merchants are one field of a hash, in one partition.
const (
	identityHash  = "identity"
	identityField = "keys"
	identityHome  = "platform:identity"
)

// ownKeys are the platform's own keys, sealed, the newest of each kind first and at most two.
type ownKeys map[platform.KeyKind][]keptKey

type keptKey struct {
	Sealed []byte    `json:"sealed"` // of the private key
	Made   time.Time `json:"made_at"`
}

// KeepIdentity changes the platform's own keys. It answers them as they are then. Without
// an act it brings the first keys of the kinds that there are none of.
type KeepIdentity struct {
	Act      platform.KeyAct
	Kind     platform.KeyKind // of the act
	By, Note string

	Fresh map[platform.KeyKind][]byte // private keys, sealed
}

func (p *Partition) keepIdentity(tx *engine.Tx, in KeepIdentity) (any, error) {
	next := make(ownKeys)
	for kind, keys := range p.identity {
		next[kind] = keys
	}
	changed, err := in.apply(next, tx.Now())
	if err != nil || !changed {
		return p.identity, err
	}
	p.identity = next
	tx.SetField(identityHash, identityField, encode(next))
	name, cause := "make_keys", CauseOrder
	if in.Act != "" {
		name, cause = string(in.Act)+"_key", CauseOperator
	}
	tx.Record(engine.Event{
		Subject: identityHome, Name: name, Cause: cause,
		Data: keyAct{Kind: in.Kind, By: in.By, Said: p.saying(in.Note)},
	})
	return next, nil
}

// apply changes the keys, and says whether it did.
func (in KeepIdentity) apply(k ownKeys, now time.Time) (bool, error) {
	have := k[in.Kind]
	switch in.Act {
	case platform.KeyRotate:
		if len(have) > 1 {
			return false, &platform.Error{Code: platform.CodeIllegalState, Field: "kind", Detail: "two keys are good at a time; retire the older first"}
		}
		k[in.Kind] = append([]keptKey{{in.Fresh[in.Kind], now}}, have...)
		return true, nil
	case platform.KeyRetire:
		if len(have) < 2 {
			return false, &platform.Error{Code: platform.CodeIllegalState, Field: "kind", Detail: "there is one key, or none; rotate it first"}
		}
		k[in.Kind] = have[:1]
		return true, nil
	}
	changed := false
	for kind, sealed := range in.Fresh {
		if len(k[kind]) == 0 {
			k[kind], changed = []keptKey{{sealed, now}}, true
		}
	}
	return changed, nil
}

// identities remembers the platform's keys, ready for use, for a moment.
type identities struct {
	mu    sync.Mutex
	text  string // that the keys were made of
	ready api.Identity
	at    time.Time
}

func (s *Service) identityPartition() engine.Partition {
	return engine.PartitionOf(identityHome, s.config.Partitions)
}

// Identity answers the platform's own keys, and makes those that are missing.
func (s *Service) Identity(ctx context.Context) (api.Identity, error) {
	text, ready, at := s.identity.known()
	if time.Since(at) < contractsKept {
		return ready, nil
	}
	have, err := s.keptIdentity(ctx)
	if err != nil {
		return api.Identity{}, err
	}
	if now := encode(have); now != text {
		if ready, err = s.openIdentity(have); err != nil {
			return api.Identity{}, err
		}
		text = now
	}
	s.identity.know(text, ready, time.Now())
	return ready, nil
}

func (i *identities) known() (string, api.Identity, time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.text, i.ready, i.at
}

func (i *identities) know(text string, ready api.Identity, at time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.text, i.ready, i.at = text, ready, at
}

// keptIdentity reads the keys from the store. Whoever finds some missing makes them;
// of two that do, the partition keeps the first one's.
func (s *Service) keptIdentity(ctx context.Context) (ownKeys, error) {
	text, _, err := s.store.Read(s.identityPartition()).Field(ctx, identityHash, identityField)
	if err != nil {
		return nil, unavailable("read the platform's keys", err)
	}
	have := make(ownKeys)
	if text != "" {
		if err := json.Unmarshal([]byte(text), &have); err != nil {
			return nil, fmt.Errorf("read the platform's keys: %w", err)
		}
	}
	missing := s.missing(have)
	if len(missing) == 0 {
		return have, nil
	}
	fresh, err := s.newIdentityKeys(missing...)
	if err != nil {
		return nil, err
	}
	reply, err := s.do(ctx, s.identityPartition(), KeepIdentity{Fresh: fresh})
	if err != nil {
		return nil, err
	}
	return reply.(ownKeys), nil
}

func (s *Service) missing(have ownKeys) []platform.KeyKind {
	var kinds []platform.KeyKind
	for _, kind := range []platform.KeyKind{platform.KeySigning, platform.KeySealing, platform.KeyLegacy} {
		if len(have[kind]) == 0 && (kind != platform.KeyLegacy || s.config.AllowLegacy) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// newIdentityKeys makes keys, sealed for the store.
func (s *Service) newIdentityKeys(kinds ...platform.KeyKind) (map[platform.KeyKind][]byte, error) {
	fresh := make(map[platform.KeyKind][]byte)
	for _, kind := range kinds {
		private, err := newIdentityKey(kind)
		if err != nil {
			return nil, err
		}
		if fresh[kind], err = s.config.Vault.Seal(private); err != nil {
			return nil, fmt.Errorf("seal the platform's %s key: %w", kind, err)
		}
	}
	return fresh, nil
}

func newIdentityKey(kind platform.KeyKind) ([]byte, error) {
	switch kind {
	case platform.KeySealing:
		k, err := signature.GenerateOpeningKey()
		if err != nil {
			return nil, err
		}
		return k.PKCS8()
	case platform.KeyLegacy:
		k, err := signature.GenerateKey(signature.RSAMD5)
		if err != nil {
			return nil, err
		}
		return k.PEM()
	}
	k, err := signature.GenerateKey(signature.Ed25519)
	if err != nil {
		return nil, err
	}
	return k.PEM()
}

// openIdentity unseals the keys.
func (s *Service) openIdentity(have ownKeys) (api.Identity, error) {
	var i api.Identity
	var failed []error
	for kind, keys := range have {
		for _, k := range keys {
			private, err := s.config.Vault.Open(k.Sealed)
			if err == nil {
				err = takeKey(&i, kind, private)
			}
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return api.Identity{}, fmt.Errorf("open the platform's keys: %w", err)
	}
	return i, nil
}

// takeKey reads a key and puts it where its kind belongs.
func takeKey(i *api.Identity, kind platform.KeyKind, private []byte) error {
	if kind == platform.KeySealing {
		k, err := signature.ParseOpeningKey(private)
		i.Opening = append(i.Opening, k)
		return err
	}
	k, err := signature.ParseSigningKey(private)
	if err != nil {
		return err
	}
	if kind == platform.KeySigning {
		i.Signing = append(i.Signing, k)
		return nil
	}
	k, err = k.As(signature.RSAMD5)
	i.Legacy = append(i.Legacy, k)
	return err
}

// changeIdentity is an operator's act on the platform's own keys.
func (s *Service) changeIdentity(ctx context.Context, change platform.KeyChange) error {
	if _, err := s.Identity(ctx); err != nil { // there are keys to change
		return err
	}
	if change.Kind == platform.KeyLegacy && !s.config.AllowLegacy {
		return invalid("kind", "the legacy profile is off; start the platform with --allow-legacy")
	}
	in := KeepIdentity{Act: change.Act, Kind: change.Kind, By: change.By, Note: change.Note}
	if change.Act == platform.KeyRotate {
		var err error
		if in.Fresh, err = s.newIdentityKeys(change.Kind); err != nil {
			return err
		}
	}
	if _, err := s.do(ctx, s.identityPartition(), in); err != nil {
		return err
	}
	s.identity.know("", api.Identity{}, time.Time{})
	return nil
}
