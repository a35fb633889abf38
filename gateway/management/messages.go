package management

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/airtill/airtill/gateway/smsc"
)

const mostMessages = 1000 // in a page

func (h *Handler) messages() {
	h.handle("GET /v1/messages", h.listMessages)
	h.handle("POST /v1/messages", h.sendMessage)
	h.handle("GET /v1/messages/{id}", h.showMessage)
	h.handle("DELETE /v1/messages/{id}", h.cancelMessage)
}

// listMessages lists what matches; with wait it waits until there is something.
func (h *Handler) listMessages(r *http.Request) (answer, error) {
	q := readQuery(r, "state", "source", "destination", "account", "since", "text", "limit", "before", "wait")
	limit := int(q.number("limit", 1, mostMessages)) //nolint:gosec // bounded
	if limit == 0 {
		limit = 100
	}
	want := smsc.MessageQuery{
		State: q.state("state"), Source: q.text("source"), Destination: q.text("destination"), Account: q.text("account"),
		Since: q.instant("since"), Text: q.text("text"), Before: q.number("before", 1, math.MaxUint64), Limit: limit,
	}
	wait := q.duration("wait", MaxWait)
	if q.err != nil {
		return answer{}, q.err
	}
	var found []smsc.Message
	h.until(r.Context(), wait, func() bool {
		found = h.config.Server.Messages(want)
		return len(found) > 0
	})
	page := messagesOf(found)
	if len(found) == limit {
		page.Next = found[limit-1].Serial
	}
	return ok(page, nil)
}

// showMessage shows a message; with wait it waits until its state is final.
func (h *Handler) showMessage(r *http.Request) (answer, error) {
	q := readQuery(r, "wait")
	wait := q.duration("wait", MaxWait)
	if q.err != nil {
		return answer{}, q.err
	}
	var found []smsc.Message
	var err error
	h.until(r.Context(), wait, func() bool {
		found, err = h.config.Server.Message(r.PathValue("id"))
		return err != nil || allFinal(found)
	})
	return ok(messagesOf(found), err)
}

func allFinal(found []smsc.Message) bool {
	for i := range found {
		if !found[i].State.Final() {
			return false
		}
	}
	return true
}

func (h *Handler) cancelMessage(r *http.Request) (answer, error) {
	id := r.PathValue("id")
	if err := h.config.Server.Cancel(r.Context(), id); err != nil {
		return answer{}, err
	}
	found, err := h.config.Server.Message(id)
	return ok(messagesOf(found), err)
}

// lookAgain is the least time between two looks: under load something changes always.
const lookAgain = 20 * time.Millisecond

// until looks whenever some message has changed, until it is so, or time or ctx is up.
func (h *Handler) until(ctx context.Context, wait time.Duration, so func() bool) {
	if wait == 0 {
		so()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for h.look(ctx, so) {
		rest(ctx, lookAgain) // of time that is up there is one last look
	}
}

// look looks once, and then waits for a change. It is false if there is no need to
// look again.
func (h *Handler) look(ctx context.Context, so func() bool) (again bool) {
	changed, stop := h.config.Server.Watch()
	defer stop()
	if so() {
		return false
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
