package keys

import (
	"fmt"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// BranchPublicKey is what enrolment secrets are sealed to.
func (v *Vault) BranchPublicKey() []byte { return v.current.Load().branch.PublicKey().Bytes() }

// OpenSecrets opens enrolment secrets that were sealed to the branch.
func (v *Vault) OpenSecrets(sealed applet.Sealed) (applet.EnrolmentSecrets, error) {
	return applet.OpenEnrolment(v.current.Load().branch, sealed)
}

// OpenAllSecrets opens enrolment secrets of many that were sealed to the branch together.
func (v *Vault) OpenAllSecrets(sealed applet.Sealed) ([]applet.EnrolmentSecrets, error) {
	return applet.OpenEnrolments(v.current.Load().branch, sealed)
}

// Enrolment is what the branch binds to a blank element (S1).
type Enrolment struct {
	Element   applet.ElementID
	Suite     scp80.Suite
	Version   uint8  // of the packet keys: what [Vault.Version] answers, for a new element
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
	b := Binding{Element: e.Element, Suite: e.Suite, Version: e.Version}
	p = applet.Personalisation{
		Element: e.Element, Suite: e.Suite, Version: e.Version, TAR: scp80.TARPayment, Identity: e.Secrets.Identity,
	}
	s := v.current.Load() // one, also while the vault is being changed
	if p.MO, err = s.packetKeys(b, scp80.MO); err != nil {
		return p, err
	}
	if p.MT, err = s.packetKeys(b, scp80.MT); err != nil {
		return p, err
	}
	if p.KIK, err = s.keyEncryptionKey(b); err != nil {
		return p, err
	}
	if p.Initial, p.KeyID, err = s.initialKey(b); err != nil {
		return p, err
	}
	if p.CardData, err = s.cardDataKey(b); err != nil {
		return p, err
	}
	p.Cards, err = v.bind(e.Suite, p.CardData, e.Secrets.Cards)
	return p, err
}

// bind wraps the cards for the element, in the order they come.
func (v *Vault) bind(s scp80.Suite, key applet.CardDataKey, cards []applet.CardSecrets) (bound []applet.CardEntry, err error) {
	for i, card := range cards {
		slot := i + 1
		blob, err := applet.SealCard(s, key, applet.CardRecord{
			PAN: card.PAN, Expiry: card.Expiry, Sequence: 1, Slot: slot, Version: version,
		})
		if err != nil {
			return nil, err
		}
		bound = append(bound, applet.CardEntry{
			Slot: slot, Alias: card.Alias, Masked: card.PAN.Masked(), Token: v.Token(card.PAN), Expiry: card.Expiry, Blob: blob,
		})
	}
	return bound, nil
}
