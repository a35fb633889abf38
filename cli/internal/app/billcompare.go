package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func billCompare() command {
	var at target
	var day string
	return command{
		name: "compare", short: "compare the merchant's own list of bills with the platform's", args: "FILE",
		about: "FILE is CSV with a header, or JSON: an array of objects, an object with bills, or an object a line, as airtill bill list --json prints. \"-\" is stdin.\n" +
			"reference and amount (in minor units) must be there; currency and state are compared when they are; all else is passed over. paid and settled are the same.\n" +
			"Each difference is named: only_in_file, only_at_platform, amount, currency, state. The status is 1 when there is one.",
		flags:    append(at.shop(), madeFlag(&day)),
		examples: []string{"airtill bill compare --day 2026-11-27 orders.csv", "airtill bill list --json | airtill bill compare -"},
		run: func(ctx context.Context, c *call) error {
			span, err := spanOf(day)
			if err != nil {
				return err
			}
			own, err := readOwnBills(c, c.args[0])
			if err != nil {
				return err
			}
			client, err := at.merchantClient(c)
			if err != nil {
				return err
			}
			r, err := compareBills(ctx, client, own, span)
			if err != nil {
				return at.explain(err)
			}
			return printComparison(c, r)
		},
	}
}

// madeFlag says the UTC day on which bills were made.
func madeFlag(into *string) cli.Flag {
	return &cli.StringFlag{Name: "day", Usage: "FILE has the bills made on the UTC `DAY`, 2026-11-27", DefaultText: "all bills", Destination: into}
}

// span is the time in which bills were made; the zero span is all time.
type span struct{ begins, ends time.Time }

func spanOf(day string) (span, error) {
	if day == "" {
		return span{}, nil
	}
	begins, err := platform.ParseDay(day)
	if err != nil {
		return span{}, usagef("--day is a UTC day like 2026-11-27")
	}
	return span{begins, begins.AddDate(0, 0, 1)}, nil
}

// difference is one thing that two lists of bills do not agree in.
type difference struct {
	Reference string          `json:"reference"`
	Bill      platform.BillID `json:"bill,omitempty"`
	What      string          `json:"difference"` // only_in_file, only_at_platform, amount, currency, state
	Here      string          `json:"in_file,omitempty"`
	There     string          `json:"at_platform,omitempty"`
}

// comparison is what comparing came to.
type comparison struct {
	matched     int
	differences []difference
}

// compareBills walks the platform's bills, the newest first, and takes those it finds out
// of the merchant's own. What is left is asked for by its reference: it may be older.
func compareBills(ctx context.Context, client *api.Client, own map[string]ownBill, s span) (comparison, error) {
	var r comparison
	q := api.Query{Limit: api.MaxLimit}
	if !s.ends.IsZero() {
		first, err := platform.NewBillID(s.ends, 0, zeros{})
		if err != nil {
			return r, err
		}
		q.After = first
	}
	for more := true; more; {
		page, err := client.Bills(ctx, q)
		if err != nil {
			return r, err
		}
		for _, b := range page.Bills {
			if b.ID.Time().Before(s.begins) {
				page.Next = ""
				break
			}
			r.compare(own, b)
		}
		q.After, more = page.Next, page.Next != ""
	}
	return r, r.compareRest(ctx, client, own)
}

// zeros is the least of all randomness: the id that it makes is before all others of its time.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// compare holds a bill of the platform's against the merchant's own.
func (r *comparison) compare(own map[string]ownBill, b api.Bill) {
	mine, ok := own[b.Reference]
	if !ok {
		r.differences = append(r.differences, difference{Reference: b.Reference, Bill: b.ID, What: "only_at_platform", There: sum(b.Amount, b.Currency) + " " + string(b.State)})
		return
	}
	delete(own, b.Reference)
	before := len(r.differences)
	differ := func(what, here, there string) {
		if here != there {
			r.differences = append(r.differences, difference{b.Reference, b.ID, what, here, there})
		}
	}
	differ("amount", fmt.Sprint(int64(mine.amount)), fmt.Sprint(int64(b.Amount)))
	if mine.currency != "" {
		differ("currency", mine.currency, string(b.Currency))
	}
	if mine.state != "" && owed(mine.state) != owed(string(b.State)) {
		differ("state", mine.state, string(b.State))
	}
	if len(r.differences) == before {
		r.matched++
	}
}

// owed takes settled for paid: to a merchant both have its money.
func owed(state string) string {
	if state == "settled" {
		return "paid"
	}
	return state
}

// compareRest asks for what was not among the platform's bills of the time.
func (r *comparison) compareRest(ctx context.Context, client *api.Client, own map[string]ownBill) error {
	rest := make([]ownBill, 0, len(own))
	for _, mine := range own {
		rest = append(rest, mine)
	}
	slices.SortFunc(rest, func(a, b ownBill) int { return a.line - b.line })
	for _, mine := range rest {
		page, err := client.Bills(ctx, api.Query{Reference: mine.reference})
		if err != nil {
			return err
		}
		if len(page.Bills) > 0 {
			r.compare(own, page.Bills[0])
			continue
		}
		here := strings.TrimSpace(fmt.Sprint(int64(mine.amount)) + " " + mine.state)
		r.differences = append(r.differences, difference{Reference: mine.reference, What: "only_in_file", Here: here})
	}
	return nil
}

func printComparison(c *call, r comparison) error {
	if len(r.differences) > 0 || c.out.json {
		err := printRows(c.out, r.differences,
			column[difference]{name: "reference", cell: func(d difference) string { return d.Reference }},
			column[difference]{name: "difference", cell: func(d difference) string { return d.What }},
			column[difference]{name: "in file", cell: func(d difference) string { return d.Here }},
			column[difference]{name: "at the platform", cell: func(d difference) string { return d.There }},
			column[difference]{name: "bill", cell: func(d difference) string { return string(d.Bill) }},
		)
		if err != nil {
			return err
		}
	}
	if n := len(r.differences); n > 0 {
		return fmt.Errorf("the lists do not agree: %d matched, %d differences", r.matched, n)
	}
	c.talk("the lists agree: %d bills matched", r.matched)
	return nil
}

// readOwnBills reads the merchant's own list.
func readOwnBills(c *call, path string) (map[string]ownBill, error) {
	in := c.env.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usagef("%w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	own, err := parseOwnBills(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return own, nil
}
