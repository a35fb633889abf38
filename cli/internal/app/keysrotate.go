package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/keys"
)

// packetVersion is what is told of a version of the packet keys.
type packetVersion struct {
	Vault   string `json:"vault"`
	Did     string `json:"did"`
	Version uint8  `json:"version"`
	InUse   uint8  `json:"in_use"`
}

func (p packetVersion) print(c *call, text string) error {
	if err := c.out.line(p, text); err != nil {
		return err
	}
	c.talk("a platform that runs takes it when it gets SIGHUP")
	return nil
}

func keysRotate() command {
	var at vaultAt
	var officer string
	return command{
		name: "rotate", short: "make the next version of the packet keys",
		about: "New elements get it, and the platform moves the others to it over the air. The versions before it stay until they are retired. " +
			"Only packet keys rotate: what the other keys have made lies in elements and in the store.",
		examples: []string{"airtill keys rotate --vault vault.json", "airtill keys rotate --vault vault.age --vault-identity vault-identity.txt"},
		flags:    append(at.flags(""), officerFlag(&officer)),
		run: func(ctx context.Context, c *call) error {
			done := packetVersion{Vault: at.path(c), Did: "rotate"}
			err := at.edit(ctx, c, func(v *keys.Vault) (err error) {
				done.Version, err = v.Rotate(by(officer), rand.Reader)
				done.InUse = v.Version()
				return err
			})
			if errors.Is(err, keys.ErrOverlap) {
				return hinted(err, "when no element has it any more: airtill keys retire VERSION")
			}
			if err != nil {
				return err
			}
			return done.print(c, fmt.Sprintf("version %d of the packet keys is in use", done.Version))
		},
	}
}

func keysRetire() command {
	var at vaultAt
	var officer string
	return command{
		name: "retire", short: "drop an old version of the packet keys", args: "VERSION",
		about: "Elements that still have the version are out of reach from then on, and must be enrolled again: see first that all have moved. " +
			"The version in use cannot be retired.",
		examples: []string{"airtill keys retire --vault vault.json 1"},
		flags:    append(at.flags(""), officerFlag(&officer)),
		run: func(ctx context.Context, c *call) error {
			n, err := strconv.ParseUint(c.args[0], 10, 8)
			if err != nil || n == 0 {
				return usagef("VERSION %q: a version is 1 to 255", c.args[0])
			}
			done := packetVersion{Vault: at.path(c), Did: "retire", Version: uint8(n)}
			err = at.edit(ctx, c, func(v *keys.Vault) error {
				err := v.Retire(by(officer), uint8(n))
				done.InUse = v.Version()
				return err
			})
			switch {
			case errors.Is(err, keys.ErrInUse):
				return hinted(err, "put the next one in use first: airtill keys rotate")
			case errors.Is(err, keys.ErrVersion):
				return hinted(err, "what there is: airtill keys show")
			case err != nil:
				return err
			}
			return done.print(c, fmt.Sprintf("version %d of the packet keys is retired", n))
		},
	}
}

func keysProtect() command {
	var at vaultAt
	var officer, passphraseFile, identityFile string
	n := newLock{identityFlag: "new-identity", identity: &identityFile}
	return command{
		name: "protect", short: "encrypt a vault, or change what opens it",
		about: "It is encrypted as airtill keys init does it; --vault-passphrase-file or --vault-identity opens it now.",
		examples: []string{
			"airtill keys protect --vault vault.json --new-passphrase-file passphrase.txt",
			"airtill keys protect --vault vault.age --vault-passphrase-file passphrase.txt --new-identity vault-identity.txt",
		},
		flags: append(append(at.flags(""),
			&cli.StringFlag{Name: "new-passphrase-file", Usage: "read the new passphrase from `FILE` (or AIRTILL_NEW_VAULT_PASSPHRASE holds it)", Destination: &passphraseFile},
			&cli.StringFlag{Name: "new-identity", Usage: "encrypt to the identity of age in `FILE`, made if it is not there", Destination: &identityFile},
			officerFlag(&officer)), n.flags()...),
		run: func(ctx context.Context, c *call) error {
			path := at.path(c)
			from, err := at.lock(ctx, c, path)
			if err != nil {
				return at.explain(err, path)
			}
			n.passphrase = secret{what: "new passphrase", file: passphraseFile, flag: "new-passphrase-file", variable: "AIRTILL_NEW_VAULT_PASSPHRASE"}
			to, err := n.read(ctx, c)
			if err != nil {
				return err
			}
			if err := keys.Protect(path, from, to, by(officer)); err != nil {
				return at.explain(err, path)
			}
			protection, err := keys.ProtectionOf(path)
			if err != nil {
				return err
			}
			return c.out.one(struct {
				Vault      string          `json:"vault"`
				Protection keys.Protection `json:"protection"`
			}{path, protection}, field{"vault", path}, field{"protection", string(protection)})
		},
	}
}
