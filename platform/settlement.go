package platform

import (
	"strings"
	"time"

	"github.com/airtill/airtill/platform/money"
)

// Settle is an operator's act: what a merchant's accounts hold at home is paid out to its
// bank. It covers all that was paid to the merchant before it was asked for, whatever the
// day, and leaves what is paid after for the next. Day is the business day that it is
// booked for, as on the merchant's bank statement.
type Settle struct {
	ID       string // made by whoever asks: the same id again pays nothing again
	Merchant MerchantID
	Day      string // UTC, 2026-11-27
	By       string // who does it
}

// Settlement is what a settlement came to. One that found nothing to pay out has no
// payouts and is not kept: its id is free for when there is something.
type Settlement struct {
	ID       string     `json:"id"`
	Merchant MerchantID `json:"merchant"`
	Day      string     `json:"day"`
	At       time.Time  `json:"at"`
	By       string     `json:"by"`
	Payouts  []Payout   `json:"payouts"`

	// Repeated tells that the settlement was there already.
	Repeated bool `json:"-"`
}

// Payout is one account's part of a settlement.
type Payout struct {
	Payee    string         `json:"payee"`
	Currency money.Currency `json:"currency"`
	Amount   money.Amount   `json:"amount"`
	Total    money.Amount   `json:"total"` // paid out of the account ever, this included
}

// maxSettlementID is how long a settlement's id may be, in characters.
const maxSettlementID = 64

// ValidSettlementID says whether an id can name a settlement: 1 to 64 letters, digits,
// dots, hyphens and underscores.
func ValidSettlementID(id string) bool {
	return id != "" && len(id) <= maxSettlementID &&
		strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// ParseDay reads a UTC day as days are written everywhere: 2026-11-27.
func ParseDay(text string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, time.UTC)
	if err != nil {
		return time.Time{}, &Error{Code: CodeInvalid, Field: "day", Detail: "a UTC day like 2026-11-27"}
	}
	return day, nil
}
