package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/management"
)

func chaosCommand() command {
	return command{
		name: "chaos", short: "have the carrier itself go wrong: refusals, late and lost answers, dropped sessions, bad receipts", section: carrierSection,
		examples: []string{"airtill chaos set 'submit_sm=ESME_RTHROTTLED@10% for=30s'", "airtill chaos show", "airtill chaos off"},
		sub:      []command{chaosShow(), chaosSet(), chaosOff()},
	}
}

func chaosShow() command {
	var at target
	var presets bool
	return command{
		name: "show", short: "list the faults that are set",
		examples: []string{"airtill chaos show", "airtill chaos show --presets"},
		flags:    at.carriers(&cli.BoolFlag{Name: "presets", Usage: "list the faults that have a name instead", Destination: &presets}),
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			all, err := client.Faults(ctx)
			if err != nil {
				return at.explainCarrier(err)
			}
			if presets {
				return printPresets(c.out, all.Presets)
			}
			return printFaults(c.out, all.Faults)
		},
	}
}

// preset is a name and its faults.
type preset struct {
	Name   string   `json:"name"`
	Faults []string `json:"faults"`
}

func printPresets(p *printer, all map[string][]string) error {
	var rows []preset
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, preset{name, all[name]})
	}
	return printRows(p, rows,
		column[preset]{name: "name", cell: func(p preset) string { return p.Name }},
		column[preset]{name: "faults", cell: func(p preset) string { return strings.Join(p.Faults, "  ") }},
	)
}

func printFaults(p *printer, all []management.SetFault) error {
	text := func(name string, of func(management.SetFault) string) column[management.SetFault] {
		return column[management.SetFault]{name: name, cell: of}
	}
	return printRows(p, all,
		column[management.SetFault]{name: "id", right: true, cell: func(f management.SetFault) string { return strconv.Itoa(f.ID) }},
		text("operation", func(f management.SetFault) string { return f.Operation }),
		text("effect", func(f management.SetFault) string { return f.Effect }),
		text("chance", chance),
		text("account", func(f management.SetFault) string { return f.Account }),
		text("number", func(f management.SetFault) string { return f.Number }),
		text("until", func(f management.SetFault) string { return moment(f.Until) }),
		column[management.SetFault]{name: "struck", right: true, cell: struck},
		text("over", func(f management.SetFault) string { return strings.TrimPrefix(strconv.FormatBool(f.Over), "false") }),
	)
}

func chance(f management.SetFault) string {
	if f.Chance == nil {
		return "always"
	}
	return strconv.FormatFloat(*f.Chance*100, 'g', 6, 64) + "%"
}

func struck(f management.SetFault) string {
	if f.Count == 0 {
		return strconv.Itoa(f.Struck)
	}
	return fmt.Sprintf("%d of %d", f.Struck, f.Count)
}

func chaosSet() command {
	var at target
	return command{
		name: "set", short: "set faults, all or none", args: "FAULT...",
		about: "A fault is OPERATION=EFFECT@CHANCE, and may go on with for=TIME, count=N, every=N, account=ID, number=PHONE; or the name of a preset.\n" +
			"Operations are those of SMPP, any, bind and receipt. Effects are a status (ESME_RSYSERR), delay:TIME, lose, drop,\n" +
			"drop-after, throttle:N/s, malform:KIND; of receipts delay, lose, twice, reorder.",
		examples: []string{
			"airtill chaos set 'submit_sm=ESME_RTHROTTLED@10% for=30s'",
			"airtill chaos set 'receipt=delay:5s-1m' 'bind=ESME_RBINDFAIL count=3 account=app'",
			"airtill chaos set flaky",
		},
		flags: at.carriers(),
		run: func(ctx context.Context, c *call) error {
			for _, text := range c.args {
				if _, err := fault.Parse(text); err != nil {
					return usagef("%q: %w", text, err)
				}
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			all, err := client.SetFaults(ctx, c.args...)
			if err != nil {
				return at.explainCarrier(err)
			}
			return printFaults(c.out, all.Faults)
		},
	}
}

func chaosOff() command {
	var at target
	return command{
		name: "off", short: "take faults off: all, or those of the ids", args: "[ID...]", flags: at.carriers(),
		examples: []string{"airtill chaos off", "airtill chaos off 2"},
		run: func(ctx context.Context, c *call) error {
			var ids []int
			for _, text := range c.args {
				id, err := strconv.Atoi(text)
				if err != nil {
					return usagef("%q is not a fault's number", text)
				}
				ids = append(ids, id)
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			left, err := faultsOff(ctx, client, ids)
			if p, ok := errors.AsType[*management.Problem](err); ok && p.Status == http.StatusNotFound {
				return hinted(err, "which faults are set: airtill chaos show")
			}
			if err != nil {
				return at.explainCarrier(err)
			}
			return printFaults(c.out, left.Faults)
		},
	}
}

func faultsOff(ctx context.Context, client *management.Client, ids []int) (left management.FaultList, err error) {
	if len(ids) == 0 {
		return client.FaultsOff(ctx)
	}
	for _, id := range ids {
		if left, err = client.FaultOff(ctx, id); err != nil {
			return left, err
		}
	}
	return left, nil
}
