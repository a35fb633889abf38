package api

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/platform"
)

func (h *Handler) statements() {
	if h.config.Accounts != nil {
		h.mux.HandleFunc("GET /v1/statement", h.merchant(h.ownStatement))
	}
}

// settlements are the routes of the office that are about merchants' money.
func (h *Handler) settlements() {
	if h.config.Accounts == nil {
		return
	}
	h.mux.HandleFunc("POST /v1/office/settlements", h.operator(h.settle))
	h.mux.HandleFunc("GET /v1/office/merchants/{id}/statement", h.operator(h.merchantStatement))
}

func (h *Handler) ownStatement(a ask) (answer, error) {
	reply, err := h.statement(a.Request, a.merchant.ID)
	if _, legacy := a.leg.(*legacyLeg); legacy && err == nil && reply.media != contentJSON {
		return answer{}, badQuery("format", "profile legacy answers fields: leave it out, or say json")
	}
	return reply, err
}

func (h *Handler) merchantStatement(r *http.Request, _ []byte) (answer, error) {
	m, err := platform.ParseMerchantID(r.PathValue("id"))
	if err != nil {
		return answer{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such merchant"}
	}
	return h.statement(r, m)
}

// statement finds a merchant's day, and writes it as it is read.
func (h *Handler) statement(r *http.Request, m platform.MerchantID) (answer, error) {
	values, err := readParameters(r.URL, "day", "format")
	if err != nil {
		return answer{}, err
	}
	a, write := answer{status: http.StatusOK, media: contentJSON}, WriteStatementJSON
	switch values["format"] {
	case "", "json":
	case "csv":
		a.media, write = contentCSV, WriteStatementCSV
	default:
		return answer{}, badQuery("format", "csv or json")
	}
	if values["day"] == "" {
		return answer{}, badQuery("day", "which UTC day: day=2026-11-27")
	}
	s, err := h.config.Accounts.Statement(r.Context(), m, values["day"])
	if err != nil {
		return answer{}, err
	}
	a.stream = func(w io.Writer) error {
		differences, err := write(w, s)
		if len(differences) > 0 {
			h.config.Log.Error().Str("merchant", string(m)).Str("day", s.Day).Strs("differences", differences).Msg("a statement does not add up")
		}
		return err
	}
	return a, nil
}

// contentCSV is what RFC 4180 registers, with its header line.
const contentCSV = "text/csv; charset=utf-8; header=present"

// stream sends an answer as it is made: it has no digest unless it is signed, which needs
// all of it. One that fails half-way is cut off, so that nobody takes it for whole.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, a answer) {
	header := w.Header()
	header.Set("Content-Type", a.media)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	out, signed := w.(*signedWriter)
	w.WriteHeader(a.status)
	buffered := bufio.NewWriter(w)
	err := a.stream(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	switch {
	case err == nil && signed:
		header.Set(headerDigest, ContentDigest(out.body))
	case err == nil:
	case signed:
		out.body = nil
		h.refuse(w, r, err)
	default:
		h.config.Log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("answer cut off")
		panic(http.ErrAbortHandler)
	}
}

// readParameters reads a query of which each name may come once.
func readParameters(u *url.URL, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, badQuery("", "the query cannot be read")
	}
	all := make(map[string]string)
	for name, given := range values {
		switch {
		case len(given) > 1:
			return nil, badQuery(clip(name), "the parameter is there twice")
		case !slices.Contains(names, name):
			return nil, badQuery(clip(name), "no such parameter; there are "+strings.Join(names, ", "))
		}
		all[name] = given[0]
	}
	return all, nil
}

// Settle is the body of POST /v1/office/settlements.
type Settle struct {
	Merchant platform.MerchantID `json:"merchant"`
	Day      string              `json:"day,omitempty"` // UTC; today when left out
	ID       string              `json:"id,omitempty"`  // the day when left out: a merchant is paid out once a day
	By       string              `json:"by"`
}

func (h *Handler) settle(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "merchant", "day", "id", "by")
	if err != nil {
		return answer{}, err
	}
	o.require("merchant")
	m, err := platform.ParseMerchantID(o.text("merchant", maxName))
	if err != nil {
		o.fail("merchant", "a merchant number has 8 digits and does not start with 0")
	}
	s := platform.Settle{Merchant: m, Day: o.text("day", maxName), ID: o.text("id", maxName)}
	if o.require("by") {
		s.By = o.text("by", maxBy)
	}
	if o.err != nil {
		return answer{}, o.err
	}
	if s.Day == "" {
		s.Day = time.Now().UTC().Format(time.DateOnly)
	}
	if s.ID == "" {
		s.ID = s.Day
	}
	done, err := h.config.Accounts.Settle(r.Context(), s)
	if done.Payouts == nil {
		done.Payouts = []platform.Payout{}
	}
	return answer{status: http.StatusOK, replayed: done.Repeated, body: done}, err
}
