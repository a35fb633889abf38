package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func officeCommand() command {
	return command{
		name: "office", short: "what the platform's own staff see and do", section: "A running network",
		examples: []string{"airtill office phones", "airtill office merchants --json"},
		sub:      []command{officePhones(), officeUnlock(), officeRelease(), officeAlarms(), officeMerchants(), officeAddMerchant()},
	}
}

func officePhones() command {
	var at target
	return command{
		name: "phones", short: "list who is enrolled, with cards and balances", flags: at.office(),
		examples: []string{"airtill office phones"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Phones(ctx)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, all,
				column[api.Phone]{name: "phone", cell: func(p api.Phone) string { return p.MSISDN }},
				column[api.Phone]{name: "name", cell: func(p api.Phone) string { return p.Name }},
				column[api.Phone]{name: "form", cell: func(p api.Phone) string { return p.Form }},
				column[api.Phone]{name: "suite", cell: func(p api.Phone) string { return p.Suite }},
				column[api.Phone]{name: "keys", right: true, cell: func(p api.Phone) string { return strconv.Itoa(p.Keys) }},
				column[api.Phone]{name: "held", cell: held},
				column[api.Phone]{name: "slot", right: true, cell: perCard(func(c api.Card) string { return strconv.Itoa(c.Slot) })},
				column[api.Phone]{name: "alias", cell: perCard(func(c api.Card) string { return c.Alias })},
				column[api.Phone]{name: "number", cell: perCard(func(c api.Card) string { return c.Masked })},
				column[api.Phone]{name: "balance", right: true, cell: perCard(func(c api.Card) string { return sum(c.Balance, c.Currency) })},
				column[api.Phone]{name: "locked", cell: perCard(locked)},
			)
		},
	}
}

// perCard is a cell with a line for each card of a phone.
func perCard(of func(api.Card) string) func(api.Phone) string {
	return func(p api.Phone) string {
		var lines []string
		for _, c := range p.Cards {
			lines = append(lines, of(c))
		}
		return strings.Join(lines, "\n")
	}
}

func held(p api.Phone) string {
	if p.Held {
		return "held"
	}
	return ""
}

func locked(c api.Card) string {
	if c.Locked {
		return "locked"
	}
	return ""
}

func officeMerchants() command {
	var at target
	return command{
		name: "merchants", short: "list the merchants with their balances", flags: at.office(),
		examples: []string{"airtill office merchants"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Merchants(ctx)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, all,
				column[api.Merchant]{name: "merchant", cell: func(m api.Merchant) string { return string(m.ID) }},
				column[api.Merchant]{name: "name", cell: func(m api.Merchant) string { return m.Name }},
				column[api.Merchant]{name: "balance", right: true, cell: balances},
				column[api.Merchant]{name: "accounts", cell: func(m api.Merchant) string { return strings.Join(m.Payees, "\n") }},
				column[api.Merchant]{name: "callback", cell: func(m api.Merchant) string { return m.CallbackURL }},
			)
		},
	}
}

func balances(m api.Merchant) string {
	var lines []string
	for _, currency := range slices.Sorted(maps.Keys(m.Balances)) {
		lines = append(lines, sum(m.Balances[currency], currency))
	}
	return strings.Join(lines, "\n")
}

// newMerchant is what office add-merchant was told.
type newMerchant struct {
	at                      target
	id, name, callback      string
	payees                  *cli.StringSlice
	apiKeyFile, webhookFile string
}

func officeAddMerchant() command {
	n := newMerchant{payees: cli.NewStringSlice()}
	return command{
		name: "add-merchant", short: "open a merchant and keep its keys in two files",
		about: "The keys are told once and are not shown: they are written to files that only you can read.",
		examples: []string{
			`airtill office add-merchant --id 10000009 --name "Sky Travel" --write-api-key sky.key --write-webhook-secret sky.whsec`,
		},
		flags: append(n.at.office(),
			&cli.StringFlag{Name: "id", Usage: "the merchant's `NUMBER` of 8 digits", Destination: &n.id},
			&cli.StringFlag{Name: "name", Usage: "the merchant's `NAME`, as phones show it", Destination: &n.name},
			&cli.StringSliceFlag{Name: "payee", Usage: "an `ACCOUNT` it is paid to; may be repeated, the first is the default", Destination: n.payees},
			&cli.StringFlag{Name: "callback-url", Usage: "`URL` that is told results", Destination: &n.callback},
			&cli.StringFlag{Name: "write-api-key", Usage: "write the API key to a new `FILE`", Destination: &n.apiKeyFile},
			&cli.StringFlag{Name: "write-webhook-secret", Usage: "write the secret that signs callbacks to a new `FILE`", Destination: &n.webhookFile},
		),
		required: []string{"id", "name", "write-api-key", "write-webhook-secret"},
		run:      n.run,
	}
}

func (n *newMerchant) run(ctx context.Context, c *call) error {
	id, err := platform.ParseMerchantID(n.id)
	if err != nil {
		return usagef("--id %q: a merchant number has 8 digits and does not start with 0", n.id)
	}
	client, err := n.at.officeClient(c)
	if err != nil {
		return err
	}
	files, err := newFiles(n.apiKeyFile, n.webhookFile)
	if err != nil {
		return err
	}
	m := api.Merchant{ID: id, Name: n.name, Payees: n.payees.Value(), CallbackURL: n.callback}
	keys, err := client.AddMerchant(ctx, m)
	if err != nil {
		return errors.Join(n.at.explain(err), files.drop())
	}
	if err := files.keep(keys.APIKey, keys.WebhookSecret); err != nil {
		return hinted(fmt.Errorf("the merchant is open, but its keys are lost: %w", err), "open another one, with another --id")
	}
	c.talk("next: airtill bill create --api-key-file %s ...", n.apiKeyFile)
	return c.out.one(openedMerchant{ID: keys.ID, APIKeyFile: n.apiKeyFile, WebhookSecretFile: n.webhookFile},
		field{"merchant", string(keys.ID)}, field{"API key in", n.apiKeyFile}, field{"webhook secret in", n.webhookFile})
}

// openedMerchant says where the keys are, not what they are.
type openedMerchant struct {
	ID                platform.MerchantID `json:"id"`
	APIKeyFile        string              `json:"api_key_file"`
	WebhookSecretFile string              `json:"webhook_secret_file"`
}

// fileSet are files that were made before there was anything to write to them, so that
// nothing is asked for that could not be kept.
type fileSet []*os.File

func newFiles(paths ...string) (fileSet, error) {
	var made fileSet
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, errors.Join(hinted(fmt.Errorf("make a file for a key: %w", err), "nothing was done; name a file that is not there yet"), made.drop())
		}
		made = append(made, f)
	}
	return made, nil
}

// keep writes a line to each file.
func (s fileSet) keep(lines ...string) error {
	var failed []error
	for i, f := range s {
		_, err := f.WriteString(lines[i] + "\n")
		failed = append(failed, err, f.Close())
	}
	return errors.Join(failed...)
}

// drop takes the files away again.
func (s fileSet) drop() error {
	var failed []error
	for _, f := range s {
		failed = append(failed, f.Close(), os.Remove(f.Name()))
	}
	return errors.Join(failed...)
}
