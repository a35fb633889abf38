package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// HandlerConfig is what the HTTP face stands before. Service and Authenticator must be set.
type HandlerConfig struct {
	Service       platform.Service
	Authenticator platform.Authenticator
	Office        platform.Office     // nil: there is no office face
	OperatorKey   Key                 // empty: there is no office face
	Accounts      platform.Accounts   // nil: no statements and no settlements
	OfficeLog     platform.OfficeLog  // nil: what the office does is not logged
	Reconciler    platform.Reconciler // nil: the office cannot reconcile
	Keyring       Keyring             // nil: all merchants are of profile key
	AllowLegacy   bool                // requests of profile legacy are read too
	Callbacks     platform.Callbacks  // nil: nobody can ask about callbacks
	Health        Health              // nil: always ready
	Metrics       http.Handler        // for who has the operator's key; nil: there are none
	Partitions    func() []Partition  // who serves which; nil: nobody is told
	Log           zerolog.Logger      // of failures that are ours
	Clock         Clock               // nil: the machine's, which nobody moves
	Feed          platform.Feed       // nil: merchants have no feed of their callbacks
	Ending        <-chan struct{}     // closed when the platform stops: feeds end then
}

// Validate says what is missing.
func (c HandlerConfig) Validate() error {
	switch {
	case c.Service == nil:
		return errors.New("api: no service")
	case c.Authenticator == nil:
		return errors.New("api: no authenticator")
	}
	return nil
}

// Handler is the platform's HTTP face. Between requests it keeps what it needs to
// know a signed one that comes again, and nothing else.
type Handler struct {
	config HandlerConfig
	mux    *http.ServeMux
	nonces *signature.Nonces // of signed requests
	feeds  feeds
}

// NewHandler makes the HTTP face of a platform.
func NewHandler(config HandlerConfig) (*Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	h := &Handler{config: config, mux: http.NewServeMux(), nonces: signature.NewNonces(mostNonces)}
	h.mux.HandleFunc("GET /livez", h.live)
	h.mux.HandleFunc("GET /readyz", h.ready)
	h.bills()
	h.statements()
	if config.Callbacks != nil {
		h.callbacks()
	}
	h.feed()
	if config.Metrics != nil && config.OperatorKey != "" {
		h.mux.HandleFunc("GET /metrics", h.metrics)
	}
	h.refunds()
	if config.Keyring != nil {
		h.mux.HandleFunc("GET /v1/keys", h.showKeys)
	}
	if config.Office != nil && config.OperatorKey != "" {
		h.office()
	}
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { ServeRoutes(h.mux, w, r) }

// answer is what a request comes to.
type answer struct {
	status   int
	location string
	replayed bool // of an earlier request
	body     any
	why      string                  // not all of it was done, for the office's log
	stream   func(w io.Writer) error // instead of a body
	media    string                  // that the stream is
}

func ok(body any, err error) (answer, error) { return answer{status: http.StatusOK, body: body}, err }

// respond sends an answer, or a failure in the words of the contract.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, a answer, err error) {
	if err == nil && a.stream != nil {
		h.stream(w, r, a)
		return
	}
	var body []byte
	if err == nil {
		body, err = json.Marshal(a.body)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.replayed {
		w.Header().Set(headerReplayed, "true")
	}
	writeBody(w, a.status, contentJSON, body)
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(worded(err))
	p.Instance = r.URL.Path
	if p.Code() == CodeInternal {
		h.config.Log.Error().Err(err).Str("method", r.Method).Str("path", loggedPath(r)).Msg("request failed")
	}
	p.Write(w)
}

// worded is a failure in the platform's words, when it is that the request was given up.
func worded(err error) error {
	if _, refusal := errors.AsType[*platform.Error](err); !refusal && givenUp(err) {
		return &platform.Error{Code: platform.CodeUnknownOutcome, Detail: "the request was given up; repeat it to find out"}
	}
	return err
}

// loggedPath is the path as a log may have it: without a phone's number.
func loggedPath(r *http.Request) string {
	if number := r.PathValue("msisdn"); number != "" {
		return strings.ReplaceAll(r.URL.Path, number, gateway.MSISDN(number).Masked())
	}
	return r.URL.Path
}

func givenUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// bearer is the key in the Authorization field (RFC 6750 section 2.1), or none.
func bearer(r *http.Request) Key {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return Key(strings.TrimSpace(key))
}

// noKey says no more than that the key will not do.
func noKey() error {
	return &platform.Error{Code: platform.CodeUnauthorised, Detail: "send a valid key: Authorization: Bearer KEY"}
}
