package app

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func officeLog() command {
	var at target
	var since, by string
	return command{
		name: "log", short: "list what the office did, oldest first",
		about: "Every act is written down before it is done: who, when, from where, to what, and what became of it, refusals too.\n" +
			"One that is still \"begun\" was cut off: look at what it was about. The log is in the journal, whose chain airtill audit verifies.",
		flags: append(at.office(),
			&cli.StringFlag{Name: "since", Usage: "only acts from the UTC `DAY` or time on: 2026-11-27, 2026-11-27T08:00:00Z", Destination: &since},
			&cli.StringFlag{Name: "by", Usage: "only acts of this `NAME`", Destination: &by},
		),
		examples: []string{"airtill office log", `airtill office log --since 2026-11-27 --by "Zhao Min" --json`},
		run: func(ctx context.Context, c *call) error {
			q, err := logQuery(since, by)
			if err != nil {
				return err
			}
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			acts, err := readLog(ctx, client, q)
			if err != nil {
				return at.explain(err)
			}
			return printActs(c.out, acts)
		},
	}
}

func logQuery(since, by string) (platform.ActQuery, error) {
	q := platform.ActQuery{By: by, Limit: api.MaxLimit}
	if since == "" {
		return q, nil
	}
	day, err := platform.ParseDay(since)
	if err != nil {
		day, err = time.Parse(time.RFC3339, since)
	}
	if err != nil {
		return q, usagef("--since is a UTC day like 2026-11-27, or a time like 2026-11-27T08:00:00Z")
	}
	q.Since = day
	return q, nil
}

// byFlag says who does something that has nothing else to say of it.
func byFlag(into *string) cli.Flag {
	return &cli.StringFlag{Name: "by", Usage: "`NAME` of who does it, for the office's log", Destination: into}
}

// readLog reads the log to its end.
func readLog(ctx context.Context, client *api.OfficeClient, q platform.ActQuery) ([]platform.Act, error) {
	var all []platform.Act
	for {
		page, err := client.Acts(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Acts...)
		if page.Next == "" {
			return all, nil
		}
		q.After = page.Next
	}
}

func printActs(p *printer, acts []platform.Act) error {
	type act = platform.Act
	return printRows(p, acts,
		column[act]{name: "at", cell: func(a act) string { return moment(a.At) }},
		column[act]{name: "act", cell: func(a act) string { return a.Name }},
		column[act]{name: "on", cell: func(a act) string { return a.On }},
		column[act]{name: "outcome", cell: func(a act) string { return string(a.Outcome) }},
		column[act]{name: "by", cell: func(a act) string { return a.By }},
		column[act]{name: "from", cell: func(a act) string { return a.From }},
		column[act]{name: "note", cell: func(a act) string { return a.Note }},
		column[act]{name: "refused for", cell: func(a act) string { return a.Why }},
	)
}
