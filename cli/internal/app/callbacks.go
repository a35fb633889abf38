package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

func callbacksCommand() command {
	return command{
		name: "callbacks", short: "see whether merchants were told, and tell them again", section: "A running network",
		about: "A merchant is told how each bill ended, and each refund. What it does not acknowledge with a 2xx within 15 s is told again after 5 s, 5 min, 30 min, " +
			"2 h, 5 h, 10 h, 14 h, 20 h and 24 h, and a little later each time; then the callback is exhausted, and told again by hand only. " +
			"An endpoint that answers 410, or fails for 5 days, is disabled.",
		examples: []string{"airtill callbacks list --state exhausted", "airtill callbacks resend evt_01JDB0Y3Z7M0003ZZZZZZZZZZZ_settled"},
		sub:      []command{callbacksList(), callbacksShow(), callbacksResend(), callbacksEndpoints(), callbacksEnable()},
	}
}

// telling is what commands about callbacks are told: whose they are, and who asks.
type telling struct {
	at       target
	asOffice bool
	by, note string
}

func (t *telling) flags() []cli.Flag {
	return append(t.at.shop(),
		&cli.BoolFlag{Name: "office", Usage: "ask as the operator: about all merchants, or the one that --merchant names", Destination: &t.asOffice},
		operatorKeyFlag(&t.at),
	)
}

func (t *telling) actFlags() []cli.Flag {
	return append(t.flags(),
		&cli.StringFlag{Name: "by", Usage: "with --office: `NAME` of who does it, for the journal", Destination: &t.by},
		&cli.StringFlag{Name: "note", Usage: "with --office: why, as `TEXT` for the journal", Destination: &t.note},
	)
}

// desk is where one asks about callbacks: as a merchant, or as the office.
type desk interface {
	Callbacks(ctx context.Context, q api.CallbackQuery) (api.CallbackPage, error)
	Callback(ctx context.Context, id string) (platform.Callback, error)
	resend(ctx context.Context, id string) (platform.Callback, error)
	endpoints(ctx context.Context) ([]platform.Endpoint, error)
	enable(ctx context.Context, url string) error
}

// merchantDesk asks about the merchant's own.
type merchantDesk struct{ *api.Client }

func (d merchantDesk) resend(ctx context.Context, id string) (platform.Callback, error) {
	return d.Resend(ctx, id)
}

func (d merchantDesk) endpoints(ctx context.Context) ([]platform.Endpoint, error) {
	return d.Endpoints(ctx)
}

func (d merchantDesk) enable(ctx context.Context, url string) error {
	return d.EnableEndpoint(ctx, url)
}

// officeDesk asks about a merchant's, or without one about everybody's.
type officeDesk struct {
	*api.OfficeClient
	merchant platform.MerchantID
	by, note string
}

func (d officeDesk) Callbacks(ctx context.Context, q api.CallbackQuery) (api.CallbackPage, error) {
	q.Merchant = d.merchant
	return d.OfficeClient.Callbacks(ctx, q)
}

func (d officeDesk) resend(ctx context.Context, id string) (platform.Callback, error) {
	return d.Resend(ctx, id, api.ByHand{By: d.by, Note: d.note})
}

func (d officeDesk) endpoints(ctx context.Context) ([]platform.Endpoint, error) {
	return d.Endpoints(ctx, d.merchant)
}

func (d officeDesk) enable(ctx context.Context, url string) error {
	if d.merchant == "" {
		return usagef("--merchant must be given with --office: whose endpoint it is")
	}
	return d.EnableEndpoint(ctx, api.EnableEndpoint{URL: url, Merchant: d.merchant, By: d.by, Note: d.note})
}

// desk asks as whom the flags say.
func (t *telling) desk(c *call) (desk, error) {
	if !t.asOffice {
		client, err := t.at.merchantClient(c)
		return merchantDesk{client}, err
	}
	d := officeDesk{by: t.by, note: t.note}
	var err error
	if t.at.merchant != "" {
		if d.merchant, err = merchantNumber("merchant", t.at.merchant); err != nil {
			return nil, err
		}
	}
	d.OfficeClient, err = t.at.officeClient(c)
	return d, err
}

// checkAct wants an operator to say who and why, and nobody else.
func (t *telling) checkAct() error {
	if said := t.by != "" && t.note != ""; t.asOffice && !said {
		return usagef("--by and --note must be given with --office")
	}
	if !t.asOffice && (t.by != "" || t.note != "") {
		return usagef("--by and --note are an operator's: say --office too")
	}
	return nil
}

func stateFlag(into *platform.CallbackState) cli.Flag {
	return &cli.StringFlag{Name: "state", Usage: "only those in this `STATE`: pending, delivered, exhausted", Destination: (*string)(into)}
}

