package world

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
)

// A client that has a connection at hand and asks nothing does not keep a room from
// stopping, and makes no failure of it.
func TestStoppingWaitsForNoUnusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network.Memory)
		ln, err := n.Listen(t.Context(), loopback)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- serveHTTP(ctx, ln, http.NotFoundHandler()) }()
		early, err := n.Dial(t.Context(), ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin := time.Now()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %s", took)
		}
		if _, err := early.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
		_ = early.Close()
	})
}

// What is being answered is answered to the end.
func TestStoppingLetsARequestFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network.Memory)
		ln, err := n.Listen(t.Context(), loopback)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- serveHTTP(ctx, ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				stop()
				time.Sleep(drainTime / 2) // the work of a bubble's clock
				w.WriteHeader(http.StatusTeapot)
			}))
		}()
		client := HTTPClient(n)
		defer client.CloseIdleConnections()
		res, err := client.Get(URL(ln))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusTeapot {
			t.Errorf("answered %s", res.Status)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
