package app

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/smsc"
)

func gatewayCommand() command {
	var smpp, passwordFile, ready string
	var esmes cli.StringSlice
	var seed uint64
	return command{
		name:    "gateway",
		short:   "run the carrier alone: an SMPP 3.4 SMSC",
		about:   "Without --esme the accounts are platform, shop, handsets and guest, with the ranges that the other rooms have by themselves.",
		section: "Rooms",
		examples: []string{
			"airtill gateway --smpp 127.0.0.1:2775",
			"airtill gateway --esme 'app:secret:^4242$' --esme 'phones:secret:^2547[0-9]{8}$'",
		},
		logLevel: "info",
		flags: []cli.Flag{
			addressFlag("smpp", "the carrier", "127.0.0.1:2775", &smpp),
			&cli.StringSliceFlag{Name: "esme", Usage: "let `ID:PASSWORD:RANGE` bind; RANGE is a regular expression of the numbers it owns", Destination: &esmes},
			passwordFlag(&passwordFile),
			&cli.Uint64Flag{Name: "seed", Usage: "draw message ids from `N`", Value: 1, Destination: &seed},
			readyFlag(&ready),
		},
		run: func(ctx context.Context, c *call) error {
			defer collectRarely(c)()
			accounts, err := gatewayAccounts(c, esmes.Value(), passwordFile)
			if err != nil {
				return err
			}
			g, err := world.NewGateway(ctx, world.GatewayConfig{Network: network.TCP{}, Listen: smpp, Accounts: accounts, Seed: seed, Log: c.log})
			if err != nil {
				return unheard(err, "--smpp")
			}
			r := world.Ready{SMPP: g.Address()}
			for _, a := range accounts {
				r.ESMEs = append(r.ESMEs, world.ReadyESME{SystemID: a.SystemID, Password: a.Password, AddressRange: a.AddressRange})
			}
			return serve(ctx, c, g, r, fmt.Sprintf("carrier at %s, %d accounts", g.Address(), len(accounts)), ready)
		},
	}
}

// gatewayAccounts reads --esme, or makes the usual accounts.
func gatewayAccounts(c *call, esmes []string, passwordFile string) ([]smsc.Account, error) {
	if len(esmes) == 0 {
		p, err := password(c, passwordFile)
		return world.Accounts(func(string) string { return p }), err
	}
	var accounts []smsc.Account
	for _, text := range esmes {
		parts := strings.SplitN(text, ":", 3)
		if len(parts) < 2 || parts[0] == "" {
			return nil, usagef("--esme wants ID:PASSWORD or ID:PASSWORD:RANGE")
		}
		a := smsc.Account{SystemID: parts[0], Password: parts[1]}
		if len(parts) == 3 {
			a.AddressRange = parts[2]
		}
		if _, err := regexp.Compile(a.AddressRange); err != nil {
			return nil, usagef("--esme: the range of %s: %w", a.SystemID, err)
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}
