package api

import (
	"net/http"

	"github.com/airtill/airtill/platform"
)

func (h *Handler) refunds() {
	h.mux.HandleFunc("POST /v1/bills/{id}/refunds", h.merchant(h.createRefund))
	h.mux.HandleFunc("GET /v1/bills/{id}/refunds", h.merchant(h.listRefunds))
	h.mux.HandleFunc("GET /v1/refunds/{id}", h.merchant(h.showRefund))
}

func (h *Handler) createRefund(a ask) (answer, error) {
	id, err := a.billID()
	if err != nil {
		return answer{}, err
	}
	key, err := readIdempotencyKey(a.Header.Values(headerIdempotency))
	if err != nil {
		return answer{}, err
	}
	if a.leg != nil {
		if a.body, err = a.leg.content(a.body); err != nil {
			return answer{}, err
		}
	}
	order, err := readRefund(a.body)
	if err != nil {
		return answer{}, err
	}
	order.IdempotencyKey = key
	r, err := h.config.Service.Refund(a.Context(), a.merchant.ID, id, order)
	return answer{status: http.StatusAccepted, location: refundPath(r.ID), replayed: r.Repeated, body: r}, err
}

// readRefund reads the body of POST /v1/bills/{id}/refunds, which may be empty.
func readRefund(body []byte) (platform.RefundOrder, error) {
	if len(body) == 0 {
		return platform.RefundOrder{}, nil
	}
	o, err := readObject(body, "amount", "reason", "reference")
	if err != nil {
		return platform.RefundOrder{}, err
	}
	order := platform.RefundOrder{Reason: o.text("reason", MaxReason), Reference: o.text("reference", MaxReference)}
	if o.has("amount") {
		order.Amount = o.amount("amount", 1)
	}
	return order, o.err
}

func (h *Handler) listRefunds(a ask) (answer, error) {
	id, err := a.billID()
	if err != nil {
		return answer{}, err
	}
	all, err := h.config.Service.Refunds(a.Context(), a.merchant.ID, id)
	if all == nil {
		all = []platform.Refund{}
	}
	return ok(Refunds{Refunds: all}, err)
}

func (h *Handler) showRefund(a ask) (answer, error) {
	id, err := platform.ParseRefundID(a.PathValue("id"))
	if err != nil {
		return answer{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such refund"}
	}
	r, err := h.config.Service.FindRefund(a.Context(), a.merchant.ID, id)
	return ok(r, err)
}
