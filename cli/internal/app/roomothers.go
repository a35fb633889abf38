package app

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/api"
)

// merchantConfig is what the shop's room is told.
type merchantConfig struct {
	bind
	http, platform, callback, name, apiKeyFile, secretFile, ready string
	expiry                                                        time.Duration
}

func merchantCommand() command {
	var m merchantConfig
	return command{
		name:     "merchant",
		short:    "run the shop alone: catalogue, orders, callbacks, notices",
		about:    "Open its merchant first (airtill office add-merchant), which answers the key and the webhook secret.",
		section:  "Rooms",
		examples: []string{"AIRTILL_API_KEY=ak_... AIRTILL_WEBHOOK_SECRET=whsec_... airtill merchant --platform http://127.0.0.1:8080"},
		logLevel: "info",
		flags: append(m.bind.flags("shop"),
			addressFlag("http", "the shop", "127.0.0.1:8082", &m.http),
			&cli.StringFlag{Name: "platform", Usage: "the platform is at `URL`", Value: "http://127.0.0.1:8080", EnvVars: []string{"AIRTILL_PLATFORM"}, Destination: &m.platform},
			&cli.StringFlag{Name: "callback-url", Usage: "the platform reaches the shop at `URL` (default: where it listens)", Destination: &m.callback},
			&cli.StringFlag{Name: "name", Usage: "call the shop `NAME` in notices", Value: "Sky Travel", Destination: &m.name},
			&cli.StringFlag{Name: "api-key-file", Usage: "read the merchant's key from `FILE` (or AIRTILL_API_KEY holds it)", Destination: &m.apiKeyFile},
			&cli.StringFlag{Name: "webhook-secret-file", Usage: "read the webhook secret from `FILE` (or AIRTILL_WEBHOOK_SECRET holds it)", Destination: &m.secretFile},
			&cli.DurationFlag{Name: "expiry", Usage: "bills are open for `TIME`", Value: 15 * time.Minute, Destination: &m.expiry},
			readyFlag(&m.ready),
		),
		run: m.run,
	}
}

func (m *merchantConfig) run(ctx context.Context, c *call) error {
	key, err := needed(c, secret{what: "API key", file: m.apiKeyFile, flag: "api-key-file", variable: "AIRTILL_API_KEY"})
	if err != nil {
		return err
	}
	webhook, err := needed(c, secret{what: "webhook secret", file: m.secretFile, flag: "webhook-secret-file", variable: "AIRTILL_WEBHOOK_SECRET"})
	if err != nil {
		return err
	}
	pass, err := password(c, m.passwordFile)
	if err != nil {
		return err
	}
	room, err := world.NewMerchant(ctx, world.MerchantConfig{
		Network: network.TCP{}, Name: m.name, Listen: m.http, CallbackURL: m.callback, Platform: m.platform,
		APIKey: api.Key(key), WebhookSecret: webhook, SMSC: m.smsc, SystemID: m.systemID, Password: pass,
		ExpiresIn: m.expiry, Log: c.log,
	})
	if err != nil {
		return unheard(err, "--http")
	}
	ready := world.Ready{HTTP: m.platform, SMPP: m.smsc, Shop: room.URL()}
	return serve(ctx, c, room, ready, fmt.Sprintf("shop %s at %s", m.name, room.URL()), m.ready)
}

// needed reads a secret that a room cannot do without.
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
	seed               uint64
}

func handsetsCommand() command {
	var h handsetsConfig
	return command{
		name:  "handsets",
		short: "run the handsets alone: phones, secure elements, people",
		about: "It begins without phones: airtill enrol puts them in. Without --state they are gone at the end. With it secure elements\n" +
			"are there again, with keys, cards and counters; of their phones bills, texts and what holders know of PINs are not.",
		section:  "Rooms",
		examples: []string{"airtill handsets --smsc 127.0.0.1:2775 --http 127.0.0.1:8081", "airtill handsets --state ./elements"},
		logLevel: "info",
		flags: append(h.bind.flags("handsets"),
			addressFlag("http", "the phones' control face", "127.0.0.1:8081", &h.http),
			&cli.StringFlag{Name: "state", Usage: "keep the secure elements in `DIR`", DefaultText: "not kept", Destination: &h.state},
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
	room, err := world.NewHandsets(ctx, world.HandsetsConfig{
		Network: network.TCP{}, Listen: h.http, SMSC: h.smsc, SystemID: h.systemID, Password: pass,
		Connections: h.connections, State: h.state, Seed: h.seed, Log: c.log,
	})
	if err != nil {
		return unheard(err, "--http")
	}
	ready := world.Ready{SMPP: h.smsc, Handsets: room.URL()}
	return serve(ctx, c, room, ready, fmt.Sprintf("handsets at %s", room.URL()), h.ready)
}
