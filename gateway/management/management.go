// Package management is how people and scripts look after a carrier: HTTP with JSON on
// a listener of its own, apart from SMPP.
//
//	GET    /v1/messages                  Messages: state, source, destination, account, since, text, limit, before; wait
//	POST   /v1/messages                  NewMessage -> Sent: to a handset, from a handset, or between applications
//	GET    /v1/messages/{id}             Messages: one, or one for each destination of a submit_multi; wait
//	DELETE /v1/messages/{id}             Messages: takes back what is not on its way
//	GET    /v1/sessions                  Sessions: SMPP connections
//	DELETE /v1/sessions/{id}             unbinds and closes one
//	GET    /v1/accounts                  Accounts: who may bind, and their counts
//	GET    /v1/accounts/{id}             Account
//	PATCH  /v1/accounts/{id}             Throttle -> Account
//	GET    /v1/subscribers/{msisdn}      radio.Status: how its radio is
//	PATCH  /v1/subscribers/{msisdn}      radio.Settings, those that change -> radio.Status
//	DELETE /v1/subscribers/{msisdn}/memory   empties the phone's memory -> radio.Status
//	GET    /v1/radio                     radio.Plan
//	PUT    /v1/radio                     radio.Plan -> radio.Plan, the whole of it
//	PATCH  /v1/radio                     radio.Plan, what changes -> radio.Plan
//	GET    /v1/radio/cells/{name}        radio.Cell
//	PUT    /v1/radio/cells/{name}        radio.Cell -> radio.Cell, new or not
//	PATCH  /v1/radio/cells/{name}        radio.Cell, what changes -> radio.Cell
//	GET    /v1/faults                    Faults: what is set, and the presets
//	POST   /v1/faults                    NewFaults -> Faults, all or none
//	DELETE /v1/faults                    takes all off -> Faults
//	DELETE /v1/faults/{id}               takes one off -> Faults
//	POST   /v1/ussd/dial                 Dial -> Screen: a virtual handset dials
//	POST   /v1/ussd/sessions/{id}        Reply -> Screen: its user answers
//	DELETE /v1/ussd/sessions/{id}        its user gives up
//	POST   /v1/ussd/push                 Push -> Pushed: a text to a handset, from an application
//	GET    /v1/ussd/sessions             USSDSessions: phone, code, application, result, open, limit
//	GET    /metrics                      Prometheus, text format 0.0.4
//	GET    /livez, /readyz               Health
//	GET    /openapi.json                 all of this, as OpenAPI 3.1
//
// It holds powers over everybody's messages. So every route asks for a key (RFC 6750
// bearer token) but livez, readyz and openapi.json, and the listener belongs on the
// loopback. Errors are [Problem]. Bodies are read strictly: a field that is not there
// is refused. A wait is a long poll of at most [MaxWait]; it ends early with whatever
// there is.
//
// Left out: accounts cannot be made or changed but for their rates, USSD routes not at
// all; there is no paging of sessions and faults; and no TLS.
package management

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

// MaxWait is the longest that a request waits for a message.
const MaxWait = time.Minute

// Config is what the face stands before. Server and Key must be set; of what is nil
// the routes say that it is not there.
type Config struct {
	Server *smsc.Server
	Radio  *radio.Air
	Faults *fault.Faults
	USSD   *ussd.Switch
	Key    string // the bearer token of all who may
	// Ready is why messages cannot be taken at present, empty if they can; nil is never.
	Ready func() []string
	Log   zerolog.Logger // of failures that are ours
}

// Validate says what is missing.
func (c *Config) Validate() error {
	switch {
	case c.Server == nil:
		return errors.New("management: no server")
	case c.Key == "":
		return errors.New("management: no key")
	}
	return nil
}

// Handler is the carrier's HTTP face. Between requests it keeps the handsets that
// dialled, and nothing else.
type Handler struct {
	config   Config
	key      [sha256.Size]byte
	mux      *http.ServeMux
	routes   []string      // patterns of mux, in the order they were made
	plan     sync.Mutex    // one change of the air at a time
	dialled  dialled       // handsets whose session is open
	numbered atomic.Uint32 // concatenated messages
}

// New makes the face of a carrier.
func New(c Config) (*Handler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &Handler{config: c, key: sha256.Sum256([]byte(c.Key)), mux: http.NewServeMux()}
	h.dialled.handsets = make(map[string]*virtual)
	h.messages()
	h.sessions()
	h.radio()
	h.faults()
	h.ussd()
	h.open("GET /livez", h.live)
	h.open("GET /readyz", h.ready)
	h.open("GET /openapi.json", serveOpenAPI)
	h.guarded("GET /metrics", h.serveMetrics)
	h.mux.HandleFunc("/", h.nowhere)
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// open serves a route to everybody.
func (h *Handler) open(pattern string, do http.HandlerFunc) {
	h.routes = append(h.routes, pattern)
	h.mux.HandleFunc(pattern, do)
}

// guarded serves a route to those who have the key.
func (h *Handler) guarded(pattern string, do http.HandlerFunc) {
	h.open(pattern, func(w http.ResponseWriter, r *http.Request) {
		if !h.admits(r) {
			refuse(w, r, problem(unauthorised, "", "send the carrier's key: Authorization: Bearer KEY"))
			return
		}
		do(w, r)
	})
}

// handle serves a route whose answer is JSON.
func (h *Handler) handle(pattern string, do func(*http.Request) (answer, error)) {
	h.guarded(pattern, func(w http.ResponseWriter, r *http.Request) {
		// A long poll is not to end with the time that a request may be read in.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxStay))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		a, err := do(r)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		respond(w, a.status, contentJSON, a.body)
	})
}

// maxStay is the longest that a request takes: a push waits for its user.
const maxStay = 15 * time.Minute

// admits says whether a request has the key.
func (h *Handler) admits(r *http.Request) bool {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(key)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], h.key[:]) == 1
}

// answer is what a request comes to.
type answer struct {
	status int
	body   any
}

func ok(body any, err error) (answer, error) { return answer{http.StatusOK, body}, err }

func created(body any, err error) (answer, error) { return answer{http.StatusCreated, body}, err }

// nowhere answers what no route is for: the path, or the method alone.
func (h *Handler) nowhere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := h.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		refuse(w, r, problem(notFound, "", "no such resource; GET /openapi.json lists them"))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, r, problem(methodNotAllowed, "", "this resource takes "+strings.Join(allowed, ", ")))
}

// Health is the answer of the two probes.
type Health struct {
	Status  string   `json:"status"` // ok, or unready
	Reasons []string `json:"reasons,omitempty"`
}

func (h *Handler) live(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, contentJSON, Health{Status: "ok"})
}

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	var reasons []string
	if h.config.Ready != nil {
		reasons = h.config.Ready()
	}
	if len(reasons) > 0 {
		respond(w, http.StatusServiceUnavailable, contentJSON, Health{Status: "unready", Reasons: reasons})
		return
	}
	respond(w, http.StatusOK, contentJSON, Health{Status: "ok"})
}
