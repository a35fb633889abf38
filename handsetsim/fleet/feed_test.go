package fleet_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// followed is a reader of a fleet's feed, which has come to its first line.
type followed struct {
	news  chan fleet.News
	ended chan error
}

// follow follows the feed over a network, from where time is not faked.
func follow(ctx context.Context, t *testing.T, f *fleet.Fleet) *followed {
	t.Helper()
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	client := must(fleet.NewClient(server.URL, server.Client()))(t)
	got := &followed{news: make(chan fleet.News, 100), ended: make(chan error, 1)}
	go func() { got.ended <- client.Follow(ctx, func(n fleet.News) { got.news <- n }) }()
	if first := <-got.news; first.At.IsZero() || first.Kind != "" || first.Phone != "" {
		t.Errorf("the first line: %+v", first)
	}
	return got
}

// TestFeed tells who follows it what happens, as it happens, and ends with the fleet.
func TestFeed(t *testing.T) {
	b := newBench(t, fleet.Config{})
	b.enrol(alice, "sim", "manual")
	b.run()
	got := follow(t.Context(), t, b.fleet)
	must(b.client.Power(t.Context(), alice, false))(t)
	must(b.client.Power(t.Context(), alice, true))(t)
	for _, want := range []handsetsim.Kind{handsetsim.PoweredOff, handsetsim.PoweredOn} {
		if n := <-got.news; n.Kind != want || n.Phone != alice || n.Event().Kind != want || n.At.IsZero() {
			t.Errorf("%+v, want %s", n, want)
		}
	}
	b.end()
	if err := <-got.ended; !errors.Is(err, fleet.ErrFeedEnded) {
		t.Errorf("when the fleet has ended: %v", err)
	}
	late := follow(t.Context(), t, b.fleet)
	if err := <-late.ended; !errors.Is(err, fleet.ErrFeedEnded) {
		t.Errorf("of a fleet that has ended: %v", err)
	}
}

// TestFeedLeft ends with its reader's context, and the fleet goes on.
func TestFeedLeft(t *testing.T) {
	b := newBench(t, fleet.Config{})
	b.run()
	ctx, cancel := context.WithCancel(t.Context())
	got := follow(ctx, t, b.fleet)
	cancel()
	if err := <-got.ended; err == nil {
		t.Error("it answered nil")
	}
	b.end()
}

// TestFeedTook: a line has the bill, and how long its phone's holder took, and no PIN.
func TestFeedTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "pays")
		b.run()
		ctx, leave := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		read := make(chan struct{})
		go func() {
			defer close(read)
			b.fleet.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events", nil))
		}()
		synctest.Wait()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		b.expect("PAY")
		synctest.Wait()
		leave()
		<-read
		b.end()
		text := w.Body.String()
		for _, want := range []string{`"kind":"received","bill":"0000000000000001","detail":"BILL"`, `"kind":"accepted"`, `"took_ms":`} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		if strings.Contains(text, thePIN) {
			t.Errorf("the PIN is in\n%s", text)
		}
	})
}

// TestNewsOfEvents: what a line has of an event comes back out of it.
func TestNewsOfEvents(t *testing.T) {
	n := fleet.News{At: time.Unix(1, 5), Phone: gateway.MSISDN("8613800000001"), Kind: handsetsim.Confirmed, Took: 1500.5}
	if e := n.Event(); !e.At.Equal(n.At) || e.Phone != n.Phone || e.Kind != n.Kind || e.Took != 1500500*time.Microsecond {
		t.Errorf("%+v", e)
	}
}
