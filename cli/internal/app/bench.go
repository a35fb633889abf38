package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/smscbench"
	"github.com/airtill/airtill/gateway/msgstore/redisstore"
	"github.com/airtill/airtill/gateway/smpp"
)

func benchCommand() command {
	return command{
		name: "bench", short: "measure how fast something is", section: loadSection,
		sub: []command{benchEngine(), benchTakeover(), benchSMSC()},
	}
}

// smscBench is what was said of a run.
type smscBench struct {
	config       smscbench.Config
	smpp, route  string
	sender       string
	receiver     string
	passwordFile string
	redis        string
	profile      string
}

func benchSMSC() command {
	var b smscBench
	return command{
		name: "smsc", short: "submit messages to an SMSC as fast as it answers them",
		about: `Without --smpp it is an SMSC of its own, in this process: both ends share the processors.
What it does with the messages is the route: discard answers and forgets them; store keeps
them with their states and delivers them to an application's bind; phones delivers them to
subscribers, one at a time to each. With --redis they are kept there, and answered when they are.

Each bind has so many submit_sm unanswered. With --receipts, every message that is answered
has to have one receipt of its id. CPU is of this process, for each message answered.

An SMSC at --smpp lets --system-id submit, and --receiver-id receive what is for 861380 and
seven more digits; both have the password.`,
		examples: []string{
			"airtill bench smsc",
			"airtill bench smsc --route store --receipts --time 30s --json",
			"airtill bench smsc --binds 1000 --window 10 --route store --redis redis://127.0.0.1:6379/9",
			"airtill bench smsc --smpp 127.0.0.1:2775 --system-id app --password-file FILE --messages 100000",
			"airtill bench smsc --profile cpu.pprof && go tool pprof -top cpu.pprof",
		},
		flags: append(b.load(), b.ends()...),
		run:   b.run,
	}
}

func (b *smscBench) load() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "binds", Usage: "submit on `N` binds", Value: 4, Destination: &b.config.Binds},
		&cli.IntFlag{Name: "window", Usage: "keep `N` submit_sm unanswered on each", Value: 100, Destination: &b.config.Window},
		&cli.IntFlag{Name: "receivers", Usage: "take what is delivered on `N` binds", DefaultText: "1 for each 50 that submit", Destination: &b.config.Receivers},
		&cli.DurationFlag{Name: "time", Usage: "submit for `TIME`", DefaultText: "10s, or until --messages are answered", Destination: &b.config.Time},
		&cli.IntFlag{Name: "messages", Usage: "submit `N` messages", DefaultText: "as many as --time allows", Destination: &b.config.Messages},
		&cli.BoolFlag{Name: "receipts", Usage: "ask for receipts, and match every one", Destination: &b.config.Receipts},
		&cli.StringFlag{Name: "profile", Usage: "write a CPU profile of this process to `FILE`", Destination: &b.profile},
	}
}

func (b *smscBench) ends() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "route", Usage: "have an SMSC of its own do `ROUTE`: discard, store, phones", DefaultText: "discard, or store with --receipts or --redis", Destination: &b.route},
		&cli.StringFlag{Name: "redis", Usage: "have it keep messages at `URL`, redis://HOST:PORT/DB", Destination: &b.redis},
		&cli.StringFlag{Name: "smpp", Usage: "measure the SMSC at `HOST:PORT` instead", Destination: &b.smpp},
		&cli.StringFlag{Name: "system-id", Usage: "submit there as `ID`", Destination: &b.sender},
		&cli.StringFlag{Name: "receiver-id", Usage: "receive there as `ID`", DefaultText: "nobody does", Destination: &b.receiver},
		passwordFlag(&b.passwordFile),
	}
}

