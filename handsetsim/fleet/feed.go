package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/applet"
)

// News is a line of GET /v1/events: what happened on a phone. The first line has nothing
// but the time by the fleet's clock.
type News struct {
	At     time.Time       `json:"at"`
	Phone  gateway.MSISDN  `json:"phone,omitempty"`
	Kind   handsetsim.Kind `json:"kind,omitempty"`
	Bill   applet.BillRef  `json:"bill,omitzero"`
	Detail string          `json:"detail,omitempty"`
	Took   float64         `json:"took_ms,omitempty"` // that the person took over it
}

func newsOf(e handsetsim.Event) News {
	return News{At: e.At, Phone: e.Phone, Kind: e.Kind, Bill: e.Bill, Detail: e.Detail, Took: float64(e.Took) / float64(time.Millisecond)}
}

// Event is the event that the line is about, without what only an observer in the
// fleet's process is told.
func (n News) Event() handsetsim.Event {
	return handsetsim.Event{At: n.At, Phone: n.Phone, Kind: n.Kind, Bill: n.Bill, Detail: n.Detail, Took: time.Duration(n.Took * float64(time.Millisecond))}
}

// reader is somebody who follows the feed. One who lags by readerMost batches is cut off,
// rather than left with a gap that it does not know of.
type reader struct{ batches chan []handsetsim.Event }

const readerMost = 1024

// follow has a reader told what happens from now on.
func (t *teller) follow() *reader {
	r := &reader{batches: make(chan []handsetsim.Event, readerMost)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		close(r.batches)
		return r
	}
	t.readers[r] = struct{}{}
	t.heard.Store(true)
	return r
}

// unfollow ends that; the reader may have been cut off before.
func (t *teller) unfollow(r *reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.readers, r)
	t.heard.Store(t.observer != nil || len(t.readers) > 0)
}

// tellReaders hands a batch to those who follow; nobody waits for them. The lock is held.
func (t *teller) tellReaders(batch []handsetsim.Event) {
	for r := range t.readers {
		select {
		case r.batches <- batch:
		default:
			t.cutOff(r)
		}
	}
}

// cutOff ends a reader's feed. The lock is held.
func (t *teller) cutOff(r *reader) {
	close(r.batches)
	delete(t.readers, r)
}

// serveFeed writes what happens on the phones, a line of JSON for each event, until the
// client goes, lags, or the fleet ends.
func (f *Fleet) serveFeed(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // of a server that gives requests so much time and no more
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	from := f.teller.follow()
	defer f.teller.unfollow(from)
	lines := bufio.NewWriterSize(w, 32<<10)
	encoder := json.NewEncoder(lines)
	err := encoder.Encode(News{At: f.config.Now()})
	for err == nil {
		if err = errors.Join(lines.Flush(), out.Flush()); err != nil {
			return // the client has gone
		}
		select {
		case batch, ok := <-from.batches:
			if !ok {
				return
			}
			err = writeNews(encoder, batch)
		case <-r.Context().Done():
			return
		}
	}
}

func writeNews(encoder *json.Encoder, batch []handsetsim.Event) error {
	for _, e := range batch {
		if err := encoder.Encode(newsOf(e)); err != nil {
			return err
		}
	}
	return nil
}

// ErrFeedEnded says that the feed was cut off: the fleet has ended, or its reader lagged.
// What happened since is not known.
var ErrFeedEnded = errors.New("the handsets' feed was cut off")

// Follow calls each with what happens on the phones from now on, first of all with the
// time by the fleet's clock and nothing else. It returns when ctx ends or the feed does;
// it never answers nil.
func (c *Client) Follow(ctx context.Context, each func(News)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/events", nil)
	if err != nil {
		return fmt.Errorf("follow the fleet: %w", err)
	}
	endless := *c.http
	endless.Timeout = 0
	response, err := endless.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFeedEnded, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("follow the fleet: %s", response.Status)
	}
	return readNews(response.Body, each)
}

// readNews reads lines of a feed until it ends.
func readNews(body io.Reader, each func(News)) error {
	lines := json.NewDecoder(body)
	for {
		var n News
		if err := lines.Decode(&n); err != nil {
			return fmt.Errorf("%w: %w", ErrFeedEnded, err)
		}
		each(n)
	}
}
