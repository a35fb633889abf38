package ledger_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

const (
	till, held, payee = "home:acct_10000001:CNY", "clearing:CNY", "card:89860000000000000001/1:CNY"
)

func inTill() (*ledger.Book, *ledger.Transfers) {
	book := ledger.NewBook(map[string]money.Amount{till: 100, "bank:CNY": -100})
	return book, ledger.NewTransfers(book)
}

func two(id string, amount money.Amount) ledger.Transfer {
	return ledger.Transfer{ID: id, From: till, Via: held, To: payee, Amount: amount}
}

// A transfer in two phases holds the amount between them, and ends once: what it is asked
// besides is answered from what became of it, and moves nothing.
func TestTransfer(t *testing.T) {
	begin := func(x ledger.Transfer) func(*ledger.Transfers) (ledger.Transfer, []platform.Posting, error) {
		return func(ts *ledger.Transfers) (ledger.Transfer, []platform.Posting, error) { return ts.Begin(x) }
	}
	post := func(ts *ledger.Transfers) (ledger.Transfer, []platform.Posting, error) { return ts.Post("a") }
	void := func(ts *ledger.Transfers) (ledger.Transfer, []platform.Posting, error) { return ts.Void("a") }
	refuse := func(ts *ledger.Transfers) (ledger.Transfer, []platform.Posting, error) {
		made, err := ts.Refuse(two("a", 60))
		return made, nil, err
	}
	other := two("a", 60)
	other.To = "card:other/1:CNY"
	stays := two("a", 60)
	stays.To = held
	once := ledger.Transfer{ID: "a", From: till, To: payee, Amount: 60}
	pending, posted, voided := ledger.Pending, ledger.Posted, ledger.Voided
	tests := map[string]struct {
		before            []func(*ledger.Transfers) (ledger.Transfer, []platform.Posting, error)
		do                func(*ledger.Transfers) (ledger.Transfer, []platform.Posting, error)
		state             ledger.TransferState
		moves             int
		err               error
		till, held, payee money.Amount
	}{
		"begins":                     {nil, begin(two("a", 60)), pending, 2, nil, 40, 60, 0},
		"with too little":            {nil, begin(two("a", 101)), "", 0, ledger.ErrShort, 100, 0, 0},
		"with nothing":               {nil, begin(two("a", 0)), "", 0, ledger.ErrAmount, 100, 0, 0},
		"with less than nothing":     {nil, begin(two("a", -1)), "", 0, ledger.ErrAmount, 100, 0, 0},
		"begins again":               {ops(begin(two("a", 60))), begin(two("a", 60)), pending, 0, nil, 40, 60, 0},
		"another one, same id":       {ops(begin(two("a", 60))), begin(other), pending, 0, ledger.ErrOther, 40, 60, 0},
		"what is held is not there":  {ops(begin(two("a", 60))), begin(two("b", 41)), "", 0, ledger.ErrShort, 40, 60, 0},
		"is posted":                  {ops(begin(two("a", 60))), post, posted, 2, nil, 40, 0, 60},
		"is posted again":            {ops(begin(two("a", 60)), post), post, posted, 0, nil, 40, 0, 60},
		"begins again when posted":   {ops(begin(two("a", 60)), post), begin(two("a", 60)), posted, 0, nil, 40, 0, 60},
		"is voided":                  {ops(begin(two("a", 60))), void, voided, 2, nil, 100, 0, 0},
		"is voided again":            {ops(begin(two("a", 60)), void), void, voided, 0, nil, 100, 0, 0},
		"begins again when voided":   {ops(begin(two("a", 60)), void), begin(two("a", 60)), voided, 0, nil, 100, 0, 0},
		"is voided when posted":      {ops(begin(two("a", 60)), post), void, posted, 0, ledger.ErrPosted, 40, 0, 60},
		"is posted when voided":      {ops(begin(two("a", 60)), void), post, voided, 0, ledger.ErrVoided, 100, 0, 0},
		"is posted, never begun":     {nil, post, "", 0, ledger.ErrNoTransfer, 100, 0, 0},
		"is voided, never begun":     {nil, void, "", 0, ledger.ErrNoTransfer, 100, 0, 0},
		"leaves the amount there":    {ops(begin(stays)), post, posted, 0, nil, 40, 60, 0},
		"has one phase":              {nil, begin(once), posted, 2, nil, 40, 0, 60},
		"has one phase, again":       {ops(begin(once)), begin(once), posted, 0, nil, 40, 0, 60},
		"is refused":                 {nil, refuse, voided, 0, nil, 100, 0, 0},
		"is refused again":           {ops(refuse), refuse, voided, 0, nil, 100, 0, 0},
		"begins when refused":        {ops(refuse), begin(two("a", 60)), voided, 0, nil, 100, 0, 0},
		"is refused when it is made": {ops(begin(two("a", 60))), refuse, pending, 0, ledger.ErrOther, 40, 60, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			book, ts := inTill()
			for _, f := range tt.before {
				if _, _, err := f(ts); err != nil {
					t.Fatal(err)
				}
			}
			made, moves, err := tt.do(ts)
			if made.State != tt.state || len(moves) != tt.moves || !errors.Is(err, tt.err) {
				t.Errorf("%+v, %v, %v", made, moves, err)
			}
			if book.Balance(till) != tt.till || book.Balance(held) != tt.held || book.Balance(payee) != tt.payee {
				t.Errorf("%d, %d, %d", book.Balance(till), book.Balance(held), book.Balance(payee))
			}
		})
	}
}

