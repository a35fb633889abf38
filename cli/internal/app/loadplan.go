package app

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/driver"
	"github.com/airtill/airtill/cli/internal/load/scenario"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/money"
)

// The defaults of what is not said, also not by a scenario.
const (
	defaultLoadRate     = "50/s"
	defaultLoadDuration = "10s"
	defaultHandsets     = 1000
	defaultClimbEvery   = "5s"
)

// The thresholds of a run that names none.
var (
	usualThresholds = []string{"failed<1%"}
	climbThresholds = []string{string(load.System) + ".p99<500ms", "failed<1%"}
)

// plan reads what was said into a load test without a network.
func (l *loadTest) plan(c *call) (driver.Config, error) {
	if err := l.readScenario(c); err != nil {
		return driver.Config{}, err
	}
	if err := l.conflicts(c); err != nil {
		return driver.Config{}, err
	}
	l.complete()
	config := driver.Config{
		Name: l.name, Users: l.users, Prefix: l.prefix, MaxInFlight: l.inFlight, Expiry: l.expiry, Shops: l.shops, Profile: l.merchants,
		OrderTimeout: l.orderTimeout, DrainTimeout: l.drain, Interval: l.interval, AbortOnFail: l.abort, AbortAfter: l.abortAfter,
		Log: c.log,
	}
	for _, read := range []func(*driver.Config) error{l.readTraffic, l.readPlan, l.readClimb, l.readData, l.readThresholds, l.readLabels} {
		if err := read(&config); err != nil {
			return config, usage(err)
		}
	}
	config.Command, config.Asked = l.again(c), l.asked(config)
	return config, nil
}

// usage is an error of the command line, unless it says that it is something else.
func usage(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return usagef("%w", err)
}

// readScenario takes from the scenario what the command line leaves out.
func (l *loadTest) readScenario(c *call) error {
	if l.scenario == "" {
		return nil
	}
	text, err := scenario.Builtin(l.scenario)
	if err != nil {
		if text, err = os.ReadFile(l.scenario); err != nil {
			return &Error{Status: StatusConfig, Err: fmt.Errorf("read the scenario: %w", err), Hint: "the built-in ones: " + strings.Join(scenario.Builtins(), ", ")}
		}
	}
	s, err := scenario.Read(l.scenario, text)
	if err != nil {
		return &Error{Status: StatusConfig, Err: err, Hint: "one that is right: airtill load --print-scenario " + first(scenario.Builtins())}
	}
	said := make(map[string]bool)
	for _, flag := range c.given.Command.Flags {
		said[flag.Names()[0]] = c.isSet(flag.Names()[0])
	}
	for _, setting := range s.Settings {
		if said[setting.Key] {
			continue
		}
		for _, value := range setting.Values {
			if err := c.given.Set(setting.Key, value); err != nil {
				return &Error{Status: StatusConfig, Err: fmt.Errorf("%s:%d: %s: %w", s.Name, setting.Line, setting.Key, err)}
			}
		}
	}
	return nil
}

func first(all []string) string {
	if len(all) == 0 {
		return "NAME"
	}
	return all[0]
}

// conflicts refuses flags that do not go together.
func (l *loadTest) conflicts(c *call) error {
	for _, pair := range [][3]string{
		{"users", "rate", "a closed model has no rate"},
		{"users", "stages", "a closed model has no rate"},
		{"users", "step", "a closed model has no rate"},
		{"users", "find-max", "a closed model has no rate"},
		{"stages", "step", "a run goes by stages, or climbs"},
		{"stages", "find-max", "a run goes by stages, or climbs"},
		{"stages", "duration", "stages say themselves how long they take"},
		{"find-max", "duration", "a climb says itself how long it takes"},
		{"step", "duration", "a climb says itself how long it takes"},
		{"find-max", "bills", "a climb says itself how long it takes"},
		{"step", "bills", "a climb says itself how long it takes"},
		{"target", "redis", "a running network has a store"},
		{"target", "fresh", "a running network is not erased"},
		{"target", "partitions", "a running network has a store"},
		{"json", "quiet", "--json prints the result, and nothing else"},
	} {
		if c.isSet(pair[0]) && c.isSet(pair[1]) {
			return usagef("--%s and --%s do not go together: %s", pair[0], pair[1], pair[2])
		}
	}
	for _, name := range []string{"every", "max"} {
		if c.isSet(name) && !l.findMax && l.step == "" {
			return usagef("--%s is of a climb: say --find-max, or --step", name)
		}
	}
	if c.isSet("abort-after") && !l.abort {
		return usagef("--abort-after goes with --abort-on-fail")
	}
	return l.counts(c)
}

