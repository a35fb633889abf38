package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func officeMerchants() command {
	var at target
	return command{
		name: "merchants", short: "list the merchants with their balances, profiles and keys", flags: at.office(),
		about:    "KEYS are the beginnings of the ids of what a merchant signs with, the newest first; --json has them whole.",
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
				column[api.Merchant]{name: "profile", cell: func(m api.Merchant) string { return string(m.Profile) }},
				column[api.Merchant]{name: "keys", cell: keyIDs},
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

// shownID is how much of a key's id tables show: enough to tell two apart.
const shownID = 8

func keyIDs(m api.Merchant) string {
	var lines []string
	for _, k := range m.Keys {
		lines = append(lines, k.ID[:min(shownID, len(k.ID))])
	}
	return strings.Join(lines, "\n")
}

// newMerchant is what office add-merchant was told.
type newMerchant struct {
	at                 target
	id, name, callback string
	by                 string
	profile            platform.Profile
	payees, publicKeys *cli.StringSlice

	apiKeyFile, webhookFile, fieldKeyFile, platformKeysFile string
}

func officeAddMerchant() command {
	n := newMerchant{payees: cli.NewStringSlice(), publicKeys: cli.NewStringSlice(), profile: platform.ProfileKey}
	return command{
		name: "add-merchant", short: "open a merchant and keep its secrets in files",
		about: "The profile is how its requests are protected, for good: key has an API key; modern signs by RFC 9421 and seals what is sensitive; " +
			"legacy signs with MD5 and RSA, for study, and the platform must allow it.\n" +
			"Secrets are told once and are not shown: they are written to files that only you can read. " +
			"Profile key has an API key and a webhook secret, modern a webhook secret, legacy a field key.",
		examples: []string{
			`airtill office add-merchant --id 10000009 --name "Sky Travel" --write-api-key sky.key --write-webhook-secret sky.whsec`,
			`airtill office add-merchant --id 10000010 --name "Tea House" --profile modern --public-key tea.pub --write-webhook-secret tea.whsec --write-platform-keys platform.json`,
			`airtill office add-merchant --id 10000011 --name "Old Books" --profile legacy --public-key old.pub --write-field-key old.field`,
		},
		flags:    append(n.at.office(), n.flags()...),
		required: []string{"id", "name"},
		run:      n.run,
	}
}

func (n *newMerchant) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "id", Usage: "the merchant's `NUMBER` of 8 digits", Destination: &n.id},
		&cli.StringFlag{Name: "name", Usage: "the merchant's `NAME`, as phones show it", Destination: &n.name},
		&cli.StringSliceFlag{Name: "payee", Usage: "an `ACCOUNT` it is paid to; may be repeated, the first is the default", Destination: n.payees},
		&cli.StringFlag{Name: "callback-url", Usage: "`URL` that is told results", Destination: &n.callback},
		byFlag(&n.by),
		profileFlag(&n.profile, "its `PROFILE`: key, modern or legacy"),
		&cli.StringSliceFlag{Name: "public-key", Usage: "it signs with the other half of the key in `FILE`, PEM or JWK; may be given twice (modern, legacy)", Destination: n.publicKeys},
		&cli.StringFlag{Name: "write-api-key", Usage: "write the API key to a new `FILE` (key)", Destination: &n.apiKeyFile},
		&cli.StringFlag{Name: "write-webhook-secret", Usage: "write the secret that signs callbacks to a new `FILE` (key, modern)", Destination: &n.webhookFile},
		&cli.StringFlag{Name: "write-field-key", Usage: "write the key that hides fields to a new `FILE` (legacy)", Destination: &n.fieldKeyFile},
		&cli.StringFlag{Name: "write-platform-keys", Usage: "write the platform's public keys to a new `FILE`, for the merchant to trust no others (modern, legacy)", Destination: &n.platformKeysFile},
	}
}

// check wants a file for each secret that the profile has, and for no other.
func (n *newMerchant) check() error {
	for _, s := range []struct {
		flag, file, what string
		of               []platform.Profile
	}{
		{"write-api-key", n.apiKeyFile, "API key", []platform.Profile{platform.ProfileKey}},
		{"write-webhook-secret", n.webhookFile, "webhook secret", []platform.Profile{platform.ProfileKey, platform.ProfileModern}},
		{"write-field-key", n.fieldKeyFile, "field key", []platform.Profile{platform.ProfileLegacy}},
	} {
		switch has := slices.Contains(s.of, n.profile); {
		case has && s.file == "":
			return usagef("--%s must be given: the %s of a merchant of profile %s is told once", s.flag, s.what, n.profile)
		case !has && s.file != "":
			return usagef("--%s: a merchant of profile %s has no %s", s.flag, n.profile, s.what)
		}
	}
	switch keys := len(n.publicKeys.Value()); {
	case n.profile.Signs() && keys == 0:
		return usagef("--public-key must be given: a merchant of profile %s signs; make a pair: airtill keys pair", n.profile)
	case !n.profile.Signs() && keys > 0:
		return usagef("--public-key: a merchant of profile key does not sign; say --profile modern or legacy")
	case keys > 2:
		return usagef("--public-key is given at most twice: two keys of a merchant are good at a time")
	case !n.profile.Signs() && n.platformKeysFile != "":
		return usagef("--write-platform-keys: answers to a merchant of profile key are not signed")
	}
	return nil
}