func (b *smscBench) run(ctx context.Context, c *call) (err error) {
	if err := b.complete(c); err != nil {
		return err
	}
	if b.profile != "" {
		f, err := os.Create(b.profile)
		if err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	defer collectRarely(c)()
	r, err := b.measure(ctx, c)
	if r == nil {
		return err
	}
	return errors.Join(c.out.one(r, resultFields(r)...), err, sound(r))
}

// complete fills what was not said, and refuses what does not go together.
func (b *smscBench) complete(c *call) error {
	if b.config.Time == 0 && b.config.Messages == 0 {
		b.config.Time = 10 * time.Second
	}
	if b.smpp != "" {
		return b.elsewhere(c)
	}
	if b.sender != "" || b.receiver != "" || b.passwordFile != "" {
		return usagef("--system-id, --receiver-id and --password-file are for the SMSC at --smpp")
	}
	usual := smscbench.Discard
	if b.config.Receipts || b.redis != "" {
		usual = smscbench.Store
	}
	b.route = cmp.Or(b.route, string(usual))
	route := smscbench.Route(b.route)
	switch {
	case !slices.Contains(smscbench.Routes(), route):
		return usagef("--route %q is none of %v", b.route, smscbench.Routes())
	case route == smscbench.Discard && (b.config.Receipts || b.redis != ""):
		return usagef("--route discard keeps nothing: it goes without --receipts and --redis")
	}
	b.config.Sender = smscbench.TargetSender
	if route != smscbench.Discard {
		b.config.Receiver = smscbench.TargetReceiver
	}
	return b.valid()
}

// elsewhere is a run against an SMSC that is not ours to start.
func (b *smscBench) elsewhere(c *call) error {
	switch {
	case b.route != "" || b.redis != "":
		return usagef("--route and --redis are for an SMSC of its own; --smpp is another's")
	case b.sender == "":
		return usagef("--smpp goes with --system-id ID")
	}
	p, err := password(c, b.passwordFile)
	if err != nil {
		return err
	}
	b.config.Address = b.smpp
	b.config.Sender = smscbench.Login{SystemID: b.sender, Password: smpp.Password(p)}
	b.config.Receiver = smscbench.Login{SystemID: b.receiver, Password: smpp.Password(p)}
	return b.valid()
}

func (b *smscBench) valid() error {
	if err := b.config.Validate(); err != nil {
		return usagef("%w", err)
	}
	return nil
}

// measure runs the load, with an SMSC of its own if there is no other.
func (b *smscBench) measure(ctx context.Context, c *call) (*smscbench.Result, error) {
	if b.smpp != "" {
		return smscbench.Run(ctx, b.config)
	}
	t := smscbench.Target{Route: smscbench.Route(b.route), Log: c.log}
	if b.redis != "" {
		store, err := openMessages(ctx, b.redis)
		if err != nil {
			return nil, err
		}
		defer store.Close()
		t.Durable = store
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	address, wait, err := t.Serve(serving)
	if err != nil {
		return nil, err
	}
	b.config.Address = address
	r, err := smscbench.Run(ctx, b.config)
	stop()
	return r, errors.Join(err, wait())
}

// openMessages opens a message store of the bench's own, beside a carrier's.
func openMessages(ctx context.Context, url string) (*redisstore.Store, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, usagef("--redis: it is no URL like redis://127.0.0.1:6379/0")
	}
	return redisstore.Open(ctx, redisstore.Options{
		Name:  "smsc-bench",
		Redis: &redis.UniversalOptions{Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig},
	})
}

// sound says what did not hold.
func sound(r *smscbench.Result) error {
	if bad := r.Open + r.Missing + r.Stray; bad > 0 {
		return fmt.Errorf("%d messages without an answer, %d without a receipt, %d receipts of no message", r.Open, r.Missing, r.Stray)
	}
	return nil
}

func resultFields(r *smscbench.Result) []field {
	fields := []field{
		{"load", fmt.Sprintf("%d binds x window %d, %.1f s", r.Binds, r.Window, r.Submitting)},
		{"submits", fmt.Sprintf("%.0f/s, %d answered, %d refused", r.SubmitsPerSec, r.Answered, r.Refused)},
	}
	if r.Delivered > 0 {
		fields = append(fields, field{"delivered", fmt.Sprintf("%.0f/s, %d", r.DeliveredPerSec, r.Delivered)})
	}
	if r.WithReceipts {
		fields = append(fields, field{"receipts", fmt.Sprintf("%.0f/s, %d matched, %d missing, %d stray", r.ReceiptsPerSec, r.Matched, r.Missing, r.Stray)})
	}
	ms := func(us int64) string { return (time.Duration(us) * time.Microsecond).String() }
	l := r.Latency
	return append(fields,
		field{"answered in", fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s, most %s", ms(l.P50), ms(l.P90), ms(l.P99), ms(l.P999), ms(l.Max))},
		field{"CPU", fmt.Sprintf("%.2f us a message", r.CPUPer)},
	)
}
