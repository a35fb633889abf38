package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

func (h *Handler) office() {
	h.mux.HandleFunc("GET /v1/office/branch-key", h.operator(h.branchKey))
	h.mux.HandleFunc("POST /v1/office/enrolments", h.operator(h.enrol))
	h.mux.HandleFunc("POST /v1/office/enrolments/batch", h.operatorUpTo(MaxBatchBody, h.enrolBatch))
	h.mux.HandleFunc("GET /v1/office/phones", h.operator(h.listPhones))
	h.mux.HandleFunc("POST /v1/office/phones/{msisdn}/unlock", h.operator(h.unlock))
	h.mux.HandleFunc("POST /v1/office/phones/{msisdn}/release", h.operator(h.release))
	h.mux.HandleFunc("GET /v1/office/alarms", h.operator(h.listAlarms))
	if h.config.Partitions != nil {
		h.mux.HandleFunc("GET /v1/office/partitions", h.operator(h.listPartitions))
	}
	h.merchants()
	h.settlements()
	h.officeLog()
	h.reconciliation()
	h.clock()
}

// operator lets in requests with the operator's key.
func (h *Handler) operator(serve func(r *http.Request, body []byte) (answer, error)) http.HandlerFunc {
	return h.operatorUpTo(MaxBody, serve)
}

// operatorUpTo is [Handler.operator] for bodies of up to most octets.
func (h *Handler) operatorUpTo(most int64, serve func(r *http.Request, body []byte) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !bearer(r).Equal(h.config.OperatorKey) {
			h.refuse(w, r, noKey())
			return
		}
		body, err := readJSON(w, r, most)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		reply, err := h.logged(serve)(r, body)
		h.respond(w, r, reply, err)
	}
}

func (h *Handler) branchKey(*http.Request, []byte) (answer, error) {
	return ok(BranchKey{PublicKey: h.config.Office.BranchKey()}, nil)
}

func (h *Handler) listPhones(r *http.Request, _ []byte) (answer, error) {
	phones, err := h.config.Office.Phones(r.Context())
	return ok(phonesOf(phones), err)
}

func (h *Handler) enrol(r *http.Request, body []byte) (answer, error) {
	e, err := readEnrolment(body, true)
	if err != nil {
		return answer{}, err
	}
	sealed, err := h.config.Office.Enrol(r.Context(), e)
	return answer{status: http.StatusCreated, body: Enrolled{Phone: e.Phone, Personalisation: sealed}}, err
}

// Bounds of an office request.
const (
	maxName   = 64 // characters
	maxCards  = 16 // of one enrolment
	maxPayees = 16 // of one merchant
)

// readEnrolment reads an enrolment. One of a batch has no secrets of its own.
func readEnrolment(body []byte, alone bool) (platform.Enrolment, error) {
	o, err := readObject(body, "phone", "name", "form", "suite", "element_id", "public_key", "secrets", "accounts", "by")
	if err != nil {
		return platform.Enrolment{}, err
	}
	o.require("phone")
	e := platform.Enrolment{Phone: o.msisdn("phone")}
	o.require("name")
	e.Name = o.text("name", maxName)
	o.text("by", maxBy) // for the log
	e.Form = o.oneOf("form", "standalone", "sim", "sdtf", platform.FormNone)
	switch {
	case alone:
		e.Secrets = o.octets("secrets")
	case o.has("secrets"):
		o.fail("secrets", "those of a batch are sealed together, beside enrolments")
	}
	e.Accounts = o.openings("accounts")
	if e.Form == platform.FormNone {
		o.withoutElement()
		return e, o.err
	}
	if o.has("suite") {
		if err := e.Suite.UnmarshalText([]byte(o.oneOf("suite", "modern", "legacy"))); err != nil {
			o.fail("suite", "must be modern or legacy")
		}
	}
	e.ElementID = o.elementID("element_id")
	e.PublicKey = o.octets("public_key")
	if o.err != nil {
		return platform.Enrolment{}, o.err
	}
	return e, nil
}

// withoutElement refuses what is said of an element that is not there.
func (o *object) withoutElement() {
	for _, name := range []string{"suite", "element_id", "public_key"} {
		if o.has(name) {
			o.fail(name, "a phone of form %s has no secure element; leave it out", platform.FormNone)
		}
	}
}

func (o *object) oneOf(name string, words ...string) string {
	if !o.require(name) {
		return ""
	}
	s := o.text(name, maxName)
	if !slices.Contains(words, s) {
		o.fail(name, "must be one of %q", words)
	}
	return s
}

func (o *object) elementID(name string) applet.ElementID {
	if !o.require(name) {
		return ""
	}
	id, err := applet.ParseElementID(o.text(name, maxName))
	if err != nil {
		o.fail(name, "not an element id of 20 digits")
	}
	return id
}

// list reads an array of at most most values.
func (o *object) list(name string, most int) []json.RawMessage {
	array := o.values[name]
	if array[0] != '[' {
		o.fail(name, "must be an array")
		return nil
	}
	values := elements(array)
	if len(values) > most {
		o.fail(name, "has more than %d entries", most)
	}
	return values
}

func (o *object) openings(name string) []platform.Opening {
	if !o.require(name) {
		return nil
	}
	values := o.list(name, maxCards)
	if len(values) == 0 {
		o.fail(name, "must have an entry for each card")
	}
	accounts := make([]platform.Opening, 0, len(values))
	for i, value := range values {
		accounts = append(accounts, o.opening(fmt.Sprintf("%s[%d]", name, i), value))
	}
	return accounts
}

func (o *object) opening(path string, value json.RawMessage) platform.Opening {
	inner, err := readObject(value, "balance", "currency")
	if err != nil {
		o.fail(path, "must be an object with balance and currency")
		return platform.Opening{}
	}
	inner.prefix = path + "."
	opening := platform.Opening{Balance: inner.amount("balance", 0), Currency: inner.currency("currency")}
	if o.err == nil {
		o.err = inner.err
	}
	return opening
}
