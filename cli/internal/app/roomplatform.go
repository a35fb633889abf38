package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/webhook"
)

// platformConfig is what the platform's room is told.
type platformConfig struct {
	bind
	vault                    vaultAt
	store                    storeAt
	http, peer               string
	operatorKeyFile, ready   string
	allowLegacy, allowUnsafe bool
	auditTime                time.Duration
	ussdCap                  cli.StringSlice
	limits                   limits
	allow                    allowed
	drain                    world.Drain
	archive                  archiveAt
}

func platformCommand() command {
	var p platformConfig
	return command{
		name:  "platform",
		short: "run the payment platform alone",
		about: "With nothing said it keeps everything in an append-only file in the state directory, on disk before it is acknowledged: it goes on where it was, " +
			"whether it was stopped or killed. A directory is one process's. " +
			"Several platforms share a Redis (--redis URL), each with the same vault and the same --system-id: each serves a part of the store, " +
			"any of them takes any order and any phone's message, and they call each other over HTTP for what is another's, at --http or --peer, sealed with the vault's keys. " +
			"When one is stopped the others take its part at once; when one dies, or hangs for three seconds, within a few seconds, and its late writes are refused. " +
			"airtill office partitions lists who serves what. " +
			"The vault holds the master keys: a store is of use only with the vault it was filled with. " +
			"SIGHUP makes the platform take the vault file again, after airtill keys rotate. " +
			"SIGTERM or Ctrl-C drains it: it takes no more requests, finishes those begun, unbinds from the carrier, commits and closes; a second one ends it at once, and loses nothing either. " +
			"Merchants are told of their bills at public addresses only, unless --allow-callbacks says otherwise. " +
			"GET /readyz says by part why it is not ready, GET /livez that it runs, GET /metrics with the operator's key is for Prometheus.",
		section: "Rooms",
		examples: []string{
			"airtill platform --redis redis://127.0.0.1:6379 --smsc 127.0.0.1:2775",
			"airtill platform --redis redis://127.0.0.1:6379 --http 0.0.0.0:8081 --peer 10.0.0.7:8081",
			"AIRTILL_OPERATOR_KEY=op_secret airtill platform --vault vault.json --http 127.0.0.1:8080",
			"airtill platform --data /var/lib/airtill --redis child",
		},
		logLevel: "info",
		flags: append(append(slices.Concat(p.bind.flags("platform"), p.vault.flags(", made if it is not there"), p.store.flags(), p.archive.flags()),
			addressFlag("http", "the platform", "127.0.0.1:8080", &p.http),
			&cli.StringFlag{Name: "peer", Usage: "other platforms of the same Redis reach this one's HTTP at `HOST:PORT` (default: where it listens)", EnvVars: []string{"AIRTILL_PEER"}, Destination: &p.peer},
			&cli.BoolFlag{Name: "allow-unsafe-redis", Usage: "start on a Redis whose settings can lose money too, as airtill doctor lists them", EnvVars: []string{"AIRTILL_ALLOW_UNSAFE_REDIS"}, Destination: &p.allowUnsafe},
			auditAtStartFlag(&p.auditTime),
			&cli.StringFlag{Name: "operator-key-file", Usage: "read the operator's key from `FILE` (or AIRTILL_OPERATOR_KEY holds it; else it is made, in operator.key in the state directory)", Destination: &p.operatorKeyFile},
			&cli.BoolFlag{Name: "allow-legacy", Usage: "serve elements and merchants of the legacy suite (3DES, MD5) too; it is weak", EnvVars: []string{"AIRTILL_ALLOW_LEGACY"}, Destination: &p.allowLegacy},
			capFlag(&p.ussdCap),
			p.allow.flag("loopback if --http is on it, so that only this machine can ask for them; else none"),
			drainTimeoutFlag(world.DefaultDrain, &p.drain.Timeout),
			&cli.DurationFlag{Name: "lame-duck", Usage: "go on taking requests for `TIME` after SIGTERM, while /readyz says that it is stopping", EnvVars: []string{"AIRTILL_LAME_DUCK"}, Destination: &p.drain.LameDuck},
			readyFlag(&p.ready),
		), p.limits.flags()...),
		run: p.run,
	}
}

