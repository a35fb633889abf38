package billing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
)

func orderFor(h *handset, reference, key string, change ...func(*platform.Order)) platform.Order {
	o := platform.Order{
		Reference: reference, IdempotencyKey: key, Amount: 10000, Currency: "CNY", Phone: h.phone, ExpiresIn: 15 * time.Minute,
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

// codeOf is the refusal in an error, and the field it names.
func codeOf(err error) string {
	refusal, ok := errors.AsType[*platform.Error](err)
	switch {
	case err == nil:
		return ""
	case !ok:
		return "other: " + err.Error()
	case refusal.Field == "":
		return string(refusal.Code)
	}
	return string(refusal.Code) + " " + refusal.Field
}

// draft-ietf-httpapi-idempotency-key-header-07; an order is known by its reference and its key.
func TestS04_RepeatedOrders(t *testing.T) {
	double := asking(20000, "CNY")
	tests := []struct {
		name           string
		reference, key string
		change         func(*platform.Order)
		want           string // empty: the first bill again; "new": another bill
	}{
		{"the same", "r1", "k1", nil, ""},
		{"the same under another key", "r1", "k2", nil, ""},
		{"the same without a key", "r1", "", nil, ""},
		{"other content, same key", "r1", "k1", double, "idempotency-mismatch Idempotency-Key"},
		{"other reference, same key", "r2", "k1", nil, "idempotency-mismatch Idempotency-Key"},
		{"other content, same reference", "r1", "k2", double, "reference-taken reference"},
		{"other content, same reference, no key", "r1", "", double, "reference-taken reference"},
		{"another", "r2", "k2", nil, "new"},
		{"another without a key", "r2", "", double, "new"},
	}
	for _, tt := range tests {
		for _, when := range []string{"at once", "after a restart", "after an hour", "after it was filed"} {
			t.Run(tt.name+" "+when, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bank) {
					h := b.payer(1)
					first, err := b.service.CreateBill(t.Context(), theShop, orderFor(h, "r1", "k1"))
					if err != nil || first.Repeated {
						t.Fatal(first.Repeated, err)
					}
					goOn(t, b, h, first.ID, when)
					o := orderFor(h, tt.reference, tt.key)
					if tt.change != nil {
						tt.change(&o)
					}
					before := b.live()
					again, err := b.service.CreateBill(t.Context(), theShop, o)
					switch {
					case tt.want == "new":
						if err != nil || again.ID == first.ID || again.Repeated {
							t.Errorf("%+v, %v", again, err)
						}
					case codeOf(err) != tt.want || tt.want == "" && (again.ID != first.ID || !again.Repeated):
						t.Errorf("bill %s, repeated %t, %v", again.ID, again.Repeated, err)
					case b.live() != before:
						t.Error("a repeat made a bill")
					}
				})
			})
		}
	}
}

func goOn(t *testing.T, b *bank, h *handset, id platform.BillID, when string) {
	t.Helper()
	switch when {
	case "after a restart":
		b.restart()
	case "after an hour": // claims are forgotten by then
		time.Sleep(time.Hour)
	case "after it was filed":
		h.say(b, h.refuse(id))
		outcome(b, id, Reported{Status: 204})
		b.pass(time.Minute)
		if b.live() != 0 {
			t.Fatal("the bill is still live")
		}
	}
}

// A claim is refused whose source looked at the store before what the partition remembers.
func TestClaimLookedTooLongAgo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		claim := func(reference string, looked uint64) error {
			_, err := b.Do(t.Context(), 0, Claim{Merchant: theShop, Order: orderFor(h, reference, ""), Looked: looked})
			return err
		}
		b.restart()
		start := b.parts[0].recent.since // what was enrolled is in it
		if err := claim("a", start-1); !errors.Is(err, ErrLookAgain) {
			t.Errorf("looked before the partition was loaded: %v", err)
		}
		if err := claim("a", start); err != nil {
			t.Error(err)
		}
		time.Sleep(claimsKept + time.Second)
		seen := b.seqs[0] // the first among it
		if err := claim("b", seen); err != nil {
			t.Error(err)
		}
		if err := claim("a", start); !errors.Is(err, ErrLookAgain) {
			t.Errorf("looked before what is remembered: %v", err)
		}
		if n := len(b.parts[0].recent.claims); n != 1 {
			t.Errorf("%d claims remembered", n)
		}
		b.restart()
		if err := claim("b", seen); !errors.Is(err, ErrLookAgain) {
			t.Errorf("looked before the restart: %v", err)
		}
	})
}

