package ledger_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

func TestPost(t *testing.T) {
	const payer, sub = "card:89860000000000000001/1:CNY", "sub:acct_10000001:CNY"
	tests := []struct {
		name     string
		postings []platform.Posting
		want     error
	}{
		{"a payment", ledger.Move(payer, sub, 100), nil},
		{"one unit too much", ledger.Move(payer, sub, 101), ledger.ErrShort},
		{"does not sum to zero", []platform.Posting{{Account: payer, Amount: -10}, {Account: sub, Amount: 9}}, ledger.ErrUnbalanced},
		{"sums to zero over two currencies only", []platform.Posting{{Account: payer, Amount: -10}, {Account: "sub:acct_10000001:USD", Amount: 10}}, ledger.ErrUnbalanced},
		{"short in two steps", []platform.Posting{{Account: payer, Amount: -60}, {Account: sub, Amount: 120}, {Account: payer, Amount: -60}}, ledger.ErrShort},
		{"clearing may be below zero", ledger.Move("clearing:CNY", "home:acct_10000001:CNY", 500), nil},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			book := ledger.NewBook(map[string]money.Amount{payer: 100, "bank:CNY": -100})
			if err := book.Post(tt.postings); !errors.Is(err, tt.want) {
				t.Fatalf("Post = %v, want %v", err, tt.want)
			}
			if tt.want != nil && (book.Balance(payer) != 100 || book.Balance(sub) != 0) {
				t.Fatalf("a refused transfer moved money: payer %d, sub %d", book.Balance(payer), book.Balance(sub))
			}
			for currency, sum := range book.Sums() {
				if sum != 0 {
					t.Errorf("%s sums to %d", currency, sum)
				}
			}
		})
	}
}

// Whatever is asked of a book, it sums to zero and no card goes below zero.
func TestBookKeepsItsSums(t *testing.T) {
	accounts := []string{"card:1/1:CNY", "card:1/2:USD", "sub:a:CNY", "sub:a:USD", "home:a:CNY", "clearing:CNY", "bank:CNY", "bank:USD"}
	rapid.Check(t, func(t *rapid.T) {
		book := ledger.NewBook(nil)
		for range rapid.IntRange(1, 30).Draw(t, "transfers") {
			var postings []platform.Posting
			for range rapid.IntRange(1, 4).Draw(t, "moves") {
				from, to := rapid.SampledFrom(accounts).Draw(t, "from"), rapid.SampledFrom(accounts).Draw(t, "to")
				postings = append(postings, ledger.Move(from, to, money.Amount(rapid.Int64Range(0, 1000).Draw(t, "amount")))...)
			}
			_ = book.Post(postings)
			for currency, sum := range book.Sums() {
				if sum != 0 {
					t.Fatalf("%s sums to %d after %v", currency, sum, postings)
				}
			}
			for _, account := range accounts[:5] {
				if book.Balance(account) < 0 {
					t.Fatalf("%s is below zero: %d", account, book.Balance(account))
				}
			}
		}
	})
}

// An account's name says whose it is, and its last part the currency.
func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"card:89860112345678901234/2:CNY": ledger.Card("89860112345678901234", 2, "CNY"),
		"sub:acct_10000001_books:USD":     ledger.Sub("acct_10000001_books", "USD"),
		"home:acct_10000001:JPY":          ledger.Home("acct_10000001", "JPY"),
		"clearing:CNY":                    ledger.Clearing("CNY"),
		"bank:EUR":                        ledger.Bank("EUR"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if c := ledger.Currency(got); string(c) != want[len(want)-3:] {
			t.Errorf("%s is in %s", got, c)
		}
	}
}

// Who may go below zero, and who not.
func TestBelowZero(t *testing.T) {
	for account, may := range map[string]bool{
		"card:1/1:CNY": false, "sub:a:CNY": false, "home:a:CNY": false, "clearing:CNY": true, "bank:CNY": true, "bankrupt:CNY": false,
	} {
		book := ledger.NewBook(nil)
		err := book.Check(ledger.Move(account, "home:b:CNY", 1))
		if may != (err == nil) || !may && !errors.Is(err, ledger.ErrShort) {
			t.Errorf("%s: %v", account, err)
		}
		if book.Balance(account) != 0 || book.Balance("home:b:CNY") != 0 {
			t.Error("a check moves money")
		}
	}
}

// The largest bills there can be, many of them, do not overflow a balance.
func TestLargestAmounts(t *testing.T) {
	book := ledger.NewBook(nil)
	for range 1_000_000 {
		if err := book.Post(ledger.Move("bank:CNY", "home:a:CNY", money.Max)); err != nil {
			t.Fatal(err)
		}
	}
	if got := book.Balance("home:a:CNY"); got != 1_000_000*money.Max {
		t.Errorf("home holds %d", got)
	}
}