func (p *platformConfig) run(ctx context.Context, c *call) (err error) {
	config, err := p.said(ctx, c)
	if err != nil {
		return err
	}
	vault, lock, err := p.vault.openOrCreate(ctx, c)
	if err != nil {
		return err
	}
	defer reloadAtHangUp(c, vault, p.vault.path(c), lock)()
	store, err := p.store.open(ctx, c, network.TCP{})
	if err != nil {
		return err
	}
	defer closeStore(c, store)
	warnRisks(c, store)
	if config.Archive, err = p.archive.open(ctx, store); err != nil {
		return err
	}
	if err := auditAtStart(ctx, c, store, p.auditTime); err != nil {
		return err
	}
	config.Vault, config.Store, config.Data = vault, store.Store, store.Dir
	room, err := world.NewPlatform(ctx, config)
	if errors.Is(err, world.ErrOtherVault) {
		return hinted(err, "say the one that the store was filled with: --vault FILE")
	}
	if err != nil {
		return unheard(err, "--http")
	}
	ready := world.Ready{HTTP: room.URL(), SMPP: p.smsc, Redis: store.URL, OperatorKey: config.OperatorKey}
	return serve(ctx, c, room, ready, fmt.Sprintf("platform at %s, store %s (%s)", room.URL(), store.Shown, store.Promise), p.ready)
}

// said is what was said of the platform. What cannot be is refused before anything is made.
func (p *platformConfig) said(ctx context.Context, c *call) (config world.PlatformConfig, err error) {
	config = world.PlatformConfig{
		Network: network.TCP{}, Listen: p.http, SMSC: p.smsc, SystemID: p.systemID, Retain: p.archive.retain,
		AllowLegacy: p.allowLegacy, Drain: p.drain, Random: rand.Reader, Log: c.log,
	}
	if config.USSDCap, err = capOf(p.ussdCap.Value()); err != nil {
		return config, err
	}
	if config.Share, err = p.share(); err != nil {
		return config, err
	}
	if config.Limits, err = p.limits.read(); err != nil {
		return config, err
	}
	if err := p.archive.valid(); err != nil {
		return config, err
	}
	if err := p.store.refuseUnsafe(ctx, c, p.allowUnsafe); err != nil {
		return config, err
	}
	prefixes, err := p.allow.prefixes(onLoopback(p.http))
	if err != nil {
		return config, err
	}
	config.CallbackDial = webhook.Dial(nil, prefixes...)
	if config.OperatorKey, err = p.operatorKey(c); err != nil {
		return config, err
	}
	config.Password, err = password(c, p.passwordFile)
	return config, err
}

// share says how the platform shares its store: one that is its own it does not.
func (p *platformConfig) share() (*world.Share, error) {
	if p.store.own() {
		if p.peer != "" {
			return nil, usagef("--peer is for platforms that share a Redis; say which: --redis URL")
		}
		return nil, nil
	}
	if p.peer == "" {
		return new(world.Share), nil
	}
	host, port, err := net.SplitHostPort(p.peer)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
		return nil, usagef("--peer %q: say HOST:PORT, as other platforms reach it", p.peer)
	}
	return &world.Share{Address: p.peer}, nil
}

// operatorKey reads the key, or makes one and keeps it where commands find it.
func (p *platformConfig) operatorKey(c *call) (string, error) {
	s := secret{what: "operator key", file: p.operatorKeyFile, flag: "operator-key-file", variable: "AIRTILL_OPERATOR_KEY"}
	return s.readOrMake(c, "operator.key")
}

// readOrMake reads the secret, or makes one and keeps it in a file of the state directory.
func (s secret) readOrMake(c *call, name string) (string, error) {
	text, _, err := s.read(c)
	if err != nil || text != "" {
		return text, err
	}
	path := stateFile(c.env.Getenv, name)
	if text, err = readSecret(path); !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	octets := make([]byte, 16)
	_, _ = rand.Read(octets) // never fails
	text = "op_" + hex.EncodeToString(octets)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the %s: %w", s.what, err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the %s: %w", s.what, err)
	}
	c.talk("made an %s: %s", s.what, path)
	return text, nil
}
