package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// listenConfig is what listen is told.
type listenConfig struct {
	at          target
	forwardTo   string
	exec        string
	events      cli.StringSlice
	backfill    time.Duration
	retries     int
	output      string
	secretFile  string
	printSecret bool
}

func listenCommand() command {
	l := new(listenConfig)
	return command{
		name: "listen", short: "show callbacks as they come, and forward them to a server of yours", section: "A running network",
		about: "Every callback of the merchant is shown, also of bills without a callback address, and goes to --forward-to or --exec too: signed by Standard\n" +
			"Webhooks with the merchant's secret, or with one of this run that is told. A repeat by the platform's schedule is shown and not forwarded; one that\n" +
			"airtill callbacks resend asks for is. What a server does not take with a 2xx is tried again, and listed at the end. When the platform goes away,\n" +
			"listen says so, waits for it, and goes on after the last callback that it has seen. --exec runs a command of the shell with the callback on its\n" +
			"stdin, and AIRTILL_EVENT and AIRTILL_WEBHOOK_ID in its environment. It takes a merchant with an API key: what is endless cannot be signed.",
		examples: []string{
			"airtill listen", "airtill listen --forward-to http://127.0.0.1:3000/hook",
			"airtill listen --events bill.settled --events bill.refused --backfill 10m -o jsonl",
			"airtill listen --exec 'jq .data.state'", "airtill listen --print-secret",
		},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "forward-to", Usage: "forward each callback to `URL`", Destination: &l.forwardTo},
			&cli.StringFlag{Name: "exec", Usage: "run `COMMAND` for each callback", Destination: &l.exec},
			&cli.StringSliceFlag{Name: "events", Usage: "only callbacks of these `TYPES`, as bill.settled,bill.refused (repeat for more)", Destination: &l.events},
			&cli.DurationFlag{Name: "backfill", Usage: "begin with those of this `TIME` ago, up to 168h", Destination: &l.backfill},
			&cli.IntFlag{Name: "retries", Usage: "try `N` times more to forward one", Value: 3, Destination: &l.retries},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: text or jsonl", Value: "text", Destination: &l.output},
			&cli.StringFlag{Name: "webhook-secret-file", Usage: "sign with the secret in `FILE` (or AIRTILL_WEBHOOK_SECRET holds it)", Destination: &l.secretFile},
			&cli.BoolFlag{Name: "print-secret", Usage: "print the secret that is signed with, and end", Destination: &l.printSecret},
		}, l.at.shop()...),
		run: l.run,
	}
}

// check looks at what needs no platform to be seen wrong.
func (l *listenConfig) check() error {
	switch {
	case l.backfill < 0 || l.backfill > api.MostBackfill:
		return usagef("--backfill is a time of up to %s", api.MostBackfill)
	case l.retries < 0 || l.retries > mostRetries:
		return usagef("--retries is 0 to %d", mostRetries)
	case l.output != "text" && l.output != "jsonl":
		return usagef("--output %q is neither text nor jsonl", l.output)
	}
	for _, name := range l.types() {
		if !slices.Contains(callbackTypes(), name) {
			return usagef("--events knows no %q; there is %s", name, strings.Join(callbackTypes(), ", "))
		}
	}
	if l.forwardTo == "" {
		return nil
	}
	return checkAddress("forward-to", l.forwardTo)
}

func (l *listenConfig) run(ctx context.Context, c *call) error {
	if err := l.check(); err != nil {
		return err
	}
	secret, own, err := l.secret(c)
	if err != nil {
		return err
	}
	if l.printSecret && own {
		return hinted(errors.New("no secret is known to sign with; each run makes its own"), "say one: --webhook-secret-file FILE, or AIRTILL_WEBHOOK_SECRET")
	}
	if l.printSecret {
		return c.out.line(map[string]string{"webhook_secret": secret}, secret)
	}
	key, err := api.ParseWebhookSecret(secret)
	if err != nil {
		return fmt.Errorf("the webhook secret: %w", err)
	}
	client, err := l.at.merchantClient(c)
	if err != nil {
		return err
	}
	c.out.json = c.out.json || l.output == "jsonl"
	if own && l.forwardTo != "" {
		c.talk("what is forwarded is signed with a secret of this run: %s", secret)
	}
	f := newForwarder(c, l, key)
	follow := &follower{call: c, client: client, wanted: l.types(), forward: f, query: api.FeedQuery{Backfill: l.backfill}}
	err = follow.run(ctx)
	f.end()
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return nil
	}
	return l.at.explain(err)
}

// types are the types of callbacks that are wanted; none is all.
func (l *listenConfig) types() (all []string) {
	for _, text := range l.events.Value() {
		for name := range strings.SplitSeq(text, ",") {
			name = strings.TrimSpace(name)
			for _, o := range occasions() {
				if o.alias == name && name != "" {
					name = o.event
				}
			}
			if name != "" {
				all = append(all, name)
			}
		}
	}
	return all
}

