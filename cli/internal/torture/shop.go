package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/history"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// shop is a merchant that writes everything down itself: what it has ordered, what it
// was answered, and every callback.
type shop struct {
	site     *site
	clients  []*api.Client // one for each platform
	key      api.Key
	secret   api.WebhookSecret
	callback string
	server   *http.Server
	serving  sync.WaitGroup
	history  history.Log

	mu     sync.Mutex
	orders map[string]*order // by reference
	told   map[platform.BillID]*told
	acks   int
	turn   int // whose turn it is to be asked
	again  int // repeats that were answered
	calls  int
}

// order is what the shop knows of one of its orders.
type order struct {
	api.Order
	key    string
	bills  []platform.BillID // that answers named; more than one is wrong
	placed bool              // somebody has acknowledged it
}

// told is what callbacks said of a bill.
type told struct {
	states []fsm.State // all that were said; more than one is wrong
	taken  int         // answered 2xx
	turned int         // answered otherwise
	ended  chan struct{}
}

const merchantID = "10000042"

// openShop opens a merchant at the office, and listens for callbacks.
func (s *site) openShop(ctx context.Context) (*shop, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &shop{
		site: s, callback: fmt.Sprintf("http://%s/callback", ln.Addr()),
		orders: make(map[string]*order), told: make(map[platform.BillID]*told),
	}
	h.server = &http.Server{Handler: http.HandlerFunc(h.take), ReadHeaderTimeout: 10 * time.Second}
	h.serving.Go(func() { _ = h.server.Serve(ln) }) // until it is closed
	keys, err := s.office.Load().AddMerchant(ctx, api.Merchant{ID: merchantID, Name: "Torture", CallbackURL: h.callback})
	if err != nil {
		h.close()
		return nil, err
	}
	if h.secret, err = api.ParseWebhookSecret(string(keys.WebhookSecret)); err != nil {
		h.close()
		return nil, err
	}
	h.key, h.clients = api.Key(keys.APIKey), make([]*api.Client, len(s.platforms))
	for _, p := range s.platforms {
		if err := h.follow(p); err != nil {
			h.close()
			return nil, err
		}
	}
	return h, nil
}

func (h *shop) close() {
	_ = h.server.Close() // whoever is at the other end sees it
	h.serving.Wait()
}

func (h *shop) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.orders)
}

func (h *shop) acknowledged() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acks
}

// take takes a callback. Of some bills the first is turned away: only what was answered
// 2xx counts as told.
func (h *shop) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, api.MaxBody))
	if err != nil {
		return // it did not come whole, and comes again
	}
	_, c, err := api.Webhooks{h.secret}.ReadCallback(r, body)
	if err != nil {
		h.site.differ(other, "a callback is not as it should be: %v", err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	h.history.Ask(c.Data.Reference, history.Status{}).Answer(history.Seen{State: clientState(c.Data.State)})
	w.WriteHeader(h.write(c))
}

// turnsAway says whether the first callback of a bill is turned away.
func turnsAway(id platform.BillID) bool { return id[len(id)-1]%8 == 0 }

// write writes a callback down, and answers the status for it.
func (h *shop) write(c api.Callback) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	t := h.of(c.Data.ID)
	if !slices.Contains(t.states, c.Data.State) {
		t.states = append(t.states, c.Data.State)
	}
	if turnsAway(c.Data.ID) && t.turned == 0 {
		t.turned++
		return http.StatusServiceUnavailable
	}
	t.taken++
	if t.taken == 1 {
		close(t.ended)
	}
	return http.StatusNoContent
}

// of is what was told of a bill. The lock is held.
func (h *shop) of(id platform.BillID) *told {
	t, ok := h.told[id]
	if !ok {
		t = &told{ended: make(chan struct{})}
		h.told[id] = t
	}
	return t
}

// ended is closed when the bill's end was told.
func (h *shop) ended(id platform.BillID) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(id).ended
}

