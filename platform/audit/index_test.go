package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/audit"
)

// What finds things, and what marks how far they have come, agrees with the journal both
// ways; and each difference says which key to look at.
func TestPlantedInIndexes(t *testing.T) {
	const nowhere = "bill_01KA4X5E000000000000000009"
	gone := func(p engine.Partition, key string) func(*till) {
		return func(s *till) { delete(s.Partition(p).Records, key) }
	}
	put := func(p engine.Partition, key, text string) func(*till) {
		return func(s *till) { s.Partition(p).Records[key] = text }
	}
	field := func(p engine.Partition, hash, name, text string) func(*till) {
		return func(s *till) { s.set(p, hash, name, text) }
	}
	noField := func(p engine.Partition, hash, name string) func(*till) {
		return func(s *till) { delete(s.Partition(p).Hashes[hash], name) }
	}
	order, key, list := "order:"+shop+":one", "key:"+shop+":k-one", "bills:"+shop
	tests := map[string]struct {
		plant func(s *till)
		want  string
	}{
		"a reference is free again":   {gone(1, order), "partition 1: the claim of " + filed + " is gone: its order would be taken again; look at {p01}:" + order},
		"an idempotency key is, too":  {gone(1, key), "partition 1: the claim of " + filed + " is gone: its order would be taken again; look at {p01}:" + key},
		"a reference of another bill": {put(1, order, `{"open":{"id":"`+live+`"}}`), "the claim of " + filed + " is of " + live + "; look at {p01}:" + order},
		"a claim in other words":      {put(1, key, "7"), "the claim of " + filed + " cannot be read; look at {p01}:" + key},
		"a bill that no list has":     {func(s *till) { delete(s.Partition(1).Sets[list], live) }, live + " was claimed and is not in its merchant's list; look at {p01}:" + list},
		"a list with another":         {func(s *till) { s.Partition(1).Sets[list][nowhere] = 0 }, nowhere + " is in a merchant's list, but was never claimed; look at {p01}:" + list},
		"a bill without an order":     {func(s *till) { s.event(1, "order:"+live, "claim").Name = "note" }, "partition 0: " + live + " was made, but no order claimed it; look at {p00}:journal"},
		"an order for a bill twice":   {func(s *till) { b, e := claimed(live, "two"); s.enter(1, b, e) }, "entry 1-5: " + live + " was claimed twice; look at {p01}:journal"},
		"an order that makes no bill": {func(s *till) { s.event(1, "order:"+live, "claim").Effects = nil }, "the claim of " + live + " does not say how the bill is made; look at {p01}:journal"},
		"an order for another bill":   {func(s *till) { s.event(1, "order:"+live, "claim").Effects[0].Body = raw(m{"id": filed}) }, "the claim of " + live + " does not say how"},
		"an order at another price": {func(s *till) {
			s.event(1, "order:"+live, "claim").Effects[0].Body = raw(m{"id": live, "order": m{"Amount": 400}})
		}, live + " asks for 300, its order for 400; look at {p00}:bill:" + live},
		"a merchant gone":              {noField(1, "merchants", shop), "merchant " + shop + " was opened and is not kept; look at {p01}:merchants"},
		"a merchant from nowhere":      {field(1, "merchants", "10000009", "{}"), "merchant 10000009 is kept but was never opened; look at {p01}:merchants"},
		"a merchant opened twice":      {func(s *till) { s.enter(1, engine.Batch{}, *s.event(1, "merchant:"+shop, "open_merchant")) }, "merchant " + shop + " was opened twice; look at {p01}:journal"},
		"a phone not in the register":  {noField(0, "phones", "f00d"), "phone f00d was enrolled and is not in the register; look at {p00}:phones"},
		"a phone from nowhere":         {field(0, "phones", "beef", "{}"), "phone beef is in the register but has no history; look at {p00}:phones"},
		"a sweep to be taken twice":    {field(1, "swept", "0:acct_10000001:CNY", "0"), "from 0:acct_10000001:CNY the last sweep taken in is number 0, the journal says 1; look at {p01}:swept"},
		"a sweep not to be taken":      {field(1, "swept", "0:acct_10000001:CNY", "2"), "the last sweep taken in is number 2, the journal says 1"},
		"a sweep of no number":         {field(1, "swept", "0:acct_10000001:CNY", "one"), "the last sweep taken in is number 0, the journal says 1"},
		"no sweep":                     {noField(1, "swept", "0:acct_10000001:CNY"), "the last sweep taken in is number 0, the journal says 1"},
		"a sweep from another place":   {field(1, "swept", "7:acct_10000001:CNY", "1"), "a sweep from 7:acct_10000001:CNY was taken in that never came; look at {p01}:swept"},
		"a sweep to leave twice":       {field(0, "sweeps", sub, `{"number":0}`), sub + " was swept last by number 0 with 0, the journal says by number 1 with 300; look at {p00}:sweeps"},
		"a sweep of another amount":    {field(0, "sweeps", sub, `{"number":1,"amount":299}`), sub + " was swept last by number 1 with 299, the journal says by number 1 with 300"},
		"a sweep in other words":       {field(0, "sweeps", sub, "[]"), "the sweep of " + sub + " cannot be read; look at {p00}:sweeps"},
		"a sweep of another account":   {field(0, "sweeps", "sub:x:CNY", "{}"), "sub:x:CNY has a sweep that never left; look at {p00}:sweeps"},
		"a sweep that skips a number":  {func(s *till) { s.event(0, sub, "sweep_out").Effects[0].ID = "sweep:" + sub + ":3" }, "sweep 3 of " + sub + " left after number 0; look at {p00}:journal"},
		"a sweep without a number":     {func(s *till) { s.event(0, sub, "sweep_out").Effects[0].ID = "sweep" }, "sweep_out of " + sub + " has no number; look at {p00}:journal"},
		"money that waits for nothing": {func(s *till) { goOn(s)[0](); delete(s.Partition(0).Sets["due"], "sweep:"+sub) }, sub + " holds 300, and no sweep of it is open or due; look at {p00}:due"},
		"filed and live":               {put(0, "bill:"+filed, `{"state":"settled","amount":300}`), filed + " is filed and still has a record; look at {p00}:bill:" + filed},
		"filed and due":                {func(s *till) { s.Partition(0).Sets["due"][filed] = 1 }, filed + " is filed and still has a deadline; look at {p00}:due"},
		"filed under another day": {func(s *till) {
			const other = "bill_01KB4X5E000000000000000004"
			s.enter(0, engine.Batch{}, step(other, "create", "", "created", ""))
			s.set(0, "finished:"+day, other, "{}")
		}, "bill_01KB4X5E000000000000000004 is filed under the wrong day; look at {p00}:finished:" + day},
		"effects to be forgotten":     {put(0, "cursor", "1-7"), `the cursor is 1-7, but the journal ends with "1-6": effects would be forgotten; look at {p00}:cursor`},
		"a cursor of another epoch":   {put(0, "cursor", "2-1"), "the cursor is 2-1, but the journal ends with"},
		"a cursor in other words":     {put(0, "cursor", "end"), `the cursor is "end", no entry; look at {p00}:cursor`},
		"batches to be taken for new": {put(0, "seq", "5"), `seq is "5", but the journal has come to 1-6: batches would be taken for new; look at {p00}:seq`},
		"no seq":                      {gone(1, "seq"), `seq is "", but the journal has come to 1-4`},
		"an old owner let in":         {put(0, "fence", "0"), `fence is "0", but the journal has come to 1-6: an old owner would not be fenced off; look at {p00}:fence`},
		"a balance, and its key":      {field(0, "balances", card, "699"), "partition 0: " + card + " holds 699, the journal says 700; look at {p00}:balances"},
		"a record, and its key":       {gone(0, "bill:"+live), live + " has a deadline but no record; look at {p00}:bill:" + live},
		"a filed one, and its key":    {field(0, "finished:"+day, filed, `{"state":"refused","amount":300}`), `its history ended in "settled"; look at {p00}:finished:` + day},
		"counters, and their key":     {noField(0, "counters", "f00d"), "phone f00d has no readable counters; look at {p00}:counters"},
		"a journal, and its key":      {func(s *till) { s.event(0, filed, "deliver").From = "created" }, `it was "pushed"; look at {p00}:journal`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			tt.plant(s)
			if r := run(t, s); !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}

// What is outstanding for too long is named, by the store's own time: a store whose
// platform stands still is not late.
func TestOverdue(t *testing.T) {
	at := func(after time.Duration) func(s *till) {
		return func(s *till) {
			e := step(live, "answer", "created", "created", "1-3")
			e.At = noon.Add(after)
			s.enter(0, engine.Batch{}, e)
		}
	}
	acknowledge := func(s *till) {
		s.Partition(0).Records["cursor"], s.Partition(1).Records["cursor"] = "1-5", "1-3"
		delete(s.Partition(0).Sets["due"], live)
		s.Partition(0).Sets["due"][live] = float64(noon.Add(time.Hour).UnixMilli())
	}
	sweepLate := "partition 0: effect sweep:" + sub + ":1 of entry 1-5 has been outstanding since 2025-11-15T12:00:00Z; look at {p00}:cursor"
	claimLate := "partition 1: effect " + live + "/open of entry 1-3 has been outstanding since 2025-11-15T12:00:00Z; look at {p01}:cursor"
	tests := map[string]struct {
		plant []func(s *till)
		want  []string
	}{
		"just now":             {[]func(*till){at(audit.Late - time.Second)}, nil},
		"all is done":          {[]func(*till){acknowledge, at(audit.Late + time.Second)}, nil},
		"a sweep is late":      {[]func(*till){acknowledge, at(audit.Late + time.Second), func(s *till) { s.Partition(0).Records["cursor"] = "1-4" }}, []string{sweepLate}},
		"an order is late":     {[]func(*till){acknowledge, at(audit.Late + time.Second), func(s *till) { s.Partition(1).Records["cursor"] = "1-2" }}, []string{claimLate}},
		"a deadline is late":   {[]func(*till){acknowledge, at(2 * time.Hour)}, []string{"partition 0: " + live + " has been due since before 2025-11-15T13:55:00Z; look at {p00}:due"}},
		"nothing says how far": {[]func(*till){at(audit.Late + time.Second), func(s *till) { s.Partition(0).Records["cursor"] = "1-5" }}, []string{claimLate, live + " has been due since"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			for _, plant := range tt.plant {
				plant(s)
			}
			r := run(t, s)
			for _, want := range tt.want {
				if !slices.ContainsFunc(r.Overdue, func(d string) bool { return strings.Contains(d, want) }) {
					t.Errorf("nothing says %q in %q", want, r.Overdue)
				}
			}
			if len(r.Differences) > 0 || r.OK() != (len(tt.want) == 0) {
				t.Errorf("%+v", r)
			}
		})
	}
}
