package management

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/ussd"
)

func (h *Handler) ussd() {
	h.handle("GET /v1/ussd/sessions", h.onSwitch(h.listUSSD))
	h.handle("POST /v1/ussd/dial", h.onSwitch(h.dial))
	h.handle("POST /v1/ussd/push", h.onSwitch(h.push))
	h.handle("POST /v1/ussd/sessions/{id}", h.onSwitch(h.reply))
	h.handle("DELETE /v1/ussd/sessions/{id}", h.onSwitch(h.abort))
}

// Dial is the body of POST /v1/ussd/dial. The phone need not be a subscriber's.
type Dial struct {
	Phone string `json:"phone"`
	Code  string `json:"code"` // *384*1#
}

// Screen is what the handset shows.
type Screen struct {
	ID   string `json:"id"`   // of the session
	Kind string `json:"kind"` // ask wants a reply, notify to be confirmed by one, end none
	Text string `json:"text"`
	Open bool   `json:"open"` // the session goes on
}

// Reply is the body of POST /v1/ussd/sessions/{id}; its text is ignored where there is
// only something to confirm.
type Reply struct {
	Text string `json:"text"`
}

// Push is the body of POST /v1/ussd/push.
type Push struct {
	Code  string `json:"code"` // the application's address
	Phone string `json:"phone"`
	Text  string `json:"text"`
	Ask   bool   `json:"ask,omitempty"` // it wants an answer
}

// Pushed is the answer, once the user has answered or the handset has confirmed.
type Pushed struct {
	Answer string `json:"answer,omitempty"`
}

// USSDSessions are sessions, the last to begin first.
type USSDSessions struct {
	Sessions []ussd.Record `json:"sessions"`
}

func (h *Handler) onSwitch(do func(*http.Request) (answer, error)) func(*http.Request) (answer, error) {
	return func(r *http.Request) (answer, error) {
		if h.config.USSD == nil {
			return answer{}, problem(unavailable, "", "this carrier has no USSD")
		}
		return do(r)
	}
}

func (h *Handler) listUSSD(r *http.Request) (answer, error) {
	q := readQuery(r, "phone", "code", "application", "result", "open", "limit")
	f := ussd.Filter{
		Phone: q.text("phone"), Code: q.text("code"), Application: q.text("application"),
		OpenOnly: q.flag("open"), Limit: int(q.number("limit", 1, mostMessages)), //nolint:gosec // bounded
	}
	if text := q.text("result"); text != "" {
		if err := f.Result.UnmarshalText([]byte(text)); err != nil {
			q.fail("result", "%v", err)
		}
	}
	if q.err != nil {
		return answer{}, q.err
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	all := USSDSessions{Sessions: h.config.USSD.Sessions(f)}
	if all.Sessions == nil {
		all.Sessions = []ussd.Record{}
	}
	return ok(all, nil)
}

// dialled are the handsets that have dialled here and whose session is open.
type dialled struct {
	mu       sync.Mutex
	handsets map[string]*virtual
}

// virtual is a handset that exists here alone.
type virtual struct {
	dialog *ussd.Dialog
	taken  atomic.Bool // a request is at it
}

const mostDialled = 1000

// keep keeps a handset, and forgets those whose session is over. It is false if there
// are too many.
func (d *dialled) keep(dialog *ussd.Dialog, open map[string]bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.handsets {
		if !open[id] {
			delete(d.handsets, id)
		}
	}
	if len(d.handsets) >= mostDialled {
		return false
	}
	d.handsets[dialog.ID()] = &virtual{dialog: dialog}
	return true
}

func (d *dialled) find(id string) (*virtual, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.handsets[id]; ok {
		return v, nil
	}
	return nil, problem(notFound, "id", "no handset that dialled here has this session, or it is over; GET /v1/ussd/sessions lists them")
}

func (d *dialled) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.handsets, id)
}

func (h *Handler) dial(r *http.Request) (answer, error) {
	in, err := read[Dial](r)
	if err != nil {
		return answer{}, err
	}
	dialog, err := h.config.USSD.Dial(r.Context(), in.Phone, in.Code)
	if errors.Is(err, gateway.ErrMSISDN) {
		return answer{}, invalidf("phone", "%v", err)
	}
	if err != nil {
		return answer{}, err
	}
	if dialog.Screen().Kind != ussd.End && !h.dialled.keep(dialog, h.openSessions()) {
		dialog.Abort()
		return answer{}, problem(busy, "", "too many handsets have dialled here and not finished")
	}
	return created(screenOf(dialog), nil)
}

func (h *Handler) openSessions() map[string]bool {
	open := make(map[string]bool)
	for _, r := range h.config.USSD.Sessions(ussd.Filter{OpenOnly: true}) {
		open[r.ID] = true
	}
	return open
}

func screenOf(d *ussd.Dialog) Screen {
	s := d.Screen()
	return Screen{ID: d.ID(), Kind: s.Kind.String(), Text: s.Text, Open: s.Kind != ussd.End}
}

func (h *Handler) reply(r *http.Request) (answer, error) {
	in, err := read[Reply](r)
	if err != nil {
		return answer{}, err
	}
	if err := checkText(in.Text); err != nil {
		return answer{}, err
	}
	v, err := h.dialled.find(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !v.taken.CompareAndSwap(false, true) {
		return answer{}, problem(busy, "id", "the session waits for its application; reply when that has answered")
	}
	defer v.taken.Store(false)
	screen, err := v.dialog.Reply(r.Context(), in.Text)
	if err != nil || screen.Kind == ussd.End {
		h.dialled.forget(v.dialog.ID())
	}
	if err != nil {
		return answer{}, err
	}
	return ok(screenOf(v.dialog), nil)
}

func checkText(text string) error {
	if ussd.CheckText(text) != nil {
		return invalidf("text", "is more than a USSD message holds: %d characters, of other alphabets than GSM's %d", ussd.MaxSeptets, ussd.MaxUCS2)
	}
	return nil
}

func (h *Handler) abort(r *http.Request) (answer, error) {
	v, err := h.dialled.find(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	v.dialog.Abort()
	h.dialled.forget(v.dialog.ID())
	return ok(Screen{ID: v.dialog.ID(), Kind: ussd.End.String()}, nil)
}

func (h *Handler) push(r *http.Request) (answer, error) {
	in, err := read[Push](r)
	if err != nil {
		return answer{}, err
	}
	if in.Code == "" {
		return answer{}, invalidf("code", "the field is missing")
	}
	if err := checkText(in.Text); err != nil {
		return answer{}, err
	}
	text, err := h.config.USSD.Push(r.Context(), in.Code, in.Phone, in.Text, in.Ask)
	return ok(Pushed{Answer: text}, err)
}