// clientState is a bill's state as its clients' histories have it: what happens on the
// way to an end is none of theirs, and money that has moved has moved.
func clientState(s fsm.State) string {
	switch {
	case bill.Live(s):
		return history.Open
	case s == bill.Settled:
		return string(bill.Paid)
	}
	return string(s)
}

// again pauses a client whose outcome is not certain.
const again = 100 * time.Millisecond

// place orders until the outcome is certain, and says whether a bill was made.
func (h *shop) place(ctx context.Context, o *order) bool {
	for ctx.Err() == nil {
		b, err := h.order(ctx, o.Order, o.key)
		if err == nil {
			h.made(o, b)
			return true
		}
		if problem, ok := errors.AsType[*api.Problem](err); ok && !problem.Again() && !problem.Unknown() {
			h.site.differ(other, "order %s was refused: %v", o.Reference, problem)
			return false
		}
		pause(ctx, again)
	}
	return false
}

// order asks once, and writes the question down.
func (h *shop) order(ctx context.Context, o api.Order, key string) (api.Bill, error) {
	call := h.history.Ask(o.Reference, history.Order{Content: fmt.Sprint(o.Amount)})
	b, err := h.any().CreateBill(ctx, o, key)
	note(call, history.Made{Bill: string(b.ID)}, err)
	return b, err
}

// any is a client of one of the platforms, each in its turn.
func (h *shop) any() *api.Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn++
	return h.clients[h.turn%len(h.clients)]
}

// note writes an answer down, a refusal, or that the question was surely not done.
func note(call *history.Call, good history.Answer, err error) {
	problem, ok := errors.AsType[*api.Problem](err)
	switch {
	case err == nil:
		call.Answer(good)
	case ok && problem.Unknown():
	case ok && problem.Again(), notSent(err):
		call.Never()
	case ok:
		call.Answer(history.Refused{})
	}
}

// notSent says whether nobody was there to ask.
func notSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// made writes down what an answer named.
func (h *shop) made(o *order, b api.Bill) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.placed {
		h.again++
	}
	o.placed = true
	h.acks++
	if !slices.Contains(o.bills, b.ID) {
		o.bills = append(o.bills, b.ID)
	}
}

// look asks for a bill's state.
func (h *shop) look(ctx context.Context, o *order, id platform.BillID) {
	call := h.history.Ask(o.Reference, history.Status{})
	b, err := h.any().Bill(ctx, id)
	switch problem, ok := errors.AsType[*api.Problem](err); {
	case err == nil:
		call.Answer(history.Seen{State: clientState(b.State)})
	case ok && problem.Code() == platform.CodeNotFound:
		call.Answer(history.Seen{})
		h.site.differ(lost, "order %s was acknowledged as %s, which is not there", o.Reference, id)
	default:
		call.Never() // a look does nothing
	}
}

// withdraw cancels a bill, once or more often.
func (h *shop) withdraw(ctx context.Context, o *order, id platform.BillID) {
	for ctx.Err() == nil {
		call := h.history.Ask(o.Reference, history.Cancel{})
		_, err := h.any().CancelBill(ctx, id)
		note(call, history.Done{}, err)
		problem, ok := errors.AsType[*api.Problem](err)
		if err == nil || ok && !problem.Again() && !problem.Unknown() {
			return
		}
		pause(ctx, again)
	}
}

// bills lists all bills that the platform has, newest first.
func (h *shop) bills(ctx context.Context) ([]api.Bill, error) {
	var all []api.Bill
	q := api.Query{Limit: 200}
	for {
		page, err := h.any().Bills(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Bills...)
		if page.Next == "" {
			return all, nil
		}
		q.After = page.Next
	}
}

// follow asks a platform that has moved where it is now.
func (h *shop) follow(p *node) error {
	c, err := api.NewClient(api.ClientConfig{BaseURL: p.url(), Key: h.key, HTTP: h.site.web})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[p.number] = c
	return nil
}
