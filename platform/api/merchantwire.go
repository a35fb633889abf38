package api

import (
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/signature"
)

// Merchant is a shop that may send orders. In POST /v1/office/merchants the
// balances are left out, and of each key only its PEM is said.
type Merchant struct {
	ID          platform.MerchantID             `json:"id"`
	Name        string                          `json:"name"`
	Payees      []string                        `json:"payees,omitempty"` // the first is the default
	CallbackURL string                          `json:"callback_url,omitempty"`
	Balances    map[money.Currency]money.Amount `json:"balances,omitempty"`
	Profile     platform.Profile                `json:"profile,omitempty"`
	Keys        []platform.PublicKey            `json:"keys,omitempty"`
}

// Merchants is the answer to GET /v1/office/merchants.
type Merchants struct {
	Merchants []Merchant `json:"merchants"`
}

func merchantsOf(merchants []platform.Merchant) Merchants {
	all := Merchants{Merchants: make([]Merchant, 0, len(merchants))}
	for _, m := range merchants {
		all.Merchants = append(all.Merchants, Merchant(m))
	}
	return all
}

// MerchantKeys are a merchant's secrets, in clear: they are answered once, when they are made.
type MerchantKeys struct {
	ID            platform.MerchantID `json:"id"`
	APIKey        string              `json:"api_key,omitempty"`
	WebhookSecret string              `json:"webhook_secret,omitempty"`
	FieldKey      string              `json:"field_key,omitempty"`
}

// OpenedMerchant is the answer to POST /v1/office/merchants. A merchant that signs is
// told what the platform signs with and opens with.
type OpenedMerchant struct {
	MerchantKeys
	PlatformKeys *signature.KeySet `json:"platform_keys,omitempty"`
}

// KeyChange is the body of POST /v1/office/merchants/{id}/keys and of POST /v1/office/keys.
type KeyChange struct {
	Act       platform.KeyAct  `json:"act"`  // rotate or retire
	Kind      platform.KeyKind `json:"kind"` // public, api, webhook, field; of the platform's own: signing, sealing, legacy
	PublicKey string           `json:"public_key,omitempty"`
	KeyID     string           `json:"key_id,omitempty"` // of the public key to retire
	By        string           `json:"by"`
	Note      string           `json:"note"`
}
