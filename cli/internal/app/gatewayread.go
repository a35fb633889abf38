package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/gateway/ussd/callout"
)

// read reads all flags that say how the carrier is, and nothing from outside but files.
func (g *gatewayConfig) read(c *call) (accounts []smsc.Account, config world.CarrierConfig, err error) {
	if g.handsets < 0 {
		return nil, config, usagef("--handsets cannot be negative")
	}
	n := &mobile{moving: moving{Network: network.TCP{}, talk: c.talk}}
	config.Phones, config.Control = world.Numbers{Prefix: g.prefix, Count: g.handsets}, n.or(g.control, controlAddress)
	gw := world.GatewayConfig{
		Network: n, Listen: g.smpp, HTTP: n.or(g.http, managementAddress), Seed: g.seed, OpenCards: g.openCards, Log: c.log,
	}
	if accounts, gw.USSD.Accounts, err = g.accounts(c); err != nil {
		return nil, config, err
	}
	gw.Accounts = accounts
	for _, read := range []func(*world.GatewayConfig) error{g.readRadio, g.readFaults, g.readCodes, g.readCanned, g.readCertificate} {
		if err := read(&gw); err != nil {
			return nil, config, err
		}
	}
	config.Gateway = gw
	return accounts, config, nil
}

// accounts reads --esme and --accounts, or makes the usual accounts.
func (g *gatewayConfig) accounts(c *call) ([]smsc.Account, map[string]ussd.Account, error) {
	if len(g.esmes.Value()) == 0 && g.accountsFile == "" {
		p, err := password(c, g.passwordFile)
		all := world.Accounts(func(string) string { return p })
		if g.handsets > 0 {
			all = all[len(all)-1:] // the guest
		}
		return all, nil, err
	}
	all, dialects, err := readAccounts(g.accountsFile)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range g.esmes.Value() {
		a, err := readESME(text)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, a)
	}
	check := smsc.Config{Accounts: all, Dial: world.Dialer(network.TCP{})}
	if err := check.Validate(); err != nil {
		return nil, nil, usagef("--esme, --accounts: %s", strings.TrimPrefix(err.Error(), "smsc: config: "))
	}
	return all, dialects, nil
}

func readAccounts(path string) ([]smsc.Account, map[string]ussd.Account, error) {
	if path == "" {
		return nil, nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("--accounts: %w", err)
	}
	defer f.Close()
	all, dialects, err := management.ReadAccounts(f)
	if err != nil {
		return nil, nil, usagef("--accounts %s: %s", path, strings.TrimPrefix(err.Error(), "accounts: "))
	}
	return all, dialects, nil
}

// readESME reads ID:PASSWORD or ID:PASSWORD:RANGE. No error repeats the password.
func readESME(text string) (smsc.Account, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 || parts[0] == "" {
		return smsc.Account{}, usagef("--esme wants ID:PASSWORD or ID:PASSWORD:RANGE")
	}
	a := smsc.Account{SystemID: parts[0], Password: parts[1]}
	if len(parts) == 3 {
		a.AddressRange = parts[2]
	}
	if _, err := regexp.Compile(a.AddressRange); err != nil {
		return smsc.Account{}, usagef("--esme: the range of %s: %w", a.SystemID, err)
	}
	return a, nil
}

func (g *gatewayConfig) readRadio(into *world.GatewayConfig) (err error) {
	if into.Radio.Profile, err = radio.ParseProfile(g.radio); err != nil {
		return usagef("--radio: %w", err)
	}
	for _, text := range g.cells.Value() {
		name, words, given := strings.Cut(text, "=")
		cell := radio.Cell{Name: name}
		if given {
			p, err := radio.ParseProfile(words)
			if err != nil {
				return usagef("--cell %s: %w", name, err)
			}
			cell.Profile = &p
		}
		into.Radio.Cells = append(into.Radio.Cells, cell)
	}
	if err := into.Radio.Validate(); err != nil {
		return usagef("--cell: %w", err)
	}
	return nil
}

func (g *gatewayConfig) readFaults(into *world.GatewayConfig) error {
	for _, text := range g.faults.Value() {
		all, err := fault.Parse(text)
		if err != nil {
			return usagef("--fault %q: %w", text, err)
		}
		into.Faults = append(into.Faults, all...)
	}
	return nil
}

