package app

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/load/driver"
	"github.com/airtill/airtill/platform"
)

// loadTest is what airtill load was told. Texts are read when all of them are known,
// because a scenario may say what the command line leaves out.
type loadTest struct {
	rate, stages, step, every, most string
	arrivals, mix, think, channel   string
	parts, ucs2, data, segment      string
	duration, warmup                string
	users, handsets, inFlight       int
	bills                           int64
	findMax                         bool
	thresholds                      cli.StringSlice
	abort                           bool
	abortAfter                      time.Duration
	seed                            uint64
	scenario, printScenario         string
	check                           bool
	name                            string
	labels, out                     cli.StringSlice
	live                            string
	interval                        time.Duration
	control                         string
	target, redis                   string
	fresh                           bool
	expiry, drain, orderTimeout     time.Duration
	prefix, profile                 string
	shops, partitions               int
	merchants                       platform.Profile
	sweep                           time.Duration
}

// loadSection is the heading of what is hard on a network.
const loadSection = "Load and crash tests"

func loadCommand() command {
	l := &loadTest{merchants: platform.ProfileKey}
	return command{
		name: "load", short: "put a load of bills on a network, and judge it", section: loadSection, alone: true,
		about: "Bills are begun when they are due, however the others do: an open model, whose latency counts from the due time. " +
			"Handsets, orders, callbacks and money are real; the network is one of its own in this process, or the running one of --target. " +
			"In the end the books are audited, and every bill is held against what its shop was told: lost must be 0.\n\n" +
			"Exit status: 0 passed, 10 a threshold was not kept, 11 the generator could not keep up or dropped too much, " +
			"12 bills were lost or the books are wrong, 4 the target is not there, 130 interrupted. " +
			"The first Ctrl-C lets bills under way end, the second stops now; the report is written all the same.",
		examples: []string{
			"airtill load --handsets 200 --rate 50/s --duration 3s",
			"airtill load --rate 200/s --duration 30s --threshold 'pay.p99<2s' --threshold 'failed<1%' --out json=base.json,html=base.html",
			"airtill load --stages 30s:50,2m:200,30s:0 --mix pay=85,ignore=8,decline=4,badpin=3 --think '3s~lognormal(0.6)'",
			"airtill load --find-max --rate 100/s --every 5s",
			"airtill load --users 50 --duration 30s",
			"airtill load --merchant-profile modern --rate 100/s",
			"airtill load --target dev.json --rate 20/s --bills 100",
		},
		flags: concat(l.traffic(), l.population(), l.verdict(), l.network(), l.display()),
		run:   l.run,
		sub:   []command{loadMerge(), loadDiff(), loadReport(), loadControl()},
	}
}

func concat(groups ...[]cli.Flag) (all []cli.Flag) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// traffic is when bills are due.
func (l *loadTest) traffic() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "rate", Usage: "have `N/s` bills due in a second, whatever becomes of the others (open model)", DefaultText: "50/s", Destination: &l.rate},
		&cli.IntFlag{Name: "users", Usage: "have `N` bills under way at a time, each beginning when another is over (closed model: tails come out too good)", Destination: &l.users},
		&cli.StringFlag{Name: "duration", Usage: "begin bills for `TIME`", DefaultText: "10s, or until --bills are begun", Destination: &l.duration},
		&cli.Int64Flag{Name: "bills", Usage: "begin `N` bills", DefaultText: "as many as are due in --duration", Destination: &l.bills},
		&cli.StringFlag{Name: "stages", Usage: "go from --rate in a line to each stage's: `TIME:RATE`,...", Destination: &l.stages},
		&cli.StringFlag{Name: "step", Usage: "climb: add `N` bills a second each time", Destination: &l.step},
		&cli.StringFlag{Name: "every", Usage: "climb: hold each rate for `TIME`", DefaultText: "5s", Destination: &l.every},
		&cli.StringFlag{Name: "max", Usage: "climb: go no higher than `N/s`", Destination: &l.most},
		&cli.BoolFlag{Name: "find-max", Usage: "climb until a threshold breaks, and tell the last rate that held; without --step it doubles the rate and closes in", Destination: &l.findMax},
		&cli.StringFlag{Name: "arrivals", Usage: "space bills by `LAW`: uniform or poisson", DefaultText: "uniform", Destination: &l.arrivals},
		&cli.IntFlag{Name: "max-in-flight", Usage: "drop and count what is due when `N` bills are under way", DefaultText: "20 s of the rate", Destination: &l.inFlight},
		&cli.StringFlag{Name: "warmup", Usage: "begin with `TIME` that is shown and not judged", Destination: &l.warmup},
		&cli.StringFlag{Name: "scenario", Usage: "read what is not said here from the scenario `FILE`, or one of the built-in ones", Destination: &l.scenario},
		&cli.StringFlag{Name: "print-scenario", Usage: "print the built-in scenario `NAME`, and end", Destination: &l.printScenario},
		&cli.BoolFlag{Name: "check", Usage: "say what would be done, and end", Destination: &l.check},
	}
}

