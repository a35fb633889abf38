package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// keyChange is what an operator was told to do to keys: of a merchant, or with no
// merchant of the platform.
type keyChange struct {
	act
	merchant, kind, keyID  string
	publicFile, secretFile string
}

func (k *keyChange) flags() []cli.Flag {
	return append(k.act.flags(),
		&cli.StringFlag{Name: "merchant", Usage: "a key of the merchant `ID`", DefaultText: "the platform's own", Destination: &k.merchant},
		&cli.StringFlag{Name: "kind", Usage: "`KIND` of key: public, api, webhook or field of a merchant; signing, sealing or legacy of the platform", Destination: &k.kind},
	)
}

// The kinds of keys that there are.
func merchantKinds() []string { return []string{"public", "api", "webhook", "field"} }
func platformKinds() []string { return []string{"signing", "sealing", "legacy"} }

// check looks at whose key it is, and of which kind.
func (k *keyChange) check() error {
	mine, theirs := slices.Contains(platformKinds(), k.kind), slices.Contains(merchantKinds(), k.kind)
	switch {
	case !mine && !theirs:
		return usagef("--kind %q: it is one of %s of a merchant, or %s of the platform", k.kind, strings.Join(merchantKinds(), ", "), strings.Join(platformKinds(), ", "))
	case mine && k.merchant != "":
		return usagef("--kind %s is a key of the platform's own; leave --merchant out", k.kind)
	case theirs && k.merchant == "":
		return usagef("--merchant must be given: --kind %s is a key of a merchant's", k.kind)
	case mine:
		return nil
	}
	_, err := merchantNumber("merchant", k.merchant)
	return err
}

// send asks the platform for the change. It answers secrets that were made.
func (k *keyChange) send(ctx context.Context, client *api.OfficeClient, change api.KeyChange) (api.MerchantKeys, error) {
	change.Kind, change.By, change.Note = platform.KeyKind(k.kind), k.by, k.note
	if k.merchant == "" {
		return api.MerchantKeys{}, k.at.explain(client.ChangePlatformKeys(ctx, change))
	}
	keys, err := client.ChangeMerchantKeys(ctx, platform.MerchantID(k.merchant), change)
	return keys, k.at.explain(err)
}

// owner is whose keys are changed.
func (k *keyChange) owner() string {
	if k.merchant == "" {
		return "the platform"
	}
	return "merchant " + k.merchant
}

// changedKey is what a change came to. It says where a secret is, not what it is.
type changedKey struct {
	Merchant   string          `json:"merchant,omitempty"`
	Kind       string          `json:"kind"`
	Act        platform.KeyAct `json:"act"`
	KeyID      string          `json:"key_id,omitempty"`
	SecretFile string          `json:"secret_file,omitempty"`
}

func officeRotateKey() command {
	var k keyChange
	return command{
		name: "rotate-key", short: "bring another key of a merchant, or of the platform, into use",
		about: "The key before it stays good until it is retired, so that nobody is locked out in between; of a kind two are good at a time. " +
			"A secret that is made is written to a file that only you can read, and is not shown.\n" +
			"Of two keys that the platform signs with the older one does: merchants see the new one in GET /v1/keys, and it is used once the older is retired. " +
			"The journal keeps who did it, when, and why.",
		examples: []string{
			`airtill office rotate-key --merchant 10000010 --kind public --public-key new.pub --by "Zhao Min" --note "yearly"`,
			`airtill office rotate-key --merchant 10000009 --kind api --write-secret sky-new.key --by "Zhao Min" --note "somebody left"`,
			`airtill office rotate-key --kind signing --by "Zhao Min" --note "yearly"`,
		},
		flags: append(k.flags(),
			&cli.StringFlag{Name: "public-key", Usage: "the merchant's new public key is in `FILE`, PEM or JWK (public)", Destination: &k.publicFile},
			&cli.StringFlag{Name: "write-secret", Usage: "write the secret that is made to a new `FILE` (api, webhook, field)", Destination: &k.secretFile},
		),
		required: []string{"kind", "by", "note"},
		run:      k.rotate,
	}
}

// checkFiles wants a file for what comes into use, as its kind has it.
func (k *keyChange) checkFiles() error {
	public, secret := k.kind == "public", slices.Contains(merchantKinds(), k.kind) && k.kind != "public"
	switch {
	case public && k.publicFile == "":
		return usagef("--public-key must be given: the merchant's own new key; make a pair: airtill keys pair")
	case secret && k.secretFile == "":
		return usagef("--write-secret must be given: what is made is told once")
	case !public && k.publicFile != "":
		return usagef("--public-key is of --kind public, not of %s", k.kind)
	case !secret && k.secretFile != "":
		return usagef("--write-secret: of --kind %s no secret is told", k.kind)
	}
	return nil
}

