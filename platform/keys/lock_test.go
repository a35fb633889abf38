package keys

import (
	"bytes"
	"crypto/fips140"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/airtill/airtill/platform/scp80"
)

// needsAge skips a test where only FIPS 140 algorithms may be used.
func needsAge(t testing.TB) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("age is not in FIPS 140")
	}
}

// passphrase is a lock that costs little to try.
func passphrase(text string) Lock {
	return Lock{Passphrase: scp80.NewKey[Passphrase]([]byte(text)), WorkFactor: 2}
}

// identity makes an identity file and reads it.
func identity(t *testing.T) (Lock, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity.txt")
	if err := WriteIdentity(path); err != nil {
		t.Fatal(err)
	}
	ids, err := ReadIdentities(path)
	if err != nil {
		t.Fatal(err)
	}
	return Lock{Identities: ids}, path
}

func create(t *testing.T, l Lock) (path string, v *Vault) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "vault")
	v, err := Create(path, l, ada, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return path, v
}

func same(t *testing.T, a, b *Vault) {
	t.Helper()
	if !a.current.Load().sameVault(b.current.Load().masters) || a.Version() != b.Version() {
		t.Error("the vaults differ")
	}
}

// A vault opens with what it was locked with and with nothing else.
func TestLocks(t *testing.T) {
	needsAge(t)
	hybrid, identityFile := identity(t)
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	x25519 := Lock{Identities: Identities{&[]age.Identity{classic}}}
	right, wrong := passphrase("correct horse"), passphrase("battery staple")
	stranger, _ := identity(t)
	public := hybrid
	public.Identities, public.Recipients = Identities{}, []string{recipientOf(t, hybrid)}
	tests := []struct {
		name       string
		lock, open Lock
		protection Protection
		wrong      []Lock
	}{
		{"passphrase", right, right, ByPassphrase, []Lock{wrong}},
		{"hybrid identity", hybrid, hybrid, ToRecipients, []Lock{stranger, x25519}},
		{"X25519 identity", x25519, x25519, ToRecipients, []Lock{stranger}},
		{"public key alone", public, hybrid, ToRecipients, []Lock{stranger}},
		{"plain", Lock{}, Lock{}, Plain, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, v := create(t, tt.lock)
			if p, err := ProtectionOf(path); err != nil || p != tt.protection {
				t.Errorf("protection %q, %v", p, err)
			}
			got, err := Load(path, tt.open)
			if err != nil {
				t.Fatal(err)
			}
			same(t, v, got)
			if _, err := Load(path, Lock{}); tt.protection != Plain && !errors.Is(err, ErrEncrypted) {
				t.Errorf("no lock: %v", err)
			}
			for _, l := range tt.wrong {
				if _, err := Load(path, l); !errors.Is(err, ErrLock) {
					t.Errorf("a wrong lock: %v", err)
				}
			}
			text, err := os.ReadFile(path)
			clear := bytes.Contains(text, []byte(`"kic/modern/1"`))
			if err != nil || clear != (tt.protection == Plain) {
				t.Errorf("in clear: %v, %v", clear, err)
			}
		})
	}
	if _, err := ReadIdentities(identityFile + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no identity file: %v", err)
	}
	if err := WriteIdentity(identityFile); !errors.Is(err, fs.ErrExist) {
		t.Errorf("wrote over an identity: %v", err)
	}
}

func recipientOf(t *testing.T, l Lock) string {
	t.Helper()
	all, err := l.recipients()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// A file that should be encrypted and is not may have been put there by somebody else.
func TestPlainWhereEncryptedIsMeant(t *testing.T) {
	path, _ := create(t, Lock{})
	if _, err := Load(path, passphrase("x")); !errors.Is(err, ErrPlain) {
		t.Errorf("a plain file under a passphrase: %v", err)
	}
}

// A change keeps the file's lock, and all of its recipients.
func TestEditKeepsTheLock(t *testing.T) {
	needsAge(t)
	mine, _ := identity(t)
	backup, _ := identity(t)
	both := mine
	both.Recipients = []string{recipientOf(t, backup)}
	for name, c := range map[string]struct{ lock, open, also Lock }{
		"passphrase": {passphrase("x"), passphrase("x"), passphrase("x")},
		"recipients": {both, mine, backup},
		"plain":      {},
	} {
		path, _ := create(t, c.lock)
		if err := Edit(path, c.open, func(v *Vault) error { _, err := v.Rotate(bob, rand.Reader); return err }); err != nil {
			t.Fatal(name, err)
		}
		v, err := Load(path, c.also)
		if err != nil || v.Version() != 2 {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("%s: left behind %v", name, entries)
		}
	}
}

// The lock changes, and the old one opens nothing any more.
func TestProtect(t *testing.T) {
	needsAge(t)
	id, _ := identity(t)
	path, v := create(t, Lock{})
	locks := []Lock{{}, passphrase("one"), passphrase("two"), id, {}}
	for i := range locks[1:] {
		if err := Protect(path, locks[i], locks[i+1], ada); err != nil {
			t.Fatal(i, err)
		}
		got, err := Load(path, locks[i+1])
		if err != nil {
			t.Fatal(i, err)
		}
		same(t, v, got)
		if _, err := Load(path, locks[i]); err == nil {
			t.Errorf("%d: the old lock still opens it", i)
		}
		if log := got.Log(); log[len(log)-1].Did != "protect" {
			t.Errorf("%d: %v", i, log)
		}
	}
}

func TestBadRecipients(t *testing.T) {
	needsAge(t)
	id, file := identity(t)
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.Fields(string(secret))[4]
	for _, bad := range []string{"age1nonsense", "ssh-ed25519 AAAA", key} {
		l := id
		l.Recipients = []string{bad}
		err := generate(t, 1).Save(filepath.Join(t.TempDir(), "v"), l)
		if err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("recipient taken, or an identity shown: %v", err)
		}
	}
	path := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(path, []byte(key[:30]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadIdentities(path); err == nil || strings.Contains(err.Error(), key[20:30]) {
		t.Errorf("identity taken, or shown: %v", err)
	}
}

// An encrypted file that was cut or changed is refused, and the error tells nothing.
func TestDamagedFile(t *testing.T) {
	needsAge(t)
	path, _ := create(t, passphrase("x"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, 30, len(text) / 2, len(text) - 1} {
		for name, bad := range map[string][]byte{"cut": text[:n], "changed": flipped(text, n)} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if v, err := Load(path, passphrase("x")); err == nil || v != nil {
				t.Errorf("%s at %d is taken", name, n)
			}
		}
	}
}

func flipped(text []byte, i int) []byte {
	out := bytes.Clone(text)
	out[i] ^= 1
	return out
}

// In FIPS 140 mode vaults are plain; what needs age says so.
func TestNoAgeInFIPS(t *testing.T) {
	if !fips140.Enforced() {
		t.Skip("age may be used")
	}
	path := filepath.Join(t.TempDir(), "vault")
	if err := generate(t, 1).Save(path, passphrase("x")); !errors.Is(err, ErrFIPS) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(ageMark+stanzaOfScrypt+"x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, passphrase("x")); !errors.Is(err, ErrFIPS) {
		t.Error(err)
	}
}
