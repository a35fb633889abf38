package api

import (
	"context"
	"net/http"
)

// Partition is a part of the store and the platform process that serves it, in the answer
// to GET /v1/office/partitions.
type Partition struct {
	Partition string  `json:"partition"`         // p03
	Owner     string  `json:"owner,omitempty"`   // the process; none: nobody
	Address   string  `json:"address,omitempty"` // HOST:PORT where other processes reach it
	Epoch     uint64  `json:"epoch"`             // how often the partition was taken
	Here      bool    `json:"here"`              // the process that answers serves it
	Live      bool    `json:"live"`              // somebody does
	Age       float64 `json:"age_s"`             // seconds since its owner was seen to live
}

// listPartitions says who serves which partition, as this process sees it.
func (h *Handler) listPartitions(*http.Request, []byte) (answer, error) {
	return ok(h.config.Partitions(), nil)
}

// Partitions asks which process serves which partition.
func (c *OfficeClient) Partitions(ctx context.Context) ([]Partition, error) {
	return get[[]Partition](ctx, c.caller, "/v1/office/partitions")
}