func callbacksList() command {
	var t telling
	var q api.CallbackQuery
	return command{
		name: "list", short: "list callbacks, newest first",
		about: "Those of the newest bill come first, about its refunds before the one about itself. With --office and without --merchant it lists those of all merchants, which are pending or exhausted. One is listed as pending once its first attempt has failed.",
		examples: []string{
			"airtill callbacks list", "airtill callbacks list --state exhausted --json", "airtill callbacks list --office --state pending --merchant 10000001",
		},
		flags: append(t.flags(), stateFlag(&q.State),
			&cli.IntFlag{Name: "limit", Usage: "at most `N`, 1 to 200", DefaultText: "50", Destination: &q.Limit},
			&cli.StringFlag{Name: "after", Usage: "the page after `NEXT`, which the page before has told", Destination: &q.After},
		),
		run: func(ctx context.Context, c *call) error { return t.list(ctx, c, q) },
	}
}

func (t *telling) list(ctx context.Context, c *call, q api.CallbackQuery) error {
	if q.Limit < 0 {
		return usagef("--limit is 1 to %d", api.MaxLimit)
	}
	d, err := t.desk(c)
	if err != nil {
		return err
	}
	page, err := d.Callbacks(ctx, q)
	if err != nil {
		return t.at.explain(err)
	}
	type callback = platform.Callback
	err = printRows(c.out, page.Callbacks,
		column[callback]{name: "callback", cell: func(b callback) string { return string(b.ID) }},
		column[callback]{name: "merchant", cell: func(b callback) string { return string(b.Merchant) }},
		column[callback]{name: "state", cell: func(b callback) string { return string(b.State) }},
		column[callback]{name: "attempts", right: true, cell: func(b callback) string { return strconv.Itoa(b.Attempts) }},
		column[callback]{name: "next", cell: func(b callback) string { return moment(b.Next) }},
		column[callback]{name: "problem", cell: func(b callback) string { return b.Problem }},
	)
	if err == nil && page.Next != "" {
		c.talk("the next page: the same with --after %s", page.Next)
	}
	return err
}

func callbacksShow() command {
	var t telling
	return command{
		name: "show", short: "show one callback with its attempts", args: "CALLBACK", flags: t.flags(),
		about:    "CALLBACK is the webhook-id that the merchant gets, or the id of the bill or of the refund.",
		examples: []string{"airtill callbacks show evt_01JDB0Y3Z7M0003ZZZZZZZZZZZ_settled", "airtill callbacks show --office refund_01JDB0Y3Z7M0003ZZZZZZZZZZZ_1"},
		run: func(ctx context.Context, c *call) error {
			if err := callbackArgument(c.args[0]); err != nil {
				return err
			}
			d, err := t.desk(c)
			if err != nil {
				return err
			}
			one, err := d.Callback(ctx, c.args[0])
			if err != nil {
				return t.at.explain(err)
			}
			return printCallback(c.out, one)
		},
	}
}

// callbackArgument checks a command's argument before anybody is asked.
func callbackArgument(text string) error {
	if _, err := platform.ParseCallbackID(text); err != nil {
		return usagef("%q is no callback: evt_01J..._settled, or the id of its bill or refund", text)
	}
	return nil
}

func printCallback(p *printer, b platform.Callback) error {
	err := p.one(b,
		field{"callback", string(b.ID)},
		field{"bill", string(b.Bill)},
		field{"refund", string(b.Refund)},
		field{"merchant", string(b.Merchant)},
		field{"url", b.URL},
		field{"state", string(b.State)},
		field{"attempts", strconv.Itoa(b.Attempts)},
		field{"problem", b.Problem},
		field{"failed", moment(b.Failed)},
		field{"next", moment(b.Next)},
		field{"ended", moment(b.Ended)},
		field{"acknowledged", moment(b.Acknowledged)},
	)
	if err != nil || p.json || p.form == formCSV || len(b.Tries) == 0 {
		return err
	}
	type try = platform.CallbackTry
	return printRows(p, b.Tries,
		column[try]{name: "attempt", right: true, cell: func(t try) string { return strconv.Itoa(t.Number) }},
		column[try]{name: "at", cell: func(t try) string { return moment(t.At) }},
		column[try]{name: "by hand", cell: func(t try) string { return ifTrue(t.ByHand, "yes") }},
		column[try]{name: "outcome", cell: triedAs},
		column[try]{name: "next", cell: func(t try) string { return moment(t.Next) }},
	)
}

func ifTrue(b bool, text string) string {
	if b {
		return text
	}
	return ""
}

func triedAs(t platform.CallbackTry) string {
	switch {
	case t.OK:
		return fmt.Sprintf("answered %d", t.Status)
	case t.Problem != "":
		return t.Problem
	}
	return "not known yet"
}

