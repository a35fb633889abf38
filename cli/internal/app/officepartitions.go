package app

import (
	"context"
	"strconv"
	"time"

	"github.com/airtill/airtill/platform/api"
)

func officePartitions() command {
	var at target
	return command{
		name: "partitions", short: "list which platform process serves which part of the store",
		about: "As the process that is asked sees it: owner and the address where the others reach it, how often the partition was taken (epoch), " +
			"and how long ago its owner was seen to live. One that is not served is taken by another process within seconds.",
		flags:    at.office(),
		examples: []string{"airtill office partitions", "airtill office partitions --platform http://127.0.0.1:8081 --json"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.officeClient(c)
			if err != nil {
				return err
			}
			all, err := client.Partitions(ctx)
			if err != nil {
				return at.explain(err)
			}
			return printRows(c.out, all,
				column[api.Partition]{name: "partition", cell: func(p api.Partition) string { return p.Partition }},
				column[api.Partition]{name: "served", cell: servedBy},
				column[api.Partition]{name: "owner", cell: func(p api.Partition) string { return p.Owner }},
				column[api.Partition]{name: "address", cell: func(p api.Partition) string { return p.Address }},
				column[api.Partition]{name: "epoch", right: true, cell: func(p api.Partition) string { return strconv.FormatUint(p.Epoch, 10) }},
				column[api.Partition]{name: "seen", right: true, cell: seenAgo},
			)
		},
	}
}

func servedBy(p api.Partition) string {
	switch {
	case p.Here:
		return "here"
	case p.Live:
		return "elsewhere"
	}
	return "by nobody"
}

// seenAgo is how long ago an owner elsewhere was seen to live.
func seenAgo(p api.Partition) string {
	if p.Here {
		return "now"
	}
	return time.Duration(p.Age * float64(time.Second)).Round(100 * time.Millisecond).String()
}