// readCodes reads where dialled codes lead.
func (g *gatewayConfig) readCodes(into *world.GatewayConfig) error {
	var codes callout.Config
	if g.ussdFile != "" {
		f, err := os.Open(g.ussdFile)
		if err != nil {
			return fmt.Errorf("--ussd-config: %w", err)
		}
		defer f.Close()
		if codes, err = callout.Read(f); err != nil {
			return usagef("--ussd-config %s: %w", g.ussdFile, err)
		}
	}
	for _, text := range g.ussdRoutes.Value() {
		code, err := readCode(text)
		if err != nil {
			return usagef("--ussd-route: %w", err)
		}
		codes.Codes = append(codes.Codes, code)
	}
	for _, code := range codes.Codes {
		if !strings.Contains(code.To, "://") && !slices.ContainsFunc(into.Accounts, func(a smsc.Account) bool { return a.SystemID == code.To }) {
			return usagef("--ussd-route %s: there is no account %q; say it with --esme, or a URL", code.Code, code.To)
		}
	}
	if err := codes.Validate(); err != nil {
		return usagef("--ussd-route: %w", err)
	}
	var err error
	into.USSD.Routes, err = codes.Routes(callout.Client(func(ctx context.Context, _, address string) (net.Conn, error) {
		return network.TCP{}.Dial(ctx, address)
	}))
	return err
}

// readCode reads CODE=URL or CODE=account:NAME, and what follows commas.
func readCode(text string) (callout.Code, error) {
	words := strings.Split(text, ",")
	code, to, ok := strings.Cut(words[0], "=")
	if !ok {
		return callout.Code{}, fmt.Errorf("%q is neither CODE=URL nor CODE=account:NAME", text)
	}
	c := callout.Code{Code: code, To: strings.TrimPrefix(to, "account:")}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "form":
			c.Form = value
		case "notify":
			c.Notify = value
		case "network":
			c.Network = value
		case "timeout":
			d, err := time.ParseDuration(value)
			if err != nil {
				return c, fmt.Errorf("%s: timeout: %q is not a time such as 5s", code, value)
			}
			c.Timeout = callout.Duration(d)
		default:
			return c, fmt.Errorf("%s: no %q; there is form, timeout, notify, network", code, name)
		}
	}
	return c, nil
}

func (g *gatewayConfig) readCanned(into *world.GatewayConfig) error {
	for _, text := range g.canned.Value() {
		number, words, ok := strings.Cut(text, "=")
		n, err := strconv.ParseUint(number, 10, 8)
		if !ok || err != nil || n < 1 || n > 254 || words == "" {
			return usagef("--canned %q is not N=TEXT with N from 1 to 254", text)
		}
		if into.Canned == nil {
			into.Canned = make(map[uint8]string)
		}
		into.Canned[uint8(n)] = words
	}
	return nil
}

func (g *gatewayConfig) readCertificate(into *world.GatewayConfig) error {
	switch {
	case g.tlsSMPP == "" && g.certFile == "" && g.keyFile == "":
		return nil
	case g.tlsSMPP == "" || g.certFile == "" || g.keyFile == "":
		return usagef("--tls-smpp, --tls-cert-file and --tls-key-file go together")
	}
	pair, err := tls.LoadX509KeyPair(g.certFile, g.keyFile)
	if err != nil {
		return hinted(fmt.Errorf("read the certificate: %w", err), "both files are PEM: --tls-cert-file FILE --tls-key-file FILE")
	}
	into.Secure = &world.Secure{Listen: g.tlsSMPP, Certificate: pair}
	return nil
}

// opened is what a carrier writes to, besides its connections.
type opened struct {
	kept     string // where messages are kept, in words
	messages *world.Messages
	capture  *os.File
}

// open opens the message store and the capture file.
func (g *gatewayConfig) open(ctx context.Context, into *world.GatewayConfig) (o opened, err error) {
	o.kept = "kept in memory, gone when this process ends"
	if g.pcap != "" {
		if o.capture, err = os.OpenFile(g.pcap, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return o, fmt.Errorf("--pcap: %w", err)
		}
		into.Capture = o.capture
	}
	urls, err := storeURLs(g.redis)
	if err != nil || len(urls) == 0 {
		return o, err
	}
	if err := knock(ctx, urls); err != nil {
		return o, err
	}
	if o.messages, err = world.OpenMessages(ctx, urls...); err != nil {
		return o, hinted(err, "is a Redis 7 there? leave --redis out to keep messages in memory")
	}
	into.Store, o.kept = o.messages, "kept in "+o.messages.Shown+", as durable as its settings are"
	return o, nil
}

// warn says what the server of the messages can lose.
func (o opened) warn(ctx context.Context, c *call) {
	if o.messages == nil {
		return
	}
	risks, err := o.messages.Risks(ctx)
	if err != nil {
		c.log.Warn().Str("messages", o.messages.Shown).Msg("the server does not tell its settings")
	}
	for _, risk := range risks {
		c.log.Warn().Str("messages", o.messages.Shown).Msg(risk)
	}
}

func (o opened) close(c *call) {
	var failed []error
	if o.messages != nil {
		failed = append(failed, o.messages.Close())
	}
	if o.capture != nil {
		failed = append(failed, o.capture.Close())
	}
	if err := errors.Join(failed...); err != nil {
		c.log.Warn().Err(err).Msg("the carrier's files did not close well")
	}
}
