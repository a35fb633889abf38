package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
)

// target finds the running network that a command is for. What a flag says comes
// before what the environment says, and both before the network's ready file, which
// is read only if something is still missing.
type target struct {
	network, platform, handsets, redis, carrier string

	signer // of profile key, its merchant is one of the ready file; empty: the first

	apiKeyFile, operatorKeyFile string

	timeout time.Duration // of an answer

	keyFrom string // where the key that is used came from, for whoever is refused
}

// shop says the flags of a command that asks the platform as a merchant.
func (t *target) shop() []cli.Flag {
	return append([]cli.Flag{
		t.networkFlag(), t.platformFlag(), t.timeoutFlag(usualTimeout),
		&cli.StringFlag{
			Name: "merchant", Usage: "act as the merchant `ID`: of the ready file, or one that signs (or AIRTILL_MERCHANT is one that signs)",
			DefaultText: "the ready file's first", Destination: &t.merchant,
		},
		&cli.StringFlag{Name: "api-key-file", Usage: "read the merchant's key from `FILE` (or AIRTILL_API_KEY holds it)", Destination: &t.apiKeyFile},
	}, t.signer.flags()...)
}

// office says the flags of a command that asks the platform as its operator.
func (t *target) office() []cli.Flag {
	return []cli.Flag{
		t.networkFlag(), t.platformFlag(), t.timeoutFlag(usualTimeout), operatorKeyFlag(t),
	}
}

func operatorKeyFlag(t *target) cli.Flag {
	return &cli.StringFlag{Name: "operator-key-file", Usage: "read the operator's key from `FILE` (or AIRTILL_OPERATOR_KEY holds it)", Destination: &t.operatorKeyFile}
}

// phones says the flags of a command that asks the handsets.
func (t *target) phones() []cli.Flag {
	return []cli.Flag{t.networkFlag(), t.handsetsFlag(), t.timeoutFlag(usualTimeout)}
}

// store says the flags of a command that reads the store.
func (t *target) store() []cli.Flag {
	return []cli.Flag{t.networkFlag(), &cli.StringFlag{
		Name: "redis", Usage: "`URL` of the store, redis://HOST:PORT/DB", EnvVars: []string{"AIRTILL_REDIS"}, Destination: &t.redis,
	}}
}

func (t *target) networkFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "network", Usage: "ready `FILE` of the running network, or a context's name", DefaultText: "the context in use, or $XDG_STATE_HOME/airtill/dev.json",
		EnvVars: []string{"AIRTILL_NETWORK"}, Destination: &t.network,
	}
}

func (t *target) platformFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "platform", Usage: "`URL` of the platform", EnvVars: []string{"AIRTILL_PLATFORM"}, Destination: &t.platform,
	}
}

func (t *target) handsetsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "handsets", Usage: "`URL` of the handsets' control face", EnvVars: []string{"AIRTILL_HANDSETS"}, Destination: &t.handsets,
	}
}

// fleetsFlag is handsetsFlag for a command that can do with several fleets.
func (t *target) fleetsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "handsets", Usage: "`URL` of the handsets' control face; of fleets that share the numbers (airtill handsets --segment) all, with commas between",
		EnvVars: []string{"AIRTILL_HANDSETS"}, Destination: &t.handsets,
	}
}

// readyFile is where a network says that it is ready unless told otherwise.
func readyFile(getenv func(string) string) string {
	state := cmp.Or(getenv("XDG_STATE_HOME"), filepath.Join(getenv("HOME"), ".local", "state"))
	return filepath.Join(state, "airtill", "dev.json")
}

// errNoNetwork is for a ready file that is not there.
var errNoNetwork = errors.New("no running network found")

// ready reads the network's ready file.
func (t *target) ready(c *call) (world.Ready, error) {
	path, said := t.networkFile(c)
	r, err := t.read(path, said)
	if errors.Is(err, errNoNetwork) && !said {
		if alone, err := world.ReadReady(carrierFile(c.env.Getenv)); err == nil {
			return alone, nil // a carrier without the rest of a network
		}
	}
	return r, err
}

// read reads a ready file. One that was said and is no file may be no context either.
func (t *target) read(path string, said bool) (world.Ready, error) {
	r, err := world.ReadReady(path)
	if errors.Is(err, fs.ErrNotExist) && said && contextName.MatchString(t.network) {
		err = fmt.Errorf("%w: there is no file and no context %s", errNoNetwork, t.network)
		return r, hinted(err, "which contexts there are: airtill context list")
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: there is no %s", errNoNetwork, path)
		return r, hinted(err, "start one: airtill dev; or say which: --network FILE")
	}
	if err != nil {
		return r, hinted(err, "is that a ready file? airtill dev --ready-file %s writes one", path)
	}
	return r, nil
}

// address is a room's URL: what was said of it, else what the ready file says.
func (t *target) address(c *call, flag, said string, of func(world.Ready) string) (string, error) {
	if said != "" {
		return said, checkAddress(flag, said)
	}
	r, err := t.ready(c)
	if err != nil {
		return "", err
	}
	if of(r) == "" {
		return "", hinted(fmt.Errorf("the ready file does not say where its %s is", flag), "say it: --%s URL", flag)
	}
	return of(r), nil
}

