package merchant

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/airtill/airtill/platform/api"
)

// receive takes a callback: it verifies, keeps what is new for the workers and
// acknowledges, all without waiting for anything (S14).
func (s *Shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBody))
	if err != nil {
		api.NewProblem(api.CodeBadRequest, "", "the callback did not arrive whole").Write(w)
		return
	}
	if err := api.VerifyContentDigest(r.Header.Values("Content-Digest"), body); err != nil {
		api.NewProblem(api.CodeDigestMismatch, "Content-Digest", err.Error()).Write(w)
		return
	}
	id, c, err := s.config.Callbacks.ReadCallback(r, body)
	if errors.Is(err, api.ErrCallback) {
		api.NewProblem(api.CodeBadRequest, "", err.Error()).Write(w)
		return
	}
	if err != nil {
		s.config.Log.Warn().Err(err).Str("from", r.RemoteAddr).Msg("callback refused")
		api.NewProblem(codeUnauthorised, "", "the callback is not signed as it should be").Write(w)
		return
	}
	if !s.take(id, c) {
		api.NewProblem(codeUnavailable, "", "too much to do; send it again").Write(w)
		return
	}
	s.config.Callbacks.Acknowledge(w, r, body)
}

// take keeps a callback for the workers unless it was had before; false says that
// there is no room for it now.
func (s *Shop) take(id string, c api.Callback) bool {
	if !s.had.mark(id) {
		return true
	}
	select {
	case s.inbox <- c:
		return true
	default:
		s.had.unmark(id)
		return false
	}
}

// seen remembers the last callbacks by their webhook-id.
type seen struct {
	keep int

	mu  sync.Mutex
	ids map[string]bool
	age []string // oldest first; ids taken back are still in it
}

func newSeen(keep int) *seen { return &seen{keep: keep, ids: make(map[string]bool)} }

// mark says whether the id is new, and remembers it.
func (s *seen) mark(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] {
		return false
	}
	if len(s.age) >= s.keep {
		delete(s.ids, s.age[0])
		s.age = s.age[1:]
	}
	s.ids[id] = true
	s.age = append(s.age, id)
	return true
}

func (s *seen) unmark(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
}

// followUp ends the order that a callback is about, and tells who is to be told (S8, S9, S17).
func (s *Shop) followUp(ctx context.Context, c api.Callback) {
	log := s.config.Log.With().Str("order", c.Data.Reference).Str("bill", string(c.Data.ID)).Str("type", c.Type).Logger()
	ticket, err := s.ticket()
	if err != nil {
		log.Error().Err(err).Msg("callback not followed up")
		return
	}
	o, ended := s.orders.change(OrderID(c.Data.Reference), func(o *Order) bool {
		if c.Data.Refund != nil {
			return s.refunded(o, c.Data)
		}
		if !o.Status.Open() || o.matches(c.Data) != nil {
			return false
		}
		o.end(c.Data, ticket)
		o.Notices = s.notices(*o)
		return true
	})
	switch {
	case c.Data.Refund != nil:
		log.Info().Str("refund", string(c.Data.Refund.ID)).Msg("refund")
		s.send(ctx, o)
	case ended:
		log.Info().Str("status", string(o.Status)).Msg("order ended")
		s.send(ctx, o)
	case o.ID == "":
		log.Warn().Msg("callback for an order that this shop does not know")
	case o.Status.Open():
		log.Error().Err(o.matches(c.Data)).Msg("callback for another order than ours")
	}
}

// matches says what keeps a result from being this order's.
func (o Order) matches(r api.Result) error {
	switch {
	case o.Bill != "" && o.Bill != string(r.ID):
		return errors.New("it is about another bill")
	case o.Item.Amount != r.Amount || o.Item.Currency != r.Currency:
		return errors.New("it is about another sum")
	case statusOf(r) == "":
		return errors.New("it says no end: " + string(r.State))
	}
	return nil
}

func statusOf(r api.Result) Status {
	switch r.State {
	case "settled":
		return Paid
	case "refused", "expired", "cancelled", "failed", "undelivered":
		return Status(r.State)
	}
	return ""
}

func (o *Order) end(r api.Result, ticket ticket) {
	o.Status, o.Reason, o.Bill = statusOf(r), string(r.Reason), string(r.ID)
	if o.Status == Paid && o.Goods.Electronic() {
		o.Ticket = ticket.number(o.Goods.Kind)
	}
}
