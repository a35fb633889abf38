package app

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// merchantConfig is what the shop's room is told.
type merchantConfig struct {
	bind
	signer
	http, platform, callback, name, apiKeyFile, secretFile, orders, ready string
	expiry                                                                time.Duration
}

func merchantCommand() command {
	var m merchantConfig
	return command{
		name:  "merchant",
		short: "run the shop alone: catalogue, orders, callbacks, notices",
		about: "Open its merchant first (airtill office add-merchant), which writes what it needs for its profile: " +
			"an API key and a webhook secret for key; a webhook secret for modern; a field key for legacy. " +
			"The last two sign with a key of their own: airtill keys pair.",
		section: "Rooms",
		examples: []string{
			"AIRTILL_API_KEY=ak_... AIRTILL_WEBHOOK_SECRET=whsec_... airtill merchant --platform http://127.0.0.1:8080",
			"airtill merchant --merchant 10000010 --profile modern --signing-key-file tea.pem --webhook-secret-file tea.whsec --platform-keys platform.json",
			"airtill merchant --merchant 10000011 --profile legacy --signing-key-file old.pem --field-key-file old.field",
		},
		logLevel: "info",
		flags:    append(append(m.bind.flags("shop"), m.flags()...), m.signer.flags()...),
		run:      m.run,
	}
}

func (m *merchantConfig) flags() []cli.Flag {
	return []cli.Flag{
		addressFlag("http", "the shop", "127.0.0.1:8082", &m.http),
		&cli.StringFlag{Name: "platform", Usage: "the platform is at `URL`", Value: "http://127.0.0.1:8080", EnvVars: []string{"AIRTILL_PLATFORM"}, Destination: &m.platform},
		&cli.StringFlag{Name: "callback-url", Usage: "the platform reaches the shop at `URL` (default: where it listens)", Destination: &m.callback},
		&cli.StringFlag{Name: "name", Usage: "call the shop `NAME` in notices", Value: "Sky Travel", Destination: &m.name},
		&cli.StringFlag{Name: "api-key-file", Usage: "read the merchant's key from `FILE` (or AIRTILL_API_KEY holds it; key)", Destination: &m.apiKeyFile},
		&cli.StringFlag{Name: "webhook-secret-file", Usage: "read the webhook secret from `FILE` (or AIRTILL_WEBHOOK_SECRET holds it; key, modern)", Destination: &m.secretFile},
		&cli.StringFlag{Name: "merchant", Usage: "be the merchant `ID` that signs (or AIRTILL_MERCHANT says it; modern, legacy)", Destination: &m.merchant},
		&cli.DurationFlag{Name: "expiry", Usage: "bills are open for `TIME`", Value: 15 * time.Minute, Destination: &m.expiry},
		&cli.StringFlag{Name: "orders", Usage: "keep the orders in `FILE`, from one run to the next", DefaultText: "not kept", Destination: &m.orders},
		readyFlag(&m.ready),
	}
}

func (m *merchantConfig) run(ctx context.Context, c *call) error {
	config := world.MerchantConfig{
		Network: network.TCP{}, Name: m.name, Listen: m.http, CallbackURL: m.callback, Platform: m.platform,
		SMSC: m.smsc, SystemID: m.systemID, ExpiresIn: m.expiry, Orders: m.orders, Log: c.log,
	}
	err := m.secrets(c, &config)
	if err != nil {
		return err
	}
	if config.Password, err = password(c, m.passwordFile); err != nil {
		return err
	}
	room, err := world.NewMerchant(ctx, config)
	if err != nil {
		return unheard(err, "--http")
	}
	ready := world.Ready{HTTP: m.platform, SMPP: m.smsc, Shop: room.URL()}
	return serve(ctx, c, room, ready, fmt.Sprintf("shop %s at %s", m.name, room.URL()), m.ready)
}

