package applet

import (
	"encoding/hex"

	"github.com/airtill/airtill/platform/scp80"
)

// The wire forms hold secrets in clear. They live only between JSON and HPKE, inside
// seal and open.
type (
	keysWire struct {
		KIc hexOctets `json:"kic"`
		KID hexOctets `json:"kid"`
	}
	identityWire struct {
		Type   IdentityType `json:"type"`
		Number string       `json:"number"`
	}
	entryWire struct {
		Slot   int       `json:"slot"`
		Alias  string    `json:"alias"`
		Masked string    `json:"masked"`
		Token  TokenPAN  `json:"token"`
		Expiry Expiry    `json:"expiry"`
		Blob   hexOctets `json:"blob"`
	}
	personalisationWire struct {
		Element  ElementID    `json:"element"`
		Suite    scp80.Suite  `json:"suite"`
		Version  uint8        `json:"version"`
		KIK      hexOctets    `json:"kik"`
		MO       keysWire     `json:"mo"`
		MT       keysWire     `json:"mt"`
		TAR      scp80.TAR    `json:"tar"`
		Initial  hexOctets    `json:"initial"`
		KeyID    hexOctets    `json:"key_id"`
		CardData hexOctets    `json:"card_data"`
		Identity identityWire `json:"identity"`
		Cards    []entryWire  `json:"cards"`
	}
	cardWire struct {
		PAN    string `json:"pan"`
		Expiry Expiry `json:"expiry"`
		Alias  string `json:"alias"`
	}
	enrolmentWire struct {
		PIN      string       `json:"pin"`
		Identity identityWire `json:"identity"`
		Cards    []cardWire   `json:"cards"`
	}
)

type hexOctets []byte

func (h hexOctets) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func (h *hexOctets) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode(nil, text)
	return err
}

func keysOf(k scp80.Keys) keysWire { return keysWire{KIc: k.KIc.Reveal(), KID: k.KID.Reveal()} }

func (w keysWire) keys() scp80.Keys {
	return scp80.Keys{KIc: scp80.NewKey[scp80.CipherKey](w.KIc), KID: scp80.NewKey[scp80.MACKey](w.KID)}
}

func identityOf(i Identity) identityWire {
	return identityWire{Type: i.kind, Number: revealed(i.number)}
}

func (p Personalisation) wire() personalisationWire {
	w := personalisationWire{
		Element: p.Element, Suite: p.Suite, Version: p.Version, KIK: p.KIK.Reveal(), MO: keysOf(p.MO), MT: keysOf(p.MT), TAR: p.TAR,
		Initial: p.Initial.Reveal(), KeyID: p.KeyID[:], CardData: p.CardData.Reveal(), Identity: identityOf(p.Identity),
	}
	for _, c := range p.Cards {
		w.Cards = append(w.Cards, entryWire{
			Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Token: c.Token, Expiry: c.Expiry, Blob: c.Blob[:],
		})
	}
	return w
}

func (w personalisationWire) personalisation() (Personalisation, error) {
	p := Personalisation{
		Element: w.Element, Suite: w.Suite, Version: w.Version, KIK: scp80.NewKey[KeyEncryptionKey](w.KIK), MO: w.MO.keys(), MT: w.MT.keys(), TAR: w.TAR,
		Initial: scp80.NewKey[InitialKey](w.Initial), CardData: scp80.NewKey[CardDataKey](w.CardData),
	}
	var err error
	if p.Identity, err = ParseIdentity(w.Identity.Type, w.Identity.Number); err != nil || !w.complete() {
		return Personalisation{}, ErrSealed
	}
	p.KeyID = InitialKeyID(w.KeyID)
	for _, c := range w.Cards {
		if len(c.Blob) != len(CardBlob{}) || c.Expiry == 0 || c.Token == "" {
			return Personalisation{}, ErrSealed
		}
		p.Cards = append(p.Cards, CardEntry{
			Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Token: c.Token, Expiry: c.Expiry, Blob: CardBlob(c.Blob),
		})
	}
	return p, nil
}

// complete says whether all is there that JSON may leave out and an element cannot.
func (w personalisationWire) complete() bool {
	return w.Element != "" && w.Suite.Valid() && w.Version > 0 && len(w.KeyID) == len(InitialKeyID{})
}

func (s EnrolmentSecrets) wire() enrolmentWire {
	w := enrolmentWire{PIN: s.PIN.Reveal(), Identity: identityOf(s.Identity)}
	for _, c := range s.Cards {
		w.Cards = append(w.Cards, cardWire{PAN: c.PAN.Reveal(), Expiry: c.Expiry, Alias: c.Alias})
	}
	return w
}

// secrets parses what the branch was told; who sealed it may be anybody.
func (w enrolmentWire) secrets() (s EnrolmentSecrets, err error) {
	if s.PIN, err = ParsePIN(w.PIN); err != nil {
		return EnrolmentSecrets{}, err
	}
	if s.Identity, err = ParseIdentity(w.Identity.Type, w.Identity.Number); err != nil {
		return EnrolmentSecrets{}, err
	}
	for _, c := range w.Cards {
		pan, err := ParsePAN(c.PAN)
		if err != nil {
			return EnrolmentSecrets{}, err
		}
		s.Cards = append(s.Cards, CardSecrets{PAN: pan, Expiry: c.Expiry, Alias: c.Alias})
	}
	return s, nil
}
