package driver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// TestOverUSSD: bills of phones without an element are timed on the phone too, by what
// they show and what is typed; there are no receipts, and the result says so.
func TestOverUSSD(t *testing.T) { synctest.Test(t, testOverUSSD) }

func testOverUSSD(t *testing.T) {
	c, w := small(t)
	c.Plan.Rate, c.Traffic.Channel = 30, schedule.USSD // a bill for each phone
	w.USSDCap = map[money.Currency]money.Amount{money.CNY: money.Max}
	w.Pace = Pace(schedule.Think{Set: true, Median: 400 * time.Millisecond})
	r := run(t, c, w, load.Passed)
	for _, s := range []load.Step{load.Create, load.Push, load.Reply, load.Pay, load.Callback, load.E2E, load.System} {
		if got := step(t, r, s); got.Count != 30 || got.Failed != 0 || got.Unseen != "" {
			t.Errorf("step %s: %d timed, %d failed, %q", s, got.Count, got.Failed, got.Unseen)
		}
	}
	if dlr := step(t, r, load.DLR); dlr.Count != 0 || !strings.Contains(dlr.Unseen, "no receipts over USSD") {
		t.Errorf("%+v", dlr)
	}
	push, reply, pay := step(t, r, load.Push).Ladder.P50, step(t, r, load.Reply).Ladder.P50, step(t, r, load.Pay).Ladder.P50
	e2e, system := step(t, r, load.E2E).Ladder.P50, step(t, r, load.System).Ladder.P50
	if push > reply || reply > pay || pay > 300 || e2e < 400 || e2e-system < 390 {
		t.Errorf("push %.0f, reply %.0f, pay %.0f, system %.0f, e2e %.0f ms: people took 400 ms and more", push, reply, pay, system, e2e)
	}
}

// TestManyAtAMenu: of several bills at one phone nobody can tell which a menu is about:
// none is timed on the phone, and none is waited for.
func TestManyAtAMenu(t *testing.T) {
	k := newBook(1)
	var all []*trip
	for range 2 {
		one := &trip{record: load.NewRecorder(load.Recording{}).Due(0), phone: "8613700000001", menu: true}
		one.reference = k.begin(one)
		all = append(all, one)
	}
	k.onPhone(handsetsim.Event{Kind: handsetsim.ScreenShown, Phone: "8613700000001", Detail: "CNY 1.00\n1 Pay"})
	for _, one := range all {
		if !one.blind || !one.heard() || one.is(pushed) {
			t.Errorf("%+v", one)
		}
		k.end(one)
	}
	if len(k.menus) != 0 {
		t.Errorf("left: %v", k.menus)
	}
}

// TestSkew: clocks that may be the same are taken for the same; of others it is known how
// far they are ahead, to within half the time that the asking took.
func TestSkew(t *testing.T) {
	start := time.Unix(1000, 0)
	for name, c := range map[string]struct{ reading, took, ahead time.Duration }{
		"the same":       {5 * time.Millisecond, 10 * time.Millisecond, 0},
		"slow to answer": {390 * time.Millisecond, 400 * time.Millisecond, 0},
		"a bit":          {9 * time.Millisecond, 10 * time.Millisecond, 0},
		"ahead":          {time.Hour + 5*time.Millisecond, 10 * time.Millisecond, time.Hour},
		"behind":         {5*time.Millisecond - time.Second, 10 * time.Millisecond, -time.Second},
	} {
		got := skewOf(start, start.Add(c.reading), start.Add(c.took))
		if got.ahead != c.ahead || (len(got.says("x")) > 0) != (c.ahead != 0) {
			t.Errorf("%s: %+v, %q", name, got, got.says("x"))
		}
		if at := start.Add(c.ahead); !got.here(at).Equal(start) {
			t.Errorf("%s: %s is %s here", name, at, got.here(at))
		}
	}
}

