package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// vaultAt is where a vault file is, and what opens it.
type vaultAt struct {
	file, passphraseFile, identityFile string
}

func (v *vaultAt) flags(made string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "vault", Usage: "master keys are in `FILE`" + made + " (default vault.json in the state directory)", EnvVars: []string{"AIRTILL_VAULT"}, Destination: &v.file},
		&cli.StringFlag{Name: "vault-passphrase-file", Usage: "read the vault's passphrase from `FILE` (or AIRTILL_VAULT_PASSPHRASE holds it)", Destination: &v.passphraseFile},
		&cli.StringFlag{Name: "vault-identity", Usage: "an identity of age in `FILE` opens the vault", EnvVars: []string{"AIRTILL_VAULT_IDENTITY"}, Destination: &v.identityFile},
	}
}

func (v *vaultAt) path(c *call) string { return cmp.Or(v.file, stateFile(c.env.Getenv, "vault.json")) }

func (v *vaultAt) passphrase() secret {
	return secret{what: "passphrase of the vault", file: v.passphraseFile, flag: "vault-passphrase-file", variable: "AIRTILL_VAULT_PASSPHRASE"}
}

// given is the lock that was said, if any was.
func (v *vaultAt) given(c *call) (keys.Lock, error) {
	if v.passphraseFile != "" && v.identityFile != "" {
		return keys.Lock{}, usagef("--vault-passphrase-file and --vault-identity: a vault has one of them")
	}
	if v.identityFile != "" {
		identities, err := keys.ReadIdentities(v.identityFile)
		return keys.Lock{Identities: identities}, err
	}
	text, _, err := v.passphrase().read(c)
	return lockOf(text), err
}

// lockOf is the lock of a passphrase; without one there is none.
func lockOf(passphrase string) keys.Lock {
	if passphrase == "" {
		return keys.Lock{}
	}
	return keys.Lock{Passphrase: scp80.NewKey[keys.Passphrase]([]byte(passphrase))}
}

// lock is what opens the vault file: what was said, or what is typed.
func (v *vaultAt) lock(ctx context.Context, c *call, path string) (keys.Lock, error) {
	protection, err := keys.ProtectionOf(path)
	if err != nil {
		return keys.Lock{}, err
	}
	l, err := v.given(c)
	if err != nil || !l.IsZero() || protection != keys.ByPassphrase {
		return l, err
	}
	text, err := v.passphrase().readOrAsk(ctx, c, false)
	return lockOf(text), err
}

// open reads the vault file.
func (v *vaultAt) open(ctx context.Context, c *call) (*keys.Vault, keys.Lock, error) {
	path := v.path(c)
	l, err := v.lock(ctx, c, path)
	if err != nil {
		return nil, l, v.explain(err, path)
	}
	vault, err := keys.Load(path, l)
	return vault, l, v.explain(err, path)
}

// edit changes the vault file.
func (v *vaultAt) edit(ctx context.Context, c *call, act func(*keys.Vault) error) error {
	path := v.path(c)
	l, err := v.lock(ctx, c, path)
	if err == nil {
		err = keys.Edit(path, l, act)
	}
	return v.explain(err, path)
}

// openOrCreate is open for a platform: the vault is made if it is not there.
func (v *vaultAt) openOrCreate(ctx context.Context, c *call) (*keys.Vault, keys.Lock, error) {
	path := v.path(c)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, keys.Lock{}, fmt.Errorf("open the vault: %w", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return v.open(ctx, c)
	}
	l, err := v.given(c)
	if err != nil {
		return nil, l, err
	}
	vault, err := keys.Create(path, l, by(""), rand.Reader)
	return vault, l, v.explain(err, path)
}

// explain says what to do about a vault that does not open.
func (v *vaultAt) explain(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(path):
		return hinted(fmt.Errorf("there is no vault %s", path), "say where it is: --vault FILE; or make one: airtill keys init")
	case errors.Is(err, keys.ErrLock):
		return hinted(err, "give the right one: --vault-passphrase-file FILE, or --vault-identity FILE")
	case errors.Is(err, keys.ErrEncrypted):
		return hinted(err, "say what opens it: --vault-passphrase-file FILE, or --vault-identity FILE")
	case errors.Is(err, keys.ErrPlain):
		return hinted(err, "encrypt it: airtill keys protect --help; or say no passphrase and no --vault-identity")
	case errors.Is(err, keys.ErrChanged):
		return hinted(err, "look at what was done: airtill keys show --log; then try again")
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// by is who acts on a vault: the user of this system, under another name if one is said.
func by(officer string) keys.By {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if officer = strings.TrimSpace(officer); officer != "" && officer != name {
		name = fmt.Sprintf("%s (%s)", officer, name)
	}
	return keys.By{Name: name, At: time.Now()}
}

// reloadAtHangUp takes the keys of the vault file again whenever the process is told to
// hang up, until it is stopped.
func reloadAtHangUp(c *call, vault *keys.Vault, path string, l keys.Lock) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			if err := vault.Reload(path, l); err != nil {
				c.log.Error().Err(err).Msg("the vault was not reloaded; its keys are as before")
				continue
			}
			c.log.Info().Uint8("version", vault.Version()).Msg("the vault was reloaded")
		}
	})
	return func() {
		signal.Stop(signals)
		close(done)
		watch.Wait()
	}
}
