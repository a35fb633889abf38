package merchant

import (
	"slices"

	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// refunded notes that money of an order was given back, once, and who is to be told of it:
// the payer, and who ordered. A refund that was voided concerns nobody else.
func (s *Shop) refunded(o *Order, r api.Result) bool {
	id := string(r.Refund.ID)
	if r.Refund.State != "posted" || o.Bill != "" && o.Bill != string(r.ID) || slices.Contains(o.Refunds, id) {
		return false
	}
	o.Refunds = append(slices.Clip(o.Refunds), id)
	given := money.Money{Amount: r.Refund.Amount, Currency: r.Refund.Currency}.String()
	payer := Notice{To: o.Phone, Purpose: TellPayer, Progress: Queued, Text: s.config.Name + ": " + given + " of order " + o.what() + " came back to your card."}
	o.Notices = append(o.Notices, payer)
	if o.Buyer != o.Phone {
		o.Notices = append(o.Notices, Notice{
			To: o.Buyer, Purpose: TellBuyer, Progress: Queued, Text: s.config.Name + ": " + given + " of order " + o.what() + " was given back to who paid.",
		})
	}
	return true
}
