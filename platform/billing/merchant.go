package billing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// Contract is a merchant as it is kept: its secrets only hashed or sealed. Of each
// kind of key there are at most two, the older one while it is being changed.
type Contract struct {
	ID            platform.MerchantID  `json:"id"`
	Name          string               `json:"name"`
	Payees        []string             `json:"payees"`
	CallbackURL   string               `json:"callback_url,omitempty"`
	Profile       platform.Profile     `json:"profile,omitempty"` // empty: key
	APIKeyHash    string               `json:"api_key_sha256,omitempty"`
	OldAPIKeyHash string               `json:"old_api_key_sha256,omitempty"`
	WebhookSecret []byte               `json:"webhook_secret_sealed,omitempty"`
	OldWebhook    []byte               `json:"old_webhook_secret_sealed,omitempty"`
	FieldKey      []byte               `json:"field_key_sealed,omitempty"`
	OldFieldKey   []byte               `json:"old_field_key_sealed,omitempty"`
	Keys          []platform.PublicKey `json:"keys,omitempty"` // the newest first
}

// addMerchant keeps a new merchant. Its number must be free.
func (p *Partition) addMerchant(tx *engine.Tx, in AddMerchant) (any, error) {
	if _, taken := p.merchants[in.Merchant.ID]; taken {
		return nil, &platform.Error{Code: platform.CodeAlreadyEnrolled, Field: "id", Detail: "this merchant number is taken"}
	}
	c := in.Merchant
	p.merchants[c.ID] = &c
	tx.SetField("merchants", string(c.ID), encode(c))
	tx.Record(engine.Event{Subject: "merchant:" + string(c.ID), Name: "open_merchant", Cause: CauseBranch})
	return c, nil
}

func (p *Partition) findMerchant(in FindMerchant) (any, error) {
	c, ok := p.merchants[in.ID]
	if !ok {
		return nil, noMerchant()
	}
	return *c, nil
}

// contractsKept is how long a merchant that was found is believed without looking
// again: a key that another process retires is good for so long.
const contractsKept = time.Second

// contracts remembers merchants that were found, for a moment.
type contracts struct{ known sync.Map }

type foundContract struct {
	Contract
	at time.Time
}

func (s *Service) contract(ctx context.Context, id platform.MerchantID) (Contract, error) {
	now := time.Now()
	if c, ok := s.merchants.known.Load(id); ok && now.Sub(c.(foundContract).at) < contractsKept {
		return c.(foundContract).Contract, nil
	}
	text, ok, err := s.store.Read(s.merchantPartition(id)).Field(ctx, "merchants", string(id))
	if err != nil {
		return Contract{}, unavailable("find the merchant", err)
	}
	if !ok {
		return Contract{}, noMerchant()
	}
	var c Contract
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Contract{}, fmt.Errorf("read merchant %s: %w", id, err)
	}
	s.merchants.known.Store(id, foundContract{c, now})
	return c, nil
}

func noMerchant() error {
	return &platform.Error{Code: platform.CodeNotFound, Field: "merchant", Detail: "no such merchant"}
}

// An API key names its merchant, so that the key alone finds it: ak_NUMBER_SECRET.
const apiKeyPrefix = "ak_"

// Authenticate finds the merchant of an API key.
func (s *Service) Authenticate(ctx context.Context, apiKey string) (platform.Merchant, error) {
	rest, ok := strings.CutPrefix(apiKey, apiKeyPrefix)
	number, _, ok2 := strings.Cut(rest, "_")
	id, err := platform.ParseMerchantID(number)
	if !ok || !ok2 || err != nil {
		return platform.Merchant{}, unauthorised()
	}
	c, err := s.contract(ctx, id)
	if isNotFound(err) {
		return platform.Merchant{}, unauthorised()
	}
	if err != nil {
		return platform.Merchant{}, err
	}
	if !c.hasKey(apiKey) {
		return platform.Merchant{}, unauthorised()
	}
	return c.merchant(), nil
}

// hasKey says whether the key is one of the merchant's, in a time that does not tell which.
func (c Contract) hasKey(apiKey string) bool {
	hash := []byte(hashKey(apiKey))
	return subtle.ConstantTimeCompare(hash, []byte(c.APIKeyHash))|
		subtle.ConstantTimeCompare(hash, []byte(c.OldAPIKeyHash)) == 1
}

func hashKey(apiKey string) string {
	sum := sha256.Sum256([]byte(apiKey))
	return hex.EncodeToString(sum[:])
}

func unauthorised() error {
	return &platform.Error{Code: platform.CodeUnauthorised, Detail: "send Authorization: Bearer and the merchant's API key; a merchant of profile modern or legacy signs its requests instead"}
}

func (c Contract) merchant() platform.Merchant {
	return platform.Merchant{
		ID: c.ID, Name: c.Name, Payees: c.Payees, CallbackURL: c.CallbackURL,
		Profile: cmp.Or(c.Profile, platform.ProfileKey), Keys: c.Keys,
	}
}

// mostNumbers bounds how many numbers are drawn for one new merchant.
const mostNumbers = 8

// AddMerchant opens a merchant: a free number is drawn when none is given.
func (s *Service) AddMerchant(ctx context.Context, m platform.Merchant) (keys platform.MerchantKeys, err error) {
	if m.ID != "" {
		return s.addMerchant(ctx, m)
	}
	for range mostNumbers {
		if m.ID, err = randomNumber(s.config.Random); err != nil {
			return keys, err
		}
		keys, err = s.addMerchant(ctx, m)
		if !isCode(err, platform.CodeAlreadyEnrolled) {
			break
		}
	}
	return keys, err
}

