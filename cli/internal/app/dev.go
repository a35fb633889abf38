package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
	"github.com/airtill/airtill/platform/webhook"
)

// devConfig is what dev is told.
type devConfig struct {
	http, smpp, handsets, shop string
	carrier                    string
	redis, data, readyFile     string
	fresh, manual, strict      bool
	seed                       uint64
	suite                      scp80.Suite
	ussdCap                    cli.StringSlice
	limits                     limits
	allow                      allowed
	drain                      world.Drain
}

func dev() command {
	d := devConfig{suite: scp80.Modern}
	return command{
		name:  "dev",
		short: "the same network, staying up until Ctrl-C",
		about: "Carrier, platform, shop and handsets in one process, with a few enrolled phones and one merchant. " +
			"The banner says every address, the keys to use and what to try. Commands such as airtill bill find this network by themselves. " +
			"It goes on where it was, whether it was stopped or killed: bills, money, keys, secure elements and the shop's orders are in the data directory, " +
			"on disk before they are acknowledged; what lies in phones' inboxes and at the carrier is not. " +
			"--fresh begins a new network; --data none makes one in memory that ends with the process.",
		section:  "Networks",
		examples: []string{"airtill dev", "airtill dev --suite legacy", "airtill dev --manual --http 127.0.0.1:9080", "airtill dev --ready-file net.json", "airtill dev --data ./net", "airtill dev --data none", "airtill dev --ussd-cap CNY=200000"},
		flags: append([]cli.Flag{
			addressFlag("http", "the platform", "127.0.0.1:8080", &d.http),
			addressFlag("smpp", "the carrier", "127.0.0.1:2775", &d.smpp),
			addressFlag("carrier", "the carrier's management", managementAddress, &d.carrier),
			addressFlag("handsets", "the phones' control face", "127.0.0.1:8081", &d.handsets),
			addressFlag("shop", "the shop", "127.0.0.1:8082", &d.shop),
			&cli.BoolFlag{Name: "strict-ports", Usage: "fail when a port is taken, instead of moving to a free one", Destination: &d.strict},
			suiteFlag(&d.suite, secureBy),
			&cli.StringFlag{
				Name: "data", Usage: "keep the network in `DIR`, or \"none\": in memory, gone at the end (default dev in the state directory)",
				EnvVars: []string{"AIRTILL_DEV_DATA"}, Destination: &d.data,
			},
			&cli.StringFlag{
				Name: "redis", Usage: "keep the platform's store in the Redis at `URL`, or \"child\": in a redis-server of its own, instead of the data directory",
				EnvVars: []string{"AIRTILL_REDIS"}, Destination: &d.redis,
			},
			&cli.BoolFlag{Name: "fresh", Usage: "erase the network that is there, and begin a new one", Destination: &d.fresh},
			&cli.StringFlag{Name: "ready-file", Usage: "write addresses and keys as JSON to `PATH` when ready", Destination: &d.readyFile},
			&cli.BoolFlag{Name: "manual", Usage: "leave it to commands what phones answer", Destination: &d.manual},
			capFlag(&d.ussdCap),
			d.allow.flag("loopback"),
			drainTimeoutFlag(devDrain, &d.drain.Timeout),
			&cli.Uint64Flag{Name: "seed", Usage: "draw keys and people from `N`", Value: 1, Destination: &d.seed},
		}, d.limits.flags()...),
		run: d.run,
	}
}

func addressFlag(name, who, address string, into *string) cli.Flag {
	return &cli.StringFlag{
		Name: name, Usage: "let " + who + " listen at `HOST:PORT`", Value: address,
		EnvVars: []string{"AIRTILL_LISTEN_" + strings.ToUpper(name)}, Destination: into,
	}
}

