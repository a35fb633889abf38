package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

func TestCreateSendsTheOrder(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	got := s.run("bill", "create", "--amount", "128000", "--currency", "JPY", "--phone", "+8613800000001", "--buyer", "8613900000002",
		"--reference", "r1", "--expires-in", "90s", "--callback-url", "http://127.0.0.1:1/cb", "--subject", "CA1405", "--payee", "acct_1",
		"--goods", `{"seat": "12A"}`, "--idempotency-key", "k1")
	s.check(got, 0, "follow it: airtill bill events "+string(fakeBill))
	o := f.orders[0]
	o.Fingerprint = ""
	want := platform.Order{
		Reference: "r1", IdempotencyKey: "k1", Amount: 128000, Currency: "JPY", Payee: "acct_1", Phone: "8613800000001", BuyerPhone: "8613900000002",
		ExpiresIn: 90 * time.Second, CallbackURL: "http://127.0.0.1:1/cb", Subject: "CA1405", Goods: json.RawMessage(`{"seat":"12A"}`),
	}
	a, _ := json.Marshal(o)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("sent\n%s\nwant\n%s", a, b)
	}
	if !strings.HasPrefix(got.stdout, "bill          "+string(fakeBill)+"\nstate         created\namount        CNY 1,280.00\n") {
		t.Errorf("printed\n%s", got.stdout)
	}
}

// Without a reference one is made, and said before the order goes out.
func TestCreateMakesAReference(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	for range 2 {
		if got := s.run("bill", "create", "--amount", "1", "--phone", "8613800000001"); got.status != 0 || !strings.HasPrefix(got.stderr, "reference order_") {
			t.Fatalf("%+v", got)
		}
	}
	if a, b := f.orders[0].Reference, f.orders[1].Reference; a == b || len(a) != len("order_")+26 {
		t.Errorf("references %q and %q", a, b)
	}
}

func TestCreateWaits(t *testing.T) {
	waiting := string(fakeBill) + " is on its way; waiting up to 5s for its end"
	tests := []struct {
		name   string
		states []fsm.State
		status int
		lines  []string
	}{
		{"settled", []fsm.State{"created", "delivered", "paid", "settled"}, 0, []string{waiting}},
		{"refused", []fsm.State{"created", "refused"}, 1, []string{waiting,
			"airtill bill create: the bill is refused: refused_by_holder", "its story: airtill bill events " + string(fakeBill)}},
		{"ended before", []fsm.State{"expired"}, 1, []string{waiting,
			"airtill bill create: the bill is expired", "its story: airtill bill events " + string(fakeBill)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			s.ready(readyFor((&fakePlatform{states: tt.states}).serve(t)))
			got := s.run("bill", "create", "--amount", "1", "--phone", "8613800000001", "--reference", "r1", "--wait", "5s", "--json")
			s.check(got, tt.status, tt.lines...)
			var b api.Bill
			if err := json.Unmarshal([]byte(got.stdout), &b); err != nil || b.State != tt.states[len(tt.states)-1] {
				t.Errorf("printed %s: %v", got.stdout, err)
			}
		})
	}
}

func TestCreateWaitsInVain(t *testing.T) {
	s := newShell(t)
	s.ready(readyFor((&fakePlatform{states: []fsm.State{"created", "delivered"}}).serve(t)))
	got := s.run("bill", "create", "--amount", "1", "--phone", "8613800000001", "--reference", "r1", "--wait", "150ms")
	s.check(got, 1, string(fakeBill)+" is on its way; waiting up to 150ms for its end",
		"airtill bill create: the bill has not ended after 150ms: it is delivered", "look again: airtill bill show "+string(fakeBill))
}

// What can happen while a bill is waited for.
func TestAwait(t *testing.T) {
	away := &api.Problem{Status: http.StatusServiceUnavailable, Type: api.ProblemType + "unavailable"}
	gone := &api.Problem{Status: http.StatusNotFound, Type: api.ProblemType + "not-found"}
	looks := func(answers ...any) func(context.Context) (api.Bill, error) {
		return func(context.Context) (api.Bill, error) {
			now := answers[0]
			answers = answers[1:]
			if err, ok := now.(error); ok {
				return api.Bill{}, err
			}
			return api.Bill{State: now.(fsm.State)}, nil
		}
	}
	looked := 0
	tests := []struct {
		name    string
		stopped bool
		look    func(context.Context) (api.Bill, error)
		state   fsm.State
		err     error
	}{
		{"ends", false, looks(fsm.State("opened"), fsm.State("settled")), "settled", nil},
		{"the platform is away for a moment", false, looks(away, fsm.State("settled")), "settled", nil},
		{"an answer is lost", false, looks(api.ErrUnknown, fsm.State("settled")), "settled", nil},
		{"a definite no", false, looks(fsm.State("opened"), gone), "opened", gone},
		{"interrupted", true, looks(), "pushed", context.Canceled},
		{"the patience is over", false, func(context.Context) (api.Bill, error) {
			looked++
			return api.Bill{State: "opened"}, nil
		}, "opened", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.stopped {
					cancel()
				}
				got, err := await(ctx, api.Bill{State: "pushed"}, 10*time.Second, billEnded, tt.look)
				if got.State != tt.state || !errors.Is(err, tt.err) {
					t.Errorf("%s, %v; want %s, %v", got.State, err, tt.state, tt.err)
				}
			})
		})
	}
	if looked > 15 {
		t.Errorf("looked %d times in ten seconds", looked)
	}
}

func TestListPages(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	got := s.run("bill", "list", "--state", "created", "--limit", "7", "--after", string(fakeBill), "--reference", "r1")
	s.check(got, 0, "the next page: airtill bill list --state created --limit 7 --after "+string(fakeBill))
	if f.query != (platform.Query{State: "created", Limit: 7, After: fakeBill, Reference: "r1"}) {
		t.Errorf("asked for %+v", f.query)
	}
}

func TestEvents(t *testing.T) {
	s := newShell(t)
	s.ready(readyFor((&fakePlatform{}).serve(t)))
	want := "TIME                      EVENT  STATE           CAUSE  EFFECTS           DETAIL       POSTINGS\n" +
		"2026-11-23T10:00:00.005Z  pay    opened -> paid  phone  result, callback  answered 00  card:* CNY -1,280.00\n" +
		"                                                                                       sub:acct_1 CNY +1,280.00\n"
	if got := s.run("bill", "events", string(fakeBill)); got.stdout != want {
		t.Errorf("got\n%swant\n%s", got.stdout, want)
	}
	got := s.run("bill", "events", "--json", string(fakeBill))
	var e platform.Event
	if err := json.Unmarshal([]byte(got.stdout), &e); err != nil || e.To != "paid" || len(e.Postings) != 2 || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

func TestSigned(t *testing.T) {
	for amount, want := range map[money.Amount]string{128000: "CNY +1,280.00", -5: "CNY -0.05", 0: "CNY 0.00"} {
		if got := signed(money.Money{Amount: amount, Currency: money.CNY}); got != want {
			t.Errorf("%d: %s, want %s", int64(amount), got, want)
		}
	}
}
