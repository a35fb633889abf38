package management

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
)

func (h *Handler) sessions() {
	h.handle("GET /v1/sessions", h.listSessions)
	h.handle("DELETE /v1/sessions/{id}", h.kickSession)
	h.handle("GET /v1/accounts", h.listAccounts)
	h.handle("GET /v1/accounts/{id}", h.showAccount)
	h.handle("PATCH /v1/accounts/{id}", h.throttleAccount)
}

// Session is an SMPP connection.
type Session struct {
	ID        uint64    `json:"id"`
	Account   string    `json:"account"` // system_id; empty before a bind
	Mode      string    `json:"mode"`    // transmitter, receiver, transceiver; open before a bind
	Peer      string    `json:"peer"`
	Since     time.Time `json:"since"`
	QuietMS   int64     `json:"quiet_ms"`  // since the last octets came
	InFlight  int       `json:"in_flight"` // deliver_sm without an answer
	Held      int       `json:"held"`      // submit_sm whose answers wait
	Accepted  uint64    `json:"accepted"`  // messages it submitted
	Refused   uint64    `json:"refused"`
	Throttled uint64    `json:"throttled"`
	Sent      uint64    `json:"sent"` // deliver_sm to it
}

// Sessions are all connections, the oldest first.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

func sessionOf(s smsc.Session) Session {
	return Session{
		ID: s.ID, Account: s.Account, Mode: s.Mode, Peer: s.Peer, Since: s.Since.UTC(), QuietMS: s.Quiet.Milliseconds(),
		InFlight: s.InFlight, Held: s.Held, Accepted: s.Accepted, Refused: s.Refused, Throttled: s.Throttled, Sent: s.Sent,
	}
}

func (h *Handler) listSessions(r *http.Request) (answer, error) {
	q := readQuery(r, "account")
	if q.err != nil {
		return answer{}, q.err
	}
	all := Sessions{Sessions: []Session{}}
	for _, s := range h.config.Server.Sessions() {
		if account := q.text("account"); account == "" || s.Account == account {
			all.Sessions = append(all.Sessions, sessionOf(s))
		}
	}
	return ok(all, nil)
}

func (h *Handler) kickSession(r *http.Request) (answer, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		return answer{}, invalidf("id", "a session's id is a number; GET /v1/sessions lists them")
	}
	for _, s := range h.config.Server.Sessions() {
		if s.ID == id {
			return answer{http.StatusAccepted, sessionOf(s)}, h.config.Server.Kick(id)
		}
	}
	return answer{}, h.config.Server.Kick(id) // which says that there is none
}

// Account is who may bind, with what has become of its messages.
type Account struct {
	Settings
	Sessions int    `json:"sessions"` // bound ones
	Stored   int64  `json:"stored"`   // messages that wait for its numbers
	Receipts int    `json:"receipts"` // receipts that wait for it
	Counts   Counts `json:"counts"`
}

// Accounts are all accounts.
type Accounts struct {
	Accounts []Account `json:"accounts"`
}

// Counts is what became of messages since the carrier began. What is accepted and
// refused counts for who submitted it, all else for whom it is for.
type Counts struct {
	Accepted      uint64 `json:"accepted"`
	Refused       uint64 `json:"refused"`
	Throttled     uint64 `json:"throttled"`
	Sent          uint64 `json:"sent"`     // deliver_sm and data_sm, receipts too
	Deferred      uint64 `json:"deferred"` // attempts that failed and are made again
	Delivered     uint64 `json:"delivered"`
	Expired       uint64 `json:"expired"`
	Deleted       uint64 `json:"deleted"`
	Undeliverable uint64 `json:"undeliverable"`
	Rejected      uint64 `json:"rejected"`
	Lost          uint64 `json:"lost"`
	Receipts      uint64 `json:"receipts"` // that were taken
	ReceiptsLost  uint64 `json:"receipts_lost"`
}

func (h *Handler) accounts() []Account {
	settings := h.config.Server.Accounts()
	all := make([]Account, 0, len(settings))
	for i, s := range h.config.Server.Stats().Accounts { // in the same order
		all = append(all, Account{
			Settings: settingsOf(&settings[i]), Sessions: s.Sessions, Stored: s.Stored, Receipts: s.Receipts, Counts: Counts(s.Counts),
		})
	}
	return all
}

func (h *Handler) listAccounts(r *http.Request) (answer, error) {
	if q := readQuery(r); q.err != nil {
		return answer{}, q.err
	}
	return ok(Accounts{h.accounts()}, nil)
}

func (h *Handler) account(id string) (Account, error) {
	for _, a := range h.accounts() {
		if a.SystemID == id {
			return a, nil
		}
	}
	return Account{}, problem(notFound, "id", "there is no such account; GET /v1/accounts lists them")
}

func (h *Handler) showAccount(r *http.Request) (answer, error) {
	return ok(h.account(r.PathValue("id")))
}

// Throttle is the body of PATCH /v1/accounts/{id}: messages a second that the account
// may submit, 0 for no limit, and at once after a pause, 0 for a second's. What is left
// out stays.
type Throttle struct {
	Rate  *float64 `json:"rate,omitempty"`
	Burst *int     `json:"burst,omitempty"`
}

const mostRate = 1e9

func (h *Handler) throttleAccount(r *http.Request) (answer, error) {
	in, err := read[Throttle](r)
	if err != nil {
		return answer{}, err
	}
	a, err := h.account(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	rate, burst := a.Rate, a.Burst
	if in.Rate != nil {
		rate, burst = *in.Rate, 0
	}
	if in.Burst != nil {
		burst = *in.Burst
	}
	switch {
	case !(rate >= 0 && rate <= mostRate): // so that NaN is out
		return answer{}, invalidf("rate", "is a number from 0 to %.0f", mostRate)
	case burst < 0 || burst > math.MaxInt32:
		return answer{}, invalidf("burst", "is a number from 0 to %d", math.MaxInt32)
	}
	if err := h.config.Server.SetRate(a.SystemID, rate, burst); err != nil {
		return answer{}, err
	}
	return ok(h.account(a.SystemID))
}
