package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	ada = By{Name: "ada", At: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)}
	bob = By{Name: "bob", At: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)}
)

func rotated(t *testing.T, v *Vault) uint8 {
	t.Helper()
	version, err := v.Rotate(ada, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// Two versions overlap: packets of each open with its keys only, and the header tells
// them apart before a key is used.
func TestVersionsOverlap(t *testing.T) {
	v := generate(t, 1)
	old, err := v.WrapMT(bound, 1, []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	if got := rotated(t, v); got != 2 || v.Version() != 2 {
		t.Fatalf("version %d, %d in use", got, v.Version())
	}
	next := Binding{Element: element, Suite: scp80.Modern, Version: 2}
	packet, err := v.WrapMT(next, 1, []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := v.WrapMT(bound, 1, []byte("old")); err != nil || !bytes.Equal(same, old) {
		t.Errorf("the old version is another one, %v", err)
	}
	oldSet, _ := scp80.KeySetOf(old)
	newSet, ok := scp80.KeySetOf(packet)
	if !ok || oldSet == newSet {
		t.Errorf("key sets %d and %d", oldSet, newSet)
	}
	mt, err := v.MT(next)
	if err != nil {
		t.Fatal(err)
	}
	if _, payload, err := scp80.Open(scp80.Modern.Profile(scp80.MT, 2), mt, packet); err != nil || string(payload) != "new" {
		t.Errorf("%q, %v", payload, err)
	}
	if _, _, err := scp80.Open(scp80.Modern.Profile(scp80.MT, 1), mt, old); !errors.Is(err, scp80.ErrRefused) {
		t.Errorf("an old packet under new keys: %v", err)
	}
}

// What Rekey wraps, the element unwraps with its KIK, and has the keys of the next version.
func TestRekey(t *testing.T) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		t.Run(suite.String(), func(t *testing.T) {
			if suite == scp80.Legacy {
				needsTDEA(t)
			}
			v := generate(t, 1)
			b := Binding{Element: element, Suite: suite, Version: 1}
			p := personalised(t, v, suite)
			if _, err := v.Rekey(b, 2); !errors.Is(err, ErrVersion) {
				t.Errorf("the next version before there is one: %v", err)
			}
			rotated(t, v)
			wrapped, err := v.Rekey(b, 2)
			if err != nil {
				t.Fatal(err)
			}
			mo, mt, err := applet.UnwrapKeys(suite, p.KIK, 2, wrapped)
			if err != nil {
				t.Fatal(err)
			}
			b.Version = 2
			wantMO, _ := v.MO(b)
			wantMT, err := v.MT(b)
			if err != nil || !mo.KIc.Equal(wantMO.KIc) || !mo.KID.Equal(wantMO.KID) || !mt.KIc.Equal(wantMT.KIc) || !mt.KID.Equal(wantMT.KID) {
				t.Errorf("other keys, %v", err)
			}
			if mo.KIc.Equal(p.MO.KIc) || mo.KIc.Equal(mt.KIc) {
				t.Error("the keys are old, or the same both ways")
			}
			other, err := v.Rekey(Binding{Element: "89860112345678901235", Suite: suite, Version: 1}, 2)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := applet.UnwrapKeys(suite, p.KIK, 2, other); err == nil {
				t.Error("another element's keys are taken")
			}
		})
	}
}

func TestRetire(t *testing.T) {
	v := generate(t, 1)
	if err := v.Retire(bob, 1); !errors.Is(err, ErrInUse) {
		t.Errorf("the version in use: %v", err)
	}
	rotated(t, v)
	if err := v.Retire(bob, 9); !errors.Is(err, ErrVersion) {
		t.Errorf("version 9: %v", err)
	}
	if err := v.Retire(bob, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := v.WrapMT(bound, 1, nil); !errors.Is(err, ErrVersion) {
		t.Errorf("a retired version: %v", err)
	}
	if err := v.Retire(bob, 2); !errors.Is(err, ErrInUse) {
		t.Errorf("the last version: %v", err)
	}
}

// Three versions have three key sets; a fourth waits until the first is retired.
func TestRotateKeepsThree(t *testing.T) {
	v := generate(t, 1)
	rotated(t, v)
	rotated(t, v)
	if _, err := v.Rotate(ada, rand.Reader); !errors.Is(err, ErrOverlap) || !strings.Contains(err.Error(), "retire version 1 first") {
		t.Errorf("a fourth: %v", err)
	}
	if err := v.Retire(ada, 1); err != nil {
		t.Fatal(err)
	}
	if got := rotated(t, v); got != 4 {
		t.Errorf("version %d after 3", got)
	}
	for v.Version() < 255 {
		if err := v.Retire(ada, v.Version()-1); err != nil && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
		if err := v.Retire(ada, v.Version()-2); err != nil && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
		rotated(t, v)
	}
	if _, err := v.Rotate(ada, rand.Reader); !errors.Is(err, ErrLastVersion) {
		t.Errorf("after 255: %v", err)
	}
}

// A rotation that fails changes nothing.
func TestRotateWithoutRandomness(t *testing.T) {
	v := generate(t, 1)
	if _, err := v.Rotate(ada, strings.NewReader("")); err == nil || v.Version() != 1 || len(v.Log()) != 0 {
		t.Errorf("version %d, %d acts, %v", v.Version(), len(v.Log()), err)
	}
}

// What was derived and cached does not outlive the keys.
func TestCacheIsDropped(t *testing.T) {
	v := generate(t, 1)
	if _, err := v.WrapMT(bound, 1, nil); err != nil {
		t.Fatal(err)
	}
	before := v.current.Load()
	if _, ok := before.channels.get(channelKey{bound, scp80.MT}); !ok {
		t.Fatal("not cached")
	}
	rotated(t, v)
	after := v.current.Load()
	if _, ok := after.channels.get(channelKey{bound, scp80.MT}); ok || before == after {
		t.Error("a derived channel outlives a rotation")
	}
}

// A vault in use takes what was changed in its file, and no other vault.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.json")
	v, err := Create(path, Lock{}, ada, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, err := v.WrapMT(bound, 1, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Edit(path, Lock{}, func(v *Vault) error { _, err := v.Rotate(bob, rand.Reader); return err }); err != nil {
		t.Fatal(err)
	}
	if v.Version() != 1 {
		t.Error("changed before it was reloaded")
	}
	if err := v.Reload(path, Lock{}); err != nil || v.Version() != 2 {
		t.Fatalf("version %d, %v", v.Version(), err)
	}
	if after, err := v.WrapMT(bound, 1, []byte("x")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the first version changed, %v", err)
	}
	other := filepath.Join(t.TempDir(), "other.json")
	if _, err := Create(other, Lock{}, ada, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := v.Reload(other, Lock{}); !errors.Is(err, ErrOther) || v.Version() != 2 {
		t.Errorf("another vault: %v", err)
	}
	if err := os.WriteFile(path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Reload(path, Lock{}); !errors.Is(err, ErrOlder) || v.Version() != 2 {
		t.Errorf("an older one: %v", err)
	}
	if err := v.Reload(path+"x", Lock{}); err == nil || v.Version() != 2 {
		t.Error("no file")
	}
}

// The log says who did what when, with check values and no key, and lasts in the file.
func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.json")
	if _, err := Create(path, Lock{}, ada, rand.Reader); err != nil {
		t.Fatal(err)
	}
	for _, act := range []func(*Vault) error{
		func(v *Vault) error { _, err := v.Rotate(bob, rand.Reader); return err },
		func(v *Vault) error { return v.Retire(ada, 1) },
		func(v *Vault) error { return errors.New("no") },
	} {
		_ = Edit(path, Lock{}, act)
	}
	v, err := Load(path, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	log := v.Log()
	if len(log) != 3 || log[0].Did != "init" || log[0].By != "ada" || !log[0].At.Equal(ada.At) || len(log[0].Keys) != 16 ||
		log[1].Did != "rotate" || log[1].By != "bob" || len(log[1].Keys) != 6 || log[2].Did != "retire version 1" {
		t.Fatalf("%+v", log)
	}
	for _, k := range v.Keys() {
		if k.Key == "kic/modern/2" && (k.Value == "" || k.Value != log[1].Keys[0].Value) {
			t.Errorf("%+v, in the log %+v", k, log[1].Keys[0])
		}
	}
}
