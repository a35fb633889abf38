package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/airtill/airtill/cli/internal/decode"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// keyFile is the form of a file with the keys of packets. It holds them in clear and
// lives only while it is read.
type keyFile struct {
	Suite scp80.Suite `json:"suite"`
	KIc   string      `json:"kic"`
	KID   string      `json:"kid"`
}

// keyring is the keys to open packets with; none when none were named. No error of
// it holds a key.
func (d *decoding) keyring(ctx context.Context, c *call) (decode.Keyring, error) {
	switch {
	case d.element != "":
		return d.vaultKeys(ctx, c)
	case d.keys == "":
		return nil, nil
	}
	text, err := readPrivate(d.keys)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	key, err := parseKeyFile(text)
	if err != nil {
		return nil, hinted(fmt.Errorf("read the keys from %s: %w", d.keys, err),
			`a key file says {"suite":"modern","kic":"HEX","kid":"HEX"}; of a vault, say --element NUMBER too`)
	}
	return decode.Keyring{key}, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, hinted(fmt.Errorf("%s may be read by others than its owner", path), "make it yours alone: chmod 600 %s", path)
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}

func parseKeyFile(text []byte) (key decode.Key, err error) {
	var file keyFile
	if json.Unmarshal(text, &file) != nil {
		return key, errors.New("it is no key file")
	}
	if !file.Suite.Valid() {
		return key, errors.New("it names no suite: modern or legacy")
	}
	kic, err := hex.DecodeString(file.KIc)
	if err != nil || len(kic) == 0 {
		return key, errors.New("kic is not hexadecimal")
	}
	kid, err := hex.DecodeString(file.KID)
	if err != nil || len(kid) == 0 {
		return key, errors.New("kid is not hexadecimal")
	}
	key = decode.Key{Name: "the keys given", Suite: file.Suite, Keys: scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](kic), KID: scp80.NewKey[scp80.MACKey](kid),
	}}
	if key.Validate() != nil {
		return key, errors.New("a key of the modern suite has 16, 24 or 32 octets, of the legacy suite 16 or 24 that differ")
	}
	return key, nil
}

// vaultKeys are all packet keys of an element: of both suites, directions, and every
// version that there was.
func (d *decoding) vaultKeys(ctx context.Context, c *call) (decode.Keyring, error) {
	id, err := applet.ParseElementID(d.element)
	if err != nil {
		return nil, usagef("--element %q: %w", d.element, err)
	}
	d.vault.file = cmp.Or(d.keys, d.vault.file)
	vault, _, err := d.vault.open(ctx, c)
	if err != nil {
		return nil, err
	}
	var ring decode.Keyring
	for suite := scp80.Modern; suite <= scp80.Legacy; suite++ {
		for version := range vault.Version() {
			b := keys.Binding{Element: id, Suite: suite, Version: version + 1}
			for way, of := range map[string]func(keys.Binding) (scp80.Keys, error){"from": vault.MO, "to": vault.MT} {
				k, err := of(b)
				if err != nil {
					continue // a version that is gone
				}
				name := fmt.Sprintf("the %s keys of version %d %s the handset", suite, b.Version, way)
				ring = append(ring, decode.Key{Name: name, Suite: suite, Keys: k})
			}
		}
	}
	return ring, nil
}