// callbackTypes are all types of callbacks.
func callbackTypes() []string { return append(eventNames(), "refund.voided") }

// secret is what callbacks are signed with: what was said, the ready file's, or one that
// is made now and is nobody else's.
func (l *listenConfig) secret(c *call) (text string, own bool, err error) {
	s := secret{what: "webhook secret", file: l.secretFile, flag: "webhook-secret-file", variable: "AIRTILL_WEBHOOK_SECRET"}
	if text, _, err = s.read(c); err != nil || text != "" {
		return text, false, err
	}
	if l.at.platform == "" && l.at.apiKeyFile == "" && c.env.Getenv("AIRTILL_API_KEY") == "" {
		r, err := l.at.ready(c)
		if err != nil {
			return "", false, err
		}
		for _, m := range r.Merchants {
			if (l.at.merchant == "" || m.ID == l.at.merchant) && m.WebhookSecret != "" {
				return strings.Fields(m.WebhookSecret)[0], false, nil
			}
		}
	}
	var octets [24]byte
	_, _ = rand.Read(octets[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(octets[:]), true, nil
}

// follower shows what comes, and comes again when it is cut off.
type follower struct {
	*call
	client  *api.Client
	wanted  []string
	forward *forwarder
	query   api.FeedQuery

	open  bool      // it has been
	cut   bool      // it is not now
	since time.Time // it was cut
	pause time.Duration
	shown map[string]bool              // attempts that were shown: after a cut some come again
	sent  map[platform.CallbackID]bool // what was forwarded
}

// Pauses before a platform that is away is asked again, doubled each time.
const (
	leastAway = 250 * time.Millisecond
	mostAway  = 10 * time.Second
)

// openingTime is how long a network that starts again may not know its merchants yet.
const openingTime = 30 * time.Second

// run follows the feed until ctx ends, or whoever answers says that it may not.
func (f *follower) run(ctx context.Context) error {
	f.shown, f.sent = make(map[string]bool), make(map[platform.CallbackID]bool)
	for {
		err := f.client.Follow(ctx, f.query, f.take)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !f.open:
			return err
		case f.newNetwork(err):
			f.forward.say("the network has begun anew; going on from its beginning")
			continue
		case !f.comesAgain(err):
			return err
		}
		if !f.cut {
			f.cut, f.since, f.pause = true, time.Now(), leastAway
			f.forward.say("the platform is away (%v); asking again until it is back", plainly(err))
		}
		select {
		case <-time.After(f.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		f.pause = min(2*f.pause, mostAway)
	}
}

// newNetwork says whether what was read last is of another network, and begins anew if so.
func (f *follower) newNetwork(err error) bool {
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || p.Field != "place" || f.query.After == "" {
		return false
	}
	f.query = api.FeedQuery{Backfill: api.MostBackfill}
	return true
}

// comesAgain says whether it is worth asking again.
func (f *follower) comesAgain(err error) bool {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		opening := p.Status == http.StatusUnauthorized && f.cut && time.Since(f.since) < openingTime
		return p.Again() || p.Status >= 500 || opening
	}
	return errors.Is(err, api.ErrFeedEnded) || errors.Is(err, api.ErrUnknown)
}

// plainly is the innermost cause.
func plainly(err error) error {
	for {
		next := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			all := many.Unwrap()
			next = all[len(all)-1]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// take takes what the feed brings.
func (f *follower) take(place platform.Place, a *platform.Attempt) error {
	switch {
	case !f.open:
		f.forward.say("listening; Ctrl-C ends it")
	case f.cut:
		f.forward.say("the platform is back; going on after the last callback seen")
	}
	f.open, f.cut = true, false
	if place != "" {
		f.query.After = place
	}
	if a == nil || len(f.wanted) > 0 && !slices.Contains(f.wanted, a.Type) {
		return nil
	}
	name := fmt.Sprintf("%s/%d", a.ID, a.Number)
	if f.shown[name] {
		return nil
	}
	if len(f.shown) >= mostRemembered {
		clear(f.shown)
		clear(f.sent)
	}
	f.shown[name] = true
	if err := f.out.line(a, attemptLine(a)); err != nil {
		return err
	}
	if a.ByHand || !f.sent[a.ID] {
		f.sent[a.ID] = true
		f.forward.take(*a)
	}
	return nil
}

// mostRemembered is how many attempts are remembered as shown.
const mostRemembered = 50_000

// attemptLine is an attempt for people.
func attemptLine(a *platform.Attempt) string {
	text := fmt.Sprintf("%s  %-16s %s", a.At.Local().Format("15:04:05"), a.Type, a.ID)
	switch {
	case a.ByHand:
		text += fmt.Sprintf("  attempt %d, by hand", a.Number)
	case a.Number > 1:
		text += fmt.Sprintf("  attempt %d, not forwarded again", a.Number)
	}
	return text
}
