package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

// hexSecret reads or asks for a key's octets in hexadecimal; groups may be apart.
func hexSecret(ctx context.Context, c *call, s secret) ([]byte, error) {
	text, err := s.readOrAsk(ctx, c, false)
	if err != nil {
		return nil, err
	}
	octets, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(octets) == 0 {
		return nil, fmt.Errorf("the %s is not hexadecimal", s.what)
	}
	return octets, nil
}

// protectionKey is where the key that protects key blocks comes from.
type protectionKey struct {
	file, kcv  string
	components cli.StringSlice
}

func (p *protectionKey) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "kbpk-file", Usage: "the key that protects the block is in `FILE`, in hexadecimal (else its two components are asked for)", Destination: &p.file},
		&cli.StringSliceFlag{Name: "kbpk-component-file", Usage: "one of its two components is in `FILE`; given twice", Destination: &p.components},
		&cli.StringFlag{Name: "kbpk-kcv", Usage: "refuse it unless its check value is `KCV`", Destination: &p.kcv},
	}
}

// read makes the key, and checks it against what was said of it.
func (p *protectionKey) read(ctx context.Context, c *call, v tr31.Version) (tr31.ProtectionKey, error) {
	key, err := p.make(ctx, c)
	if err != nil {
		return key, err
	}
	value, err := keys.ProtectionCheckValue(v, key)
	switch {
	case err != nil:
		return key, fmt.Errorf("the key that protects the block: %w", err)
	case p.kcv != "" && !strings.EqualFold(p.kcv, value.Value):
		return key, hinted(fmt.Errorf("the key that protects the block has the check value %s, not %s", value, p.kcv), "nothing was done; look at its file or components")
	}
	c.talk("the block's key has the check value %s", value)
	return key, nil
}

func (p *protectionKey) make(ctx context.Context, c *call) (tr31.ProtectionKey, error) {
	files := p.components.Value()
	switch {
	case p.file != "" && len(files) > 0:
		return tr31.ProtectionKey{}, usagef("--kbpk-file stands against --kbpk-component-file")
	case p.file != "":
		octets, err := hexSecret(ctx, c, secret{what: "block's key", file: p.file, flag: "kbpk-file"})
		return scp80.NewKey[tr31.ProtectionKey](octets), err
	case len(files) != 0 && len(files) != 2:
		return tr31.ProtectionKey{}, usagef("--kbpk-component-file is given twice: a key has two components")
	}
	var halves [2]keys.Component
	for i := range halves {
		s := secret{what: fmt.Sprintf("component %d of the block's key", i+1), flag: "kbpk-file"}
		if len(files) > 0 {
			s.file = files[i]
		}
		octets, err := hexSecret(ctx, c, s)
		if err != nil {
			return tr31.ProtectionKey{}, err
		}
		halves[i] = scp80.NewKey[keys.Component](octets)
	}
	return keys.JoinComponents(halves[0], halves[1])
}

// exchangeHint says what to do about a refused exchange.
func exchangeHint(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keys.ErrSlot), errors.Is(err, keys.ErrCheckValue), errors.Is(err, keys.ErrNotExchanged):
		return hinted(err, "nothing was done; the keys, what they are and their check values: airtill keys show")
	case errors.Is(err, keys.ErrUnfit), errors.Is(err, tr31.ErrBlock):
		return hinted(err, "nothing was done; ask for a block that says what the key is: see airtill keys show, BLOCK and ALGORITHM")
	case errors.Is(err, tr31.ErrAuthentication), errors.Is(err, tr31.ErrProtection):
		return hinted(err, "nothing was done; compare the check value of the block's key with who made it: --kbpk-kcv KCV")
	case errors.Is(err, keys.ErrSameOfficer):
		return hinted(err, "the other one says who it is with --officer NAME; or forget the first: airtill keys component --drop KEY")
	}
	return err
}

// keyBlock is a key in its block.
type keyBlock struct {
	Key   keys.Slot `json:"key"`
	Block string    `json:"block"`
}

func keysExport() command {
	var at vaultAt
	var officer string
	var kbpk protectionKey
	var may string
	return command{
		name: "export", short: "wrap a key in a key block (TR-31, ANSI X9.143 version D)", args: "KEY",
		about: "KEY is named as airtill keys show lists it. The block goes to stdout; the AES key that protects it is to be known to the receiver.",
		examples: []string{
			"airtill keys export --vault vault.json --kbpk-file kbpk.txt dukpt/modern",
			"airtill keys export --kbpk-component-file first.txt --kbpk-component-file second.txt --exportability N card/legacy",
		},
		flags: append(append(at.flags(""), kbpk.flags()...),
			&cli.StringFlag{Name: "exportability", Usage: "the receiver may hand the key on: `E` in key blocks, S in other forms too, N not", Value: "E", Destination: &may},
			officerFlag(&officer)),
		run: func(ctx context.Context, c *call) error {
			if !slices.Contains([]string{"E", "S", "N"}, may) {
				return usagef("--exportability %q is none of E, S, N", may)
			}
			key, err := kbpk.read(ctx, c, tr31.VersionD)
			if err != nil {
				return err
			}
			out := keyBlock{Key: keys.Slot(c.args[0])}
			err = at.edit(ctx, c, func(v *keys.Vault) (err error) {
				out.Block, err = v.Export(by(officer), keys.Outgoing{Key: out.Key, KBPK: key, Exportability: tr31.Exportability(may)}, rand.Reader)
				return err
			})
			if err != nil {
				return exchangeHint(err)
			}
			return c.out.line(out, out.Block)
		},
	}
}