func (d *devConfig) run(ctx context.Context, c *call) error {
	most, err := capOf(d.ussdCap.Value())
	if err != nil {
		return err
	}
	limits, err := d.limits.read()
	if err != nil {
		return err
	}
	prefixes, err := d.allow.prefixes(true)
	if err != nil {
		return err
	}
	var n network.Network = network.TCP{}
	if !d.strict {
		n = &moving{Network: n, talk: c.talk}
	}
	life, store, err := d.open(ctx, c, n)
	if err != nil {
		return err
	}
	defer closeLife(c, life)
	defer closeStore(c, store)
	w, err := world.New(ctx, world.Config{
		Network: n, Store: store, Life: life, Seed: d.seed, HTTP: d.http, SMPP: d.smpp, Carrier: d.carrier, Handsets: d.handsets, Shop: d.shop,
		Suite: d.suite, Profile: d.profile(), People: devPeople(d.manual, len(most) > 0), USSDCap: most, Limits: limits, Forced: true, Movable: true, ShopName: "Sky Travel", Log: c.log,
		CallbackDial: webhook.Dial(nil, prefixes...), Drain: d.drain,
	})
	if err != nil {
		return unheard(explainLife(err), "--http, --smpp, --carrier, --handsets, --shop")
	}
	err = w.Run(ctx, func(ctx context.Context) error { return d.up(ctx, c, w.Ready(), store) })
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	c.talk("stopped")
	return nil
}

// profile is that of the shop's merchant: with the modern suite an API key, which curl
// can use too.
func (d *devConfig) profile() platform.Profile {
	if d.suite == scp80.Legacy {
		return platform.ProfileLegacy
	}
	return platform.ProfileKey
}

// up tells where everything is, and stays until it is interrupted.
func (d *devConfig) up(ctx context.Context, c *call, r world.Ready, store *world.Store) error {
	found := foundAt(ctx, readyFile(c.env.Getenv), r, isUp)
	for _, path := range []string{found, d.readyFile} {
		if path == "" {
			continue
		}
		if err := world.WriteReady(path, r); err != nil {
			return err
		}
		defer removeReady(c, path, r)
	}
	option := ""
	if found != readyFile(c.env.Getenv) {
		option = " --network " + cmp.Or(d.readyFile, found)
		c.talk("another network is up, and commands find that one; for this one say%s", option)
	}
	if name := contextInUse(c.env.Getenv); name != "" && option == "" {
		option = " --network " + cmp.Or(d.readyFile, found)
		c.talk("the context %s is in use, and commands speak to it; for this network say%s, or airtill context use none", name, option)
	}
	if err := c.out.line(r, banner(r, store, option)); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// foundAt is the ready file for commands to find a network by: the usual one, unless
// another network that is up has it.
func foundAt(ctx context.Context, usual string, r world.Ready, isUp func(context.Context, world.Ready) bool) string {
	other, err := world.ReadReady(usual)
	if err != nil || other.HTTP == r.HTTP || !isUp(ctx, other) {
		return usual
	}
	own := ".json"
	if at, err := url.Parse(r.HTTP); err == nil {
		own = "-" + at.Port() + own
	}
	return strings.TrimSuffix(usual, ".json") + own
}

// isUp says whether a network's platform answers, and knows the network's key.
func isUp(ctx context.Context, r world.Ready) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client, err := api.NewOfficeClient(api.ClientConfig{BaseURL: r.HTTP, Key: api.Key(r.OperatorKey), HTTP: world.HTTPClient(network.TCP{})})
	if err != nil {
		return false
	}
	_, err = client.Merchants(ctx)
	return err == nil
}

// removeReady takes a ready file away, unless another network has written it since.
func removeReady(c *call, path string, r world.Ready) {
	if now, err := world.ReadReady(path); err != nil || now.HTTP != r.HTTP {
		return
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn().Err(err).Msg("the ready file stays")
	}
}

