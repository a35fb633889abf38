package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

func (h *Handler) officeLog() {
	if h.config.OfficeLog == nil {
		return
	}
	h.mux.HandleFunc("GET /v1/office/log", h.operator(h.listActs))
	h.mux.HandleFunc(noteRoute, h.operator(h.noteAct))
}

// actNames are what the acts are called in the log that their paths do not name well.
var actNames = map[string]string{
	"POST /v1/office/enrolments":          "enrol",
	"POST /v1/office/enrolments/batch":    "enrol",
	"POST /v1/office/merchants":           "open_merchant",
	"POST /v1/office/merchants/{id}/keys": "change_merchant_keys",
	"POST /v1/office/keys":                "change_platform_keys",
	"POST /v1/office/settlements":         "settle",
}

// noteRoute is where acts are noted that were done elsewhere; it writes its own.
const noteRoute = "POST /v1/office/log"

// actName is what a request does, by its route: its last word, unless there is a better one.
func actName(route string) string {
	if name, ok := actNames[route]; ok {
		return name
	}
	return route[strings.LastIndexByte(route, '/')+1:]
}

// logged writes an act down before it is done, and what became of it after. What is
// refused is written down too; who has no key is not an operator and is not. Who only
// looks does nothing.
func (h *Handler) logged(serve func(*http.Request, []byte) (answer, error)) func(*http.Request, []byte) (answer, error) {
	return func(r *http.Request, body []byte) (answer, error) {
		if h.config.OfficeLog == nil || r.Method == http.MethodGet || r.Pattern == noteRoute {
			return serve(r, body)
		}
		act, err := h.config.OfficeLog.Begin(r.Context(), actOf(actName(r.Pattern), r, body))
		if err != nil {
			return answer{}, err
		}
		reply, failed := serve(r, body)
		act.Outcome, act.Why = outcomeOf(failed)
		act.Why = cmp.Or(act.Why, reply.why)
		h.ended(r, act)
		return reply, failed
	}
}

// endTimeout bounds how long an outcome is tried to be written down; whoever asked may
// have gone away meanwhile.
const endTimeout = 10 * time.Second

func (h *Handler) ended(r *http.Request, act platform.Act) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), endTimeout)
	defer cancel()
	if err := h.config.OfficeLog.End(ctx, act); err != nil {
		h.config.Log.Error().Err(err).Str("act", string(act.ID)).Str("outcome", string(act.Outcome)).Msg("the outcome of an operator's act is not in the log")
	}
}

// outcomeOf is what an act came to, and why it was refused.
func outcomeOf(err error) (platform.Outcome, string) {
	refusal, ok := errors.AsType[*platform.Error](err)
	switch {
	case err == nil:
		return platform.OutcomeDone, ""
	case !ok || refusal.Code == platform.CodeUnknownOutcome:
		return platform.OutcomeUnknown, ""
	case refusal.Field != "":
		return platform.OutcomeRefused, string(refusal.Code) + ": " + refusal.Field
	}
	return platform.OutcomeRefused, string(refusal.Code)
}

// aboutAct is what a request says of the act, as far as it can be read: the rules come later.
type aboutAct struct {
	Phone    string          `json:"phone"`
	ID       string          `json:"id"`
	Merchant string          `json:"merchant"`
	Day      string          `json:"day"`
	Act      string          `json:"act"`
	Kind     string          `json:"kind"`
	Slot     json.RawMessage `json:"slot"`
	By       string          `json:"by"`
	Note     string          `json:"note"`

	Enrolments []json.RawMessage `json:"enrolments"`
}

// actOf is the act that a request asks for.
func actOf(name string, r *http.Request, body []byte) platform.Act {
	var said aboutAct
	_ = json.Unmarshal(body, &said) // what cannot be read is refused later, and written down as far as it can
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return platform.Act{Name: name, On: said.on(r), By: tidy(said.By, maxBy), Note: tidy(said.Note, maxNote), From: tidy(from, maxName)}
}

// on says to whom or what an act is done: the phone masked, the merchant, and which of its things.
func (s aboutAct) on(r *http.Request) string {
	var parts []string
	say := func(what, which string) {
		if which = tidy(which, maxName); which != "" {
			parts = append(parts, what+" "+which)
		}
	}
	if phone := cmp.Or(r.PathValue("msisdn"), s.Phone); phone != "" {
		say("phone", gateway.MSISDN(phone).Masked())
	}
	if n := len(s.Enrolments); n > 0 {
		say("phones", strconv.Itoa(n))
	}
	settling := s.Merchant != ""
	say("merchant", cmp.Or(r.PathValue("id"), s.Merchant))
	if !settling {
		say("merchant", s.ID)
	}
	say("slot", string(s.Slot))
	if s.Kind != "" {
		say(s.Act, s.Kind)
	}
	say("day", s.Day)
	return strings.Join(parts, ", ")
}

// tidy is a text as the log may have it: on one line, and not longer than most characters.
func tidy(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.TrimSpace(text))
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// noteAct writes down an act that was done elsewhere, such as a backup of the store.
func (h *Handler) noteAct(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "act", "on", "by", "note")
	if err != nil {
		return answer{}, err
	}
	act := actOf("", r, body)
	if o.require("act") {
		act.Name = o.text("act", maxName)
	}
	act.On = o.text("on", maxNote)
	act.By, act.Note = o.said()
	if o.err != nil {
		return answer{}, o.err
	}
	act, err = h.config.OfficeLog.Begin(r.Context(), act)
	if err != nil {
		return answer{}, err
	}
	act.Outcome = platform.OutcomeDone
	return answer{status: http.StatusCreated, body: act}, h.config.OfficeLog.End(r.Context(), act)
}

func (h *Handler) listActs(r *http.Request, _ []byte) (answer, error) {
	values, err := readParameters(r.URL, "since", "by", "after", "limit")
	if err != nil {
		return answer{}, err
	}
	q := platform.ActQuery{By: values["by"]}
	if text := values["since"]; text != "" {
		if q.Since, err = readMoment(text); err != nil {
			return answer{}, badQuery("since", "a UTC day like 2026-11-27, or a time like 2026-11-27T08:00:00Z")
		}
	}
	if text := values["after"]; text != "" {
		if q.After, err = platform.ParseActID(text); err != nil {
			return answer{}, badQuery("after", "not an act's id; take next from the page before")
		}
	}
	if text := values["limit"]; text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > MaxLimit {
			return answer{}, badQuery("limit", "must be 1 to "+strconv.Itoa(MaxLimit))
		}
	}
	page, err := h.config.OfficeLog.Acts(r.Context(), q)
	if page.Acts == nil {
		page.Acts = []platform.Act{}
	}
	return ok(page, err)
}

// readMoment reads a day or a time.
func readMoment(text string) (time.Time, error) {
	if day, err := platform.ParseDay(text); err == nil {
		return day, nil
	}
	return time.Parse(time.RFC3339, text)
}
