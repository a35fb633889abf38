package api

import (
	"net/http"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// Bounds of what an operator says of an act, in characters.
const (
	maxBy   = 64
	maxNote = 200
)

// unlock lets a card entry take PINs again.
func (h *Handler) unlock(r *http.Request, body []byte) (answer, error) {
	phone, o, err := readAct(r, body, "slot", "by", "note")
	if err != nil {
		return answer{}, err
	}
	u := platform.Unlock{Phone: phone, Slot: o.slot("slot")}
	u.By, u.Note = o.said()
	if o.err != nil {
		return answer{}, o.err
	}
	return ok(struct{}{}, h.config.Office.Unlock(r.Context(), u))
}

// release ends the hold on a phone.
func (h *Handler) release(r *http.Request, body []byte) (answer, error) {
	phone, o, err := readAct(r, body, "by", "note")
	if err != nil {
		return answer{}, err
	}
	u := platform.Release{Phone: phone}
	u.By, u.Note = o.said()
	if o.err != nil {
		return answer{}, o.err
	}
	return ok(struct{}{}, h.config.Office.Release(r.Context(), u))
}

// readAct reads what an operator does to the phone in the path.
func readAct(r *http.Request, body []byte, fields ...string) (gateway.MSISDN, *object, error) {
	phone, err := gateway.ParseMSISDN(r.PathValue("msisdn"))
	if err != nil {
		return "", nil, &platform.Error{Code: platform.CodeNotFound, Field: "phone", Detail: "not a phone number: 5 to 15 digits with the country's code"}
	}
	o, err := readObject(body, fields...)
	return phone, o, err
}

// said is who does it and why.
func (o *object) said() (by, note string) {
	if o.require("by") {
		by = o.text("by", maxBy)
	}
	if o.require("note") {
		note = o.text("note", maxNote)
	}
	return by, note
}

func (o *object) slot(name string) int {
	if !o.require(name) {
		return 0
	}
	n := o.amount(name, 1)
	if n > maxCards {
		o.fail(name, "must be 1 to %d", maxCards)
	}
	return int(n)
}

func (h *Handler) listAlarms(r *http.Request, _ []byte) (answer, error) {
	alarms, err := h.config.Office.Alarms(r.Context())
	if err != nil {
		return answer{}, err
	}
	drops, err := h.config.Office.Drops(r.Context())
	return ok(alarmsOf(alarms, drops), err)
}
