package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// settling is what office settle was told.
type settling struct {
	at                    target
	merchant, day, id, by string
}

func officeSettle() command {
	var s settling
	return command{
		name: "settle", short: "pay merchants out to their banks",
		about: "It covers all that was paid to a merchant before now, whatever the day, and books it for --day; what is on its way is brought home first.\n" +
			"A merchant is paid out once for an id. The id is the day unless said, so the same command again pays nothing again and shows what was paid.",
		flags: append(s.at.office(),
			&cli.StringFlag{Name: "merchant", Usage: "only the merchant `NUMBER`", DefaultText: "all", Destination: &s.merchant},
			dayFlag(&s.day, "book it for the UTC `DAY`, 2026-11-27"),
			&cli.StringFlag{Name: "id", Usage: "pay out once for this `ID`: for another settlement on the same day", DefaultText: "the day", Destination: &s.id},
			&cli.StringFlag{Name: "by", Usage: "`NAME` of who does it, for the journal", Destination: &s.by},
		),
		examples: []string{`airtill office settle --by "Zhao Min"`, `airtill office settle --merchant 10000001 --day 2026-11-27 --by "Zhao Min" --json`},
		required: []string{"by"},
		run:      s.run,
	}
}

func (s *settling) run(ctx context.Context, c *call) error {
	day, err := readDay(s.day)
	if err != nil {
		return err
	}
	if s.id != "" && !platform.ValidSettlementID(s.id) {
		return usagef("--id is 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	client, err := s.at.officeClient(c)
	if err != nil {
		return err
	}
	merchants, err := s.merchants(ctx, client)
	if err != nil {
		return s.at.explain(err)
	}
	var all []platform.Settlement
	var failed []error
	for _, m := range merchants {
		done, err := client.Settle(ctx, api.Settle{Merchant: m, Day: day, ID: s.id, By: s.by})
		if err != nil {
			failed = append(failed, fmt.Errorf("merchant %s: %w", m, s.at.explain(err)))
			continue
		}
		all = append(all, done)
	}
	if err := printSettlements(c, all); err != nil {
		return err
	}
	return errors.Join(failed...)
}

// merchants are those to pay out.
func (s *settling) merchants(ctx context.Context, client *api.OfficeClient) ([]platform.MerchantID, error) {
	if s.merchant != "" {
		m, err := merchantNumber("merchant", s.merchant)
		if err != nil {
			return nil, err
		}
		return []platform.MerchantID{m}, nil
	}
	all, err := client.Merchants(ctx)
	var ids []platform.MerchantID
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids, err
}

// payout is one account's part of a settlement.
type payout struct {
	platform.Settlement
	platform.Payout
}

func printSettlements(c *call, all []platform.Settlement) error {
	if c.out.json {
		return printRows[platform.Settlement](c.out, all)
	}
	var rows []payout
	nothing := 0
	for _, s := range all {
		if len(s.Payouts) == 0 {
			nothing++
		}
		for _, o := range s.Payouts {
			rows = append(rows, payout{s, o})
		}
	}
	if nothing > 0 {
		c.talk("nothing to pay out: %d merchants", nothing)
	}
	if len(rows) == 0 {
		return nil
	}
	return printRows(c.out, rows,
		column[payout]{name: "merchant", cell: func(o payout) string { return string(o.Merchant) }},
		column[payout]{name: "account", cell: func(o payout) string { return o.Payee }},
		column[payout]{name: "paid out", right: true, cell: func(o payout) string { return sum(o.Amount, o.Currency) }},
		column[payout]{name: "for", cell: func(o payout) string { return o.Day }},
		column[payout]{name: "id", cell: func(o payout) string { return o.ID }},
		column[payout]{name: "at", cell: func(o payout) string { return moment(o.At) }},
		column[payout]{name: "by", cell: func(o payout) string { return o.By }},
	)
}
