package world

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
	"github.com/airtill/airtill/platform/signature"
)

// A network that goes on has a data directory, its owner's alone:
//
//	network.json   keys and passwords of the rooms, and what the network was made with
//	vault.json     the platform's master keys
//	store/         what the platform keeps, unless it is in a Redis
//	elements/      the secure elements
//	orders.jsonl   the shop's orders
const (
	lifeFile     = "network.json"
	vaultFile    = "vault.json"
	storeDir     = "store"
	elementsDir  = "elements"
	ordersFile   = "orders.jsonl"
	onlyOwnerDir = 0o700
)

var (
	// ErrNoLife is a data directory that has something of a network in it, but not the
	// network's keys.
	ErrNoLife = errors.New("the keys of the network are missing")
	// ErrOtherLife is a network that was made otherwise than is asked for now.
	ErrOtherLife = errors.New("the network was made otherwise")
)

// Life is what a network remembers of itself from one run to the next.
type Life struct {
	dir  string
	lock *aofstore.Lock

	// Up says that everybody was enrolled once. Until then nothing is worth keeping.
	Up    bool   `json:"up"`
	Runs  uint64 `json:"runs"`  // this one included
	Store string `json:"store"` // "embedded", or the URL of its Redis without a password
	Suite string `json:"suite"`

	OperatorKey string            `json:"operator_key"`
	CarrierKey  string            `json:"carrier_key"`
	Passwords   map[string]string `json:"passwords"` // at the carrier, by system_id

	Ahead time.Duration `json:"ahead,omitempty"` // of the wall clock: the network's, in nanoseconds

	Shop   lifeMerchant     `json:"shop"`
	Own    lifeMerchant     `json:"own"`
	Phones []gateway.MSISDN `json:"phones"` // of whom the network was made with
}

// lifeMerchant is a merchant's side of its keys.
type lifeMerchant struct {
	ID            platform.MerchantID `json:"id"`
	Profile       platform.Profile    `json:"profile,omitempty"`
	APIKey        string              `json:"api_key,omitempty"`
	WebhookSecret string              `json:"webhook_secret,omitempty"`
	FieldKey      string              `json:"field_key,omitempty"`
	SigningKey    string              `json:"signing_key,omitempty"` // PEM
}

// OpenLife opens the data directory of a network, or makes it, and locks it; Close it in
// the end. store and suite are what is asked for: an earlier network must have been made
// with them. When fresh, what is there is erased first; so is what a start left that was
// interrupted before the network was up.
func OpenLife(dir, store string, suite scp80.Suite, fresh bool) (*Life, error) {
	lock, err := aofstore.LockDirectory(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data directory %s: %w", dir, err)
	}
	l := &Life{dir: dir, lock: lock}
	if err := l.begin(store, suite, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("open the data directory %s: %w", dir, err), lock.Close())
	}
	return l, nil
}

// Close lets others have the directory.
func (l *Life) Close() error {
	if l == nil {
		return nil
	}
	return l.lock.Close()
}

func (l *Life) begin(store string, suite scp80.Suite, fresh bool) error {
	if !fresh {
		if err := l.read(); err != nil {
			return err
		}
	}
	if !l.Up {
		if err := l.erase(); err != nil {
			return err
		}
		*l = Life{dir: l.dir, lock: l.lock, Store: store, Suite: suite.String()}
	}
	switch {
	case l.Store != store:
		return fmt.Errorf("%w: its store is %s, not %s", ErrOtherLife, l.Store, store)
	case l.Suite != suite.String():
		return fmt.Errorf("%w: its suite is %s, not %s", ErrOtherLife, l.Suite, suite)
	}
	l.Runs++
	return l.save()
}

func (l *Life) read() error {
	text, err := os.ReadFile(l.path(lifeFile))
	if errors.Is(err, fs.ErrNotExist) {
		if name := l.leftover(); name != "" {
			return fmt.Errorf("%w: there is %s without %s", ErrNoLife, name, lifeFile)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, l); err != nil {
		return fmt.Errorf("%s: %w", lifeFile, err)
	}
	return nil
}

// leftover names something of a network that is in the directory.
func (l *Life) leftover() string {
	for _, name := range []string{storeDir, vaultFile, elementsDir, ordersFile} {
		if _, err := os.Lstat(l.path(name)); err == nil {
			return name
		}
	}
	return ""
}

// erase takes a network away from its data directory, and nothing else that is there.
func (l *Life) erase() error {
	for _, name := range []string{lifeFile, storeDir, vaultFile, elementsDir, ordersFile} {
		if err := os.RemoveAll(l.path(name)); err != nil {
			return fmt.Errorf("erase the network of before: %w", err)
		}
	}
	return nil
}

// StoreDir is where the platform's store is, if it is embedded.
func (l *Life) StoreDir() string { return filepath.Join(l.dir, storeDir) }

func (l *Life) path(name string) string { return filepath.Join(l.dir, name) }

// save writes network.json whole.
func (l *Life) save() error {
	if err := writeOwn(l.path(lifeFile), l); err != nil {
		return fmt.Errorf("keep the network's keys: %w", err)
	}
	return nil
}

// vault reads the master keys, or makes them.
func (l *Life) vault() (*keys.Vault, error) {
	if l.Up {
		return keys.Load(l.path(vaultFile), keys.Lock{})
	}
	by := keys.By{Name: "airtill dev", At: time.Now()}
	return keys.Create(l.path(vaultFile), keys.Lock{}, by, rand.Reader)
}

// keepSecrets notes the keys of the operators and the passwords at the carrier.
func (l *Life) keepSecrets(operatorKey, carrierKey string, accounts []smsc.Account) error {
	l.OperatorKey, l.CarrierKey, l.Passwords = operatorKey, carrierKey, make(map[string]string)
	for _, a := range accounts {
		l.Passwords[a.SystemID] = a.Password
	}
	return l.save()
}

// lifeOf is a merchant's side of its keys, to be kept.
func lifeOf(k platform.MerchantKeys, s Signing) (m lifeMerchant, err error) {
	m = lifeMerchant{ID: k.ID, Profile: s.Profile, APIKey: k.APIKey, WebhookSecret: k.WebhookSecret, FieldKey: k.FieldKey}
	if !s.Profile.Signs() {
		return m, nil
	}
	key, err := s.Key.PEM()
	m.SigningKey = string(key)
	return m, err
}

// keys are the merchant's keys as the office told them.
func (m lifeMerchant) keys() platform.MerchantKeys {
	return platform.MerchantKeys{ID: m.ID, APIKey: m.APIKey, WebhookSecret: m.WebhookSecret, FieldKey: m.FieldKey}
}

// signing is what the merchant signs with.
func (m lifeMerchant) signing() (s Signing, err error) {
	if !m.Profile.Signs() {
		return Signing{}, nil
	}
	s = Signing{Profile: m.Profile, Merchant: m.ID}
	if s.Key, err = signature.ParseSigningKey([]byte(m.SigningKey)); err != nil {
		return s, fmt.Errorf("read the shop's signing key: %w", err)
	}
	if s.Key, err = s.Key.As(algorithmOf(m.Profile)); err != nil {
		return s, fmt.Errorf("read the shop's signing key: %w", err)
	}
	if m.FieldKey == "" {
		return s, nil
	}
	field, err := signature.ParseFieldKey(m.FieldKey)
	s.FieldKeys = []signature.FieldKey{field}
	return s, err
}

// keepMerchants notes that everybody was enrolled, and the merchants' keys.
func (l *Life) keepMerchants(shop, own lifeMerchant) error {
	l.Shop, l.Own, l.Up = shop, own, true
	return l.save()
}
