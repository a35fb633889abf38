package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/demo"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/scp80"
)

func demoCommand() command {
	var redis, smpp string
	var seed uint64
	var fresh bool
	suite := scp80.Modern
	return command{
		name:  "demo",
		short: "watch bills being paid, refused, put off and running out",
		about: "A whole network comes up in this process, plays its scenes in turn, and is gone. Each hop is one line: " +
			"who, to whom, what, on which wire, octets, and the clause that it shows. " +
			"Exit status 0 only if every scene ended as written and the books are right.",
		section:  "Networks",
		examples: []string{"airtill demo", "airtill demo --suite legacy", "airtill demo --json | tail -1", "airtill demo --redis redis://127.0.0.1:6379/1 --fresh"},
		flags: []cli.Flag{
			suiteFlag(&suite, secureBy), redisFlag(&redis), freshFlag(&fresh),
			&cli.Uint64Flag{Name: "seed", Usage: "draw everything from `N`", Value: 1, Destination: &seed},
			&cli.StringFlag{Name: "smpp", Usage: "let the carrier listen at `HOST:PORT` (default: a free port)", Destination: &smpp},
		},
		run: func(ctx context.Context, c *call) error {
			store, err := ownStore(ctx, c, world.Stores{Network: network.TCP{}}, redis, fresh)
			if err != nil {
				return err
			}
			defer closeStore(c, store)
			return playDemo(ctx, c, demo.Config{Network: network.TCP{}, Store: store, Seed: seed, Suite: suite, SMPP: smpp, Log: c.log})
		},
	}
}

// secureBy is what the suite of a whole network is.
const secureBy = "secure everything by `SUITE`: modern (AES), or legacy (3DES, MD5), the method of 2010, for study"

// suiteFlag chooses a suite.
func suiteFlag(into *scp80.Suite, usage string) cli.Flag {
	return &cli.GenericFlag{
		Name: "suite", Usage: usage,
		Value: (*suiteValue)(into), EnvVars: []string{"AIRTILL_SUITE"},
	}
}

// suiteValue reads a suite from the command line.
type suiteValue scp80.Suite

// Set implements [cli.Generic].
func (v *suiteValue) Set(text string) (err error) {
	*(*scp80.Suite)(v), err = scp80.ParseSuite(text)
	return err
}

// String implements [cli.Generic].
func (v *suiteValue) String() string { return scp80.Suite(*v).String() }

// suiteLine says what a suite is made of.
func suiteLine(s scp80.Suite) string {
	if s == scp80.Legacy {
		return "The legacy suite: 3DES and CBC-MAC on the air, ISO 9564 format 0 PINs under 3DES-DUKPT; MD5 and RSA to the shop."
	}
	return "The modern suite: AES-256 and CMAC on the air, ISO 9564 format 4 PINs under AES-DUKPT; RFC 9421 and JWE to the shop."
}

func playDemo(ctx context.Context, c *call, config demo.Config) error {
	t := &demoTeller{out: c.out, opening: suiteLine(config.Suite) + "\n", start: time.Now()}
	config.Tell = t
	sum, err := demo.Run(ctx, config)
	if err != nil && sum.Bills == 0 {
		return unheard(err, "--smpp")
	}
	t.end(sum)
	if t.err != nil {
		return t.err
	}
	return err
}

// demoTeller prints the story as it goes on. A failure to print is kept for the end.
type demoTeller struct {
	out     *printer
	opening string // before the first scene
	start   time.Time
	bills   []demo.Bill
	err     error
}

func (t *demoTeller) print(v any, text string) {
	if t.err == nil {
		t.err = t.out.line(v, text)
	}
}

// Scene implements [demo.Teller].
func (t *demoTeller) Scene(s demo.Scene) {
	t.print(s, fmt.Sprintf("%s\n%s (%s)", t.opening, s.Title, s.Clause))
	t.opening = ""
}

// The widths of a hop's columns.
const (
	wideWho  = 16
	wideWhat = 60
)

// Hop implements [demo.Teller].
func (t *demoTeller) Hop(h demo.Hop) {
	who := h.From
	if h.To != "" {
		who = fmt.Sprintf("%-*s -> %-*s", wideWho, h.From, wideWho, h.To)
	}
	octets := ""
	if h.Wire != "" && h.Octets > 0 {
		octets = fmt.Sprintf("%d B", h.Octets)
	}
	const both = 2*wideWho + len(" -> ")
	t.print(h, strings.TrimRight(fmt.Sprintf("  %5.2f s  %-*s  %-*s  %-4s %6s  %s",
		time.Since(t.start).Seconds(), both, who, wideWhat, cut(h.What, wideWhat), h.Wire, octets, h.Clause), " "))
}

// cut shortens a text to a width, and shows that it did.
func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// Bill implements [demo.Teller].
func (t *demoTeller) Bill(b demo.Bill) {
	t.bills = append(t.bills, b)
	if t.out.json {
		t.print(b, "")
	}
}

// end prints the bills as a table, the books and the verdict.
func (t *demoTeller) end(s demo.Summary) {
	if t.out.json {
		t.print(s, "")
		return
	}
	t.print(nil, "")
	if t.err == nil {
		t.err = printRows(t.out, t.bills,
			column[demo.Bill]{"scene", false, func(b demo.Bill) string { return cut(b.Scene, 52) }},
			column[demo.Bill]{"payer", false, func(b demo.Bill) string { return b.Payer }},
			column[demo.Bill]{"amount", true, func(b demo.Bill) string { return b.Amount }},
			column[demo.Bill]{"state", false, func(b demo.Bill) string { return b.State }},
			column[demo.Bill]{"reason", false, func(b demo.Bill) string { return b.Reason }},
			column[demo.Bill]{"took", true, func(b demo.Bill) string { return (time.Duration(b.Millis) * time.Millisecond).String() }},
			column[demo.Bill]{"as written", false, func(b demo.Bill) string { return yesNo(b.OK) }},
		)
	}
	t.print(nil, fmt.Sprintf("\n%d bills: %d paid, %d refused, %d expired. The ledger sums to %d over %d journal entries; duplicate debits: %d; in clearing: %d.",
		s.Bills, s.Paid, s.Refused, s.Expired, s.LedgerSum, s.JournalEntries, s.DuplicateDebits, s.Clearing))
	for _, f := range append(s.Failed, s.Differences...) {
		t.print(nil, "not as written: "+f)
	}
	if s.OK {
		t.print(nil, fmt.Sprintf("All as written, in %.1f s. Seed %d. Next: airtill dev", float64(s.Millis)/1000, s.Seed))
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
