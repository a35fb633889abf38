// Package ledger keeps accounts in double entry: money moves by transfers whose
// postings sum to zero in each currency, or it does not move.
//
// Every partition has a book of its own, and every book sums to zero at every
// instant. A payment is one transfer inside the payer's partition, from the card's
// account to the merchant's sub-account there. A sweep moves a sub-account's sum to
// the merchant's home partition by two transfers, one in each book, that meet in
// clearing: after a drained sweep the clearing accounts of all books sum to zero. A
// refund goes the other way through clearing, as a [Transfer] that is pending until the
// payer's book has taken it: then it is posted, else voided.
//
//	card:ELEMENT/SLOT:CUR  the bank account behind a card; never below zero; of a phone
//	                       without an element ELEMENT is phone-FINGERPRINT
//	sub:PAYEE:CUR          what a payee earned in this partition and was not swept yet
//	home:PAYEE:CUR         a payee's account in its merchant's partition
//	payout:PAYEE:CUR       the payee's bank, there: what was paid out to it ever
//	clearing:CUR           between two books: sweeps and refunds on their way; may be below zero
//	bank:CUR               where opening balances come from; below zero by their sum
//
// The package does no I/O, and knows neither limits nor days: see package billing.
package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// ErrUnbalanced is a transfer whose postings do not sum to zero in each currency.
var ErrUnbalanced = errors.New("postings do not sum to zero")

// ErrShort is a transfer that would take an account below zero that may not be.
var ErrShort = errors.New("not enough money on the account")

// Card names the account behind the card in an element's slot.
func Card(element applet.ElementID, slot int, c money.Currency) string {
	return fmt.Sprintf("card:%s/%d:%s", element, slot, c)
}

// Bare names the account behind the card in a slot of a phone without an element, by
// the phone's fingerprint.
func Bare(phone string, slot int, c money.Currency) string {
	return fmt.Sprintf("card:phone-%s/%d:%s", phone, slot, c)
}

// Sub names a payee's sub-account in a payer's partition.
func Sub(payee string, c money.Currency) string { return "sub:" + payee + ":" + string(c) }

// Home names a payee's account in its merchant's partition.
func Home(payee string, c money.Currency) string { return "home:" + payee + ":" + string(c) }

// Payout names the account that stands for a payee's own bank, in its merchant's
// partition: it holds what was paid out ever.
func Payout(payee string, c money.Currency) string { return "payout:" + payee + ":" + string(c) }

// Clearing names the account of money that is between two books.
func Clearing(c money.Currency) string { return "clearing:" + string(c) }

// Bank names the account that opening balances come from.
func Bank(c money.Currency) string { return "bank:" + string(c) }

// Currency is the last part of an account's name.
func Currency(account string) money.Currency {
	return money.Currency(account[strings.LastIndexByte(account, ':')+1:])
}

// Move makes the two postings that take amount from one account to another.
func Move(from, to string, amount money.Amount) []platform.Posting {
	return []platform.Posting{{Account: from, Amount: -amount}, {Account: to, Amount: amount}}
}

// Book holds the balances of one partition. It is not safe for concurrent use.
type Book struct {
	balances map[string]money.Amount
}

// NewBook makes a book of the balances given, which it keeps as its own; nil is an empty book.
func NewBook(balances map[string]money.Amount) *Book {
	if balances == nil {
		balances = make(map[string]money.Amount)
	}
	return &Book{balances: balances}
}

// Balance is what an account holds; an account never posted to holds nothing.
func (b *Book) Balance(account string) money.Amount { return b.balances[account] }

// Has says whether an account was ever posted to.
func (b *Book) Has(account string) bool {
	_, ok := b.balances[account]
	return ok
}

// Post applies postings whole, or leaves the book as it was and answers
// [ErrUnbalanced] or [ErrShort], wrapped with the account to blame.
func (b *Book) Post(postings []platform.Posting) error {
	if err := b.Check(postings); err != nil {
		return err
	}
	for _, p := range postings {
		b.balances[p.Account] += p.Amount
	}
	return nil
}

// Check says whether Post would apply the transfer, and changes nothing.
func (b *Book) Check(postings []platform.Posting) error {
	if err := balanced(postings); err != nil {
		return err
	}
	for i, p := range postings {
		if mayBeNegative(p.Account) || slices.ContainsFunc(postings[:i], sameAccount(p.Account)) {
			continue
		}
		if b.after(p.Account, postings) < 0 {
			return fmt.Errorf("%w: %s", ErrShort, p.Account)
		}
	}
	return nil
}

func (b *Book) after(account string, postings []platform.Posting) money.Amount {
	sum := b.balances[account]
	for _, p := range postings {
		if p.Account == account {
			sum += p.Amount
		}
	}
	return sum
}

func sameAccount(account string) func(platform.Posting) bool {
	return func(p platform.Posting) bool { return p.Account == account }
}

// balanced looks at every currency by the first posting that is in it.
func balanced(postings []platform.Posting) error {
	for i, p := range postings {
		currency := Currency(p.Account)
		var sum money.Amount
		first := true
		for j, q := range postings {
			if Currency(q.Account) != currency {
				continue
			}
			first = first && j >= i
			sum += q.Amount
		}
		if first && sum != 0 {
			return fmt.Errorf("%w: %s is off by %d", ErrUnbalanced, currency, sum)
		}
	}
	return nil
}

func mayBeNegative(account string) bool {
	return strings.HasPrefix(account, "clearing:") || strings.HasPrefix(account, "bank:")
}

// Sums answers what the book sums to in each currency: zero, or the book is broken.
func (b *Book) Sums() map[money.Currency]money.Amount {
	sums := make(map[money.Currency]money.Amount)
	for account, balance := range b.balances {
		sums[Currency(account)] += balance
	}
	return sums
}