// counts refuses numbers that cannot be.
func (l *loadTest) counts(c *call) error {
	for name, n := range map[string]int{"users": l.users, "handsets": l.handsets, "max-in-flight": l.inFlight, "shops": l.shops, "partitions": l.partitions, "bills": int(l.bills)} {
		if c.isSet(name) && n < 1 {
			return usagef("--%s is 1 or more", name)
		}
	}
	if l.partitions > engine.MostPartitions {
		return usagef("--partitions %d: 1 to %d", l.partitions, engine.MostPartitions)
	}
	for name, d := range map[string]time.Duration{"interval": l.interval, "expires-in": l.expiry, "order-timeout": l.orderTimeout, "sweep": l.sweep} {
		if d <= 0 {
			return usagef("--%s is a time such as 1s", name)
		}
	}
	return nil
}

// complete fills in what nobody said.
func (l *loadTest) complete() {
	if l.seed == 0 {
		l.seed = rand.Uint64N(1_000_000) + 1
	}
	l.handsets = cmp.Or(l.handsets, defaultHandsets)
	l.name = cmp.Or(l.name, fmt.Sprintf("load-%d", l.seed))
	if l.rate == "" && l.users == 0 && l.stages == "" && l.step == "" {
		l.rate = defaultLoadRate
	}
	if l.duration == "" && l.bills == 0 && l.stages == "" && !l.climbs() {
		l.duration = defaultLoadDuration
	}
}

func (l *loadTest) climbs() bool { return l.findMax || l.step != "" }

func (l *loadTest) readTraffic(config *driver.Config) (err error) {
	t := schedule.TrafficConfig{Seed: l.seed, Handsets: l.handsets}
	for _, read := range []func() error{
		optional(l.mix, schedule.ParseMix, &t.Mix), optional(l.think, schedule.ParseThink, &t.Think),
		optional(l.channel, schedule.ParseChannel, &t.Channel), optional(l.parts, schedule.ParseParts, &t.Parts),
		optional(l.ucs2, schedule.ParseUCS2, &t.UCS2), optional(l.segment, schedule.ParseSegment, &config.Segment),
	} {
		if err := read(); err != nil {
			return err
		}
	}
	config.Traffic = t
	return nil
}

// optional reads a flag's text, if there is one.
func optional[T any](text string, parse func(string) (T, error), into *T) func() error {
	return func() (err error) {
		if text != "" {
			*into, err = parse(text)
		}
		return err
	}
}

func (l *loadTest) readPlan(config *driver.Config) error {
	p := schedule.Config{Bills: l.bills}
	for _, read := range []func() error{
		optional(l.rate, schedule.ParseRate, &p.Rate), optional(l.stages, schedule.ParseStages, &p.Stages),
		optional(l.arrivals, schedule.ParseArrivals, &p.Arrivals),
		optional(l.duration, parseTime("duration"), &p.Duration), optional(l.warmup, parseTime("warmup"), &p.Warmup),
	} {
		if err := read(); err != nil {
			return err
		}
	}
	config.Plan = p
	if l.users > 0 || l.climbs() {
		return nil
	}
	_, err := schedule.New(p)
	return err
}

