package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/redisstore"
)

// doctorConfig is what doctor is told.
type doctorConfig struct {
	target
	vault    string
	messages string
	handsets int
	callback string
	fix      bool
}

func doctorCommand() command {
	var d doctorConfig
	return command{
		name: "doctor", short: "check a Redis, and the place around Airtill, for what can lose money", section: "A running network",
		about: "It changes nothing without --fix. Without --redis it looks at the store of the running network, if there is one; the gateway's messages too.\n" +
			"The status is 1 when a finding is a danger: it can lose money. Warnings can stop payments, and lose nothing.",
		examples: []string{
			"airtill doctor", "airtill doctor --redis redis://127.0.0.1:6379/0", "airtill doctor --redis redis://127.0.0.1:6379/0 --json",
			"airtill doctor --handsets 100000", "airtill doctor --callback-url https://shop.example.com/airtill", "airtill doctor --fix",
			"airtill doctor --redis redis://127.0.0.1:7001,redis://127.0.0.1:7002,redis://127.0.0.1:7003",
		},
		flags: append(d.store(),
			&cli.StringFlag{Name: "messages-redis", Usage: "`URL` of the Redis that the gateway keeps messages in, if it is another", Destination: &d.messages},
			&cli.StringFlag{Name: "vault", Usage: "master keys are in `FILE` (default vault.json in the state directory)", EnvVars: []string{"AIRTILL_VAULT"}, Destination: &d.vault},
			&cli.IntFlag{Name: "handsets", Usage: "look whether this machine has room for `N` handsets", Value: 1000, Destination: &d.handsets},
			&cli.StringFlag{Name: "callback-url", Usage: "try whether a merchant's `URL` can be reached with callbacks", Destination: &d.callback},
			&cli.BoolFlag{Name: "fix", Usage: "set the rights of files and directories that others can get at, after asking; the rest is not this program's to change", Destination: &d.fix},
		),
		run: d.run,
	}
}

// finding is what a check came to. What is right has neither a cost nor a mend.
type finding struct {
	Check  string            `json:"check"`
	At     string            `json:"at,omitempty"` // the server, file or address
	Found  string            `json:"found"`
	Wanted string            `json:"wanted,omitempty"`
	Weight redisstore.Weight `json:"weight"` // fine, note, warning, danger
	Cost   string            `json:"cost,omitempty"`
	Mend   string            `json:"mend,omitempty"`

	rights fs.FileMode // that --fix gives to At; 0: it leaves it alone
}

func (d *doctorConfig) run(ctx context.Context, c *call) error {
	if d.fix {
		if err := setRights(ctx, c, files(c, d.vault)); err != nil {
			return err
		}
	}
	servers, err := d.servers(ctx, c)
	if err != nil {
		return err
	}
	callback, err := d.callbackFinding(ctx)
	if err != nil {
		return err
	}
	all := slices.Concat(servers, files(c, d.vault), configured(c), ports(ctx, network.TCP{}), callback, d.room(), programs(), clock(time.Now(), built()))
	if err := showFindings(c, all); err != nil {
		return err
	}
	return verdict(c, all)
}

// verdict counts what was found.
func verdict(c *call, all []finding) error {
	count := make(map[redisstore.Weight]int)
	for _, f := range all {
		count[f.Weight]++
	}
	switch n, warnings := count[redisstore.Danger], count[redisstore.Warning]; {
	case n > 0:
		return hinted(fmt.Errorf("what can lose money: %d, and warnings: %d", n, warnings),
			"mend says what to do; CONFIG REWRITE then keeps what CONFIG SET has set")
	case warnings > 0:
		c.talk("nothing found can lose money; warnings: %d", warnings)
	default:
		c.talk("nothing is wrong")
	}
	return nil
}

// servers looks at the store's Redis and at that of the gateway's messages.
func (d *doctorConfig) servers(ctx context.Context, c *call) ([]finding, error) {
	store, messages, err := d.named(c)
	if err != nil {
		return nil, err
	}
	var all []finding
	if len(store) == 0 {
		all = append(all, finding{
			Check: "store", Found: "no network is running, none was named", Wanted: "a store to look at", Weight: redisstore.Note,
			Cost: "its settings were not checked", Mend: "say it: --redis URL",
		})
	} else {
		all = append(all, server(ctx, "store", store)...)
	}
	if len(messages) > 0 && !slices.Equal(messages, store) {
		all = append(all, lessened(server(ctx, "messages", messages))...)
	}
	return all, nil
}

// named finds the two: what flags say, else what the ready file of the running network
// says. Either may be nowhere.
func (d *doctorConfig) named(c *call) (store, messages []string, err error) {
	said, saidMessages := d.redis, d.messages
	if said == "" {
		r, err := d.ready(c)
		if err != nil && (d.network != "" || !errors.Is(err, errNoNetwork)) {
			return nil, nil, err
		}
		said, saidMessages = r.Redis, cmp.Or(saidMessages, r.Messages)
	}
	if store, err = storeURLs(said); err != nil {
		return nil, nil, err
	}
	messages, err = storeURLs(saidMessages)
	return store, messages, err
}

