package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// complete checks an order as a whole and fills in what it leaves out.
func complete(c Contract, o platform.Order) (platform.Order, error) {
	if o.Payee == "" {
		o.Payee = c.ID.DefaultPayee()
	}
	if err := checkOrder(c, o); err != nil {
		return o, err
	}
	if o.Fingerprint == "" {
		o.Fingerprint = fingerprint(o)
	}
	if o.BuyerPhone == "" {
		o.BuyerPhone = o.Phone
	}
	if o.Subject == "" {
		o.Subject = subject(o.Goods)
	}
	return o, nil
}

// checkOrder looks at what the partitions rely on, whoever sends the order.
func checkOrder(c Contract, o platform.Order) error {
	switch _, err := money.ParseCurrency(string(o.Currency)); {
	case o.Reference == "":
		return invalid("reference", "the merchant's own, unique for it")
	case !slices.Contains(c.Payees, o.Payee):
		return invalid("payee", "not one of this merchant's accounts")
	case !o.Amount.Payable():
		return invalid("amount", fmt.Sprintf("1 to %d minor units", money.Max))
	case err != nil:
		return invalid("currency", "three capital letters of ISO 4217, such as CNY")
	case o.ExpiresIn <= 0 || o.ExpiresIn > api.MaxExpiry:
		return invalid("expires_in", fmt.Sprintf("a duration above zero, up to %s", api.MaxExpiry))
	case len(o.Goods) > 0 && !json.Valid(o.Goods):
		return invalid("goods", "not JSON")
	case o.CallbackURL != "":
		return checkCallback(o.CallbackURL)
	}
	return nil
}

// fingerprint tells an order that came without one from others.
func fingerprint(o platform.Order) string {
	o.IdempotencyKey = ""
	sum := sha256.Sum256([]byte(encode(o)))
	return hex.EncodeToString(sum[:])
}

// subject makes one line for the phone's screen out of the goods: the first words
// that say what they are.
func subject(goods json.RawMessage) string {
	var fields map[string]any
	if json.Unmarshal(goods, &fields) != nil {
		return ""
	}
	var words []string
	for _, name := range []string{"kind", "flight", "train", "model", "name", "item", "date", "seat"} {
		if text, ok := fields[name].(string); ok && text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, " ")
}
