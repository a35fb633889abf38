package platform

import (
	"context"
	"encoding/json"
	"time"
)

// Attempt is an attempt to tell a merchant something, as it was set going. A bill without
// a callback address has one all the same, of number 0, which goes nowhere.
type Attempt struct {
	ID     CallbackID      `json:"id"`   // the webhook-id: the same for all attempts
	Type   string          `json:"type"` // bill.settled
	Bill   BillID          `json:"bill"`
	Refund RefundID        `json:"refund,omitempty"`
	URL    string          `json:"url,omitempty"` // where it goes; empty: nowhere
	Number int             `json:"attempt"`
	ByHand bool            `json:"by_hand,omitempty"`
	At     time.Time       `json:"at"`
	Event  json.RawMessage `json:"event"` // what the merchant is sent
}

// Place is where a reader of a feed is: all before it was read. It is the feed's own
// business what is in it.
type Place string

// Follower is an attempt of a feed, and the place after it.
type Follower struct {
	Attempt
	Place Place
}

// Feed tells what merchants are told, as it is decided, from the journal: so it goes on
// where a reader was, whichever process answers, and after a restart. An attempt may come
// more than once. A refusal is an [*Error].
type Feed interface {
	// FeedSince is the place from which on attempts were set going at a time or later; of
	// the zero time it is the end.
	FeedSince(ctx context.Context, since time.Time) (Place, error)
	// FeedAfter answers a merchant's attempts after a place, and the place after all that
	// was looked at. It does not wait: there may be none. A place of another store, or none
	// at all, is CodeInvalid.
	FeedAfter(ctx context.Context, m MerchantID, at Place) ([]Follower, Place, error)
}