// lessened is for the gateway's server: what it loses is messages, not money.
func lessened(all []finding) []finding {
	for i := range all {
		if all[i].Weight == redisstore.Danger {
			all[i].Weight = redisstore.Warning
		}
	}
	return all
}

// server looks at one Redis, or a cluster.
func server(ctx context.Context, check string, urls []string) []finding {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil // storeURLs has read them before
	}
	silent := finding{Check: check, At: strings.Join(options.Addrs, ","), Weight: redisstore.Danger, Wanted: "a Redis that answers"}
	if err := answers(ctx, options.Addrs); err != nil {
		silent.Found, silent.Cost = "nobody answers", "nothing can be kept, and nothing was checked"
		silent.Mend = "start it; an embedded store is gone when its airtill dev ends"
		return []finding{silent}
	}
	settings, err := inspect(ctx, urls)
	if err != nil && strings.Contains(err.Error(), embeddedSays) {
		f := finding{Check: check, At: silent.At, Found: "embedded in an airtill process", Wanted: "one that keeps what it says at its start", Weight: redisstore.Fine}
		return []finding{f}
	}
	if len(settings) == 0 && err != nil {
		silent.Found, silent.Weight, silent.Wanted = "it does not tell its settings: "+err.Error(), redisstore.Warning, "CONFIG GET and INFO"
		silent.Cost = "what it can lose is not known"
		silent.Mend = "let CONFIG GET through (ACL +config|get +info), or ask who runs it"
		return []finding{silent}
	}
	var all []finding
	for _, s := range settings {
		all = append(all, finding{
			Check: check + " " + s.Name, At: s.Server, Found: cmp.Or(s.Value, `""`), Wanted: s.Right, Weight: s.Weight, Cost: s.Cost, Mend: s.Mend,
		})
	}
	client := redis.NewUniversalClient(looking(options))
	defer client.Close()
	more := []finding{serverClock(ctx, client)}
	if check == "store" {
		more = append(more, holds(ctx, client))
	}
	for _, f := range more {
		f.Check, f.At = check+" "+f.Check, strings.Join(options.Addrs, ",")
		all = append(all, f)
	}
	return all
}

// embeddedSays is in what an embedded store answers to a question for settings: it has none.
const embeddedSays = "the embedded store does not take"

// inspect asks servers for their settings.
func inspect(ctx context.Context, urls []string) ([]redisstore.Setting, error) {
	logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil, err
	}
	return redisstore.Inspect(ctx, options)
}

// apart is how far two clocks may be from each other.
const apart = 2 * time.Second

// serverClock compares a server's clock with ours.
func serverClock(ctx context.Context, client redis.UniversalClient) finding {
	f := finding{Check: "clock", Wanted: "within " + apart.String() + " of this machine's", Weight: redisstore.Fine}
	before := time.Now()
	at, err := client.Time(ctx).Result()
	took := time.Since(before)
	if err != nil {
		f.Weight, f.Found, f.Cost, f.Mend = redisstore.Note, "it does not tell", "it was not compared", "let TIME through (ACL +time)"
		return f
	}
	off := at.Sub(before.Add(took / 2)).Round(time.Millisecond)
	f.Found = off.String()
	if off.Abs() > apart+took {
		f.Weight, f.Cost = redisstore.Warning, "one of the two is wrong: bills expire at the wrong time, signatures are refused"
		f.Mend = "set the clock, with NTP"
	}
	return f
}

// holds says whether there is a store of Airtill, which a server that comes back empty has lost.
func holds(ctx context.Context, client redis.UniversalClient) finding {
	f := finding{Check: "holds", Wanted: "a store of Airtill, or nothing yet", Weight: redisstore.Fine}
	text, err := client.Get(ctx, storeMarker).Result()
	switch {
	case err == nil:
		f.Found = "a store: " + text
	case errors.Is(err, redis.Nil):
		f.Weight, f.Found = redisstore.Note, "no store of Airtill"
		f.Cost = "if there was one it is lost, or this is another database"
		f.Mend = "the platform makes one at its first start; or say which database: --redis redis://HOST:PORT/DB"
	default:
		f.Weight, f.Found, f.Cost, f.Mend = redisstore.Warning, "it does not tell: "+err.Error(), "the store may not open", "see what it answers"
	}
	return f
}

// built is when this program's sources were last changed, if it knows.
func built() time.Time {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return at
		}
	}
	return time.Time{}
}

// clock wants ours not to be before this program was made.
func clock(now, made time.Time) []finding {
	f := finding{Check: "clock", Found: now.UTC().Format(time.RFC3339), Wanted: "the right time", Weight: redisstore.Fine}
	if now.Before(made) {
		f.Weight, f.Wanted = redisstore.Warning, "after "+made.UTC().Format(time.RFC3339)+", when this program was made"
		f.Cost, f.Mend = "bills expire at the wrong time and are filed under the wrong day, signatures are refused", "set the clock, with NTP"
	}
	return []finding{f}
}