// aFeed serves the lines of a feed, and then ends it.
func aFeed(t *testing.T, lines ...fleet.News) *fleet.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if len(lines) == 0 {
			http.NotFound(w, nil)
			return
		}
		for _, n := range lines {
			_ = json.NewEncoder(w).Encode(n)
		}
	}))
	t.Cleanup(server.Close)
	client, err := fleet.NewClient(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestFollowPhones: events come with their times put right; a feed that ends is said to
// have, and one that is not there is known before the load begins.
func TestFollowPhones(t *testing.T) {
	const ahead = time.Hour
	now := time.Now()
	heard, deaf := make(chan handsetsim.Event, 1), make(chan error, 1)
	watch := Watch{Phones: func(e handsetsim.Event) { heard <- e }, Deaf: func(err error) { deaf <- err }}
	client := aFeed(t, fleet.News{At: now.Add(ahead)}, fleet.News{At: now.Add(ahead), Kind: handsetsim.Sent, Took: 5})
	f := followPhones(t.Context(), client, watch)
	defer f.close()
	if f.why != nil {
		t.Fatal(f.why)
	}
	if e := <-heard; e.At.Sub(now).Abs() > time.Minute || e.Took != 5*time.Millisecond {
		t.Errorf("%+v: its clock is an hour ahead of %s", e, now)
	}
	if err := <-deaf; !errors.Is(err, fleet.ErrFeedEnded) {
		t.Error(err)
	}
	without := followPhones(t.Context(), aFeed(t), watch)
	defer without.close()
	if without.why == nil {
		t.Error("there is no feed, and nobody says so")
	}
}

// TestDeafened: when phones are not heard of any more, nothing is waited for.
func TestDeafened(t *testing.T) {
	k, one := oneBill()
	one.state = "settled"
	one.attempts = 1
	one.once(acknowledged)
	k.settle(one)
	if one.is(ended) {
		t.Fatal("it is over, and its phone's payment was not heard of")
	}
	k.deafen()
	next := &trip{record: load.NewRecorder(load.Recording{}).Due(0)}
	k.begin(next)
	if !one.is(ended) || !next.blind {
		t.Errorf("ended %v, the next is blind %v", one.is(ended), next.blind)
	}
}

// TestMerchantsThatSign: bills of merchants that sign are ordered, told and audited as
// the others are.
func TestMerchantsThatSign(t *testing.T) {
	for _, profile := range []platform.Profile{platform.ProfileModern, platform.ProfileLegacy} {
		t.Run(string(profile), func(t *testing.T) {
			c, w := small(t)
			c.Profile, c.Shops, w.Profile = profile, 1, profile
			c.Plan.Rate = 20
			r := run(t, c, w, "")
			if r.Totals.OK != 20 || r.Lost != 0 || !r.Audit.Done {
				t.Errorf("totals %+v, lost %d, causes %v, audit %+v", r.Totals, r.Lost, r.Causes, r.Audit)
			}
		})
	}
}

// deafSite is a network whose phones tell nothing.
type deafSite struct{ Embedded }

func (s deafSite) Run(ctx context.Context, watch Watch, body func(ctx context.Context, n *Network) error) error {
	watch.Phones, watch.Carrier = nil, nil
	return s.Embedded.Run(ctx, watch, func(ctx context.Context, n *Network) error {
		n.Phones, n.Carrier = NotAtTarget, NotAtTarget
		return body(ctx, n)
	})
}

// TestUnseen: what nobody tells is said not to have been seen, and is no row of zeros.
func TestUnseen(t *testing.T) { synctest.Test(t, testUnseen) }

func testUnseen(t *testing.T) {
	c, w := small(t)
	c.Site = deafSite{Embedded{Config: *w}}
	r := run(t, c, w, load.Passed)
	for _, s := range r.Steps {
		seen := s.Step == load.Create || s.Step == load.Callback || s.Step == load.E2E
		if seen != (s.Count == 60) || seen != (s.Unseen == "") {
			t.Errorf("%s: %d, %q", s.Step, s.Count, s.Unseen)
		}
	}
}
