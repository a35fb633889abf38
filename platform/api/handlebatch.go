package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// batchAtOnce is how many of a batch are enrolled at a time: enough that each commit of
// a partition carries several.
const batchAtOnce = 64

// enrolBatch enrols many people, each as [Handler.enrol] does.
func (h *Handler) enrolBatch(r *http.Request, body []byte) (answer, error) {
	o, err := readObject(body, "enrolments", "by")
	if err != nil {
		return answer{}, err
	}
	o.text("by", maxBy) // for the log
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
	done := h.enrolRows(r, rows)
	return answer{status: http.StatusOK, body: EnrolledBatch{Enrolled: done}, why: refusedOf(done)}, nil
}

// enrolRows enrols row by row, [batchAtOnce] at a time.
func (h *Handler) enrolRows(r *http.Request, rows []json.RawMessage) []BatchRow {
	done := make([]BatchRow, len(rows))
	var wg sync.WaitGroup
	room := make(chan struct{}, batchAtOnce)
	seen := make(map[gateway.MSISDN]int)
	for i, row := range rows {
		e, err := readEnrolment(row)
		if first, twice := seen[e.Phone]; err == nil && twice {
			err = invalid("phone", "the phone is in this batch twice, as enrolments[%d] too", first)
		}
		done[i].Phone = e.Phone
		if err != nil {
			done[i].Problem = h.rowProblem(err)
			continue
		}
		seen[e.Phone] = i
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			done[i] = h.enrolRow(r, e)
		})
	}
	wg.Wait()
	return done
}

func (h *Handler) enrolRow(r *http.Request, e platform.Enrolment) BatchRow {
	row := BatchRow{Enrolled: Enrolled{Phone: e.Phone}}
	sealed, err := h.config.Office.Enrol(r.Context(), e)
	if err != nil {
		row.Problem = h.rowProblem(err)
		return row
	}
	row.Personalisation = sealed
	return row
}

// rowProblem says what is wrong with one row, as [Handler.refuse] says it of a request.
func (h *Handler) rowProblem(err error) *Problem {
	p := problemOf(worded(err))
	if p.Code() == CodeInternal {
		h.config.Log.Error().Err(err).Msg("a row of a batch failed")
	}
	return p
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