// An order that was claimed becomes one bill, however often and however late it is opened.
func TestOpenedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		made, err := b.service.CreateBill(t.Context(), theShop, orderFor(h, "r", ""))
		if err != nil {
			t.Fatal(err)
		}
		effect := b.take(EffectOpen)[0]
		perform := Effects{Service: b.service, Log: b.config.Log}
		open := func() {
			b.unchanged("opening again", func() {
				if err := perform.Perform(t.Context(), 0, effect.Effect); err != nil {
					t.Error(err)
				}
			})
		}
		open()
		h.say(b, h.refuse(made.ID))
		outcome(b, made.ID, Reported{Status: 204})
		open()
		b.pass(time.Minute)
		open()
		b.restart()
		open()
		if b.do(0, Open{ID: made.ID, Merchant: theShop, Order: orderFor(h, "r", ""), Made: time.Now(), Looked: time.Now()}); b.live() != 1 {
			t.Error("a source that says it looked is believed") // so the age of its look is what guards
		}
		if _, err := b.Do(t.Context(), 0, Open{ID: "bill_01JDXK3Z7M0000ZZZZZZZZZZZZ", Order: orderFor(h, "r", ""), Looked: time.Now().Add(-31 * time.Second)}); !errors.Is(err, ErrLookAgain) {
			t.Errorf("an Open whose source looked half a minute ago: %v", err)
		}
	})
}

// badEngine loses what it is given, or its answers.
type badEngine struct {
	*bank
	fail func(in any) (before, after error)
}

func (e *badEngine) Do(ctx context.Context, p engine.Partition, in any) (any, error) {
	before, after := e.fail(in)
	if before != nil {
		return nil, before
	}
	reply, err := e.bank.Do(ctx, p, in)
	if after != nil {
		return nil, after
	}
	return reply, err
}

// A request that failed says whether it may have been done, and its repeat finds out.
func TestServiceWhenTheEngineFails(t *testing.T) {
	isClaim := func(in any) bool { _, ok := in.(Claim); return ok }
	isOpen := func(in any) bool { _, ok := in.(Open); return ok }
	tests := map[string]struct {
		which         func(any) bool
		before, after error
		want          string
	}{
		"busy before the claim":        {isClaim, engine.ErrBusy, nil, "unavailable"},
		"no claim":                     {isClaim, engine.ErrUnavailable, nil, "unavailable"},
		"the claim's answer lost":      {isClaim, nil, engine.ErrUnknown, "unknown-outcome"},
		"given up at the claim":        {isClaim, nil, context.DeadlineExceeded, "unknown-outcome"},
		"gone at the claim":            {isClaim, nil, context.Canceled, "unknown-outcome"},
		"claimed, not opened":          {isOpen, engine.ErrUnavailable, nil, "unknown-outcome"},
		"claimed, and busy":            {isOpen, engine.ErrBusy, nil, "unknown-outcome"},
		"opened, and the answer lost":  {isOpen, nil, engine.ErrUnknown, "unknown-outcome"},
		"the store is always too slow": {isClaim, ErrLookAgain, nil, "unavailable"},
		"slow after the claim":         {isOpen, ErrLookAgain, nil, "unknown-outcome"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				broken := true
				e := &badEngine{bank: b, fail: func(in any) (error, error) {
					if broken && tt.which(in) {
						return tt.before, tt.after
					}
					return nil, nil
				}}
				b.service = must(NewService(b.config, e, b.store))
				if _, err := b.service.CreateBill(t.Context(), theShop, orderFor(h, "r", "k")); codeOf(err) != tt.want {
					t.Fatalf("%v, want %s", err, tt.want)
				}
				broken = false
				b.restart()
				made, err := b.service.CreateBill(t.Context(), theShop, orderFor(h, "r", "k"))
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range b.take(EffectOpen) {
					if err := (&Effects{Service: b.service}).Perform(t.Context(), d.partition, d.Effect); err != nil {
						t.Error(err)
					}
				}
				if b.live() != 1 {
					t.Errorf("%d bills", b.live())
				}
				b.want(made.ID, bill.Created)
			})
		})
	}
}