func parseTime(flag string) func(string) (time.Duration, error) {
	return func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return 0, fmt.Errorf("--%s %q: write a time such as 30s or 2m", flag, text)
		}
		return d, nil
	}
}

// readClimb reads --step, --every, --max and --find-max.
func (l *loadTest) readClimb(config *driver.Config) error {
	if !l.climbs() {
		return nil
	}
	climb, err := schedule.ParseClimb(cmp.Or(l.step, "1"), cmp.Or(l.every, defaultClimbEvery), l.most)
	if err != nil {
		return err
	}
	if l.step == "" {
		climb.Step = 0
	}
	if climb.Every < minEvery {
		return fmt.Errorf("--every is %s or more", minEvery)
	}
	config.Climb = driver.Climb{From: cmp.Or(config.Plan.Rate, climb.Step), Step: climb.Step, Every: climb.Every, Max: climb.Max, Through: !l.findMax}
	if config.Climb.Max > 0 && config.Climb.From > config.Climb.Max {
		return errors.New("--max is below the first rate of the climb")
	}
	return nil
}

// minEvery is how long a rate is held for at least: less says nothing.
const minEvery = 200 * time.Millisecond

// readData reads the rows of --data.
func (l *loadTest) readData(config *driver.Config) error {
	if l.data == "" {
		return nil
	}
	path, order, err := schedule.ParseData(l.data)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return &Error{Status: StatusConfig, Err: fmt.Errorf("--data: %w", err)}
	}
	defer f.Close()
	data, err := scenario.ReadData(path, f, money.CNY)
	if err != nil {
		return &Error{Status: StatusConfig, Err: fmt.Errorf("--data: %w", err)}
	}
	config.Data = data
	config.Traffic.Rows, config.Traffic.Order, config.Traffic.Payers = len(data.Rows), order, data.Payers
	config.Traffic.Handsets = max(len(data.Phones), config.Traffic.Handsets)
	if len(data.Phones) > 0 {
		config.Traffic.Handsets = len(data.Phones)
	}
	return nil
}

func (l *loadTest) readThresholds(config *driver.Config) error {
	texts := l.thresholds.Value()
	switch {
	case len(texts) > 0:
	case l.climbs():
		texts = climbThresholds
	default:
		texts = usualThresholds
	}
	for _, text := range texts {
		t, err := load.ParseThreshold(text)
		if err != nil {
			return err // it names the flag and the text
		}
		config.Thresholds = append(config.Thresholds, t)
	}
	return nil
}

func (l *loadTest) readLabels(config *driver.Config) error {
	for _, text := range l.labels.Value() {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return fmt.Errorf("--label %q: write it as KEY=VALUE", text)
		}
		if config.Labels == nil {
			config.Labels = make(map[string]string)
		}
		config.Labels[key] = value
	}
	return nil
}

// asked is what the run was told, for its result.
func (l *loadTest) asked(config driver.Config) load.Asked {
	a := load.Asked{
		Rate: l.rate, Users: l.users, Handsets: config.Traffic.Handsets, Duration: l.duration, Bills: l.bills,
		Arrivals: cmp.Or(l.arrivals, string(schedule.Uniform)), Mix: cmp.Or(l.mix, "pay=100"), Think: cmp.Or(l.think, "persona's own"),
		Channel: cmp.Or(l.channel, string(schedule.SMS)), Warmup: l.warmup, Scenario: l.scenario, Profile: string(l.merchants),
	}
	if l.stages != "" {
		a.Stages = strings.Split(l.stages, ",")
	}
	return a
}

// again is the command that repeats the run.
func (l *loadTest) again(c *call) string {
	return c.again("airtill load", notOfTheRun()...) + " --seed " + fmt.Sprint(l.seed)
}

// notOfTheRun are flags that change nothing about the load; the seed is said in the end.
func notOfTheRun() []string {
	return append([]string{"seed", "out", "live", "control", "profile", "check", "fresh", "interval"}, commonFlagNames()...)
}
