package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/smsc"
)

// gatewayConfig is what the carrier's room is told.
type gatewayConfig struct {
	smpp, http, control, ready string
	operatorKeyFile            string
	esmes                      cli.StringSlice
	accountsFile, passwordFile string
	handsets                   int
	prefix                     string
	tlsSMPP, certFile, keyFile string
	redis, pcap                string
	radio                      string
	cells, faults              cli.StringSlice
	ussdRoutes, canned         cli.StringSlice
	ussdFile                   string
	openCards                  bool
	seed                       uint64
}

func gatewayCommand() command {
	g := new(gatewayConfig)
	return command{
		name:  "gateway",
		short: "run the carrier alone: an SMPP 3.4 SMSC with USSD, radio, faults, and handsets of its own",
		about: "With --handsets it has phones of its own, which airtill phone reads and sends from; airtill sms, ussd, smsc, radio and\n" +
			"chaos look after it. Without --esme and --accounts a guest may bind with password airtill; without --handsets too, the\n" +
			"accounts are platform, shop, handsets and guest, with the ranges that the other rooms have by themselves.",
		section: "Rooms",
		examples: []string{
			"airtill gateway --esme app:secret --handsets 100 --prefix 2547000",
			"airtill gateway --smpp 127.0.0.1:2775 --esme 'app:secret:^4242$' --handsets 10 --redis redis://127.0.0.1:6379",
			"airtill gateway --handsets 10 --radio urban --cell 'north=rural loss=0.1' --fault 'submit_sm=ESME_RTHROTTLED@1%'",
			"airtill gateway --handsets 10 --ussd-route '*384*1#=http://127.0.0.1:8000/ussd,form=africastalking' --pcap smpp.pcapng",
		},
		logLevel: "info",
		flags:    append(g.flags(), g.moreFlags()...),
		run:      g.run,
	}
}

func (g *gatewayConfig) flags() []cli.Flag {
	return []cli.Flag{
		addressFlag("smpp", "the carrier", "127.0.0.1:2775", &g.smpp),
		&cli.StringFlag{Name: "http", Usage: "let management listen at `HOST:PORT`", DefaultText: managementAddress + ", or a free port", EnvVars: []string{"AIRTILL_LISTEN_CARRIER"}, Destination: &g.http},
		&cli.StringFlag{Name: "operator-key-file", Usage: "read management's key from `FILE` (or AIRTILL_CARRIER_KEY holds it; else it is made, in carrier.key in the state directory)", Destination: &g.operatorKeyFile},
		&cli.StringSliceFlag{Name: "esme", Usage: "let `ID:PASSWORD` bind, or ID:PASSWORD:RANGE, a regular expression of the numbers it owns", Destination: &g.esmes},
		&cli.StringFlag{Name: "accounts", Usage: "let the accounts in the JSON `FILE` bind, with their limits and dialects", Destination: &g.accountsFile},
		passwordFlag(&g.passwordFile),
		&cli.IntFlag{Name: "handsets", Usage: "have `N` plain phones", Destination: &g.handsets},
		&cli.StringFlag{Name: "prefix", Usage: "their numbers are `DIGITS` and an index from 00001", Value: "2547000", Destination: &g.prefix},
		&cli.StringFlag{Name: "control", Usage: "let the phones' control face listen at `HOST:PORT`", DefaultText: controlAddress + ", or a free port", EnvVars: []string{"AIRTILL_LISTEN_HANDSETS"}, Destination: &g.control},
		&cli.StringFlag{Name: "tls-smpp", Usage: "speak SMPP over TLS too, at `HOST:PORT`", Destination: &g.tlsSMPP},
		&cli.StringFlag{Name: "tls-cert-file", Usage: "with the certificate in the PEM `FILE`", Destination: &g.certFile},
		&cli.StringFlag{Name: "tls-key-file", Usage: "and its key in the PEM `FILE`", Destination: &g.keyFile},
	}
}

func (g *gatewayConfig) moreFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "redis", Usage: "keep messages in the Redis at `URL` (default: in memory, gone at the end)", EnvVars: []string{"AIRTILL_REDIS"}, Destination: &g.redis},
		&cli.StringFlag{Name: "radio", Usage: "the air is like `PROFILE`: ideal, urban, rural, roaming, stadium, outage, and fields that change it", Value: "ideal", Destination: &g.radio},
		&cli.StringSliceFlag{Name: "cell", Usage: "have a cell `NAME=PROFILE`; the seed says who stands in it", Destination: &g.cells},
		&cli.StringSliceFlag{Name: "fault", Usage: "have this `FAULT` from the start: a preset's name, or as in airtill chaos set", Destination: &g.faults},
		&cli.StringSliceFlag{Name: "ussd-route", Usage: "`CODE=URL` or CODE=account:NAME answers a dialled code; ,form= ,timeout= ,notify= ,network= may follow", Destination: &g.ussdRoutes},
		&cli.StringFlag{Name: "ussd-config", Usage: "read dialled codes from the JSON `FILE`", Destination: &g.ussdFile},
		&cli.StringSliceFlag{Name: "canned", Usage: "`N=TEXT` is the text of sm_default_msg_id N", Destination: &g.canned},
		&cli.BoolFlag{Name: "open-cards", Usage: "let everybody send binary messages to the cards of subscribers", Destination: &g.openCards},
		&cli.StringFlag{Name: "pcap", Usage: "write every PDU to `FILE`, for Wireshark", Destination: &g.pcap},
		&cli.Uint64Flag{Name: "seed", Usage: "draw radio, faults and message ids from `N`", Value: 1, Destination: &g.seed},
		readyFlag(&g.ready),
	}
}