func ops(all ...func(*ledger.Transfers) (ledger.Transfer, []platform.Posting, error)) []func(*ledger.Transfers) (ledger.Transfer, []platform.Posting, error) {
	return all
}

// What is pending is not forgotten; what has ended can be, and known again.
func TestTransfersForget(t *testing.T) {
	_, ts := inTill()
	begun, _, _ := ts.Begin(two("a", 60))
	ts.Forget("a")
	if found, ok := ts.Find("a"); !ok || found != begun {
		t.Error("a pending transfer is forgotten")
	}
	ended, _, _ := ts.Post("a")
	ts.Forget("a")
	if _, ok := ts.Find("a"); ok {
		t.Error("it is still known")
	}
	ts.Know(ended)
	if again, moves, err := ts.Begin(two("a", 60)); again != ended || moves != nil || err != nil {
		t.Errorf("%+v, %v, %v", again, moves, err)
	}
}

// Whatever is asked in whatever order, each id moves its amount at most once, and the
// postings that were answered are all that has happened to the book.
func TestTransfersKeepTheBook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		book, ts := inTill()
		mirror := ledger.NewBook(map[string]money.Amount{till: 100, "bank:CNY": -100})
		ended := map[string]ledger.TransferState{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "id"))
			var made ledger.Transfer
			var moves []platform.Posting
			switch rapid.SampledFrom([]string{"begin", "begin", "post", "void", "know"}).Draw(t, "step") {
			case "begin":
				made, moves, _ = ts.Begin(two(id, money.Amount(rapid.Int64Range(-1, 60).Draw(t, "amount"))))
			case "post":
				made, moves, _ = ts.Post(id)
			case "void":
				made, moves, _ = ts.Void(id)
			case "know": // as after a restart
				again := ledger.NewTransfers(book)
				for id := range 5 {
					if kept, ok := ts.Find(fmt.Sprint(id)); ok {
						again.Know(kept)
					}
				}
				ts = again
			}
			if err := mirror.Post(moves); err != nil {
				t.Fatal(err)
			}
			if before := ended[made.ID]; before != "" && made.State != before {
				t.Fatalf("%s was %s and is %s", made.ID, before, made.State)
			}
			if made.State == ledger.Posted || made.State == ledger.Voided {
				ended[made.ID] = made.State
			}
			for _, account := range []string{till, held, payee} {
				if book.Balance(account) != mirror.Balance(account) {
					t.Fatalf("%s holds %d, the postings say %d", account, book.Balance(account), mirror.Balance(account))
				}
			}
		}
	})
}
