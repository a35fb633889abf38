package world_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/handsetsim"
)

// sight is one thing that was seen: one of its parts is set.
type sight struct {
	message *hop              // at the carrier
	event   *handsetsim.Event // on a phone
	request *call             // that came to the platform's or the shop's HTTP face
	call    *call             // the same with its answer, once it was given
}

// hop is a message at the carrier and what became of it there.
type hop struct {
	gateway.Message
	kind gateway.EventKind
	from string // account that sent it
	to   string // account that owns the destination
}

// call is an HTTP request and its answer.
type call struct {
	at       string // platform or shop
	method   string
	path     string
	header   http.Header
	body     []byte
	status   int
	answered http.Header
	answer   []byte
}

// story is all that was seen, in one order.
type story struct {
	mu     sync.Mutex
	sights []sight
}

func newStory() *story { return new(story) }

func (s *story) add(one sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sights = append(s.sights, one)
}

// all is the story so far.
func (s *story) all() []sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sights)
}

func (s *story) watch() world.Watch {
	return world.Watch{
		Carrier: func(e smsc.Event) {
			h := &hop{Message: *e.Message, kind: e.Kind, from: e.From, to: e.To}
			h.UserData = bytes.Clone(h.UserData)
			s.add(sight{message: h})
		},
		Phones:   func(e handsetsim.Event) { s.add(sight{event: &e}) },
		Platform: func(h http.Handler) http.Handler { return s.around("platform", h) },
		Shop:     func(h http.Handler) http.Handler { return s.around("shop", h) },
	}
}

// around notes each request when it has come, and again when it was answered.
func (s *story) around(at string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller went away
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c := &call{at: at, method: r.Method, path: r.URL.Path, header: r.Header.Clone(), body: body}
		s.add(sight{request: new(*c)})
		kept := httptest.NewRecorder()
		h.ServeHTTP(kept, r)
		c.status, c.answered, c.answer = kept.Code, kept.Header().Clone(), kept.Body.Bytes()
		s.add(sight{call: c})
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(c.status)
		_, _ = w.Write(c.answer) // a caller that went away has nothing to be told
	})
}

// hops are the messages at the carrier that are wanted.
func (s *story) hops(want func(*hop) bool) []*hop {
	var found []*hop
	for _, one := range s.all() {
		if one.message != nil && want(one.message) {
			found = append(found, one.message)
		}
	}
	return found
}

// events are a phone's, of one kind.
func (s *story) events(n gateway.MSISDN, kind handsetsim.Kind) []*handsetsim.Event {
	var found []*handsetsim.Event
	for _, one := range s.all() {
		if one.event != nil && one.event.Phone == n && one.event.Kind == kind {
			found = append(found, one.event)
		}
	}
	return found
}

// calls are the requests to a path that were answered.
func (s *story) calls(at, method, path string) []*call {
	var found []*call
	for _, one := range s.all() {
		if c := one.call; c != nil && c.at == at && c.method == method && c.path == path {
			found = append(found, c)
		}
	}
	return found
}