func callbacksResend() command {
	var t telling
	exhausted := false
	return command{
		name: "resend", short: "tell a merchant once more, now", args: "[CALLBACK...]",
		about: "An attempt by hand is made at once, also to an endpoint that is paused or disabled, of a result that is acknowledged, or when no more would be made. " +
			"It has the same webhook-id as the others, and takes nothing from the schedule.",
		examples: []string{
			"airtill callbacks resend evt_01JDB0Y3Z7M0003ZZZZZZZZZZZ_settled", "airtill callbacks resend --exhausted",
			`airtill callbacks resend --office --merchant 10000001 --exhausted --by "Zhao Min" --note "their server is back"`,
		},
		flags: append(t.actFlags(), &cli.BoolFlag{Name: "exhausted", Usage: "all that are exhausted", Destination: &exhausted}),
		run: func(ctx context.Context, c *call) error {
			if err := t.checkAct(); err != nil {
				return err
			}
			if exhausted == (len(c.args) > 0) {
				return usagef("say which: CALLBACK..., or --exhausted for all of them")
			}
			for _, id := range c.args {
				if err := callbackArgument(id); err != nil {
					return err
				}
			}
			return t.resendAll(ctx, c, exhausted)
		},
	}
}

// resendAll makes the attempts, and lists what they were of.
func (t *telling) resendAll(ctx context.Context, c *call, exhausted bool) error {
	d, err := t.desk(c)
	if err != nil {
		return err
	}
	ids := c.args
	if exhausted {
		if ids, err = exhaustedOf(ctx, d); err != nil {
			return t.at.explain(err)
		}
	}
	made := []platform.Callback{}
	for _, id := range ids {
		one, err := d.resend(ctx, id)
		if err != nil {
			return t.at.explain(fmt.Errorf("%s, after %d others: %w", id, len(made), err))
		}
		made = append(made, one)
	}
	type callback = platform.Callback
	return printRows(c.out, made,
		column[callback]{name: "callback", cell: func(b callback) string { return string(b.ID) }},
		column[callback]{name: "merchant", cell: func(b callback) string { return string(b.Merchant) }},
		column[callback]{name: "attempt", right: true, cell: func(b callback) string { return strconv.Itoa(b.Attempts) }},
	)
}

// exhaustedOf lists all that are exhausted, before any is told again.
func exhaustedOf(ctx context.Context, d desk) (ids []string, err error) {
	q := api.CallbackQuery{State: platform.CallbackExhausted, Limit: api.MaxLimit}
	for {
		page, err := d.Callbacks(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Callbacks {
			ids = append(ids, string(b.ID))
		}
		if q.After = page.Next; q.After == "" {
			return ids, nil
		}
	}
}

func callbacksEndpoints() command {
	var t telling
	return command{
		name: "endpoints", short: "list the places that do not take callbacks", flags: t.flags(),
		examples: []string{"airtill callbacks endpoints", "airtill callbacks endpoints --office --json"},
		run: func(ctx context.Context, c *call) error {
			d, err := t.desk(c)
			if err != nil {
				return err
			}
			all, err := d.endpoints(ctx)
			if err != nil {
				return t.at.explain(err)
			}
			type endpoint = platform.Endpoint
			return printRows(c.out, all,
				column[endpoint]{name: "merchant", cell: func(e endpoint) string { return string(e.Merchant) }},
				column[endpoint]{name: "endpoint", cell: func(e endpoint) string { return e.URL }},
				column[endpoint]{name: "failing since", cell: func(e endpoint) string { return moment(e.Since) }},
				column[endpoint]{name: "problem", cell: func(e endpoint) string { return e.Problem }},
				column[endpoint]{name: "disabled", cell: func(e endpoint) string { return moment(e.Disabled) }},
				column[endpoint]{name: "because", cell: func(e endpoint) string { return e.Why }},
			)
		},
	}
}

// enabled is what enabling an endpoint came to.
type enabled struct {
	URL string `json:"url"`
	Act string `json:"act"`
}

func callbacksEnable() command {
	var t telling
	return command{
		name: "enable", short: "let callbacks go to a disabled endpoint again", args: "URL", flags: t.actFlags(),
		about: "URL is as airtill callbacks endpoints lists it. What is exhausted stays so: airtill callbacks resend --exhausted.",
		examples: []string{
			"airtill callbacks enable http://shop.example/callback",
			`airtill callbacks enable --office --merchant 10000001 --by "Zhao Min" --note "their server is back" http://shop.example/callback`,
		},
		run: func(ctx context.Context, c *call) error {
			if err := t.checkAct(); err != nil {
				return err
			}
			if !strings.HasPrefix(c.args[0], "http") {
				return usagef("%q is no URL: airtill callbacks endpoints lists them", c.args[0])
			}
			d, err := t.desk(c)
			if err != nil {
				return err
			}
			if err := d.enable(ctx, c.args[0]); err != nil {
				return t.at.explain(err)
			}
			return c.out.line(enabled{c.args[0], "enable"}, c.args[0]+" takes callbacks again")
		},
	}
}
