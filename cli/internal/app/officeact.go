package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/api"
)

// act is what an operator was told to do to a phone.
type act struct {
	at       target
	slot     int
	by, note string
}

func (a *act) flags() []cli.Flag {
	return append(a.at.office(),
		&cli.StringFlag{Name: "by", Usage: "`NAME` of who does it, for the journal", Destination: &a.by},
		&cli.StringFlag{Name: "note", Usage: "why, as `TEXT` for the journal", Destination: &a.note},
	)
}

// begin reads the phone's number and finds the platform.
func (a *act) begin(c *call) (*api.OfficeClient, gateway.MSISDN, error) {
	phone, err := gateway.ParseMSISDN(c.args[0])
	if err != nil {
		return nil, "", usagef("PHONE %q: %w", c.args[0], err)
	}
	client, err := a.at.officeClient(c)
	return client, phone, err
}

// done is what an operator's act came to.
type done struct {
	Phone string `json:"phone"` // masked
	Slot  int    `json:"slot,omitempty"`
	Act   string `json:"act"`
}

func officeUnlock() command {
	var a act
	return command{
		name: "unlock", short: "let a card take PINs again that three wrong ones have locked", args: "PHONE",
		about:    "The journal keeps who did it, when, to which slot, and why.",
		examples: []string{`airtill office unlock --slot 1 --by "Zhao Min" --note "came with her identity card" 8613800000001`},
		flags:    append(a.flags(), &cli.IntFlag{Name: "slot", Usage: "`SLOT` of the card: see airtill office phones", Destination: &a.slot}),
		required: []string{"slot", "by", "note"},
		run: func(ctx context.Context, c *call) error {
			client, phone, err := a.begin(c)
			if err != nil {
				return err
			}
			if err := client.Unlock(ctx, phone, api.Unlock{Slot: a.slot, By: a.by, Note: a.note}); err != nil {
				return a.at.explain(err)
			}
			return c.out.line(done{phone.Masked(), a.slot, "unlock"}, fmt.Sprintf("card %d of %s takes PINs again", a.slot, phone.Masked()))
		},
	}
}

func officeRelease() command {
	var a act
	return command{
		name: "release", short: "let a phone pay again whose element seemed to be there twice", args: "PHONE",
		about:    "See first that there is one element only: payments were held because two spoke with the same keys.\nThe journal keeps who did it, when, and why.",
		examples: []string{`airtill office release --by "Zhao Min" --note "the old card is destroyed" 8613800000001`},
		flags:    a.flags(),
		required: []string{"by", "note"},
		run: func(ctx context.Context, c *call) error {
			client, phone, err := a.begin(c)
			if err != nil {
				return err
			}
			if err := client.Release(ctx, phone, api.Release{By: a.by, Note: a.note}); err != nil {
				return a.at.explain(err)
			}
			return c.out.line(done{Phone: phone.Masked(), Act: "release"}, phone.Masked()+" can pay again")
		},
	}
}

func officeAlarms() command {
	var at target
	return command{
		name: "alarms", short: "list what operators should look at, and count dropped packets",
		about: "forged_packets: many packets in the name of a number were not authentic; nothing is locked.\n" +
			"element_held: an element was cloned or restored; its phone's payments wait for: airtill office release.",
		flags:    at.office(),
		examples: []string{"airtill office alarms"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Alarms(ctx)
			if err != nil {
				return at.explain(err)
			}
			if c.out.json {
				return c.out.object(all)
			}
			return printAlarms(c.out, all)
		},
	}
}

// drop is how often packets were dropped for one reason.
type drop struct {
	why   string
	count int
}

func printAlarms(p *printer, all api.Alarms) error {
	err := printRows(p, all.Alarms,
		column[api.Alarm]{name: "phone", cell: func(a api.Alarm) string { return a.Phone }},
		column[api.Alarm]{name: "alarm", cell: func(a api.Alarm) string { return string(a.Kind) }},
		column[api.Alarm]{name: "since", cell: func(a api.Alarm) string { return moment(a.Since) }},
		column[api.Alarm]{name: "last", cell: func(a api.Alarm) string { return moment(a.Last) }},
		column[api.Alarm]{name: "count", right: true, cell: func(a api.Alarm) string { return strconv.Itoa(a.Count) }},
		column[api.Alarm]{name: "why", cell: func(a api.Alarm) string { return a.Detail }},
	)
	if err != nil || len(all.Drops) == 0 || p.form == formCSV { // CSV is one table
		return err
	}
	var drops []drop
	for _, why := range slices.Sorted(maps.Keys(all.Drops)) {
		drops = append(drops, drop{why, all.Drops[why]})
	}
	return printRows(p, drops,
		column[drop]{name: "packets dropped without an answer", cell: func(d drop) string { return d.why }},
		column[drop]{name: "count", right: true, cell: func(d drop) string { return strconv.Itoa(d.count) }},
	)
}