// population is whose bills they are.
func (l *loadTest) population() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "handsets", Usage: "enrol `N` phones", DefaultText: "1000", Destination: &l.handsets},
		&cli.StringFlag{Name: "mix", Usage: "spread `HABITS` over people: pay=85,ignore=8,decline=4,badpin=3, or personas by name", DefaultText: "all pay", Destination: &l.mix},
		&cli.StringFlag{Name: "think", Usage: "have people take `TIME` over a bill: 3s, 3s~lognormal(0.6) or 3s~uniform(0.5)", DefaultText: "250ms and 300ms, half either way", Destination: &l.think},
		&cli.StringFlag{Name: "channel", Usage: "bring bills by `CHANNEL`: sms, ussd or both", DefaultText: "sms", Destination: &l.channel},
		&cli.StringFlag{Name: "parts", Usage: "have a bill take `N` short messages, or N-M, as far as it can", Destination: &l.parts},
		&cli.StringFlag{Name: "ucs2", Usage: "have a share of `P%` of the bills in UCS-2", Destination: &l.ucs2},
		&cli.StringFlag{Name: "data", Usage: "take msisdn, persona, amount, subject and payee from rows of `FILE`.csv[:random|:sequential]", Destination: &l.data},
		&cli.StringFlag{Name: "segment", Usage: "do the `K/N`th part of a run that is spread over processes; see load merge", Destination: &l.segment},
		&cli.Uint64Flag{Name: "seed", Usage: "draw handsets, mix, amounts and arrivals from `N`", DefaultText: "drawn, and told", Destination: &l.seed},
		&cli.StringFlag{Name: "prefix", Usage: "begin the phones' numbers with `DIGITS`", Value: driver.DefaultPrefix, Destination: &l.prefix},
		&cli.DurationFlag{Name: "expires-in", Usage: "let bills live for `TIME`", Value: driver.DefaultExpiry, Destination: &l.expiry},
		&cli.IntFlag{Name: "shops", Usage: "spread bills over `N` merchants", Value: driver.DefaultShops, Destination: &l.shops},
		&cli.GenericFlag{Name: "merchant-profile", Usage: "order as merchants of this `PROFILE`: key, modern or legacy, of which the last two sign", DefaultText: "key", Value: (*profileValue)(&l.merchants)},
	}
}

// verdict is what the run is judged by.
func (l *loadTest) verdict() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "threshold", Usage: "keep to `TEXT`, such as pay.p99<2s, failed<1% or rate>=190/s; may be repeated", DefaultText: "failed<1%; of --find-max system.p99<500ms too", Destination: &l.thresholds},
		&cli.BoolFlag{Name: "abort-on-fail", Usage: "end when a threshold is broken", Destination: &l.abort},
		&cli.DurationFlag{Name: "abort-after", Usage: "but not before `TIME` of the run", Destination: &l.abortAfter},
		&cli.DurationFlag{Name: "drain-timeout", Usage: "wait for bills under way for `TIME`", DefaultText: "--expires-in and 10s", Destination: &l.drain},
		&cli.DurationFlag{Name: "order-timeout", Usage: "wait for the answer to an order for `TIME`", Value: driver.DefaultOrderTimeout, Destination: &l.orderTimeout},
	}
}

// network is what is loaded.
func (l *loadTest) network() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "target", Usage: "load the running network of the ready `FILE`, or of the platform's URL in the usual ready file", DefaultText: "a network of its own", Destination: &l.target},
		&cli.StringFlag{Name: "redis", Usage: "have the network of its own keep everything in the Redis at `URL`, or \"child\": in a redis-server of its own", DefaultText: "embedded, in memory", Destination: &l.redis},
		freshFlag(&l.fresh),
		&cli.IntFlag{Name: "partitions", Usage: "have the network of its own make its store with `N` partitions", Value: loadPartitions, Destination: &l.partitions},
		&cli.DurationFlag{Name: "sweep", Usage: "have the network of its own bring money home to merchants every `TIME`", Value: loadSweep, Destination: &l.sweep},
	}
}

// loadPartitions is how many writers the store of the load's own network has. A batch of
// one writer takes along what came meanwhile, and a sweep all that was paid to a shop: on
// a few processors few of them do more with less than the platform's own 16.
const loadPartitions = 4

// loadSweep is how often money comes home in a network of the load's own. A shop is told
// of a payment when the money is there; the platform's own second would be most of what
// is measured.
const loadSweep = 50 * time.Millisecond

// display is what is shown and written.
func (l *loadTest) display() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "call the run `NAME`", DefaultText: "load, and the seed", Destination: &l.name},
		&cli.StringSliceFlag{Name: "label", Usage: "note `KEY=VALUE` in the result; may be repeated", Destination: &l.labels},
		&cli.StringFlag{Name: "live", Usage: "show how it stands in `MODE`: auto, tui, plain or off", Value: "auto", Destination: &l.live},
		&cli.DurationFlag{Name: "interval", Usage: "every `TIME`", Value: driver.DefaultInterval, Destination: &l.interval},
		&cli.StringSliceFlag{Name: "out", Usage: "write `KIND=FILE`,...: json, csv, hgrm, html; prom=HOST:PORT serves metrics meanwhile; may be repeated", Destination: &l.out},
		&cli.StringFlag{Name: "control", Usage: "let airtill load ctl change the run at `HOST:PORT`", Destination: &l.control},
		&cli.StringFlag{Name: "profile", Usage: "write a CPU profile of this process to `FILE`", Destination: &l.profile},
	}
}
