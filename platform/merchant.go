package platform

import (
	"time"

	"github.com/airtill/airtill/platform/money"
)

// Merchant is a shop that may send orders.
type Merchant struct {
	ID          MerchantID
	Name        string
	Payees      []string // accounts it may be paid to; the first is the default
	CallbackURL string   // where results go when the order names no other place
	// Balances of its accounts by currency, what is still on its way included.
	Balances map[money.Currency]money.Amount
	Profile  Profile     // how it and the platform know each other; empty is ProfileKey
	Keys     []PublicKey // that it signs with, the newest first; at most two
}

// Profile is how a merchant's requests, their answers and its callbacks are protected.
// It is fixed when the merchant is opened: no message can choose a weaker one.
type Profile string

// The profiles.
const (
	ProfileKey    Profile = "key"    // API key; callbacks by Standard Webhooks
	ProfileModern Profile = "modern" // RFC 9421 both ways, sensitive fields as JWE
	ProfileLegacy Profile = "legacy" // MD5 and RSA both ways, sensitive fields under 3DES
)

// Signs says whether a merchant of this profile signs its requests.
func (p Profile) Signs() bool { return p == ProfileModern || p == ProfileLegacy }

// PublicKey is a key that a merchant signs with.
type PublicKey struct {
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"` // of package signature
	PEM       string    `json:"pem"`
	Added     time.Time `json:"added_at,omitzero"`
}

// MerchantKeys are a merchant's secrets, answered once when they are made. Those that
// its profile has no use for are empty.
type MerchantKeys struct {
	ID            MerchantID
	APIKey        string // in the Authorization header of its orders
	WebhookSecret string // that signs the callbacks it gets: whsec_ and base64
	FieldKey      string // of profile legacy: base64 of the two 3DES keys that hide fields
}

// KeyKind is which of a merchant's keys, or of the platform's own.
type KeyKind string

// The kinds of keys. The first four are a merchant's, the others the platform's.
const (
	KeyPublic  KeyKind = "public"  // what the merchant signs with
	KeyAPI     KeyKind = "api"     // its API key
	KeyWebhook KeyKind = "webhook" // its webhook secret
	KeyField   KeyKind = "field"   // its key for legacy fields
	KeySigning KeyKind = "signing" // what the platform signs with
	KeySealing KeyKind = "sealing" // what merchants seal to
	KeyLegacy  KeyKind = "legacy"  // what the platform signs with for profile legacy
)

// KeyAct is what is done to keys of a kind.
type KeyAct string

// The acts. At most two keys of a kind are good at a time.
const (
	KeyRotate KeyAct = "rotate" // a new key comes into use; the one before stays good
	KeyRetire KeyAct = "retire" // the older one ends, or the public key that is named
)

// KeyChange is an operator's act on the keys of a merchant, or with no merchant on
// the platform's own.
type KeyChange struct {
	Merchant MerchantID
	Kind     KeyKind
	Act      KeyAct
	Public   PublicKey // to rotate to; to retire, its ID
	By       string    // who does it
	Note     string    // why
}
