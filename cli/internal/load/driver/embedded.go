package driver

import (
	"context"
	"fmt"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/audit"
)

// Embedded is a network of the load's own, in this process: all its rooms, joined by
// wires. Its Config has no people and no watch; those are the load's.
type Embedded struct{ Config world.Config }

// Name implements [Site].
func (e Embedded) Name() string { return "embedded network" }

// Run implements [Site].
func (e Embedded) Run(ctx context.Context, watch Watch, body func(ctx context.Context, n *Network) error) error {
	c := e.Config
	c.Watch.Phones, c.Watch.Carrier = watch.Phones, watch.Carrier
	if c.ShopName == "" {
		c.ShopName = "Load"
	}
	w, err := world.New(ctx, c)
	if err != nil {
		return err
	}
	return w.Run(ctx, func(ctx context.Context) error {
		server := c.Store.Server(ctx)
		return body(ctx, &Network{
			Branch: w.Branch, Platform: w.Platform.URL(), HTTP: httpClient(c.Network), Listen: c.Network, Host: "127.0.0.1",
			Store: server.Name, Server: processes(server),
			Audit: func(ctx context.Context) load.Audit { return auditStore(ctx, c.Store) },
		})
	})
}

// processes are those of a server that is another process of this machine.
func processes(s world.Server) []int {
	if s.PID == 0 {
		return nil
	}
	return []int{s.PID}
}

// auditStore has the auditor look at a store.
func auditStore(ctx context.Context, store *world.Store) load.Audit {
	return Audited(audit.Run(ctx, store, store.Partitions()))
}

// Audited is what an auditor found, or why it did not look.
func Audited(report *audit.Report, err error) load.Audit {
	if err != nil {
		return load.Audit{Why: err.Error(), Differences: []string{}}
	}
	found := load.Audit{Done: true, Differences: append([]string{}, report.Differences...)}
	for currency, sum := range report.Sums {
		if sum != 0 {
			found.Differences = append(found.Differences, fmt.Sprintf("the books sum to %d %s", sum, currency))
		}
	}
	if report.DuplicateDebits > 0 {
		found.Differences = append(found.Differences, fmt.Sprintf("%d bills were debited twice", report.DuplicateDebits))
	}
	return found
}