func keysImport() command {
	var at vaultAt
	var officer, file, replaces string
	var kbpk protectionKey
	return command{
		name: "import", short: "put a key from a key block in the place of one of the vault's", args: "KEY",
		about: "The block's usage, algorithm and mode must be the key's. Blocks of version D are taken, and of version B for legacy keys. " +
			"What was derived from the key that goes is lost with it, so import before elements are enrolled.",
		examples: []string{"airtill keys import --vault vault.json --block-file block.txt --kbpk-file kbpk.txt --replaces 1F2E3D4C5B dukpt/modern"},
		flags: append(append(at.flags(""), kbpk.flags()...),
			&cli.StringFlag{Name: "block-file", Usage: "the key block is in `FILE`, - is stdin", Destination: &file},
			replacesFlag(&replaces), officerFlag(&officer)),
		required: []string{"block-file", "replaces"},
		run: func(ctx context.Context, c *call) error {
			in := keys.Incoming{Key: keys.Slot(c.args[0]), Replaces: replaces}
			var err error
			if in.Block, err = readBlock(c, file); err != nil {
				return err
			}
			h, err := tr31.Parse(in.Block)
			if err != nil {
				return exchangeHint(fmt.Errorf("--block-file %s: %w", file, err))
			}
			if in.KBPK, err = kbpk.read(ctx, c, h.Version); err != nil {
				return err
			}
			var value keys.CheckValue
			err = at.edit(ctx, c, func(v *keys.Vault) (err error) {
				value, err = v.Import(by(officer), in)
				return err
			})
			if err != nil {
				return exchangeHint(err)
			}
			return printLoaded(c, in.Key, value)
		},
	}
}

func replacesFlag(into *string) cli.Flag {
	return &cli.StringFlag{Name: "replaces", Usage: "the key that goes has the check value `KCV`", Destination: into}
}

// maxBlockFile bounds a key block's file.
const maxBlockFile = 16 << 10

func readBlock(c *call, file string) (string, error) {
	from := c.env.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the key block: %w", err)
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxBlockFile))
	if err != nil {
		return "", fmt.Errorf("read the key block: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// loadedKey is a key that has come from elsewhere.
type loadedKey struct {
	Key keys.Slot `json:"key"`
	keys.CheckValue
}

func printLoaded(c *call, key keys.Slot, value keys.CheckValue) error {
	return c.out.line(loadedKey{key, value}, fmt.Sprintf("%s has the check value %s now", key, value))
}

func keysComponent() command {
	var at vaultAt
	var officer, file string
	h := new(keys.Half)
	var drop bool
	return command{
		name: "component", short: "give one of the two components of a key", args: "KEY",
		about: "Two officers give a component each, in runs of their own; the key is their exclusive or, and nobody sees it. " +
			"Each says the check value of the component and of the whole key, and nothing is changed unless all are right. " +
			"The component is typed, without being shown, or comes from a file.",
		examples: []string{
			"airtill keys component --vault vault.json --officer Ada --component-kcv 08D7B4 --kcv 57C409 --replaces A0B1C2 dukpt/legacy",
			"airtill keys component --vault vault.json --officer Bob --component-kcv 3F4E5D --kcv 57C409 --replaces A0B1C2 --component-file mine.txt dukpt/legacy",
			"airtill keys component --vault vault.json --drop dukpt/legacy",
		},
		flags: append(at.flags(""),
			&cli.StringFlag{Name: "component-file", Usage: "the component is in `FILE`, in hexadecimal (else it is asked for)", Destination: &file},
			&cli.StringFlag{Name: "component-kcv", Usage: "the component's check value is `KCV`", Destination: &h.CheckValue},
			&cli.StringFlag{Name: "kcv", Usage: "the check value of the whole key is `KCV`", Destination: &h.Whole},
			replacesFlag(&h.Replaces), officerFlag(&officer),
			&cli.BoolFlag{Name: "drop", Usage: "forget the component that waits for the other one", Destination: &drop}),
		run: func(ctx context.Context, c *call) error {
			h.Key = keys.Slot(c.args[0])
			if drop {
				return dropComponent(ctx, c, &at, h.Key, officer)
			}
			if h.CheckValue == "" || h.Whole == "" || h.Replaces == "" {
				return usagef("--component-kcv, --kcv and --replaces must be given")
			}
			octets, err := hexSecret(ctx, c, secret{what: "component", file: file, flag: "component-file"})
			if err != nil {
				return err
			}
			h.Component = scp80.NewKey[keys.Component](octets)
			return giveComponent(ctx, c, &at, *h, officer)
		},
	}
}

func giveComponent(ctx context.Context, c *call, at *vaultAt, h keys.Half, officer string) error {
	var value keys.CheckValue
	var done bool
	err := at.edit(ctx, c, func(v *keys.Vault) (err error) {
		value, done, err = v.Component(by(officer), h)
		return err
	})
	if err != nil {
		return exchangeHint(err)
	}
	if done {
		return printLoaded(c, h.Key, value)
	}
	return c.out.line(struct {
		Key     keys.Slot `json:"key"`
		Waiting string    `json:"component_from"`
	}{h.Key, by(officer).Name}, fmt.Sprintf("the component of %s waits for the other one, from another officer", h.Key))
}

func dropComponent(ctx context.Context, c *call, at *vaultAt, key keys.Slot, officer string) error {
	err := at.edit(ctx, c, func(v *keys.Vault) error { return v.DropComponent(by(officer), key) })
	if err != nil {
		return exchangeHint(err)
	}
	return c.out.line(struct {
		Key     keys.Slot `json:"key"`
		Dropped bool      `json:"dropped"`
	}{key, true}, fmt.Sprintf("the component of %s is forgotten", key))
}