func (k *keyChange) rotate(ctx context.Context, c *call) error {
	if err := k.check(); err != nil {
		return err
	}
	if err := k.checkFiles(); err != nil {
		return err
	}
	change, done := api.KeyChange{Act: platform.KeyRotate}, changedKey{Merchant: k.merchant, Kind: k.kind, Act: platform.KeyRotate, SecretFile: k.secretFile}
	if k.publicFile != "" {
		public, err := readPublicKey(k.publicFile, "")
		if err != nil {
			return err
		}
		change.PublicKey, done.KeyID = public.PEM, public.ID
	}
	client, err := k.at.officeClient(c)
	if err != nil {
		return err
	}
	files, err := newFiles(k.secretFile)
	if err != nil {
		return err
	}
	keys, err := k.send(ctx, client, change)
	if err != nil {
		return errors.Join(err, files.drop())
	}
	if err := files.keep(keys.APIKey + keys.WebhookSecret + keys.FieldKey); err != nil { // one of them was made
		return hinted(fmt.Errorf("the key is changed, but the new one is lost: %w", err), "the one before is good until it is retired; then another can be made")
	}
	c.talk("when the one before is not used any more: %s", k.retireLine())
	return c.out.line(done, k.rotated(done))
}

// rotated says what a merchant or the platform has now.
func (k *keyChange) rotated(done changedKey) string {
	text := fmt.Sprintf("%s has another %s key", k.owner(), k.kind)
	switch {
	case done.KeyID != "":
		text += ": " + done.KeyID
	case done.SecretFile != "":
		text += ", in " + done.SecretFile
	}
	return text
}

// retireLine is the command that ends a change of keys.
func (k *keyChange) retireLine() string {
	line := "airtill office retire-key"
	if k.merchant != "" {
		line += " --merchant " + k.merchant
	}
	return line + " --kind " + k.kind + " --by NAME --note TEXT"
}

func officeRetireKey() command {
	var k keyChange
	return command{
		name: "retire-key", short: "end the older of two keys of a merchant, or of the platform",
		about: "It is good for nothing from then on. The last key of a kind cannot be retired: rotate it first. " +
			"The journal keeps who did it, when, and why.",
		examples: []string{
			`airtill office retire-key --merchant 10000010 --kind public --by "Zhao Min" --note "the new one is in use"`,
			`airtill office retire-key --merchant 10000010 --kind public --key-id poqkLGiy --by "Zhao Min" --note "it was stolen"`,
			`airtill office retire-key --kind signing --by "Zhao Min" --note "merchants have the new one"`,
		},
		flags: append(k.flags(),
			&cli.StringFlag{Name: "key-id", Usage: "retire the public key with this `ID`, or this beginning of one: see airtill office merchants", DefaultText: "the older one", Destination: &k.keyID},
		),
		required: []string{"kind", "by", "note"},
		run:      k.retire,
	}
}

func (k *keyChange) retire(ctx context.Context, c *call) error {
	if err := k.check(); err != nil {
		return err
	}
	if k.keyID != "" && k.kind != "public" {
		return usagef("--key-id is of --kind public; of the others the older one is retired")
	}
	client, err := k.at.officeClient(c)
	if err != nil {
		return err
	}
	change := api.KeyChange{Act: platform.KeyRetire}
	if k.keyID != "" {
		if change.KeyID, err = k.wholeID(ctx, client); err != nil {
			return err
		}
	}
	if _, err := k.send(ctx, client, change); err != nil {
		return err
	}
	which := "older " + k.kind + " key"
	if change.KeyID != "" {
		which = "public key " + change.KeyID
	}
	return c.out.line(changedKey{Merchant: k.merchant, Kind: k.kind, Act: platform.KeyRetire, KeyID: change.KeyID},
		fmt.Sprintf("the %s of %s is retired", which, k.owner()))
}

// wholeID finds the one key of the merchant whose id begins as was said.
func (k *keyChange) wholeID(ctx context.Context, client *api.OfficeClient) (string, error) {
	all, err := client.Merchants(ctx)
	if err != nil {
		return "", k.at.explain(err)
	}
	var found []string
	for _, m := range all {
		for _, key := range m.Keys {
			if string(m.ID) == k.merchant && strings.HasPrefix(key.ID, k.keyID) {
				found = append(found, key.ID)
			}
		}
	}
	if len(found) != 1 {
		return "", hinted(fmt.Errorf("%d keys of merchant %s begin with %s", len(found), k.merchant, k.keyID), "which it has: airtill office merchants --json")
	}
	return found[0], nil
}