// secrets reads what the merchant's profile has, and refuses what it has not.
func (m *merchantConfig) secrets(c *call, into *world.MerchantConfig) error {
	if err := m.check(m.apiKeyFile); err != nil {
		return err
	}
	if m.profile == platform.ProfileLegacy && m.secretFile != "" {
		return usagef("--webhook-secret-file: callbacks of profile legacy are signed with the platform's own key; leave it out")
	}
	var err error
	if into.Signing, _, err = m.read(c); err != nil {
		return err
	}
	if !m.profile.Signs() {
		key, err := needed(c, secret{what: "API key", file: m.apiKeyFile, flag: "api-key-file", variable: "AIRTILL_API_KEY"})
		if err != nil {
			return err
		}
		into.APIKey = api.Key(key)
	}
	if m.profile != platform.ProfileLegacy {
		into.WebhookSecret, err = needed(c, secret{what: "webhook secret", file: m.secretFile, flag: "webhook-secret-file", variable: "AIRTILL_WEBHOOK_SECRET"})
	}
	return err
}

// needed reads a secret that one cannot do without.
func needed(c *call, s secret) (string, error) {
	text, _, err := s.read(c)
	if err == nil && text == "" {
		err = &Error{Status: StatusUsage, Hint: s.hint(), Err: fmt.Errorf("no %s", s.what)}
	}
	return text, err
}

// handsetsConfig is what the handsets' room is told.
type handsetsConfig struct {
	bind
	http, state, ready string
	connections        int
	segment            string
	seed               uint64
}

func handsetsCommand() command {
	var h handsetsConfig
	return command{
		name:  "handsets",
		short: "run the handsets alone: phones, secure elements, people",
		about: "It begins without phones: airtill enrol puts them in. Without --state they are gone at the end. With it secure elements\n" +
			"are there again, with keys, cards and counters; of their phones bills, texts and what holders know of PINs are not.\n" +
			"With --segment several processes, on machines of their own, are one population: each binds for its part of the numbers\n" +
			"(SMPP address_range, which the carrier's account must honour), and of one seed a phone is the same one in any of them.",
		section:  "Rooms",
		examples: []string{"airtill handsets --smsc 127.0.0.1:2775 --http 127.0.0.1:8081", "airtill handsets --state ./elements", "airtill handsets --segment 2/4 --connections 2"},
		logLevel: "info",
		flags: append(h.bind.flags("handsets"),
			addressFlag("http", "the phones' control face", "127.0.0.1:8081", &h.http),
			&cli.StringFlag{Name: "state", Usage: "keep the secure elements in `DIR`", DefaultText: "not kept", Destination: &h.state},
			&cli.StringFlag{Name: "segment", Usage: "have the `I/N`th part of the numbers, by their last two digits; other processes have the rest", DefaultText: "all", Destination: &h.segment},
			&cli.IntFlag{Name: "connections", Usage: "bind `N` times", Value: 1, Destination: &h.connections},
			&cli.Uint64Flag{Name: "seed", Usage: "draw what people do from `N`", Value: 1, Destination: &h.seed},
			readyFlag(&h.ready),
		),
		run: h.run,
	}
}

func (h *handsetsConfig) run(ctx context.Context, c *call) error {
	pass, err := password(c, h.passwordFile)
	if err != nil {
		return err
	}
	var segment fleet.Segment
	if h.segment != "" {
		if segment, err = fleet.ParseSegment(h.segment); err != nil {
			return usagef("--segment %q: %w", h.segment, err)
		}
	}
	room, err := world.NewHandsets(ctx, world.HandsetsConfig{
		Network: network.TCP{}, Listen: h.http, SMSC: h.smsc, SystemID: h.systemID, Password: pass,
		Connections: h.connections, Segment: segment, State: h.state, Seed: h.seed, Log: c.log,
	})
	if err != nil {
		return unheard(err, "--http")
	}
	ready := world.Ready{SMPP: h.smsc, Handsets: room.URL()}
	return serve(ctx, c, room, ready, fmt.Sprintf("handsets at %s", room.URL()), h.ready)
}
