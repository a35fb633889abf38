package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/api"
)

func officeReconcile() command {
	var at target
	var dry bool
	return command{
		name: "reconcile", short: "find what a failover has lost between partitions, and repair it",
		about: "After a replica took over, or a Redis master came back from an old copy, one partition may know what another has lost:\n" +
			"a sweep of money on one side only, an order without its bill, a bill without its order. It is put right from the side that knows.\n" +
			"The network goes on meanwhile. What is left cannot be put right without knowing more; the status is 1 then.\n" +
			"Run airtill audit afterwards: it finds what no other partition knew.",
		examples: []string{"airtill office reconcile --dry-run", "airtill office reconcile --json"},
		flags: append(at.office(),
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be repaired; the status is 1 if anything would", Destination: &dry}),
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Reconcile(ctx, dry)
			if err != nil {
				return at.explain(err)
			}
			return printReconciliation(c, all, dry)
		},
	}
}

func printReconciliation(c *call, all api.Reconciliation, dry bool) error {
	if c.out.json {
		if err := c.out.object(all); err != nil {
			return err
		}
	} else if len(all.Findings) > 0 {
		if err := printFindings(c.out, all.Findings); err != nil {
			return err
		}
	}
	switch {
	case len(all.Findings) == 0:
		c.talk("nothing is lost between partitions")
	case dry:
		return hinted(fmt.Errorf("found: %d; nothing was changed", len(all.Findings)), "repair it: airtill office reconcile")
	case all.Left > 0:
		return hinted(errors.New("something is left: "+fmt.Sprint(all.Left)), "keep the store as it is and look at airtill audit")
	default:
		c.talk("repaired: %d; airtill audit says whether the books are right", len(all.Findings))
	}
	return nil
}

func printFindings(p *printer, all []api.Finding) error {
	return printRows(p, all,
		column[api.Finding]{name: "what", cell: func(f api.Finding) string { return string(f.Kind) }},
		column[api.Finding]{name: "look at", cell: func(f api.Finding) string { return f.Look }},
		column[api.Finding]{name: "repaired", cell: repaired},
		column[api.Finding]{name: "detail", cell: func(f api.Finding) string { return f.Detail }},
	)
}

// repaired says whether a finding was put right, or why not.
func repaired(f api.Finding) string {
	if f.Repaired {
		return "yes"
	}
	return "no: " + f.Left
}
