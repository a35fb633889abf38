package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/decode"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

const glassElement applet.ElementID = "89860012345678901234"

// Packets of either suite, either way, open with a vault and the element's number.
func TestDecodeWithAVault(t *testing.T) {
	vault, err := keys.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "vault.json")
	if err := vault.Save(file, keys.Lock{}); err != nil {
		t.Fatal(err)
	}
	for suite := scp80.Modern; suite <= scp80.Legacy; suite++ {
		for way, of := range map[scp80.Direction]func(keys.Binding) (scp80.Keys, error){scp80.MO: vault.MO, scp80.MT: vault.MT} {
			k, err := of(keys.Binding{Element: glassElement, Suite: suite, Version: 1})
			if err != nil {
				t.Fatal(err)
			}
			packet, err := scp80.Wrap(suite.Profile(way, 1), k, 7, applet.Encode(suite, &applet.Keyed{Version: 1}))
			if err != nil {
				t.Fatal(err)
			}
			s := newShell(t)
			got := s.run("decode", "--json", "--keys", file, "--element", string(glassElement), hex.EncodeToString(packet))
			s.check(got, 0)
			var tree struct{ Inputs []decode.Explanation }
			if err := json.Unmarshal([]byte(got.stdout), &tree); err != nil {
				t.Fatal(err)
			}
			if f, ok := decode.Find(tree.Inputs[0].Fields, "KEYED", "version"); !ok || f.Value != "1" {
				t.Errorf("%s: %+v", suite, f)
			}
			checkNoKeys(t, got, k)
			got = s.run("decode", "--keys", file, "--element", "89860012345678901235", hex.EncodeToString(packet))
			s.check(got, 1, "airtill decode: the keys do not open a packet in it", "are they of its key set, suite and direction?")
		}
	}
}

func checkNoKeys(t *testing.T, got outcome, k scp80.Keys) {
	t.Helper()
	for _, key := range [][]byte{k.KIc.Reveal(), k.KID.Reveal()} {
		if strings.Contains(got.stdout+got.stderr, hex.EncodeToString(key)) {
			t.Error("a key is printed")
		}
	}
}

// Key files that cannot be, and what is said of them.
func TestKeyFiles(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", "it is no key file"},
		{"no suite", `{"kic":"00","kid":"00"}`, "it names no suite: modern or legacy"},
		{"no such suite", `{"suite":"old","kic":"00","kid":"00"}`, "it is no key file"},
		{"no KID", `{"suite":"modern","kic":"00112233445566778899aabbccddeeff"}`, "kid is not hexadecimal"},
		{"short", `{"suite":"modern","kic":"00","kid":"00"}`, "a key of the modern suite has 16, 24 or 32 octets, of the legacy suite 16 or 24 that differ"},
		{"single DES", `{"suite":"legacy","kic":"00112233445566770011223344556677","kid":"00112233445566770011223344556677"}`,
			"a key of the modern suite has 16, 24 or 32 octets, of the legacy suite 16 or 24 that differ"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseKeyFile([]byte(tt.text))
			if err == nil || err.Error() != tt.want || strings.Contains(err.Error(), "001122") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// What others may read is refused, before it is looked at.
func TestKeyFileIsPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(`{}`), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := readPrivate(file); err == nil || Status(err) != StatusFailed {
		t.Errorf("read: %v", err)
	}
	if e, ok := errors.AsType[*Error](errOf(readPrivate(file))); !ok || e.Hint != "make it yours alone: chmod 600 "+file {
		t.Errorf("hint %+v", e)
	}
}

func errOf(_ []byte, err error) error { return err }
