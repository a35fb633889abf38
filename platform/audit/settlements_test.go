package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

const (
	bank       = "payout:acct_10000001:CNY"
	settled    = "settlement:" + shop + ":day-1"
	settledSet = "settlements:" + shop
)

// settle pays out the 300 that came home.
func (s *till) settle() *till {
	b := balances(home, 0, bank, 300)
	b.Puts = []engine.Put{{Key: settled, Value: raw(m{
		"id": "day-1", "merchant": shop, "payouts": []m{{"payee": "acct_10000001", "currency": "CNY", "amount": 300, "total": 300}},
	})}}
	b.Scores = []engine.Score{{Set: settledSet, Member: "day-1", Score: 1}}
	s.enter(1, b, engine.Event{Subject: settled, Name: "pay_out", At: noon, Data: posted(home, bank, 300)})
	return s
}

func TestSettlements(t *testing.T) {
	if r := run(t, newTill(t).settle()); !r.OK() || r.Settlements != 1 {
		t.Errorf("%+v", r)
	}
	tests := map[string]struct {
		plant func(s *till)
		want  string
	}{
		"its record is gone":    {func(s *till) { delete(s.Partition(1).Records, settled) }, "settlement day-1 of 10000001 is gone: it would be paid out again; look at {p01}:" + settled},
		"its record is nothing": {func(s *till) { s.Partition(1).Records[settled] = "{" }, "cannot be read"},
		"another's record":      {func(s *till) { s.Partition(1).Records[settled] = `{"id":"day-2","merchant":"10000001"}` }, "is said to be day-2 of 10000001"},
		"another amount": {func(s *till) {
			s.Partition(1).Records[settled] = strings.Replace(s.Partition(1).Records[settled], "300", "299", 1)
		}, "is said to have paid out map[acct_10000001:CNY:299], the journal says map[acct_10000001:CNY:300]"},
		"not listed":            {func(s *till) { delete(s.Partition(1).Sets[settledSet], "day-1") }, "settlement day-1 is not in its merchant's list; look at {p01}:" + settledSet},
		"listed and never paid": {func(s *till) { s.Partition(1).Sets[settledSet]["day-2"] = 2 }, "settlement:10000001:day-2 is in a merchant's list, but was never paid out"},
		"by another event":      {func(s *till) { s.event(1, settled, "pay_out").Name = "gift" }, "gift of " + settled + " pays out, and is no settlement"},
		"of nobody":             {func(s *till) { s.event(1, settled, "pay_out").Subject = "settlement:day-1" }, "does not say whose it is"},
		"of another merchant":   {func(s *till) { s.event(1, settled, "pay_out").Subject = "settlement:10000002:day-1" }, "pays out acct_10000001:CNY, another merchant's account"},
		"from somewhere else":   {func(s *till) { s.event(1, settled, "pay_out").Data = raw(posted("bank:CNY", bank, 300)) }, "pays out 300 of acct_10000001:CNY, and takes 0 from home"},
		"back from the bank":    {func(s *till) { s.event(1, settled, "pay_out").Data = raw(posted(bank, home, 300)) }, "pays out -300 of acct_10000001:CNY"},
		"to no bank":            {func(s *till) { s.event(1, settled, "pay_out").Data = raw(posted(home, "bank:CNY", 300)) }, "moves money between other accounts"},
		"twice":                 {func(s *till) { s.settle() }, settled + " was paid out twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t).settle()
			tt.plant(s)
			if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}
