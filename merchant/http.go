package merchant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// CallbackPath is where a shop takes the platform's callbacks.
const CallbackPath = "/airtill"

// Codes of problems that the shop shares with the platform.
const (
	codeInvalid      = "invalid"
	codeNotFound     = "not-found"
	codeUnauthorised = "unauthorised"
	codeUnavailable  = "unavailable"
)

// ServeHTTP is the shop's face, for customers and for the platform.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { api.ServeRoutes(s.mux, w, r) }

func (s *Shop) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/catalogue", s.showCatalogue)
	mux.HandleFunc("POST /v1/orders", s.takeOrder)
	mux.HandleFunc("GET /v1/orders", s.listOrders)
	mux.HandleFunc("GET /v1/orders/{id}", s.showOrder)
	mux.HandleFunc("POST "+CallbackPath, s.receive)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	return mux
}

// View is an order as the shop's face shows it.
type View struct {
	ID       OrderID        `json:"id"`
	Item     string         `json:"item"`
	Goods    Goods          `json:"goods"`
	Amount   money.Amount   `json:"amount"`
	Currency money.Currency `json:"currency"`
	Phone    string         `json:"phone"`
	Buyer    string         `json:"buyer_phone"`
	Status   Status         `json:"status"`
	Reason   string         `json:"reason,omitempty"`
	Bill     string         `json:"bill,omitempty"`
	Ticket   string         `json:"ticket,omitempty"`
	Notices  []NoticeView   `json:"notices"`
	Created  time.Time      `json:"created_at"`
	Updated  time.Time      `json:"updated_at"`
}

// NoticeView is a notice as the shop's face shows it.
type NoticeView struct {
	To       string   `json:"to"`
	Purpose  Purpose  `json:"purpose"`
	Progress Progress `json:"progress"`
	Text     string   `json:"text"`
}

// View masks what others than the shop are not to see.
func (o Order) View() View {
	v := View{
		ID: o.ID, Item: o.Item.SKU, Goods: o.Goods, Amount: o.Item.Amount, Currency: o.Item.Currency,
		Phone: o.Phone.Masked(), Buyer: o.Buyer.Masked(), Status: o.Status, Reason: o.Reason, Bill: o.Bill,
		Ticket: o.Ticket, Notices: []NoticeView{}, Created: o.Created, Updated: o.Updated,
	}
	for _, n := range o.Notices {
		v.Notices = append(v.Notices, NoticeView{To: n.To.Masked(), Purpose: n.Purpose, Progress: n.Progress, Text: n.Text})
	}
	return v
}

func (s *Shop) showCatalogue(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string][]Item{"items": s.config.Catalogue})
}

func (s *Shop) takeOrder(w http.ResponseWriter, r *http.Request) {
	request, err := readRequest(w, r)
	if err != nil {
		refuse(w, r, err)
		return
	}
	o, err := s.Place(r.Context(), request)
	if err != nil {
		s.config.Log.Warn().Err(err).Msg("order not placed")
		refuse(w, r, err)
		return
	}
	w.Header().Set("Location", "/v1/orders/"+string(o.ID))
	answer(w, http.StatusCreated, o.View())
}

func (s *Shop) showOrder(w http.ResponseWriter, r *http.Request) {
	o, ok := s.Order(OrderID(r.PathValue("id")))
	if !ok {
		refuse(w, r, api.NewProblem(codeNotFound, "id", "no such order"))
		return
	}
	answer(w, http.StatusOK, o.View())
}

func (s *Shop) listOrders(w http.ResponseWriter, r *http.Request) {
	limit := 50
	if value := r.URL.Query().Get("limit"); value != "" {
		var err error
		if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > api.MaxLimit {
			refuse(w, r, api.NewProblem(api.CodeBadRequest, "limit", fmt.Sprintf("must be 1 to %d", api.MaxLimit)))
			return
		}
	}
	views := []View{}
	for _, o := range s.Orders(Status(r.URL.Query().Get("status")), limit) {
		views = append(views, o.View())
	}
	answer(w, http.StatusOK, map[string][]View{"orders": views})
}

// readRequest reads a customer's order; fields that it does not have are refused.
func readRequest(w http.ResponseWriter, r *http.Request) (Request, error) {
	var request Request
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBody))
	if err != nil {
		return request, api.NewProblem(api.CodeTooLarge, "", "the order is too large, or did not arrive whole")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&request); err != nil {
		return request, badJSON(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return request, api.NewProblem(api.CodeBadRequest, "", "something follows the JSON object")
	}
	return request, nil
}

func badJSON(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return invalid(wrong.Field, "must be a string")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid(clip(strings.Trim(name, `"`)), "there is no such field")
	}
	return api.NewProblem(api.CodeBadRequest, "", "the body is not a JSON object")
}

func invalid(field, detail string) error { return api.NewProblem(codeInvalid, field, detail) }

// clip keeps a customer's own text short where it is said back.
func clip(s string) string {
	const most = 40
	r := []rune(s)
	return string(r[:min(len(r), most)])
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

// refuse answers a failure. What the platform refused is the customer's to put right
// when it names a field of the order; all else went wrong behind the counter.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem, ok := errors.AsType[*api.Problem](err)
	switch {
	case errors.Is(err, api.ErrUnknown):
		problem = api.NewProblem("unknown-outcome", "", "the platform did not answer; look at GET /v1/orders before ordering again")
	case !ok || problem.Status == http.StatusUnauthorized:
		problem = api.NewProblem(codeUnavailable, "", "this shop cannot take orders now")
	}
	said := *problem
	said.Instance = r.URL.Path
	said.Write(w)
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		api.NewProblem(api.CodeInternal, "", "the answer cannot be written").Write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Digest", api.ContentDigest(text))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a reader that went away has nothing to be told
}
