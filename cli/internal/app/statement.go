package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// dayFlag says a UTC day.
func dayFlag(into *string, usage string) cli.Flag {
	return &cli.StringFlag{Name: "day", Usage: usage, DefaultText: "today", Destination: into}
}

// readDay is the day that was said, or today's.
func readDay(said string) (string, error) {
	if said == "" {
		return time.Now().UTC().Format(time.DateOnly), nil
	}
	day, err := platform.ParseDay(said)
	if err != nil {
		return "", usagef("--day is a UTC day like 2026-11-27")
	}
	return day.Format(time.DateOnly), nil
}

// statementOf is what a statement command was told.
type statementOf struct {
	at       target
	merchant string
	day      string
	csv      bool
}

func (s *statementOf) flags() []cli.Flag {
	return []cli.Flag{
		dayFlag(&s.day, "the UTC `DAY`, 2026-11-27"),
		&cli.BoolFlag{Name: "csv", Usage: "print it as CSV (RFC 4180), amounts in minor units", Destination: &s.csv},
	}
}

const aboutStatement = "What each account was owed as the day began, what happened, and what it is owed as it ended, or by now.\n" +
	"--csv and --json have all lines; --json is one document. It is added up, and what does not add up is named: the status is 1."

func billStatement() command {
	var s statementOf
	return command{
		name: "statement", short: "tell a day of the merchant's money", about: aboutStatement,
		flags:    append(s.at.shop(), s.flags()...),
		examples: []string{"airtill bill statement", "airtill bill statement --day 2026-11-27 --csv > 2026-11-27.csv"},
		run: func(ctx context.Context, c *call) error {
			return s.print(c, func(day string) (*platform.Statement, error) {
				client, err := s.at.merchantClient(c)
				if err != nil {
					return nil, err
				}
				return client.Statement(ctx, day)
			})
		},
	}
}

func officeStatement() command {
	var s statementOf
	return command{
		name: "statement", short: "tell a day of a merchant's money", about: aboutStatement,
		flags: append(append(s.at.office(), s.flags()...),
			&cli.StringFlag{Name: "merchant", Usage: "the merchant's `NUMBER`", Destination: &s.merchant}),
		examples: []string{"airtill office statement --merchant 10000001 --day 2026-11-27 --csv > 10000001.csv"},
		required: []string{"merchant"},
		run: func(ctx context.Context, c *call) error {
			m, err := merchantNumber("merchant", s.merchant)
			if err != nil {
				return err
			}
			return s.print(c, func(day string) (*platform.Statement, error) {
				client, err := s.at.officeClient(c)
				if err != nil {
					return nil, err
				}
				return client.Statement(ctx, m, day)
			})
		},
	}
}

// print asks for the statement, prints it as it comes, and says what does not add up.
func (s *statementOf) print(c *call, ask func(day string) (*platform.Statement, error)) error {
	if s.csv && c.out.json {
		return usagef("--csv or --json, not both")
	}
	if c.out.form == formJSON || c.out.form == formYAML {
		return usagef("a statement is told as it is read, which -o %s cannot: say -o jsonl or csv", c.out.form)
	}
	day, err := readDay(s.day)
	if err != nil {
		return err
	}
	statement, err := ask(day)
	if err != nil {
		return s.at.explain(err)
	}
	write := printStatement
	switch {
	case s.csv || c.out.form == formCSV:
		write = api.WriteStatementCSV
	case c.out.json:
		write = api.WriteStatementJSON
	}
	out := bufio.NewWriter(c.out.w)
	differences, err := write(out, statement)
	if err := errors.Join(err, out.Flush()); err != nil {
		return s.at.explain(err)
	}
	if len(differences) > 0 {
		return hinted(fmt.Errorf("the statement does not add up: %s", strings.Join(differences, "; ")), "airtill audit finds where the books went wrong")
	}
	if !statement.Complete {
		c.talk("the day is not over: this is by now")
	}
	return nil
}

// mostShown is how many lines of a statement are shown to people.
const mostShown = 200

// printStatement prints a statement for people.
func printStatement(w io.Writer, s *platform.Statement) ([]string, error) {
	p := &printer{w: w}
	if err := printOwed(p, s); err != nil {
		return nil, err
	}
	tally := platform.NewTally(s.Accounts)
	var shown []platform.StatementLine
	more := 0
	for l, err := range s.Lines {
		if err != nil {
			return nil, err
		}
		tally.Add(l)
		if len(shown) < mostShown {
			shown = append(shown, l)
		} else {
			more++
		}
	}
	if len(shown) > 0 {
		if err := printLines(p, shown); err != nil {
			return nil, err
		}
	}
	if more > 0 {
		if err := write(w, fmt.Sprintf("and %d lines more: --csv or --json has them\n", more)); err != nil {
			return nil, err
		}
	}
	return tally.Differences(), nil
}

func printOwed(p *printer, s *platform.Statement) error {
	type account = platform.StatementAccount
	counted := func(t platform.Total, a account) string {
		return strconv.Itoa(t.Count) + " × " + sum(t.Amount, a.Currency)
	}
	return printRows(p, s.Accounts,
		column[account]{name: s.Day, cell: func(a account) string { return a.Payee }},
		column[account]{name: "opening", right: true, cell: func(a account) string { return sum(a.Opening, a.Currency) }},
		column[account]{name: "payments", right: true, cell: func(a account) string { return counted(a.Payments, a) }},
		column[account]{name: "refunds", right: true, cell: func(a account) string { return counted(a.Refunds, a) }},
		column[account]{name: "paid out", right: true, cell: func(a account) string { return counted(a.Settlements, a) }},
		column[account]{name: "closing", right: true, cell: func(a account) string { return sum(a.Closing, a.Currency) }},
		column[account]{name: "on its way", right: true, cell: func(a account) string { return counted(a.OnItsWay, a) }},
	)
}

func printLines(p *printer, lines []platform.StatementLine) error {
	type line = platform.StatementLine
	return printRows(p, lines,
		column[line]{name: "at", cell: func(l line) string { return moment(l.At) }},
		column[line]{name: "what", cell: func(l line) string { return string(l.Kind) }},
		column[line]{name: "amount", right: true, cell: func(l line) string { return sum(l.Amount, l.Currency) }},
		column[line]{name: "account", cell: func(l line) string { return l.Payee }},
		column[line]{name: "id", cell: func(l line) string { return l.ID }},
		column[line]{name: "reference", cell: func(l line) string { return l.Reference }},
		column[line]{name: "payer", cell: func(l line) string { return l.Payer }},
		column[line]{name: "on its way", cell: func(l line) string { return yes(l.OnItsWay) }},
	)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
