package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// profileFlag chooses a merchant's profile.
func profileFlag(into *platform.Profile, usage string, variables ...string) cli.Flag {
	return &cli.GenericFlag{Name: "profile", Usage: usage, DefaultText: "key", Value: (*profileValue)(into), EnvVars: variables}
}

// profileValue reads a profile from the command line.
type profileValue platform.Profile

// Set implements [cli.Generic].
func (v *profileValue) Set(text string) error {
	switch p := platform.Profile(text); p {
	case platform.ProfileKey, platform.ProfileModern, platform.ProfileLegacy:
		*v = profileValue(p)
		return nil
	}
	return errors.New("choose one of key, modern, legacy")
}

// String implements [cli.Generic].
func (v *profileValue) String() string { return string(*v) }

// Get implements [flag.Getter], by which a command line is written down again.
func (v *profileValue) Get() any { return string(*v) }

// signer is what is said of a merchant that signs: its number, its profile and its keys.
// Of profile key, which does not, only the number may be said.
type signer struct {
	profile  platform.Profile
	merchant string

	keyFile, fieldKeyFile, platformKeysFile string
}

func (s *signer) flags() []cli.Flag {
	return []cli.Flag{
		profileFlag(&s.profile, "speak as a merchant of this `PROFILE`: key, modern or legacy", "AIRTILL_PROFILE"),
		&cli.StringFlag{Name: "signing-key-file", Usage: "sign with the private key in `FILE`, PEM (or AIRTILL_SIGNING_KEY holds it; modern, legacy)", Destination: &s.keyFile},
		&cli.StringFlag{Name: "field-key-file", Usage: "hide fields with the key in `FILE` (or AIRTILL_FIELD_KEY holds it; legacy)", Destination: &s.fieldKeyFile},
		&cli.StringFlag{
			Name: "platform-keys", Usage: "trust the platform's public keys in `FILE` and no others (modern, legacy)", DefaultText: "those that the platform answers",
			EnvVars: []string{"AIRTILL_PLATFORM_KEYS"}, Destination: &s.platformKeysFile,
		},
	}
}

// check refuses what the profile has no use for.
func (s *signer) check(apiKeyFile string) error {
	switch {
	case s.profile.Signs() && apiKeyFile != "":
		return usagef("--api-key-file: a merchant of profile %s has no API key; it signs", s.profile)
	case !s.profile.Signs() && s.keyFile != "":
		return usagef("--signing-key-file: a merchant of profile key does not sign; say --profile modern or legacy")
	case s.profile != platform.ProfileLegacy && s.fieldKeyFile != "":
		return usagef("--field-key-file is of profile legacy: say --profile legacy, or leave it out")
	case !s.profile.Signs() && s.platformKeysFile != "":
		return usagef("--platform-keys: answers to a merchant of profile key are not signed; say --profile modern or legacy")
	}
	return nil
}

// read reads the keys of a merchant that signs, and says where the one is from that it
// signs with. Of profile key there are none.
func (s *signer) read(c *call) (signing world.Signing, from string, err error) {
	if !s.profile.Signs() {
		return signing, "", nil
	}
	signing.Profile = s.profile
	number := cmp.Or(s.merchant, c.env.Getenv("AIRTILL_MERCHANT"))
	if number == "" {
		return signing, "", usagef("--merchant must be given: a merchant that signs says who it is")
	}
	if signing.Merchant, err = merchantNumber("merchant", number); err != nil {
		return signing, "", err
	}
	if signing.Key, from, err = s.signingKey(c); err != nil {
		return signing, from, err
	}
	if s.profile == platform.ProfileLegacy {
		if signing.FieldKeys, err = s.fieldKeys(c); err != nil {
			return signing, from, err
		}
	}
	signing.Platform, err = s.platformKeys()
	return signing, from, err
}

// signingKey is the private key that the merchant signs with.
func (s *signer) signingKey(c *call) (key signature.SigningKey, from string, err error) {
	from = "AIRTILL_SIGNING_KEY"
	text := []byte(c.env.Getenv(from))
	if s.keyFile != "" {
		from = s.keyFile
		if text, err = readPrivate(s.keyFile); err != nil {
			return key, from, fmt.Errorf("read the signing key: %w", err)
		}
	}
	if s.keyFile == "" && len(text) == 0 {
		return key, from, &Error{Status: StatusUsage, Hint: secret{flag: "signing-key-file", variable: from}.hint(), Err: errors.New("no signing key")}
	}
	if key, err = signature.ParseSigningKey(text); err == nil && s.profile == platform.ProfileLegacy {
		key, err = key.As(signature.RSAMD5)
	}
	if err != nil {
		err = hinted(fmt.Errorf("read the signing key from %s: %w", from, err), "one that will do: %s", pairFor(s.profile))
	}
	return key, from, err
}

// pairFor is the command that makes a key pair for a profile.
func pairFor(p platform.Profile) string {
	line := "airtill keys pair --write-private FILE --write-public FILE"
	if p == platform.ProfileLegacy {
		line += " --algorithm rsa-md5"
	}
	return line
}

func (s *signer) fieldKeys(c *call) ([]signature.FieldKey, error) {
	text, err := needed(c, secret{what: "field key", file: s.fieldKeyFile, flag: "field-key-file", variable: "AIRTILL_FIELD_KEY"})
	if err != nil {
		return nil, err
	}
	k, err := signature.ParseFieldKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the field key: %w", err)
	}
	return []signature.FieldKey{k}, nil
}

// platformKeys are the keys to trust; nil when the platform is to be asked.
func (s *signer) platformKeys() (*signature.KeySet, error) {
	if s.platformKeysFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.platformKeysFile)
	if err != nil {
		return nil, fmt.Errorf("read the platform's keys: %w", err)
	}
	set := new(signature.KeySet)
	if err = json.Unmarshal(text, set); err == nil && len(set.Verification) == 0 {
		err = errors.New("no key to verify with is in it")
	}
	if err != nil {
		return nil, hinted(fmt.Errorf("read the platform's keys from %s: %w", s.platformKeysFile, err),
			"office add-merchant --write-platform-keys FILE writes them, and GET /v1/keys answers them")
	}
	return set, nil
}

// readPublicKey reads a merchant's public key, and sees that its profile can use it.
func readPublicKey(file string, p platform.Profile) (platform.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return platform.PublicKey{}, fmt.Errorf("read the public key: %w", err)
	}
	v, err := signature.ParseVerificationKey(text)
	if err == nil && p == platform.ProfileLegacy {
		v, err = v.As(signature.RSAMD5)
	}
	if err != nil {
		return platform.PublicKey{}, hinted(fmt.Errorf("read the public key from %s: %w", file, err), "one that will do: %s", pairFor(p))
	}
	encoded, err := v.PEM()
	return platform.PublicKey{ID: v.ID(), PEM: string(encoded)}, err
}