// Where the carrier's HTTP faces listen unless told otherwise, or at a free port if
// another one is there.
const (
	managementAddress = "127.0.0.1:2780"
	controlAddress    = "127.0.0.1:2781"
)

// mobile is a network in which what nobody chose an address for moves to a free port.
type mobile struct {
	moving
	may []string // addresses that were not chosen
}

// Listen implements [network.Network].
func (m *mobile) Listen(ctx context.Context, address string) (net.Listener, error) {
	if slices.Contains(m.may, address) {
		return m.moving.Listen(ctx, address)
	}
	return m.Network.Listen(ctx, address)
}

// or is the address that was said, or a standard one that may be another.
func (m *mobile) or(said, standard string) string {
	if said == "" {
		m.may = append(m.may, standard)
	}
	return cmp.Or(said, standard)
}

func (g *gatewayConfig) run(ctx context.Context, c *call) (err error) {
	defer collectRarely(c)()
	key, err := carrierKey(c, g.operatorKeyFile)
	if err != nil {
		return err
	}
	accounts, config, err := g.read(c)
	if err != nil {
		return err
	}
	config.Gateway.Key = key
	opened, err := g.open(ctx, &config.Gateway)
	defer opened.close(c)
	if err != nil {
		return err
	}
	opened.warn(ctx, c)
	room, err := world.NewCarrier(ctx, config)
	if err != nil {
		return g.explain(err)
	}
	ready := world.Ready{
		HTTP: room.URL(), SMPP: room.Address(), SMPPS: room.SecureAddress(), Carrier: room.URL(), CarrierKey: key, OperatorKey: key,
		Messages: g.redis, Handsets: room.ControlURL(), Merchants: []world.ReadyMerchant{}, Phones: room.ReadyPhones(), ESMEs: []world.ReadyESME{},
	}
	for _, a := range accounts {
		ready.ESMEs = append(ready.ESMEs, world.ReadyESME{SystemID: a.SystemID, Password: a.Password, AddressRange: a.AddressRange})
	}
	found := foundAt(ctx, carrierFile(c.env.Getenv), ready, carrierIsUp)
	if found != carrierFile(c.env.Getenv) {
		c.talk("another carrier is up, and commands find that one; for this one say --network %s", cmp.Or(g.ready, found))
	}
	return serve(ctx, c, room, ready, g.banner(ready, accounts, opened.kept), g.ready, found)
}

// explain says what to do about a carrier that cannot be made.
func (g *gatewayConfig) explain(err error) error {
	switch {
	case errors.Is(err, world.ErrNumbers):
		return usagef("--prefix %q with --handsets %d: %w", g.prefix, g.handsets, err)
	case errors.Is(err, world.ErrTaken):
		return usagef("--esme, --accounts: %w", err)
	}
	return unheard(err, "--smpp, --http, --control, --tls-smpp")
}

// banner says where everything is, and what to try.
func (g *gatewayConfig) banner(r world.Ready, accounts []smsc.Account, kept string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The carrier is up. Stop it with Ctrl-C.\n\n")
	fmt.Fprintf(&b, "  smpp         %s\n", r.SMPP)
	if r.SMPPS != "" {
		fmt.Fprintf(&b, "  smpp, TLS    %s\n", r.SMPPS)
	}
	fmt.Fprintf(&b, "  management   %s    openapi.json, metrics; the key is in the ready file\n", r.Carrier)
	if n := len(r.Phones); n > 0 {
		fmt.Fprintf(&b, "  handsets     %s    %d, %s to %s\n", r.Handsets, n, r.Phones[0].MSISDN, r.Phones[n-1].MSISDN)
	}
	fmt.Fprintf(&b, "  messages     %s\n  radio        %s, seed %d\n", kept, g.radio, g.seed)
	for _, a := range accounts {
		numbers := "owns no numbers"
		if a.AddressRange != "" {
			numbers = "numbers " + a.AddressRange
		}
		if a.Password == defaultPassword {
			numbers = "password " + defaultPassword + ", " + numbers
		}
		fmt.Fprintf(&b, "  account      %s    %s\n", a.SystemID, numbers)
	}
	if len(r.Phones) > 0 {
		fmt.Fprintf(&b, "\nTry, in another terminal:\n  airtill sms send --to %[1]s --wait 10s \"hello\"\n  airtill phone inbox %[1]s\n  airtill radio set --power off %[1]s", r.Phones[0].MSISDN)
	}
	return strings.TrimRight(b.String(), "\n")
}
