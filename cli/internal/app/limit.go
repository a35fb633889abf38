package app

import (
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/billing"
)

// limits are what may be paid, as flags say it.
type limits struct{ payment, day, card cli.StringSlice }

func (l *limits) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{
			Name: "limit-payment", EnvVars: []string{"AIRTILL_LIMIT_PAYMENT"}, Destination: &l.payment,
			Usage: "decline a payment over `CUR=AMOUNT`, in minor units; may be repeated",
		},
		&cli.StringSliceFlag{
			Name: "limit-day", EnvVars: []string{"AIRTILL_LIMIT_DAY"}, Destination: &l.day,
			Usage: "decline what a phone pays over `CUR=AMOUNT` in a UTC day, with all its cards; a refund gives nothing of it back; may be repeated",
		},
		&cli.StringSliceFlag{
			Name: "limit-card", EnvVars: []string{"AIRTILL_LIMIT_CARD"}, Destination: &l.card,
			Usage: "decline what one card pays over `CUR=AMOUNT` in a UTC day; may be repeated",
		},
	}
}

// read reads the flags.
func (l *limits) read() (billing.Limits, error) {
	var all billing.Limits
	var err error
	if all.Payment, err = amountsOf("--limit-payment", l.payment.Value()); err != nil {
		return all, err
	}
	if all.Day, err = amountsOf("--limit-day", l.day.Value()); err != nil {
		return all, err
	}
	all.Card, err = amountsOf("--limit-card", l.card.Value())
	return all, err
}
