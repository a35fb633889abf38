package webhook_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/airtill/airtill/platform/webhook"
)

// An attempt is one request (reliability.md 4): a merchant's server that reads it and hangs
// up has had it, and the next is the next attempt, which the bill counts, dates and signs.
// That the connection had been used before changes nothing.
func TestAttemptIsNotSentAgainByTheTransport(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int) // requests by connection
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr]++
		again := seen[r.RemoteAddr] > 1
		mu.Unlock()
		if again {
			panic(http.ErrAbortHandler) // hangs up without a word
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report})
	for attempt := 1; attempt <= 3; attempt++ {
		if err := at.perform(t, d, 0, shared(t, server.URL, 10_000_001, 1, attempt)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"", "the connection was closed without an answer", ""} {
		if o := at.reported()[i]; o.Attempt != i+1 || o.Problem != want {
			t.Errorf("attempt %d was reported as %+v, want the problem %q", i+1, o, want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	requests := 0
	for _, n := range seen {
		requests += n
	}
	if requests != 3 || len(seen) != 2 {
		t.Errorf("3 attempts were %d requests on %d connections, want 3 on 2", requests, len(seen))
	}
}

// dying is a connection that can be written to until it has died.
type dying struct {
	net.Conn
	dead *atomic.Bool
}

func (c dying) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return 0, errors.New("it has died")
	}
	return c.Conn.Write(b)
}

// A connection that has died while it was idle takes nothing: the attempt has not begun,
// and is made over another one.
func TestAttemptThatWasNotSentIsMade(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	var dialled []*atomic.Bool
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		dialled = append(dialled, new(atomic.Bool))
		return dying{conn, dialled[len(dialled)-1]}, err
	}})
	for attempt := 1; attempt <= 2; attempt++ {
		if err := at.perform(t, d, 0, shared(t, server.URL, 10_000_001, 1, attempt)); err != nil {
			t.Fatal(err)
		}
		dialled[0].Store(true)
	}
	for _, o := range at.reported() {
		if o.Problem != "" {
			t.Errorf("attempt %d failed: %s", o.Attempt, o.Problem)
		}
	}
	if requests.Load() != 2 || len(dialled) != 2 {
		t.Errorf("2 attempts were %d requests over %d connections, want 2 and 2", requests.Load(), len(dialled))
	}
}