// merchant is what the platform is asked for.
func (n *newMerchant) merchant() (api.Merchant, error) {
	m := api.Merchant{Name: n.name, Payees: n.payees.Value(), CallbackURL: n.callback, Profile: n.profile}
	var err error
	if m.ID, err = merchantNumber("id", n.id); err != nil {
		return m, err
	}
	if err := n.check(); err != nil {
		return m, err
	}
	for _, file := range n.publicKeys.Value() {
		k, err := readPublicKey(file, n.profile)
		if err != nil {
			return m, err
		}
		m.Keys = append(m.Keys, k)
	}
	return m, nil
}

func merchantNumber(flag, text string) (platform.MerchantID, error) {
	id, err := platform.ParseMerchantID(text)
	if err != nil {
		return "", usagef("--%s %q: a merchant number has 8 digits and does not start with 0", flag, text)
	}
	return id, nil
}

func (n *newMerchant) run(ctx context.Context, c *call) error {
	m, err := n.merchant()
	if err != nil {
		return err
	}
	client, err := n.at.officeClient(c)
	if err != nil {
		return err
	}
	files, err := newFiles(n.apiKeyFile, n.webhookFile, n.fieldKeyFile, n.platformKeysFile)
	if err != nil {
		return err
	}
	opened, err := client.OpenMerchantBy(ctx, m, n.by)
	if err != nil {
		return errors.Join(n.at.explain(err), files.drop())
	}
	platformKeys, err := json.MarshalIndent(opened.PlatformKeys, "", "  ")
	if err == nil {
		err = files.keep(opened.APIKey, opened.WebhookSecret, opened.FieldKey, string(platformKeys))
	}
	if err != nil {
		return hinted(fmt.Errorf("the merchant is open, but its keys are lost: %w", err), "open another one, with another --id")
	}
	c.talk("next: %s ...", n.next(opened.ID))
	return n.print(c.out, opened.ID, m.Keys)
}

// next is how the merchant sends an order.
func (n *newMerchant) next(id platform.MerchantID) string {
	if !n.profile.Signs() {
		return "airtill bill create --api-key-file " + n.apiKeyFile
	}
	line := fmt.Sprintf("airtill bill create --merchant %s --profile %s --signing-key-file FILE", id, n.profile)
	if n.fieldKeyFile != "" {
		line += " --field-key-file " + n.fieldKeyFile
	}
	if n.platformKeysFile != "" {
		line += " --platform-keys " + n.platformKeysFile
	}
	return line
}

// openedMerchant says where the secrets are, not what they are.
type openedMerchant struct {
	ID                platform.MerchantID `json:"id"`
	Profile           platform.Profile    `json:"profile"`
	KeyIDs            []string            `json:"key_ids,omitempty"`
	APIKeyFile        string              `json:"api_key_file,omitempty"`
	WebhookSecretFile string              `json:"webhook_secret_file,omitempty"`
	FieldKeyFile      string              `json:"field_key_file,omitempty"`
	PlatformKeysFile  string              `json:"platform_keys_file,omitempty"`
}

func (n *newMerchant) print(p *printer, id platform.MerchantID, keys []platform.PublicKey) error {
	o := openedMerchant{
		ID: id, Profile: n.profile, APIKeyFile: n.apiKeyFile, WebhookSecretFile: n.webhookFile,
		FieldKeyFile: n.fieldKeyFile, PlatformKeysFile: n.platformKeysFile,
	}
	for _, k := range keys {
		o.KeyIDs = append(o.KeyIDs, k.ID)
	}
	return p.one(o, field{"merchant", string(id)}, field{"profile", string(n.profile)}, field{"signs with", strings.Join(o.KeyIDs, ", ")},
		field{"API key in", n.apiKeyFile}, field{"webhook secret in", n.webhookFile},
		field{"field key in", n.fieldKeyFile}, field{"platform's keys in", n.platformKeysFile})
}
