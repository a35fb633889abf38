package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
)

// newContext is what add is told.
type newContext struct {
	from                              string
	ready                             world.Ready
	merchant                          string
	apiKeyFile, operatorKeyFile, cKey string
	replace                           bool
}

func contextAdd() command {
	var n newContext
	address := func(name, what string, into *string) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: "its " + what + " is at `URL`", Destination: into}
	}
	return command{
		name: "add", short: "keep a network under a name", args: "NAME",
		about: "--from copies a ready file; what other flags say comes before what it says. With neither, it is the network of airtill dev on this machine.\n" +
			"Flags come first, as everywhere.",
		examples: []string{"airtill context add --from net.json staging", "airtill context add --platform https://pay.example.com --api-key-file prod.key prod"},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "copy the ready `FILE`", Destination: &n.from},
			address("platform", "platform", &n.ready.HTTP), address("handsets", "handsets' control face", &n.ready.Handsets),
			address("carrier", "carrier's management", &n.ready.Carrier), address("shop", "shop", &n.ready.Shop),
			&cli.StringFlag{Name: "smpp", Usage: "its carrier speaks SMPP at `HOST:PORT`", Destination: &n.ready.SMPP},
			&cli.StringFlag{Name: "redis", Usage: "its store is at `URL`, redis://HOST:PORT/DB", Destination: &n.ready.Redis},
			&cli.StringFlag{Name: "merchant", Usage: "the API key is of the merchant `ID`", Destination: &n.merchant},
			&cli.StringFlag{Name: "api-key-file", Usage: "read a merchant's key from `FILE` (or AIRTILL_API_KEY holds it)", Destination: &n.apiKeyFile},
			&cli.StringFlag{Name: "operator-key-file", Usage: "read the operator's key from `FILE` (or AIRTILL_OPERATOR_KEY holds it)", Destination: &n.operatorKeyFile},
			&cli.StringFlag{Name: "carrier-key-file", Usage: "read the key of the carrier's management from `FILE` (or AIRTILL_CARRIER_KEY holds it)", Destination: &n.cKey},
			&cli.BoolFlag{Name: "replace", Usage: "take the place of a context of this name", Destination: &n.replace},
		},
		run: n.run,
	}
}

func (n *newContext) run(_ context.Context, c *call) error {
	name, path, err := contextOf(c)
	if err != nil {
		return err
	}
	if contextPath(c.env.Getenv, name) != "" && !n.replace {
		return &Error{Status: StatusConflict, Err: fmt.Errorf("there is a context %s", name), Hint: "another name, or --replace"}
	}
	r, err := n.read(c)
	if err != nil {
		return err
	}
	if err := world.WriteReady(path, r); err != nil {
		return err
	}
	c.talk("use it: airtill context use %s; or for one command: --network %s", name, name)
	return c.out.line(contextRow{Name: name, Platform: platformOf(r)}, name)
}

// read puts together what was said of the network, its ready file and its keys.
func (n *newContext) read(c *call) (world.Ready, error) {
	var r world.Ready
	if n.from != "" || !slices.ContainsFunc([]string{"platform", "handsets", "carrier", "shop", "smpp", "redis"}, c.isSet) {
		of := target{network: n.from}
		var err error
		if r, err = of.read(cmp.Or(n.from, readyFile(c.env.Getenv)), n.from != ""); err != nil {
			return r, err
		}
	}
	for flag, said := range map[string]string{"platform": n.ready.HTTP, "handsets": n.ready.Handsets, "carrier": n.ready.Carrier, "shop": n.ready.Shop} {
		if said != "" {
			if err := checkAddress(flag, said); err != nil {
				return r, err
			}
		}
	}
	if _, err := storeURLs(n.ready.Redis); err != nil {
		return r, err
	}
	r.HTTP, r.Handsets, r.Carrier = cmp.Or(n.ready.HTTP, r.HTTP), cmp.Or(n.ready.Handsets, r.Handsets), cmp.Or(n.ready.Carrier, r.Carrier)
	r.Shop, r.SMPP, r.Redis = cmp.Or(n.ready.Shop, r.Shop), cmp.Or(n.ready.SMPP, r.SMPP), cmp.Or(n.ready.Redis, r.Redis)
	return r, n.keys(c, &r)
}

func (n *newContext) keys(c *call, r *world.Ready) error {
	var api string
	for _, k := range []struct {
		secret
		into *string
	}{
		{secret{what: "API key", file: n.apiKeyFile, variable: "AIRTILL_API_KEY"}, &api},
		{secret{what: "operator key", file: n.operatorKeyFile, variable: "AIRTILL_OPERATOR_KEY"}, &r.OperatorKey},
		{secret{what: "carrier's key", file: n.cKey, variable: "AIRTILL_CARRIER_KEY"}, &r.CarrierKey},
	} {
		text, _, err := k.read(c)
		if err != nil {
			return err
		}
		*k.into = cmp.Or(text, *k.into)
	}
	if api != "" {
		r.Merchants = []world.ReadyMerchant{{ID: n.merchant, APIKey: api}}
	}
	return nil
}
