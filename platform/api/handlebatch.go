package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// enrolBatch enrols many people, each as [Handler.enrol] does.
func (h *Handler) enrolBatch(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "enrolments", "secrets", "by")
	if err != nil {
		return answer{}, err
	}
	o.text("by", maxBy) // for the log
	batch := platform.EnrolmentBatch{Secrets: o.octets("secrets")}
	var rows []json.RawMessage
	if o.require("enrolments") {
		rows = o.list("enrolments", MaxBatch)
	}
	if o.err == nil && len(rows) == 0 {
		o.fail("enrolments", "has no entry")
	}
	if o.err != nil {
		return answer{}, o.err
	}
	var failed []error
	batch.Enrolments, failed = readRows(rows)
	outcomes, err := h.config.Office.EnrolBatch(r.Context(), batch)
	if err != nil {
		return answer{}, err
	}
	done := make([]BatchRow, len(rows))
	for i, e := range batch.Enrolments {
		done[i] = h.batchRow(e, outcomes[i], failed[i])
	}
	return answer{status: http.StatusOK, body: EnrolledBatch{Enrolled: done}, why: refusedOf(done)}, nil
}

// readRows reads the rows of a batch. One that is wrong is nobody's enrolment.
func readRows(rows []json.RawMessage) (all []platform.Enrolment, failed []error) {
	all, failed = make([]platform.Enrolment, len(rows)), make([]error, len(rows))
	seen := make(map[gateway.MSISDN]int)
	for i, row := range rows {
		e, err := readEnrolment(row, false)
		first, twice := seen[e.Phone]
		switch {
		case err != nil:
			failed[i] = err
		case twice:
			failed[i] = invalid("phone", "the phone is in this batch twice, as enrolments[%d] too", first)
		default:
			seen[e.Phone], all[i] = i, e
		}
	}
	return all, failed
}

// batchRow is a row of the answer. What is wrong is said as [Handler.refuse] says it of a request.
func (h *Handler) batchRow(e platform.Enrolment, o platform.EnrolmentOutcome, err error) BatchRow {
	row := BatchRow{Enrolled: Enrolled{Phone: e.Phone, Personalisation: o.Personalisation}}
	if err == nil {
		err = o.Err
	}
	if err == nil {
		return row
	}
	row.Problem = problemOf(worded(err))
	if row.Problem.Code() == CodeInternal {
		h.config.Log.Error().Err(err).Msg("a row of a batch failed")
	}
	return row
}

// refusedOf tells the office's log how many of a batch were not enrolled; empty: none.
func refusedOf(rows []BatchRow) string {
	bad := 0
	for _, row := range rows {
		if row.Problem != nil {
			bad++
		}
	}
	if bad == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d were not enrolled", bad, len(rows))
}