func (s *Service) addMerchant(ctx context.Context, m platform.Merchant) (platform.MerchantKeys, error) {
	if err := checkMerchant(m); err != nil {
		return platform.MerchantKeys{}, err
	}
	m, err := s.checkProfile(m)
	if err != nil {
		return platform.MerchantKeys{}, err
	}
	keys, c, err := s.newContract(m)
	if err != nil {
		return platform.MerchantKeys{}, err
	}
	for i := range c.Keys {
		c.Keys[i].Added = time.Now().UTC()
	}
	if _, err := s.do(ctx, s.merchantPartition(m.ID), AddMerchant{Merchant: c}); err != nil {
		return platform.MerchantKeys{}, err
	}
	return keys, nil
}

func checkMerchant(m platform.Merchant) error {
	if m.Name == "" || len(m.Name) > applet.MaxName {
		return invalid("name", fmt.Sprintf("1 to %d octets, as phones show it", applet.MaxName))
	}
	if _, err := platform.ParseMerchantID(string(m.ID)); err != nil {
		return invalid("id", "a merchant number has 8 digits and does not start with 0")
	}
	for i, payee := range m.Payees {
		if !ownPayee(m.ID, payee) {
			return invalid(fmt.Sprintf("payees[%d]", i), "an account of this merchant: acct_NUMBER or acct_NUMBER_NAME, of letters, digits and hyphens")
		}
	}
	if m.CallbackURL != "" {
		return checkCallback(m.CallbackURL)
	}
	return nil
}

func invalid(field, detail string) error {
	return &platform.Error{Code: platform.CodeInvalid, Field: field, Detail: detail}
}

// ownPayee says whether an account is one that a merchant can have: its name leads the
// money home, and is part of the names of accounts.
func ownPayee(id platform.MerchantID, payee string) bool {
	name, ok := strings.CutPrefix(payee, id.DefaultPayee())
	if !ok || name == "" {
		return ok
	}
	name, ok = strings.CutPrefix(name, "_")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func checkCallback(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return invalid("callback_url", "an http or https URL with a host")
	}
	return nil
}

// newContract makes the secrets that a merchant's profile has use for.
func (s *Service) newContract(m platform.Merchant) (platform.MerchantKeys, Contract, error) {
	keys := platform.MerchantKeys{ID: m.ID}
	c := Contract{ID: m.ID, Name: m.Name, Payees: payees(m), CallbackURL: m.CallbackURL, Profile: m.Profile, Keys: m.Keys}
	kinds := map[platform.Profile][]platform.KeyKind{
		"":                     {platform.KeyAPI, platform.KeyWebhook},
		platform.ProfileModern: {platform.KeyWebhook},
		platform.ProfileLegacy: {platform.KeyField},
	}
	for _, kind := range kinds[m.Profile] {
		fresh, err := s.newSecret(m.ID, kind, &keys)
		if err != nil {
			return platform.MerchantKeys{}, Contract{}, err
		}
		if err := c.rotate(ChangeKeys{Kind: kind, Fresh: fresh}); err != nil {
			return platform.MerchantKeys{}, Contract{}, err
		}
	}
	return keys, c, nil
}

// payees are a merchant's accounts, its default one first.
func payees(m platform.Merchant) []string {
	all := []string{m.ID.DefaultPayee()}
	for _, payee := range m.Payees {
		if !slices.Contains(all, payee) {
			all = append(all, payee)
		}
	}
	return all
}

// payeeMerchant is the merchant that an account belongs to: acct_NUMBER or acct_NUMBER_NAME.
func payeeMerchant(payee string) platform.MerchantID {
	number, _, _ := strings.Cut(strings.TrimPrefix(payee, "acct_"), "_")
	return platform.MerchantID(number)
}

func randomNumber(random io.Reader) (platform.MerchantID, error) {
	var octets [4]byte
	if _, err := io.ReadFull(random, octets[:]); err != nil {
		return "", fmt.Errorf("make a merchant number: %w", err)
	}
	n := uint32(octets[0])<<24 | uint32(octets[1])<<16 | uint32(octets[2])<<8 | uint32(octets[3])
	return platform.MerchantID(fmt.Sprint(10_000_000 + n%90_000_000)), nil
}

// WebhookSecrets are the secrets that sign a merchant's callbacks, newest first.
func (s *Service) WebhookSecrets(ctx context.Context, id platform.MerchantID) ([]string, error) {
	c, err := s.contract(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.unseal(c.WebhookSecret, c.OldWebhook)
}

// Merchants lists the merchants with what they own, money on its way home included.
func (s *Service) Merchants(ctx context.Context) ([]platform.Merchant, error) {
	var all []platform.Merchant
	balances := make(map[string]money.Amount)
	for p := range s.config.Partitions {
		r := s.store.Read(engine.Partition(p))
		err := decodeFields(ctx, r, "merchants", func(_ string, c Contract) { all = append(all, c.merchant()) })
		if err != nil {
			return nil, unavailable("list merchants", err)
		}
		err = decodeFields(ctx, r, "balances", func(account string, amount money.Amount) { balances[account] += amount })
		if err != nil {
			return nil, unavailable("read balances", err)
		}
	}
	for i := range all {
		all[i].Balances = owned(all[i], balances)
	}
	slices.SortFunc(all, func(a, b platform.Merchant) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, nil
}

func owned(m platform.Merchant, balances map[string]money.Amount) map[money.Currency]money.Amount {
	sums := make(map[money.Currency]money.Amount)
	for account, amount := range balances {
		kind, rest, _ := strings.Cut(account, ":")
		payee, _, _ := strings.Cut(rest, ":")
		if (kind == "home" || kind == "sub") && slices.Contains(m.Payees, payee) {
			sums[ledger.Currency(account)] += amount
		}
	}
	return sums
}
