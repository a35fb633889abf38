package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/keys"
)

func keysCommand() command {
	return command{
		name: "keys", short: "keys: a vault's to make, look at, rotate and exchange, and a merchant's pair", section: "Offline",
		about: "The platform's master keys lie in a vault file. No command prints a key: keys are told apart by their check values (KCV). " +
			"Every change is noted in the vault with who made it. A platform that runs takes a changed vault when it gets SIGHUP, and when it starts.",
		sub: []command{
			keysInit(), keysShow(), keysRotate(), keysRetire(), keysProtect(), keysExport(), keysImport(), keysComponent(), keysPair(),
		},
	}
}

func officerFlag(into *string) cli.Flag {
	return &cli.StringFlag{Name: "officer", Usage: "note `NAME` beside this system's user as who did it", Destination: into}
}

// newLock is what a vault file is to be encrypted with.
type newLock struct {
	passphrase   secret
	identityFlag string
	identity     *string
	recipients   cli.StringSlice
	unencrypted  bool
}

func (n *newLock) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "recipient", Usage: "encrypt to `AGE1...` too, a public key of age; may be repeated", Destination: &n.recipients},
		&cli.BoolFlag{Name: "unencrypted", Usage: "leave the file plain: only its mode protects it", Destination: &n.unencrypted},
	}
}

// read makes the lock of what was said; without anything a passphrase is asked for.
func (n *newLock) read(ctx context.Context, c *call) (keys.Lock, error) {
	recipients := n.recipients.Value()
	toRecipients := *n.identity != "" || len(recipients) > 0
	switch {
	case n.unencrypted && (toRecipients || n.passphrase.file != ""):
		return keys.Lock{}, usagef("--unencrypted stands against a passphrase, an identity or a recipient")
	case toRecipients && n.passphrase.file != "":
		return keys.Lock{}, usagef("--%s stands against --%s and --recipient: a vault has a passphrase or recipients", n.passphrase.flag, n.identityFlag)
	case n.unencrypted:
		return keys.Lock{}, nil
	case *n.identity != "":
		identities, err := n.identities(c)
		return keys.Lock{Identities: identities, Recipients: recipients}, err
	case len(recipients) > 0:
		return keys.Lock{Recipients: recipients}, nil
	}
	text, err := n.passphrase.readOrAsk(ctx, c, true)
	if err == nil && text == "" {
		err = usagef("the passphrase is empty; --unencrypted leaves the file plain")
	}
	return lockOf(text), err
}

// identities reads the identity file, or makes one.
func (n *newLock) identities(c *call) (keys.Identities, error) {
	if !exists(*n.identity) {
		if err := keys.WriteIdentity(*n.identity); err != nil {
			return keys.Identities{}, err
		}
		c.talk("made an identity: %s; without it the vault cannot be opened", *n.identity)
	}
	return keys.ReadIdentities(*n.identity)
}

func keysInit() command {
	var at vaultAt
	var officer string
	n := newLock{identityFlag: "vault-identity", identity: &at.identityFile}
	return command{
		name: "init", short: "make a vault of new master keys",
		about: "It is encrypted with a passphrase, which is asked for unless a file or AIRTILL_VAULT_PASSPHRASE holds it, or to an identity of age, which is made if its file is not there. " +
			"A vault that is there is never replaced.",
		examples: []string{
			"airtill keys init --vault vault.age --vault-passphrase-file passphrase.txt",
			"airtill keys init --vault vault.age --vault-identity vault-identity.txt",
			"airtill keys init --vault vault.json --unencrypted",
		},
		flags: append(append(at.flags(", which must not be there"), n.flags()...), officerFlag(&officer)),
		run: func(ctx context.Context, c *call) error {
			path := at.path(c)
			taken := hinted(fmt.Errorf("there is a vault %s already, and it was left as it is", path), "say another file: --vault FILE")
			if exists(path) {
				return taken
			}
			n.passphrase = at.passphrase()
			l, err := n.read(ctx, c)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return fmt.Errorf("make the vault's directory: %w", err)
			}
			vault, err := keys.Create(path, l, by(officer), rand.Reader)
			if errors.Is(err, fs.ErrExist) {
				return taken
			}
			if err != nil {
				return err
			}
			return printVault(c, path, vault)
		},
	}
}