// checkAddress keeps secrets out of addresses, because addresses are shown.
func checkAddress(flag, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return usagef("--%s is no URL like http://127.0.0.1:8080", flag)
	case u.User != nil:
		return usagef("--%s must not hold a user or a password", flag)
	}
	return nil
}

// merchantClient asks the platform as a merchant, in its profile.
func (t *target) merchantClient(c *call) (*api.Client, error) {
	if err := t.signer.check(t.apiKeyFile); err != nil {
		return nil, err
	}
	signing, from, err := t.signer.read(c)
	if err != nil {
		return nil, err
	}
	key := t.apiKey
	if signing.Profile.Signs() {
		t.keyFrom = from
		key = func(*call, string) (api.Key, error) { return "", nil }
	}
	config, err := t.asking(c, key)
	if err != nil {
		return nil, err
	}
	return signing.Client(config)
}

// officeClient asks the platform as its operator.
func (t *target) officeClient(c *call) (*api.OfficeClient, error) {
	config, err := t.asking(c, t.operatorKey)
	if err != nil {
		return nil, err
	}
	return api.NewOfficeClient(config)
}

// platformOf is where a network's platform is: a carrier alone has none.
func platformOf(r world.Ready) string {
	if r.HTTP == r.Carrier {
		return ""
	}
	return r.HTTP
}

func (t *target) asking(c *call, key func(c *call, address string) (api.Key, error)) (api.ClientConfig, error) {
	address, err := t.address(c, "platform", t.platform, platformOf)
	if err != nil {
		return api.ClientConfig{}, err
	}
	k, err := key(c, address)
	if err != nil {
		return api.ClientConfig{}, err
	}
	client, err := t.http(c)
	return api.ClientConfig{BaseURL: address, Key: k, HTTP: client}, err
}

// phonesClient asks the handsets.
func (t *target) phonesClient(c *call) (*fleet.Client, error) {
	address, err := t.address(c, "handsets", t.handsets, func(r world.Ready) string { return r.Handsets })
	if err != nil {
		return nil, err
	}
	return t.fleetClient(c, address)
}

func (t *target) fleetClient(c *call, address string) (*fleet.Client, error) {
	client, err := t.http(c)
	if err != nil {
		return nil, err
	}
	return fleet.NewClient(address, client)
}

// phonesClients asks the fleets that share the numbers, one or several.
func (t *target) phonesClients(c *call) ([]*fleet.Client, error) {
	if !strings.Contains(t.handsets, ",") {
		one, err := t.phonesClient(c)
		return []*fleet.Client{one}, err
	}
	var all []*fleet.Client
	for address := range strings.SplitSeq(t.handsets, ",") {
		if err := checkAddress("handsets", address); err != nil {
			return nil, err
		}
		one, err := t.fleetClient(c, address)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (t *target) apiKey(c *call, address string) (api.Key, error) {
	s := secret{what: "API key", file: t.apiKeyFile, flag: "api-key-file", variable: "AIRTILL_API_KEY"}
	if t.merchant != "" {
		if t.apiKeyFile != "" {
			return "", usagef("--merchant and --api-key-file each say a key; give one of them")
		}
		s.variable = "" // what a flag says comes before the environment
	}
	return t.platformKey(c, s, address, t.merchantKey)
}

func (t *target) operatorKey(c *call, address string) (api.Key, error) {
	s := secret{what: "operator key", file: t.operatorKeyFile, flag: "operator-key-file", variable: "AIRTILL_OPERATOR_KEY"}
	return t.platformKey(c, s, address, func(r world.Ready) (string, error) { return r.OperatorKey, nil })
}

func (t *target) platformKey(c *call, s secret, address string, of func(world.Ready) (string, error)) (api.Key, error) {
	text, err := t.key(c, s, address, keyAt{platformOf, of})
	return api.Key(text), err
}

// keyAt is a key in a ready file, and the address that it is for.
type keyAt struct {
	address func(world.Ready) string
	key     func(world.Ready) (string, error)
}

// key takes a key from a file, the environment, or the ready file. A key of the ready
// file is for an address of the ready file: it is shown to no other.
func (t *target) key(c *call, s secret, address string, at keyAt) (string, error) {
	text, from, err := s.read(c)
	if err != nil || text != "" {
		t.keyFrom = from
		return text, err
	}
	r, err := t.ready(c)
	if err != nil && !errors.Is(err, errNoNetwork) {
		return "", err
	}
	if err == nil && strings.TrimRight(at.address(r), "/") == strings.TrimRight(address, "/") {
		t.keyFrom = "the ready file"
		if text, err = at.key(r); err != nil || text != "" {
			return text, err
		}
	}
	return "", hinted(fmt.Errorf("no %s for %s", s.what, address), "%s", s.hint())
}

// merchantKey picks a merchant of the ready file.
func (t *target) merchantKey(r world.Ready) (string, error) {
	var known []string
	for _, m := range r.Merchants {
		if t.merchant == "" || m.ID == t.merchant {
			return m.APIKey, nil
		}
		known = append(known, m.ID)
	}
	if t.merchant == "" {
		return "", nil
	}
	return "", hinted(fmt.Errorf("the ready file has no merchant %s", t.merchant), "it has: %s", strings.Join(known, ", "))
}
