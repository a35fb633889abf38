package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// fakeFeed is a feed of what it is given; its places are how much of that was read.
type fakeFeed struct {
	mu    sync.Mutex
	told  []platform.Attempt
	since []time.Time
	after []platform.Place
}

func (f *fakeFeed) add(a platform.Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, a)
}

func (f *fakeFeed) place() platform.Place {
	return platform.Place(strings.Repeat("x", len(f.told)) + ".")
}

func (f *fakeFeed) FeedSince(_ context.Context, since time.Time) (platform.Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = append(f.since, since)
	if since.IsZero() {
		return f.place(), nil
	}
	return ".", nil
}

func (f *fakeFeed) FeedAfter(_ context.Context, m platform.MerchantID, at platform.Place) ([]platform.Follower, platform.Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := strings.CutSuffix(string(at), ".")
	if !ok || len(n) > len(f.told) || m != shop {
		return nil, at, &platform.Error{Code: platform.CodeInvalid, Field: "place", Detail: "of another store"}
	}
	f.after = append(f.after, at)
	var news []platform.Follower
	for i, a := range f.told[len(n):] {
		news = append(news, platform.Follower{Attempt: a, Place: platform.Place(strings.Repeat("x", len(n)+i+1) + ".")})
	}
	return news, f.place(), nil
}

func attempt(kind string) platform.Attempt {
	return platform.Attempt{ID: "evt_" + platform.CallbackID(kind), Type: kind, Bill: firstBill, Number: 1, Event: []byte(`{"type":"` + kind + `"}`)}
}

// serveFeed serves a feed until the test ends, or ending is closed.
func serveFeed(t *testing.T, f *fakeFeed, ending <-chan struct{}) *httptest.Server {
	t.Helper()
	p := &fakePlatform{}
	h, err := api.NewHandler(api.HandlerConfig{Service: p, Authenticator: p, Feed: f, Ending: ending})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

var errEnough = errors.New("enough")

// follow reads a feed until it has so many, and says what they were and where that was.
func follow(t *testing.T, c *api.Client, q api.FeedQuery, most int) (types []string, at platform.Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := c.Follow(ctx, q, func(place platform.Place, a *platform.Attempt) error {
		at = place
		if a != nil {
			types = append(types, a.Type)
		}
		if len(types) >= most {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("after %v: %v", types, err)
	}
	return types, at
}

// A reader gets what comes, and goes on after what it had; backfill begins earlier.
func TestFeed(t *testing.T) {
	f := &fakeFeed{}
	c := client(t, serveFeed(t, f, nil))
	f.add(attempt("bill.settled"))
	f.add(attempt("bill.refused"))
	types, at := follow(t, c, api.FeedQuery{Backfill: 10 * time.Minute}, 1)
	if types[0] != "bill.settled" || at != "x." {
		t.Errorf("%v, then at %q", types, at)
	}
	if ago := time.Since(f.since[0]); ago < 10*time.Minute || ago > 11*time.Minute {
		t.Errorf("backfill of 10m began %v ago", ago)
	}
	if types, at = follow(t, c, api.FeedQuery{After: at, Backfill: time.Hour}, 1); types[0] != "bill.refused" || at != "xx." {
		t.Errorf("%v, then at %q", types, at)
	}
	var late sync.WaitGroup
	late.Go(func() { f.add(attempt("bill.failed")) })
	if types, _ = follow(t, c, api.FeedQuery{After: at}, 1); types[0] != "bill.failed" {
		t.Errorf("%v", types)
	}
	late.Wait()
}

// What is wrong is said before the feed begins; a stopping platform ends it.
func TestFeedEnds(t *testing.T) {
	ending := make(chan struct{})
	server := serveFeed(t, &fakeFeed{}, ending)
	c := client(t, server)
	never := func(platform.Place, *platform.Attempt) error { return errors.New("it began") }
	for _, q := range []api.FeedQuery{{After: "elsewhere"}, {Backfill: 2 * api.MostBackfill}} {
		if err := c.Follow(t.Context(), q, never); statusOf(err) != http.StatusUnprocessableEntity && statusOf(err) != http.StatusBadRequest {
			t.Errorf("%+v: %v", q, err)
		}
	}
	stranger, err := api.NewClient(api.ClientConfig{BaseURL: server.URL, Key: "nobody", HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Follow(t.Context(), api.FeedQuery{}, never); statusOf(err) != http.StatusUnauthorized {
		t.Errorf("a stranger: %v", err)
	}
	err = c.Follow(t.Context(), api.FeedQuery{}, func(platform.Place, *platform.Attempt) error {
		close(ending)
		return nil
	})
	if !errors.Is(err, api.ErrFeedEnded) {
		t.Errorf("a platform that stops: %v", err)
	}
}

// answering is an http.RoundTripper that answers the same always.
type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// Whatever comes as a feed is read or refused, and ends in an error.
func FuzzFollow(f *testing.F) {
	f.Add("id: x.\n\nid: xx.\nevent: bill.settled\ndata: {\"type\":\"bill.settled\"}\n\n")
	f.Add(": nothing\ndata\n\ndata: {\n\n")
	f.Add("id:1\ndata:{}\ndata: \n\n\n")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := api.NewClient(api.ClientConfig{BaseURL: "http://platform.example", Key: apiKey, HTTP: &http.Client{Transport: answering(body)}})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Follow(t.Context(), api.FeedQuery{}, func(platform.Place, *platform.Attempt) error { return nil })
		if !errors.Is(err, api.ErrFeedEnded) {
			t.Errorf("%q: %v", body, err)
		}
	})
}
