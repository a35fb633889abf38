package keys

import (
	"fmt"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// BranchPublicKey is what enrolment secrets are sealed to.
func (v *Vault) BranchPublicKey() []byte { return v.masters.branch.PublicKey().Bytes() }

// OpenSecrets opens enrolment secrets that were sealed to the branch.
func (v *Vault) OpenSecrets(sealed applet.Sealed) (applet.EnrolmentSecrets, error) {
	return applet.OpenEnrolment(v.masters.branch, sealed)
}

// Enrolment is what the branch binds to a blank element (S1).
type Enrolment struct {
	Element   applet.ElementID
	PublicKey []byte // of the element
	Secrets   applet.EnrolmentSecrets
}

// Personalise derives an element's keys, binds the cards to it in the order they
// come, from slot 1 (S3), and seals all of it to the element. The same enrolment
// gives the same personalisation, however often.
func (v *Vault) Personalise(e Enrolment) (applet.Sealed, error) {
	p, err := v.personalisation(e)
	if err != nil {
		return nil, fmt.Errorf("personalise element %s: %w", e.Element, err)
	}
	return applet.SealPersonalisation(e.PublicKey, p)
}

func (v *Vault) personalisation(e Enrolment) (p applet.Personalisation, err error) {
	p = applet.Personalisation{Element: e.Element, Suite: scp80.Modern, Version: 1, TAR: scp80.TARPayment, Identity: e.Secrets.Identity}
	if p.MO, err = v.MO(e.Element); err != nil {
		return p, err
	}
	if p.MT, err = v.MT(e.Element); err != nil {
		return p, err
	}
	if p.Initial, p.KeyID, err = v.InitialKey(e.Element); err != nil {
		return p, err
	}
	if p.CardData, err = v.CardDataKey(e.Element); err != nil {
		return p, err
	}
	for i, card := range e.Secrets.Cards {
		entry, err := v.bind(p.CardData, card, i+1)
		if err != nil {
			return p, err
		}
		p.Cards = append(p.Cards, entry)
	}
	return p, nil
}

func (v *Vault) bind(key applet.CardDataKey, card applet.CardSecrets, slot int) (applet.CardEntry, error) {
	blob, err := applet.SealCard(scp80.Modern, key, applet.CardRecord{
		PAN: card.PAN, Expiry: card.Expiry, Sequence: 1, Slot: slot, Version: version,
	})
	return applet.CardEntry{
		Slot: slot, Alias: card.Alias, Masked: card.PAN.Masked(), Token: v.Token(card.PAN), Expiry: card.Expiry, Blob: blob,
	}, err
}

// formAtRest is the first octet of what Seal makes: AES-256-GCM, nonce in front.
const formAtRest = 1

// Seal encrypts what the platform keeps in its own store.
func (v *Vault) Seal(plain []byte) ([]byte, error) {
	return v.rest.Seal([]byte{formAtRest}, nil, plain, []byte{formAtRest}), nil
}

// Open decrypts what Seal has encrypted.
func (v *Vault) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < 1+v.rest.Overhead() || sealed[0] != formAtRest {
		return nil, errAtRest
	}
	plain, err := v.rest.Open(nil, nil, sealed[1:], sealed[:1])
	if err != nil {
		return nil, errAtRest
	}
	return plain, nil
}
