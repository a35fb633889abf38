package app

import (
	"context"
	"time"

	"github.com/airtill/airtill/platform/api"
)

func clockCommand() command {
	return command{
		name: "clock", short: "see the network's time, and move it ahead in dev", section: "A running network",
		about: "By the network's time go bills and their ends, reminders, the times of callbacks, settlement days and the phones. By the machine's still go\n" +
			"the carrier (validity of messages, times of receipts, USSD sessions), signatures, and the pauses of an endpoint that fails.",
		examples: []string{"airtill clock show", "airtill clock advance 20m"},
		sub:      []command{clockShow(), clockAdvance()},
	}
}

func clockShow() command {
	var at target
	return command{
		name: "show", short: "show the machine's time and the network's", flags: at.office(),
		examples: []string{"airtill clock show", "airtill clock show --json"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			reading, err := client.Clock(ctx)
			if err != nil {
				return at.explain(err)
			}
			return printClock(c.out, reading)
		},
	}
}

func clockAdvance() command {
	var at target
	return command{
		name: "advance", short: "move the time of airtill dev ahead", args: "TIME", flags: at.office(),
		about: "TIME is like 20m or 36h. What falls due by that comes at once: bills expire, holders are reminded, callbacks are made again. " +
			"The clock stays ahead, also when dev is started again; it does not go back, but airtill dev --fresh begins anew.",
		examples: []string{"airtill clock advance 20m", "airtill clock advance --json 36h"},
		run: func(ctx context.Context, c *call) error {
			by, err := time.ParseDuration(c.args[0])
			if err != nil {
				return usagef("%q is no time like 20m or 36h", c.args[0])
			}
			if by <= 0 {
				return usagef("the clock goes ahead only, and %s is not ahead; airtill dev --fresh begins anew", c.args[0])
			}
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			reading, err := client.AdvanceClock(ctx, by)
			if err != nil {
				return at.explain(err)
			}
			return printClock(c.out, reading)
		},
	}
}

// precisely is how times are shown of which it matters how far they are apart.
const precisely = "2006-01-02 15:04:05"

func printClock(p *printer, r api.ClockReading) error {
	ahead, movable := r.Ahead.String(), "yes: airtill clock advance 20m"
	if !r.Movable {
		ahead, movable = "", "no: only the clock of airtill dev is"
	}
	return p.one(r,
		field{"wall", r.Wall.Local().Format(precisely)},
		field{"network", r.Network.Local().Format(precisely)},
		field{"ahead", ahead},
		field{"movable", movable},
	)
}
