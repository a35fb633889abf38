package webhook_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/webhook"
)

// shared is a callback about the n-th bill, to a host that merchants share.
func shared(t *testing.T, url string, merchant, n, attempt int) engine.Effect {
	t.Helper()
	body, err := json.Marshal(billing.Callback{
		URL: url, Merchant: platform.MerchantID(fmt.Sprint(merchant)), Bill: billOf(n), Attempt: attempt, Event: json.RawMessage(event),
	})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Effect{ID: fmt.Sprint(n, "/", attempt), Kind: "callback", Body: body}
}

// Merchants that share a host have their callbacks over the connections that are there:
// after a round with so many at a time the next ones dial no more.
func TestConnectionsAreUsedAgain(t *testing.T) {
	const merchants, each, rounds = 8, 4, 3
	var dialled atomic.Int32
	here, leave := make(chan bool), make(chan bool)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		here <- true
		<-leave
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report})
	for round := range rounds {
		for n := range merchants * each {
			e := shared(t, server.URL, 10_000_001+n%merchants, n, round+1)
			if err := d.Perform(t.Context(), 0, e); err != nil {
				t.Fatal(err)
			}
		}
		for range merchants * each {
			<-here // all at the same time
		}
		for range merchants * each {
			leave <- true
		}
		for range merchants * each {
			<-at.told
		}
	}
	if n := dialled.Load(); n != merchants*each {
		t.Errorf("%d rounds of %d callbacks at a time dialled %d times", rounds, merchants*each, n)
	}
}
