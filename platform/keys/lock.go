package keys

import (
	"bufio"
	"bytes"
	"crypto/fips140"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrLock is a passphrase or an identity that does not open the vault file.
	ErrLock = errors.New("this passphrase or identity does not open it")
	// ErrEncrypted is an encrypted vault file and nothing to open it with.
	ErrEncrypted = errors.New("the vault file is encrypted")
	// ErrPlain is a vault file that should be encrypted and is not.
	ErrPlain = errors.New("the vault file is not encrypted")
	// ErrFIPS is encryption of a vault file where only FIPS 140 algorithms may be used.
	ErrFIPS = errors.New("vault files are encrypted with age, which is not in FIPS 140")
)

type (
	forPassphrase struct{}
	// Passphrase encrypts a vault file.
	Passphrase = scp80.Key[forPassphrase]
)

// Lock is what a vault file is encrypted with: a passphrase, or to recipients. The zero
// Lock is none: the file is plain, and only its mode protects it.
type Lock struct {
	Passphrase Passphrase
	// WorkFactor is that of scrypt for a new file: 2 to the power of this. 0 is age's own,
	// which takes about a second.
	WorkFactor int

	Identities Identities // that open it, and whose recipients a new file is encrypted to
	Recipients []string   // further ones of a new file: age1..., age1pq1...
}

// IsZero tells whether it is no lock.
func (l Lock) IsZero() bool {
	return l.Passphrase.IsZero() && l.Identities.list == nil && len(l.Recipients) == 0
}

// Identities are private keys of age (X25519, or hybrid with ML-KEM-768). They print as
// how many they are. Make them with [ReadIdentities].
type Identities struct{ list *[]age.Identity }

// String tells how many there are.
func (i Identities) String() string {
	if i.list == nil {
		return "no identities"
	}
	return fmt.Sprintf("%d identities", len(*i.list))
}

// GoString tells how many there are.
func (i Identities) GoString() string { return i.String() }

// Format tells how many there are, whatever the verb.
func (i Identities) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, i.String()) }

// MarshalText tells how many there are, in JSON too.
func (i Identities) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// ReadIdentities reads an identity file as age keeps it. Its error repeats nothing of it.
func ReadIdentities(path string) (Identities, error) {
	f, err := os.Open(path)
	if err != nil {
		return Identities{}, fmt.Errorf("read identities: %w", err)
	}
	defer f.Close()
	list, err := age.ParseIdentities(io.LimitReader(f, maxFile))
	if err != nil {
		return Identities{}, fmt.Errorf("read identities: %s holds none of age", path)
	}
	return Identities{&list}, nil
}

// WriteIdentity makes an identity - hybrid, so that it withstands quantum computers too -
// and writes it to a new file of mode 0600. An existing file is never replaced.
func WriteIdentity(path string) error {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", id.Recipient(), id)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	return nil
}

// recipients are the public keys that a new file is encrypted to.
func (l Lock) recipients() ([]string, error) {
	all := append([]string(nil), l.Recipients...)
	if l.Identities.list == nil {
		return all, nil
	}
	for _, id := range *l.Identities.list {
		switch id := id.(type) {
		case *age.HybridIdentity:
			all = append(all, id.Recipient().String())
		case *age.X25519Identity:
			all = append(all, id.Recipient().String())
		default:
			return nil, errors.New("an identity has no recipient")
		}
	}
	return all, nil
}

// encrypt makes a writer that encrypts to w: with the passphrase, or to the recipients
// if there are any.
func (l Lock) encrypt(w io.Writer, recipients []string) (io.WriteCloser, error) {
	if l.Passphrase.IsZero() && len(recipients) == 0 {
		return plainWriter{w}, nil
	}
	if fips140.Enforced() {
		return nil, ErrFIPS
	}
	if len(recipients) > 0 {
		to, err := age.ParseRecipients(strings.NewReader(strings.Join(recipients, "\n")))
		if err != nil {
			return nil, fmt.Errorf("a recipient is no public key of age (age1...): %w", err)
		}
		return age.Encrypt(w, to...)
	}
	to, err := age.NewScryptRecipient(string(l.Passphrase.Reveal()))
	if err != nil {
		return nil, err
	}
	if l.WorkFactor != 0 {
		to.SetWorkFactor(l.WorkFactor)
	}
	return age.Encrypt(w, to)
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

// Protection is how a vault file is protected.
type Protection string

// The ways of protection.
const (
	Plain           Protection = "plain"
	ByPassphrase    Protection = "passphrase"
	ToRecipients    Protection = "recipients"
	ageMark                    = "age-encryption.org/v1\n"
	stanzaOfScrypt             = "-> scrypt "
	lenProtectionAt            = len(ageMark) + len(stanzaOfScrypt)
)

// ProtectionOf tells how a vault file is protected, from its first octets.
func ProtectionOf(path string) (Protection, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("look at vault: %w", err)
	}
	defer f.Close()
	return protection(bufio.NewReaderSize(f, lenProtectionAt)), nil
}

func protection(r *bufio.Reader) Protection {
	head, _ := r.Peek(lenProtectionAt)
	rest, encrypted := bytes.CutPrefix(head, []byte(ageMark))
	switch {
	case !encrypted:
		return Plain
	case string(rest) == stanzaOfScrypt:
		return ByPassphrase
	}
	return ToRecipients
}

// decrypt makes a reader of what r holds.
func (l Lock) decrypt(r *bufio.Reader) (io.Reader, error) {
	p := protection(r)
	switch {
	case p == Plain && l.IsZero():
		return r, nil
	case p == Plain:
		return nil, ErrPlain
	case fips140.Enforced():
		return nil, ErrFIPS
	case p == ByPassphrase && l.Passphrase.IsZero():
		return nil, fmt.Errorf("%w by a passphrase", ErrEncrypted)
	case p == ToRecipients && l.Identities.list == nil:
		return nil, fmt.Errorf("%w to recipients: one of their identities opens it", ErrEncrypted)
	}
	identities, err := l.openers(p)
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		return nil, ErrLock
	}
	return plain, nil
}

func (l Lock) openers(p Protection) ([]age.Identity, error) {
	if p == ToRecipients {
		return *l.Identities.list, nil
	}
	id, err := age.NewScryptIdentity(string(l.Passphrase.Reveal()))
	if err != nil {
		return nil, err
	}
	return []age.Identity{id}, nil
}
