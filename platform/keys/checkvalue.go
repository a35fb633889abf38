package keys

import (
	"crypto/aes"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

// CheckValue is what a key is compared by without being shown (ANSI X9.24-1 annex A,
// X9.143): a few octets that it makes of zeros. Two kinds of the same key differ.
type CheckValue struct {
	Kind  Kind   `json:"kcv_kind"`
	Value string `json:"kcv"` // hexadecimal
}

// Kind is a way of making a check value.
type Kind string

// The kinds.
const (
	KindTDEA Kind = "TDEA"         // first 3 octets of 8 zeros enciphered
	KindCMAC Kind = "CMAC-AES"     // first 5 octets of the CMAC of 16 zeros
	KindHMAC Kind = "HMAC-SHA-256" // first 5 octets of the HMAC of 16 zeros
	KindHash Kind = "SHA-256"      // first 5 octets of the hash of a public key
)

// String is the value with its kind.
func (c CheckValue) String() string { return fmt.Sprintf("%s (%s)", c.Value, c.Kind) }

// matches compares with what an officer says the value is.
func (c CheckValue) matches(said string) bool { return strings.EqualFold(c.Value, said) }

// Octets of a check value.
const (
	lenCheckTDEA = 3
	lenCheck     = 5
)

// checkValue makes the check value of a key of an algorithm.
func checkValue(a algorithm, key []byte) (CheckValue, error) {
	switch a {
	case tdea2:
		block, err := newTDEA(key)
		if err != nil {
			return CheckValue{}, fmt.Errorf("make a check value: %w", err)
		}
		out := make([]byte, des.BlockSize)
		block.Encrypt(out, out)
		return newCheckValue(KindTDEA, out[:lenCheckTDEA]), nil
	case hmacSHA256:
		h := hmac.New(sha256.New, key)
		h.Write(make([]byte, aes.BlockSize))
		return newCheckValue(KindHMAC, h.Sum(nil)[:lenCheck]), nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return CheckValue{}, fmt.Errorf("make a check value: %w", err)
	}
	return newCheckValue(KindCMAC, scp80.NewCMAC(block).Sum(make([]byte, aes.BlockSize))[:lenCheck]), nil
}

func newCheckValue(k Kind, octets []byte) CheckValue {
	return CheckValue{Kind: k, Value: fmt.Sprintf("%X", octets)}
}

// ProtectionCheckValue is the check value of a key that protects key blocks: of an AES
// key, or for blocks of version B of a 3DES key.
func ProtectionCheckValue(v tr31.Version, kbpk tr31.ProtectionKey) (CheckValue, error) {
	if v == tr31.VersionB {
		return checkValue(tdea2, kbpk.Reveal())
	}
	return checkValue(aes256, kbpk.Reveal())
}

// Info tells of a key what may be told.
type Info struct {
	Key        Slot   `json:"key"`
	Purpose    string `json:"purpose"`
	Suite      string `json:"suite,omitempty"`   // none: of both
	Version    uint8  `json:"version,omitempty"` // none: it has one only
	InUse      bool   `json:"in_use"`            // what new elements get
	Algorithm  string `json:"algorithm"`
	Usage      string `json:"usage,omitempty"` // in key blocks; none: it is not exchanged
	Exportable bool   `json:"exportable"`
	Waiting    string `json:"component_from,omitempty"` // who gave one of two components
	CheckValue        // without value where the algorithm may not be used
}

// Keys lists what the vault holds. The branch's key pair is known by its public key.
func (v *Vault) Keys() []Info {
	m := v.current.Load().masters
	var all []Info
	for _, p := range m.places() {
		info := Info{
			Key: p.slot, Purpose: p.purpose, Version: p.version, InUse: p.version == 0 || p.version == m.inUse(),
			Algorithm: string(p.algorithm), Usage: string(p.usage), Exportable: p.usage != "" && !m.fixed[p.slot],
			Waiting: m.halves[p.slot].by,
		}
		if p.suite != 0 {
			info.Suite = p.suite.String()
		}
		info.CheckValue, _ = p.checkValue() // without one where only FIPS 140 algorithms may be used
		all = append(all, info)
	}
	sum := sha256.Sum256(m.branch.PublicKey().Bytes())
	return append(all, Info{
		Key: "branch", Purpose: "branch", InUse: true, Algorithm: "HPKE P-256", CheckValue: newCheckValue(KindHash, sum[:lenCheck]),
	})
}

func (p place) checkValue() (CheckValue, error) { return checkValue(p.algorithm, p.read()) }