// banner says every address, the keys, and what to try; option says which network to commands.
func banner(r world.Ready, store *world.Store, option string) string {
	var b strings.Builder
	m := r.Merchants[0]
	fmt.Fprintf(&b, `Airtill is up. Stop it with Ctrl-C.

  platform   %s     POST /v1/bills
  carrier    %s            SMPP 3.4; bind as %s, password %s, numbers %s
             %s     its management; key %s
  handsets   %s     phones to hold
  shop       %s     GET /v1/catalogue, POST /v1/orders
  store      %s (%s)

  merchant %s   %s
    API key          %s
    webhook secret   %s
  operator key       %s

`, r.HTTP, r.SMPP, r.ESMEs[0].SystemID, r.ESMEs[0].Password, r.ESMEs[0].AddressRange, r.Carrier, r.CarrierKey, r.Handsets, r.Shop, store.Shown, store.Promise,
		m.ID, m.Name, m.APIKey, m.WebhookSecret, r.OperatorKey)
	for _, p := range r.Phones {
		fmt.Fprintf(&b, "  %s  %-10s %-16s %s\n", p.MSISDN, p.Name, p.Persona, cardLine(p))
	}
	fmt.Fprintf(&b, `
  %[1]s0000 to %[1]s0012 each end a bill in one way: airtill phone forced

Try, in another terminal:
  airtill bill create%[2]s --amount 128000 --phone %[3]s --subject "flight CA1405" --wait 10s
  airtill bill list%[2]s
  airtill phone inbox%[2]s %[4]s`, world.ForcedPrefix, option, r.Phones[0].MSISDN, r.Phones[len(r.Phones)-1].MSISDN)
	return b.String()
}

func cardLine(p world.ReadyPhone) string {
	if len(p.Cards) == 0 {
		return "no card: a buyer's phone"
	}
	var all []string
	for _, card := range p.Cards {
		all = append(all, fmt.Sprintf("%d %s %s", card.Slot, card.Alias, money.Money{Amount: card.Balance, Currency: card.Currency}))
	}
	return strings.Join(all, ", ")
}

// devPeople are the people of a dev network: one of each habit, a buyer, and with USSD
// somebody whose phone has no payment client. The PIN of all is 246813.
func devPeople(manual, bare bool) []world.Person {
	people := []world.Person{
		devPerson(1, "Li Na", "sim", persona.Pays),
		devPerson(2, "Zhao Min", "sdtf", persona.PoorFirstCard),
		devPerson(3, "Chen Jie", "standalone", persona.Refuses),
		devPerson(4, "Liu Yang", "sim", persona.PaysLater),
		devPerson(5, "Sun Li", "sim", persona.Never),
		devPerson(6, "He Ping", "sim", persona.WrongPINOnce),
		devPerson(7, "Gao Fei", "sim", persona.Away),
		devPerson(8, "Ma Lin", "sim", persona.Manual),
	}
	if bare {
		people = append(people, devPerson(9, "Tang Xin", platform.FormNone, persona.Pays))
	}
	if manual {
		for i := range people {
			people[i].Persona = string(persona.Manual)
		}
	}
	return append(people, world.Person{Name: "Wang Wei", Phone: "8613900000002", Persona: string(persona.Manual)})
}

func devPerson(n int, name, form string, habit persona.Kind) world.Person {
	first := money.Amount(10_000_000)
	if habit == persona.PoorFirstCard {
		first = 100
	}
	return world.Person{
		Name: name, Phone: gateway.MSISDN(fmt.Sprintf("86138000000%02d", n)), Form: form, Persona: string(habit),
		PIN: devPIN, ID: fmt.Sprintf("1101051990030712%dX", n),
		Cards: []world.BankCard{
			{Alias: "Blue", Balance: first, Currency: money.CNY},
			{Alias: "Savings", Balance: 50_000_000, Currency: money.CNY},
		},
	}
}

// devPIN is what everybody in a dev network types: it is printed nowhere, and opens
// nothing but simulated cards.
const devPIN = "246813"

// moving listens at a free port where the one asked for is taken, and says so.
type moving struct {
	network.Network
	talk func(format string, args ...any)
}

// Listen implements [network.Network].
func (m *moving) Listen(ctx context.Context, address string) (net.Listener, error) {
	ln, err := m.Network.Listen(ctx, address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return ln, err
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	if ln, err = m.Network.Listen(ctx, net.JoinHostPort(host, "0")); err == nil {
		m.talk("%s is taken: using %s instead", address, ln.Addr())
	}
	return ln, err
}
