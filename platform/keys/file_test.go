package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/applet"
)

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	path, v := filepath.Join(dir, "vault.json"), generate(t, 1)
	if err := v.Save(path, Lock{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v beside the vault, %v", entries, err)
	}
	got, err := Load(path, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := v.MO(bound)
	b, err := got.MO(bound)
	token := applet.TokenPAN("6212340000000019")
	pin := mustPIN(t, "1234")
	if err != nil || !a.KIc.Equal(b.KIc) || !a.KID.Equal(b.KID) || !bytes.Equal(v.BranchPublicKey(), got.BranchPublicKey()) ||
		v.PINReference(token, pin) != got.PINReference(token, pin) || v.Fingerprint("a", "b") != got.Fingerprint("a", "b") ||
		v.Token(mustPAN(t, "6212340000000019")) != got.Token(mustPAN(t, "6212340000000019")) {
		t.Errorf("the loaded vault differs: %v", err)
	}
	sealed, err := v.Seal([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Open(sealed); err != nil {
		t.Error(err)
	}
}

// A vault is never overwritten: its keys could not be had again.
func TestSaveKeepsTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.json")
	if err := generate(t, 1).Save(path, Lock{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate(t, 2).Save(path, Lock{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saved over a vault: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the vault changed")
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vault.json")
	if err := generate(t, 1).Save(path, Lock{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o602, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, Lock{}); !errors.Is(err, ErrMode) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if _, err := Load(filepath.Join(dir, "none"), Lock{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, bad := range map[string]string{
		"empty":       "",
		"cut":         string(text[:len(text)/2]),
		"version":     strings.Replace(string(text), `"version": 2`, `"version": 3`, 1),
		"no key":      strings.Replace(string(text), `"kic/modern/1"`, `"kit/modern/1"`, 1),
		"short key":   strings.Replace(string(text), `"pin": "`, `"pin": "00", "x": "`, 1),
		"no hex":      strings.Replace(string(text), `"dukpt/modern": "`, `"dukpt/modern": "zz`, 1),
		"no branch":   strings.Replace(string(text), `"branch": "`, `"branch": "00`, 1),
		"wrong types": `{"version":1,"kic":7}`,
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := Load(file, Lock{})
		if !errors.Is(err, ErrFile) || v != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(bad) > 100 && strings.Contains(err.Error(), bad[30:60]) {
			t.Errorf("%s: the error tells what the file holds", name)
		}
	}
}

// The same random octets make the same vault, so that a run can be replayed; too
// few make none.
func TestGenerate(t *testing.T) {
	a, b := generate(t, 5), generate(t, 5)
	if !bytes.Equal(a.BranchPublicKey(), b.BranchPublicKey()) || a.Fingerprint("a", "b") != b.Fingerprint("a", "b") {
		t.Error("two vaults of one seed")
	}
	for _, n := range []int{0, 100, 8*32 + 31} {
		if v, err := Generate(bytes.NewReader(make([]byte, n))); err == nil || v != nil {
			t.Errorf("a vault of %d octets", n)
		}
	}
}

// A file of version 1 still gives the vault that it gave, and the keys that came later
// are the same every time.
func TestLoadVersionOne(t *testing.T) {
	text, err := os.ReadFile("testdata/vault1.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vault.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := Load(path, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	mo, err := first.MO(bound)
	if err != nil || fmt.Sprintf("%x", mo.KIc.Reveal()) != "3df5e474dfe258b72548028c61cd5e519fe1d817b899b97ba94ff61309b4e5b4" {
		t.Errorf("another KIc, %v", err)
	}
	again, err := Load(path, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range again.current.Load().places() {
		if q := first.current.Load().places()[i]; !bytes.Equal(p.read(), q.read()) {
			t.Errorf("%s differs the second time", p.slot)
		}
	}
	if err := Edit(path, Lock{}, func(v *Vault) error { return v.Note(ada, "look") }); err != nil {
		t.Fatal(err)
	}
	now, err := Load(path, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, first, now)
	if written, err := os.ReadFile(path); err != nil || !bytes.Contains(written, []byte(`"version": 2`)) {
		t.Errorf("not written in the new form, %v", err)
	}
}

// Who edits a file that somebody else has changed meanwhile changes nothing.
func TestEditOfAChangedFile(t *testing.T) {
	path, _ := create(t, Lock{})
	err := Edit(path, Lock{}, func(v *Vault) error {
		if _, err := v.Rotate(ada, rand.Reader); err != nil {
			return err
		}
		return Edit(path, Lock{}, func(v *Vault) error { return v.Note(bob, "meanwhile") })
	})
	if !errors.Is(err, ErrChanged) {
		t.Errorf("both edited: %v", err)
	}
	v, err := Load(path, Lock{})
	if err != nil || v.Version() != 1 || len(v.Log()) != 2 {
		t.Errorf("version %d, %d acts, %v", v.Version(), len(v.Log()), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// An act that fails leaves the file as it is.
func TestEditThatFails(t *testing.T) {
	path, _ := create(t, Lock{})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := Edit(path, Lock{}, func(v *Vault) error { return errors.Join(v.Note(ada, "x"), boom) }); !errors.Is(err, boom) {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file changed")
	}
}

// FuzzDecode reads vault files as they might be, and writes what it reads.
func FuzzDecode(f *testing.F) {
	first, err := os.ReadFile("testdata/vault1.json")
	if err != nil {
		f.Fatal(err)
	}
	v := generate(f, 1)
	if _, _, err := v.Component(ada, half(f, v, "dukpt/modern", bytes.Repeat([]byte{7}, 32), "0011223344")); err != nil {
		f.Fatal(err)
	}
	var second bytes.Buffer
	if err := v.current.Load().encode(&second); err != nil {
		f.Fatal(err)
	}
	f.Add(first)
	f.Add(second.Bytes())
	f.Add([]byte(`{"version":2,"packet_keys":[1,1]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		if _, err := newVault(m); err != nil {
			return
		}
		var written bytes.Buffer
		if err := m.encode(&written); err != nil {
			t.Fatal(err)
		}
		again, err := decode(&written)
		if err != nil || !again.sameVault(m) || len(again.log) != len(m.log) || len(again.halves) != len(m.halves) {
			t.Errorf("written and read again: %v", err)
		}
	})
}