// madeVault is what is told of a vault file.
type madeVault struct {
	Vault      string          `json:"vault"`
	Protection keys.Protection `json:"protection"`
	Version    uint8           `json:"version"`
	Keys       int             `json:"keys"`
}

func printVault(c *call, path string, v *keys.Vault) error {
	protection, err := keys.ProtectionOf(path)
	if err != nil {
		return err
	}
	m := madeVault{Vault: path, Protection: protection, Version: v.Version(), Keys: len(v.Keys())}
	return c.out.one(m, field{"vault", path}, field{"protection", string(protection)},
		field{"packet keys", fmt.Sprintf("version %d", m.Version)}, field{"keys", strconv.Itoa(m.Keys)})
}

func keysShow() command {
	var at vaultAt
	var log bool
	return command{
		name: "show", short: "list the keys by their check values, or what was done to the vault",
		about: "Check values: TDEA is the first 3 octets of 8 zeros enciphered, CMAC-AES the first 5 of the CMAC of 16 zeros (ANSI X9.143), " +
			"HMAC-SHA-256 the first 5 of the HMAC of 16 zeros, SHA-256 the first 5 of the hash of the public key. " +
			"BLOCK is the usage in key blocks; a key without one stays in its vault.",
		examples: []string{"airtill keys show --vault vault.json", "airtill keys show --log --json"},
		flags:    append(at.flags(""), &cli.BoolFlag{Name: "log", Usage: "list what was done to the vault, by whom", Destination: &log}),
		run: func(ctx context.Context, c *call) error {
			vault, _, err := at.open(ctx, c)
			if err != nil {
				return err
			}
			if log {
				return printLog(c, vault.Log())
			}
			return printRows(c.out, vault.Keys(), keyColumns()...)
		},
	}
}

func keyColumns() []column[keys.Info] {
	return []column[keys.Info]{
		{name: "key", cell: func(k keys.Info) string { return string(k.Key) }},
		{name: "suite", cell: func(k keys.Info) string { return k.Suite }},
		{name: "version", right: true, cell: func(k keys.Info) string {
			if k.Version == 0 {
				return ""
			}
			return strconv.Itoa(int(k.Version))
		}},
		{name: "algorithm", cell: func(k keys.Info) string { return k.Algorithm }},
		{name: "KCV", cell: func(k keys.Info) string { return k.Value }},
		{name: "kind", cell: func(k keys.Info) string { return string(k.Kind) }},
		{name: "block", cell: func(k keys.Info) string { return k.Usage }},
		{name: "note", cell: keyNote},
	}
}

func keyNote(k keys.Info) string {
	var notes []string
	if k.Version != 0 && k.InUse {
		notes = append(notes, "in use")
	}
	if k.Usage != "" && !k.Exportable {
		notes = append(notes, "not exportable")
	}
	if k.Waiting != "" {
		notes = append(notes, "a component from "+k.Waiting+" waits")
	}
	return strings.Join(notes, ", ")
}

func printLog(c *call, acts []keys.Act) error {
	return printRows(c.out, acts,
		column[keys.Act]{name: "at", cell: func(a keys.Act) string { return a.At.Format(time.RFC3339) }},
		column[keys.Act]{name: "by", cell: func(a keys.Act) string { return a.By }},
		column[keys.Act]{name: "did", cell: func(a keys.Act) string { return a.Did }},
		column[keys.Act]{name: "keys and KCVs", cell: func(a keys.Act) string {
			var all []string
			for _, k := range a.Keys {
				all = append(all, strings.TrimSpace(string(k.Key)+" "+k.Value))
			}
			if len(all) > maxLogKeys {
				all = append(all[:maxLogKeys], fmt.Sprintf("and %d more", len(a.Keys)-maxLogKeys))
			}
			return strings.Join(all, ", ")
		}},
	)
}

// maxLogKeys is how many keys of an act a table shows; --json has them all.
const maxLogKeys = 2
