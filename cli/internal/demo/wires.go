package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
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
		o := readOrder(body)
		st.hop(Hop{
			At: time.Now(), From: "shop", To: "platform", Wire: "HTTP", Octets: len(body), Clause: "S4",
			What: fmt.Sprintf("order of %s for %s: %s", amount(o.Amount, o.Currency), st.phone(st.designated()), o.Subject),
		})
		answer := &tap{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		st.hop(Hop{
			At: time.Now(), From: "platform", To: "shop", Wire: "HTTP", Octets: answer.octets, Clause: "S14",
			What: fmt.Sprintf("answered at once: %d, the bill is made (%s)", answer.status, protection(st.config.Suite)),
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
		event := readEvent(body)
		st.hop(Hop{
			At: time.Now(), From: "platform", To: "shop", Wire: "HTTP", Octets: len(body), Clause: resultClause(event),
			What: fmt.Sprintf("callback %s, signed by %s", event, signs(st.config.Suite)),
		})
		answer := &tap{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		st.hop(Hop{
			At: time.Now(), From: "shop", To: "platform", Wire: "HTTP", Octets: answer.octets, Clause: "S14",
			What: fmt.Sprintf("acknowledged at once: %d", answer.status),
		})
	})
}

// order is what of an order shows on the wire.
type order struct {
	Amount   money.Amount   `json:"amount"`
	Currency money.Currency `json:"currency"`
	Subject  string         `json:"subject"`
}

// readOrder reads an order as far as it can be read: JSON, or a legacy form. What is
// not an order is refused behind us.
func readOrder(body []byte) (o order) {
	if json.Unmarshal(body, &o) == nil {
		return o
	}
	form, _ := url.ParseQuery(string(body))
	n, _ := strconv.ParseInt(form.Get("amount"), 10, 64)
	return order{Amount: money.Amount(n), Currency: money.Currency(form.Get("currency")), Subject: form.Get("subject")}
}

// readEvent reads what a callback is about; the shop judges it.
func readEvent(body []byte) string {
	var c struct{ Type string }
	if json.Unmarshal(body, &c) == nil {
		return c.Type
	}
	form, _ := url.ParseQuery(string(body))
	return form.Get("type")
}

func resultClause(event string) string {
	switch event {
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
		h.What = e.Detail + ", a secured packet: " + algorithms(st.config.Suite)
	case handsetsim.Sent:
		h.To, h.Wire, h.Clause = st.name(string(e.Peer)), "SMPP", messageClause(e.Detail)
		h.What = e.Detail + ", a secured packet: " + algorithms(st.config.Suite)
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

// protection is what hides the phone's number in an order, and what signs it and its answer.
func protection(s scp80.Suite) string {
	if s == scp80.Legacy {
		return "3DES, " + signs(s)
	}
	return "JWE, " + signs(s)
}

// signs is what signs between shop and platform.
func signs(s scp80.Suite) string {
	if s == scp80.Legacy {
		return "RSA with MD5"
	}
	return "RFC 9421"
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