// An order that was claimed is opened by its effect, which is tried until it is known to be done.
func TestOpenEffectIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		var fail error = engine.ErrUnknown
		e := &badEngine{bank: b, fail: func(in any) (error, error) {
			if _, ok := in.(Open); ok {
				return fail, nil
			}
			return nil, nil
		}}
		b.service = must(NewService(b.config, e, b.store))
		_, _ = b.service.CreateBill(t.Context(), theShop, orderFor(h, "r", "k"))
		effect := b.take(EffectOpen)[0]
		perform := Effects{Service: b.service}
		for _, fail = range []error{engine.ErrUnknown, engine.ErrUnavailable, engine.ErrBusy, context.DeadlineExceeded} {
			if err := perform.Perform(t.Context(), 0, effect.Effect); err == nil {
				t.Errorf("%v counts as done", fail)
			}
		}
		fail = nil
		if err := perform.Perform(t.Context(), 0, effect.Effect); err != nil || b.live() != 1 {
			t.Errorf("%d bills, %v", b.live(), err)
		}
	})
}

func TestOrdersThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*platform.Order)
		want   string
	}{
		"no reference":       {func(o *platform.Order) { o.Reference = "" }, "invalid reference"},
		"another's account":  {func(o *platform.Order) { o.Payee = "acct_10000002" }, "invalid payee"},
		"no currency":        {func(o *platform.Order) { o.Currency = "" }, "invalid currency"},
		"unknown currency":   {func(o *platform.Order) { o.Currency = "XXZ" }, "invalid currency"},
		"nothing":            {asking(0, "CNY"), "invalid amount"},
		"less than nothing":  {asking(-1, "CNY"), "invalid amount"},
		"13 digits":          {asking(1_000_000_000_000, "CNY"), "invalid amount"},
		"no time":            {lasting(0), "invalid expires_in"},
		"time for ever":      {lasting(1 << 62), "invalid expires_in"},
		"goods that are not": {func(o *platform.Order) { o.Goods = json.RawMessage(`{"a":`) }, "invalid goods"},
		"no web address":     {func(o *platform.Order) { o.CallbackURL = "ftp://host/" }, "invalid callback_url"},
		"no host":            {func(o *platform.Order) { o.CallbackURL = "http:///path" }, "invalid callback_url"},
		"unknown phone":      {func(o *platform.Order) { o.Phone = "8613800099999" }, "unknown-phone phone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				o := orderFor(b.payer(1), "r", "k", tt.change)
				b.unchanged(name, func() {
					if _, err := b.service.CreateBill(t.Context(), theShop, o); codeOf(err) != tt.want {
						t.Errorf("%v, want %s", err, tt.want)
					}
				})
			})
		})
	}
}

func TestAnotherMerchantsBill(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		other := must(b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Other"}))
		h := b.payer(1)
		id := b.order(h).ID
		b.unchanged("another merchant", func() {
			if _, err := b.service.Bill(t.Context(), other.ID, id); codeOf(err) != "not-found id" {
				t.Error(err)
			}
			if _, err := b.service.CancelBill(t.Context(), other.ID, id); codeOf(err) != "not-found id" {
				t.Error(err)
			}
			if _, err := b.service.Events(t.Context(), other.ID, id); codeOf(err) != "not-found id" {
				t.Error(err)
			}
			if _, err := b.Do(t.Context(), 0, Cancel{Merchant: other.ID, Bill: id}); codeOf(err) != "not-found id" {
				t.Error(err)
			}
			if page, err := b.service.Bills(t.Context(), other.ID, platform.Query{}); err != nil || len(page.Bills) != 0 {
				t.Error(page, err)
			}
			nowhere := must(platform.NewBillID(time.Now(), 999, b.config.Random))
			if _, err := b.service.Bill(t.Context(), theShop, nowhere); codeOf(err) != "not-found id" {
				t.Error(err)
			}
		})
		o := orderFor(h, "order-1", "") // a reference is each merchant's own
		if _, err := b.service.CreateBill(t.Context(), other.ID, o); err != nil {
			t.Error(err)
		}
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		id := b.bring(h, bill.Opened)
		first, err := b.service.CancelBill(t.Context(), theShop, id)
		if err != nil || first.State != bill.Cancelled || first.Reason != platform.ReasonCancelled {
			t.Fatal(first, err)
		}
		b.unchanged("cancelling again", func() {
			if again, err := b.service.CancelBill(t.Context(), theShop, id); err != nil || again.State != bill.Cancelled {
				t.Error(again, err)
			}
		})
		outcome(b, id, Reported{Status: 204})
		b.pass(time.Minute)
		if again, err := b.service.CancelBill(t.Context(), theShop, id); err != nil || again.State != bill.Cancelled {
			t.Error("after it was filed:", again, err)
		}
		paid := b.bring(h, bill.Paid)
		if _, err := b.service.CancelBill(t.Context(), theShop, paid); codeOf(err) != "illegal-state id" {
			t.Error(err)
		}
	})
}

func TestListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 3)
		var all []platform.BillID
		for n := range 230 {
			h := newHandset(n, bankCard{1, "CNY"})
			if n < 9 {
				h.enrol(b)
			} else {
				h = newHandset(n%9, bankCard{1, "CNY"})
			}
			b.strict = n < 12
			all = append(all, b.order(h).ID)
			time.Sleep(time.Millisecond)
		}
		slices.Reverse(all)
		for _, q := range []platform.Query{{}, {Limit: 1}, {Limit: 200}, {Limit: 7, After: all[3]}, {State: bill.Created, Limit: 100}} {
			checkPages(t, b, q, all)
		}
		one, err := b.service.Bills(t.Context(), theShop, platform.Query{Reference: "order-7"})
		if err != nil || len(one.Bills) != 1 || one.Bills[0].Reference != "order-7" {
			t.Error(one, err)
		}
		for _, q := range []platform.Query{{State: bill.Settled}, {Reference: "none"}, {Reference: "order-7", State: bill.Paid}} {
			if page, err := b.service.Bills(t.Context(), theShop, q); err != nil || len(page.Bills) != 0 || page.Next != "" {
				t.Errorf("%+v: %+v, %v", q, page, err)
			}
		}
		for _, limit := range []int{-1, 201} {
			if _, err := b.service.Bills(t.Context(), theShop, platform.Query{Limit: limit}); codeOf(err) != "invalid limit" {
				t.Error(limit, err)
			}
		}
	})
}

// checkPages walks a list page by page and compares it with all bills.
func checkPages(t *testing.T, b *bank, q platform.Query, all []platform.BillID) {
	t.Helper()
	want := all
	if q.After != "" {
		want = all[slices.Index(all, q.After)+1:]
	}
	var got []platform.BillID
	for pages := 0; pages < 300; pages++ {
		page, err := b.service.Bills(t.Context(), theShop, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Bills {
			got = append(got, one.ID)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v lists %d bills, want %d", q, len(got), len(want))
	}
}

func TestMerchants(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		ctx := t.Context()
		key := "ak_20000002_" + strings.Repeat("x", 32)
		if _, err := b.service.Authenticate(ctx, key); codeOf(err) != "unauthorised" {
			t.Error("a key of nobody:", err)
		}
		if _, err := b.service.CreateBill(ctx, "20000002", orderFor(b.payer(1), "r", "")); codeOf(err) != "not-found merchant" {
			t.Error(err)
		}
		opened, err := b.service.AddMerchant(ctx, platform.Merchant{ID: "20000002", Name: "New"})
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.service.Authenticate(ctx, opened.APIKey) // was unknown a moment ago
		if err != nil || m.ID != "20000002" {
			t.Error(m, err)
		}
		for _, wrong := range []string{"", "ak_", "ak_20000002", "ak_20000002_", opened.APIKey + "x", opened.APIKey[1:], key, b.shop.APIKey[:20] + opened.APIKey[20:]} {
			if _, err := b.service.Authenticate(ctx, wrong); codeOf(err) != "unauthorised" {
				t.Errorf("key %q: %v", wrong, err)
			}
		}
		if secrets, err := b.service.WebhookSecrets(ctx, "20000002"); err != nil || !slices.Equal(secrets, []string{opened.WebhookSecret}) {
			t.Error(len(secrets), err)
		}
		b.unchanged("a number that is taken", func() {
			if _, err := b.service.AddMerchant(ctx, platform.Merchant{ID: "20000002", Name: "Thief"}); codeOf(err) != "already-enrolled id" {
				t.Error(err)
			}
		})
	})
}

func TestMerchantsThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		m    platform.Merchant
		want string
	}{
		"no name":            {platform.Merchant{ID: "20000002"}, "invalid name"},
		"a long name":        {platform.Merchant{ID: "20000002", Name: strings.Repeat("x", 25)}, "invalid name"},
		"seven digits":       {platform.Merchant{ID: "2000000", Name: "x"}, "invalid id"},
		"a zero first":       {platform.Merchant{ID: "02000000", Name: "x"}, "invalid id"},
		"another's account":  {platform.Merchant{ID: "20000002", Name: "x", Payees: []string{"acct_20000002", "acct_10000001"}}, "invalid payees[1]"},
		"no account":         {platform.Merchant{ID: "20000002", Name: "x", Payees: []string{"books"}}, "invalid payees[0]"},
		"a colon in it":      {platform.Merchant{ID: "20000002", Name: "x", Payees: []string{"acct_20000002_a:CNY"}}, "invalid payees[0]"},
		"an empty name":      {platform.Merchant{ID: "20000002", Name: "x", Payees: []string{"acct_20000002_"}}, "invalid payees[0]"},
		"a longer number":    {platform.Merchant{ID: "20000002", Name: "x", Payees: []string{"acct_200000021"}}, "invalid payees[0]"},
		"a callback nowhere": {platform.Merchant{ID: "20000002", Name: "x", CallbackURL: "shop.example"}, "invalid callback_url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				b.unchanged(name, func() {
					if _, err := b.service.AddMerchant(t.Context(), tt.m); codeOf(err) != tt.want {
						t.Errorf("%v, want %s", err, tt.want)
					}
				})
			})
		})
	}
}

// Money on its way home is the merchant's already; another account of it is its own too.
func TestMerchantBalances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 3)
		h := b.payer(1)
		one, two := b.order(h), b.order(h, func(o *platform.Order) { o.Payee = "acct_10000001_books" })
		for n, id := range []platform.BillID{one.ID, two.ID} {
			h.say(b, h.pay(b, id))
			all, err := b.service.Merchants(t.Context())
			if err != nil || len(all) != 1 || int(all[0].Balances["CNY"]) != 10000*(n+1) {
				t.Error(all, err)
			}
			b.dues()
			b.sweepHome()
		}
		if b.balance(ledger.Home("acct_10000001", "CNY")) != 10000 || b.balance(ledger.Home("acct_10000001_books", "CNY")) != 10000 {
			t.Error("the accounts at home hold something else")
		}
		all, err := b.service.Merchants(t.Context())
		if err != nil || all[0].Balances["CNY"] != 20000 {
			t.Error(all, err)
		}
	})
}

// S1, S3: an element is in one phone, a phone has one element; the same enrolment again changes nothing.
func TestS01_Enrolment(t *testing.T) {
	tests := map[string]struct {
		change func(e *platform.Enrolment, b *bank)
		want   string
	}{
		"the same again":  {func(*platform.Enrolment, *bank) {}, ""},
		"another phone":   {func(e *platform.Enrolment, _ *bank) { e.Phone = "8613800000077" }, "already-enrolled element_id"},
		"another element": {func(e *platform.Enrolment, _ *bank) { e.ElementID = "89860112345678907777" }, "already-enrolled phone"},
		"another form":    {func(e *platform.Enrolment, _ *bank) { e.Form = "sdtf" }, "already-enrolled phone"},
		"no form":         {func(e *platform.Enrolment, _ *bank) { e.Form = "watch" }, "invalid form"},
		"other cards": {func(e *platform.Enrolment, b *bank) {
			e.Secrets = newHandset(9, make([]bankCard, 3)...).enrolment(b).Secrets
		}, "already-enrolled phone"},
		"an account less":     {func(e *platform.Enrolment, _ *bank) { e.Accounts = e.Accounts[1:] }, "invalid accounts"},
		"a debt":              {func(e *platform.Enrolment, _ *bank) { e.Accounts[1].Balance = -1 }, "invalid accounts[1].balance"},
		"too rich":            {func(e *platform.Enrolment, _ *bank) { e.Accounts[0].Balance = 1_000_000_000_000 }, "invalid accounts[0].balance"},
		"another currency":    {func(e *platform.Enrolment, _ *bank) { e.Accounts[0].Currency = "USD" }, "already-enrolled phone"},
		"sealed to nobody":    {func(e *platform.Enrolment, _ *bank) { e.Secrets = e.Secrets[1:] }, "invalid secrets"},
		"no secrets":          {func(e *platform.Enrolment, _ *bank) { e.Secrets = nil }, "invalid secrets"},
		"no public key":       {func(e *platform.Enrolment, _ *bank) { e.PublicKey = nil }, "invalid public_key"},
		"a broken public key": {func(e *platform.Enrolment, _ *bank) { e.PublicKey = make([]byte, 65) }, "invalid public_key"},
		"more cards than fit": {func(e *platform.Enrolment, b *bank) { *e = newHandset(8, make([]bankCard, 17)...).enrolment(b) }, "invalid accounts"},
		"no cards":            {func(e *platform.Enrolment, b *bank) { *e = newHandset(8).enrolment(b) }, "invalid accounts"},
		"new, its key broken": {func(e *platform.Enrolment, b *bank) {
			*e = newHandset(8, bankCard{1, "CNY"}).enrolment(b)
			e.PublicKey = nil
		}, "invalid public_key"},
		"a free element, used": {func(e *platform.Enrolment, _ *bank) { e.ElementID = "89860112345678908888" }, "already-enrolled phone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBank(t, 3)
				h := b.payer(1)
				e := h.enrolment(b)
				tt.change(&e, b)
				b.unchanged(name, func() {
					if sealed, err := b.service.Enrol(t.Context(), e); codeOf(err) != tt.want || (len(sealed) == 0) != (err != nil) {
						t.Errorf("%d octets, %v, want %q", len(sealed), err, tt.want)
					}
				})
				b.audit()
			})
		})
	}
}

