package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// watch looks on at the wires and tells what crosses them.
func (st *stage) watch() world.Watch {
	return world.Watch{Phones: st.onPhone, Platform: st.onOrders, Shop: st.onCallbacks}
}

func amount(a money.Amount, c money.Currency) string {
	return money.Money{Amount: a, Currency: c}.String()
}

// onOrders tells the orders that come to the platform and their answers.
func (st *stage) onOrders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/bills" {
			next.ServeHTTP(w, r)
			return
		}
		body := peek(r)
		var o api.Order
		_ = json.Unmarshal(body, &o) // what is not an order is refused behind us
		st.hop(Hop{
			At: time.Now(), From: "shop", To: "platform", Wire: "HTTP", Octets: len(body), Clause: "S4",
			What: fmt.Sprintf("order of %s for %s: %s", amount(o.Amount, o.Currency), st.phone(string(o.Phone)), o.Subject),
		})
		answer := &tap{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		st.hop(Hop{
			At: time.Now(), From: "platform", To: "shop", Wire: "HTTP", Octets: answer.octets, Clause: "S14",
			What: fmt.Sprintf("answered at once: %d, the bill is made", answer.status),
		})
	})
}

// onCallbacks tells the results that come to the shop.
func (st *stage) onCallbacks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != world.CallbackPath {
			next.ServeHTTP(w, r)
			return
		}
		body := peek(r)
		var c api.Callback
		_ = json.Unmarshal(body, &c) // the shop judges it
		st.hop(Hop{
			At: time.Now(), From: "platform", To: "shop", Wire: "HTTP", Octets: len(body), Clause: resultClause(c),
			What: fmt.Sprintf("callback %s, signed", c.Type),
		})
		answer := &tap{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		st.hop(Hop{
			At: time.Now(), From: "shop", To: "platform", Wire: "HTTP", Octets: answer.octets, Clause: "S14",
			What: fmt.Sprintf("acknowledged at once: %d", answer.status),
		})
	})
}

func resultClause(c api.Callback) string {
	switch c.Type {
	case "bill.refused":
		return "S11"
	case "bill.expired":
		return "S18"
	}
	return "S8"
}

// peek reads a request's body and puts it back.
func peek(r *http.Request) []byte {
	body, err := io.ReadAll(io.LimitReader(r.Body, api.MaxBody))
	if err != nil {
		body = nil
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	return body
}

// tap counts what is answered.
type tap struct {
	http.ResponseWriter
	status, octets int
}

func (t *tap) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	n, err := t.ResponseWriter.Write(p)
	t.octets += n
	return n, err
}

// onPhone tells what happens on the phones.
func (st *stage) onPhone(e handsetsim.Event) {
	h, ok := st.phoneHop(e)
	st.mu.Lock()
	st.heard[e.Phone] = append(st.heard[e.Phone], e)
	st.mu.Unlock()
	if ok {
		st.hop(h)
	}
}

// phoneHop is a phone's event as a hop; not all are told.
func (st *stage) phoneHop(e handsetsim.Event) (Hop, bool) {
	phone := st.phone(string(e.Phone))
	h := Hop{At: e.At, From: phone, What: e.Detail, Octets: e.Octets}
	switch e.Kind {
	case handsetsim.Received:
		h.From, h.To, h.Wire, h.Clause = st.name(string(e.Peer)), phone, "SMPP", messageClause(e.Detail)
		h.What = e.Detail + ", a packet secured by " + algorithms(st.config.Suite)
	case handsetsim.Sent:
		h.To, h.Wire, h.Clause = st.name(string(e.Peer)), "SMPP", messageClause(e.Detail)
		h.What = e.Detail + ", a packet secured by " + algorithms(st.config.Suite)
	case handsetsim.SMSReceived:
		h.From, h.To, h.Wire, h.Clause = st.name(string(e.Peer)), phone, "SMPP", noticeClause(e.Detail)
		h.What = fmt.Sprintf("SMS %q", e.Detail)
	case handsetsim.Shown:
		h.What, h.Clause = "the client shows the bill by itself and asks", "S6"
	case handsetsim.ShownAgain:
		h.What, h.Clause = "the bill shows itself again: a reminder", "S18"
	case handsetsim.Confirmed:
		h.What, h.Clause = "confirmed by its holder", "S7"
	case handsetsim.Deferred:
		h.What, h.Clause = "put off by its holder; it stays in the list", "S16"
	case handsetsim.Refused:
		h.What, h.Clause = "refused by its holder", "S11"
	case handsetsim.CardPicked:
		h.What, h.Clause = "picks "+e.Detail, "S7"
	case handsetsim.PINTyped:
		h.What, h.Clause = "types the PIN", "S7"
	case handsetsim.ResultShown:
		h.What, h.Clause = "shows: "+e.Detail, resultShownClause(e.Detail)
	default:
		return h, false
	}
	return h, true
}

// algorithms are those of a suite's packets.
func algorithms(s scp80.Suite) string {
	if s == scp80.Legacy {
		return "3DES + CBC-MAC"
	}
	return "AES-CBC + CMAC"
}

// noticeClause tells a ticket or a code from the other notices.
func noticeClause(text string) string {
	if strings.HasPrefix(text, "E-ticket") || strings.HasPrefix(text, "Code") {
		return "S17"
	}
	return "S9"
}

// resultShownClause tells a success from a card without money.
func resultShownClause(detail string) string {
	if strings.HasPrefix(detail, string(applet.CodeApproved)) {
		return "S19"
	}
	return "S10"
}

// messageClause is what a message between platform and phone shows.
func messageClause(name string) string {
	switch name {
	case "BILL":
		return "S5"
	case "PAY":
		return "S13"
	case "REFUSE":
		return "S11"
	}
	return "S12"
}
