package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/platform"
)

// The feed of a merchant's callbacks, as server-sent events: each attempt to tell the
// merchant something, as it is set going, whether it reaches its address or not.
//
//	GET /v1/callbacks/feed?backfill=10m
//	Last-Event-ID: what the last event had: it goes on after that
//
//	id: a place in the feed
//	event: bill.settled
//	data: a platform.Attempt, on one line
//
// An event without data only moves the place. A merchant that signs its requests has no
// feed, for what never ends cannot be signed.
const feedPath = "/v1/callbacks/feed"

const (
	contentFeed   = "text/event-stream"
	headerEventID = "Last-Event-ID"

	// MostBackfill is how far back a feed can begin.
	MostBackfill = 7 * 24 * time.Hour

	feedPause = 200 * time.Millisecond // between two looks when nothing has come
	feedBeat  = 10 * time.Second       // after which a reader is told that all is well
	mostFeeds = 64                     // open at a time
)

// feeds counts those that are open.
type feeds struct{ open atomic.Int64 }

func (h *Handler) feed() {
	if h.config.Feed != nil {
		h.mux.HandleFunc("GET "+feedPath, h.serveFeed)
	}
}

func (h *Handler) serveFeed(w http.ResponseWriter, r *http.Request) {
	a, err := h.enterKey(w, r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	defer h.feeds.open.Add(-1)
	if h.feeds.open.Add(1) > mostFeeds {
		h.refuse(w, r, &platform.Error{Code: platform.CodeUnavailable, Detail: fmt.Sprintf("%d feeds are open, and no more can be", mostFeeds)})
		return
	}
	at, err := h.feedFrom(r)
	var first []platform.Follower
	if err == nil {
		first, at, err = h.config.Feed.FeedAfter(r.Context(), a.merchant.ID, at)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentFeed)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	h.follow(w, r, a.merchant.ID, first, at)
}

// feedFrom is where a reader wants to begin.
func (h *Handler) feedFrom(r *http.Request) (platform.Place, error) {
	values, err := readParameters(r.URL, "backfill")
	if err != nil {
		return "", err
	}
	if at := r.Header.Get(headerEventID); at != "" {
		return platform.Place(at), nil
	}
	text, given := values["backfill"]
	if !given {
		return h.config.Feed.FeedSince(r.Context(), time.Time{})
	}
	back, err := time.ParseDuration(text)
	if err != nil || back < 0 || back > MostBackfill {
		return "", badQuery("backfill", "must be a time of up to "+MostBackfill.String()+", such as 10m")
	}
	now := time.Now()
	if h.config.Clock != nil {
		now = h.config.Clock.Now()
	}
	return h.config.Feed.FeedSince(r.Context(), now.Add(-back))
}

// follow sends what comes until the reader has gone or the platform stops. A feed that
// cannot be read ends: its reader comes again, and goes on where it was.
func (h *Handler) follow(w http.ResponseWriter, r *http.Request, m platform.MerchantID, news []platform.Follower, at platform.Place) {
	out := http.NewResponseController(w)
	tick := time.NewTicker(feedPause)
	defer tick.Stop()
	beat := time.Time{} // at once, so that a reader knows where it is
	for {
		err := writeFeed(w, news)
		if time.Since(beat) >= feedBeat && err == nil {
			_, err = fmt.Fprintf(w, "id: %s\n\n", at)
			beat = time.Now()
		}
		if err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-h.config.Ending:
			return
		}
		if news, at, err = h.config.Feed.FeedAfter(r.Context(), m, at); err != nil {
			h.config.Log.Warn().Err(err).Msg("a feed of callbacks ends")
			return
		}
	}
}

func writeFeed(w io.Writer, news []platform.Follower) error {
	for _, f := range news {
		data, err := json.Marshal(f.Attempt)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", f.Place, f.Type, data); err != nil {
			return err
		}
	}
	return nil
}

// FeedQuery says where a feed begins: after a place; or at what was set going some time
// ago; or now.
type FeedQuery struct {
	After    platform.Place
	Backfill time.Duration
}

// ErrFeedEnded says that a feed was cut off. Whoever follows it asks again, after the last
// place.
var ErrFeedEnded = errors.New("the feed was cut off")

// mostFeedLine bounds a line of a feed: a callback with the largest goods has room.
const mostFeedLine = 1 << 20

// Follow calls each with what the merchant is told, as it is set going, and with the place
// after it; without an attempt when only the place has moved, and once as soon as the feed
// is open. It returns when ctx ends, each fails, or the feed does: it never answers nil.
func (c *Client) Follow(ctx context.Context, q FeedQuery, each func(platform.Place, *platform.Attempt) error) error {
	path := feedPath
	if q.After == "" && q.Backfill > 0 {
		path += "?" + url.Values{"backfill": {q.Backfill.String()}}.Encode()
	}
	r, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", contentFeed+", "+contentProblem)
	if q.After != "" {
		r.Header.Set(headerEventID, string(q.After))
	}
	endless := *c.http
	endless.Timeout = 0
	response, err := endless.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFeedEnded, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // what was read says enough
		return refused(response, body)
	}
	return readFeed(response.Body, each)
}

// readFeed reads server-sent events.
func readFeed(body io.Reader, each func(platform.Place, *platform.Attempt) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, mostFeedLine)
	var place platform.Place
	var data []byte
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			place = platform.Place(value)
		case "data":
			data = append(data, value...)
		case "":
			if err := tellFeed(place, data, each); err != nil {
				return err
			}
			data = nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrFeedEnded, err)
	}
	return ErrFeedEnded
}

func tellFeed(place platform.Place, data []byte, each func(platform.Place, *platform.Attempt) error) error {
	if strings.TrimSpace(string(data)) == "" {
		return each(place, nil)
	}
	var a platform.Attempt
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("%w: what came is no callback: %w", ErrFeedEnded, err)
	}
	return each(place, &a)
}