func TestPhones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 3)
		for n := range 5 {
			b.payer(5 - n)
		}
		phones, err := b.service.Phones(t.Context())
		if err != nil || len(phones) != 5 {
			t.Fatal(len(phones), err)
		}
		for n, ph := range phones {
			if ph.MSISDN != newHandset(n+1).phone || len(ph.Cards) != 3 || ph.Cards[0].Balance != 500000 || ph.Cards[2].Currency != "USD" || ph.Form != "sim" {
				t.Errorf("%+v", ph)
			}
			if got := ph.Cards[0].Masked; !strings.HasPrefix(got, "621299") || strings.Contains(got, "9999000") {
				t.Errorf("the card is shown as %s", got)
			}
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Vault: vault(), Random: strings.NewReader("")}
	for name, c := range map[string]Config{
		"no vault": {Random: good.Random}, "no randomness": {Vault: good.Vault},
		"too many": {Vault: good.Vault, Random: good.Random, Partitions: 1<<16 + 1}, "too few": {Vault: good.Vault, Random: good.Random, Partitions: -1},
	} {
		if _, err := New(c, 0); err == nil {
			t.Errorf("%s is accepted", name)
		}
		if _, err := NewService(c, nil, nil); err == nil {
			t.Errorf("%s is accepted by the service", name)
		}
	}
	if _, err := New(good, 0); err != nil {
		t.Error(err)
	}
	p := must(New(good, 0))
	if _, _, err := engine.Decide(p, 0, 1, time.Now(), "nonsense"); err == nil {
		t.Error("an input of no known type is taken")
	}
	if err := (&Effects{}).Perform(t.Context(), 0, engine.Effect{Kind: "nonsense"}); err == nil {
		t.Error("an effect of no known kind is done")
	}
	for _, kind := range []string{EffectOpen, EffectSweep} {
		if err := (&Effects{}).Perform(t.Context(), 0, engine.Effect{Kind: kind, Body: json.RawMessage(`[`)}); err == nil {
			t.Errorf("an unreadable %s is done", kind)
		}
	}
}

// zeros gives so many octets of zero, then of one.
type zeros int

func (z *zeros) Read(p []byte) (int, error) {
	for i := range p {
		if p[i] = 1; *z > 0 {
			p[i] = 0
			*z--
		}
	}
	return len(p), nil
}

// A merchant without a number gets one that is free.
func TestMerchantNumbersAreDrawn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		left := zeros(60) // the first merchant's number and keys, and the second's first number
		b.config.Random = &left
		b.service = must(NewService(b.config, b, b.store))
		first, err := b.service.AddMerchant(t.Context(), platform.Merchant{Name: "First"})
		if err != nil || first.ID != "10000000" {
			t.Fatal(first.ID, err)
		}
		left = 4
		second, err := b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Second"})
		if err != nil || second.ID == first.ID || !strings.HasPrefix(second.APIKey, "ak_"+string(second.ID)+"_") {
			t.Fatal(second.ID, err)
		}
		left = 1 << 20
		if _, err := b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Third"}); codeOf(err) != "already-enrolled id" {
			t.Error("a source that draws the same number for ever:", err)
		}
		b.config.Random = strings.NewReader("ab")
		b.service = must(NewService(b.config, b, b.store))
		if _, err := b.service.AddMerchant(t.Context(), platform.Merchant{Name: "Fourth"}); err == nil {
			t.Error("a number out of nothing")
		}
		if _, err := b.service.AddMerchant(t.Context(), platform.Merchant{ID: "30000003", Name: "Fifth"}); err == nil {
			t.Error("keys out of nothing")
		}
	})
}
