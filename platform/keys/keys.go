// Package keys is the platform's key store: master keys, what is derived from them
// for each secure element, and the branch's key pair.
//
//	master key   derives                                    modern suite                     legacy suite
//	KIC, KID     packet keys of an element and direction    SP 800-108 counter mode, CMAC    EMV option A, 3DES
//	KIK          an element's key encryption key            the same                         the same
//	CARD         the card-data key of an element            the same                         the same
//	DUKPT        the initial PIN key of an element          AES-DUKPT, ANSI X9.24-3          3DES-DUKPT, X9.24-1
//	PIN          PIN verification references                HMAC-SHA-256, of both suites
//	TOKEN        card tokens                                the same
//	FINGERPRINT  references to card and identity numbers    the same
//	REST         what the platform seals in its own store   AES-256-GCM; texts AES-256-CTR under HMAC-SHA-256
//
// KIC and KID come in versions, so that packet keys can be changed over the air: see
// [Vault.Rotate]. The others do not rotate: what was made with them lies in elements
// and stores for as long as those live. In the legacy suite KIC and KID have a master
// for each direction, because EMV option A has no place for one. A vault holds the
// keys of both suites; the legacy ones are used for legacy elements only.
//
// Each key has a Go type of its own, so that using one for another's purpose does
// not compile. A [Vault] answers what the platform asks of its keys, a method for
// each step of a payment, and never hands out a master key. It prints nothing of
// what it holds. [Module] is what the platform asks for: a vault is a key store in
// software, and a hardware module would be another.
//
// A vault lies in a file of mode 0600, encrypted with age by a passphrase or to
// recipients, see [Lock]; every change to it is noted in it with who made it and when.
// Keys come in and go out as key blocks ([Vault.Import], [Vault.Export]) or come in as
// components that two officers hold ([Vault.Component]), and are known by their
// [CheckValue]s.
//
// Under GODEBUG=fips140=only the modern suite works, with plain vault files: 3DES and
// age (ChaCha20-Poly1305, scrypt, X25519) are not in FIPS 140.
//
// Left out: a hardware module, and more than two components of a key.
package keys

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Binding is what an element's keys are found by: which it is, its suite and which
// version of the packet keys it has. The other keys have no versions.
type Binding struct {
	Element applet.ElementID
	Suite   scp80.Suite
	Version uint8
}

// Module is what the platform asks of its key store. All of it is safe for concurrent
// use, and no error of it holds a secret.
type Module interface {
	Branch
	Packets
	Payments
	Rest
}

// Branch is what enrolment asks for.
type Branch interface {
	BranchPublicKey() []byte
	OpenSecrets(sealed applet.Sealed) (applet.EnrolmentSecrets, error)
	OpenAllSecrets(sealed applet.Sealed) ([]applet.EnrolmentSecrets, error)
	Personalise(e Enrolment) (applet.Sealed, error)
}

// Packets is what sending to handsets and receiving from them asks for.
type Packets interface {
	OpenMO(b Binding, packet []byte) (counter uint64, payload []byte, err error)
	WrapMT(b Binding, counter uint64, payload []byte) ([]byte, error)
	Rekey(b Binding, next uint8) (wrapped []byte, err error)
	Version() uint8
}

// Payments is what checking a payment asks for.
type Payments interface {
	CardRecord(b Binding, blob applet.CardBlob) (applet.CardRecord, error)
	PIN(b Binding, counter uint32, token applet.TokenPAN, block applet.PINBlock) (applet.PIN, error)
	PINReference(token applet.TokenPAN, pin applet.PIN) string
	VerifyPIN(reference string, token applet.TokenPAN, pin applet.PIN) bool
	Fingerprint(kind, value string) string
	Token(pan applet.PAN) applet.TokenPAN
}

// Rest is what keeping secrets in a store asks for.
type Rest interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
	SealText(kind, plain string) string
	OpenText(kind, sealed string) (string, error)
}

// Vault is the key store in software. It is safe for concurrent use, also while it is
// changed or reloaded, and prints as its name.
type Vault struct {
	changes sync.Mutex // one at a time
	current atomic.Pointer[state]
}

var _ Module = (*Vault)(nil)

func newVault(m *masters) (*Vault, error) {
	s, err := newState(m)
	if err != nil {
		return nil, err
	}
	v := new(Vault)
	v.current.Store(s)
	return v, nil
}

// Generate makes a vault of new keys out of random octets.
func Generate(random io.Reader) (*Vault, error) {
	m, err := generateMasters(random)
	if err != nil {
		return nil, fmt.Errorf("make master keys: %w", err)
	}
	return newVault(m)
}

const name = "keys.Vault"

// String is the vault's name and nothing of what it holds.
func (*Vault) String() string { return name }

// GoString is the vault's name.
func (*Vault) GoString() string { return name }

// Format writes the vault's name, whatever the verb.
func (*Vault) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, name) }

// MarshalText writes the vault's name, in JSON too.
func (*Vault) MarshalText() ([]byte, error) { return []byte(name), nil }
