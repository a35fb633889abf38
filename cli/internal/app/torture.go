package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/torture"
	"github.com/airtill/airtill/fsm/fault"
)

// tortureRun is what was said of a run.
type tortureRun struct {
	store, bug, dir string
	kinds, points   cli.StringSlice
	rounds          int
	platforms       int
	seed            uint64
	time            time.Duration
}

func tortureCommand() command {
	t := new(tortureRun)
	return command{
		name: "torture", short: "kill a network of real processes again and again, and see that nothing is lost", section: loadSection,
		about: "It starts a carrier, a platform, handsets and a redis-server (which must be installed) of its own, has orders placed and\n" +
			"paid, and lets one fault happen each round; each time the live store is audited. At the end what the merchant and the\n" +
			"phones have written down is compared with what the platform says. The status is 1 when anything differs; then the\n" +
			"seed, each difference and the place of the logs are told.\n\n" +
			"The faults: " + strings.Join(kindNames(), ", ") + ".\n" +
			"point ends the platform at a named point of its code, stall has it wait there, and --bug plants a bug that has to be found: these are for a build\n" +
			"with -tags faults,mutant.",
		examples: []string{
			"airtill torture --rounds 20",
			"airtill torture --kill redis --kill torn --seed 7 --json",
			"airtill torture --store embedded --time 10m",
		},
		flags: []cli.Flag{
			&cli.IntFlag{Name: "rounds", Usage: "let `N` faults happen", Value: 20, DefaultText: "20, or as many as fit into --time", Destination: &t.rounds},
			&cli.DurationFlag{Name: "time", Usage: "go on for `TIME`", DefaultText: "until --rounds are over", Destination: &t.time},
			&cli.StringSliceFlag{Name: "kill", Usage: "choose among faults of this `KIND`; may be repeated", DefaultText: "all that this build and store can have, but point, stall, disk", Destination: &t.kinds},
			&cli.StringFlag{Name: "store", Usage: "keep everything in `STORE`: redis, embedded, cluster", Value: string(torture.Redis), Destination: &t.store},
			&cli.IntFlag{Name: "platforms", Usage: "have `N` platforms share the store", Value: 1, Destination: &t.platforms},
			&cli.Uint64Flag{Name: "seed", Usage: "draw everything from `N`", DefaultText: "drawn, and told", Destination: &t.seed},
			&cli.StringSliceFlag{Name: "point", Usage: "end or stall at `POINT`; may be repeated", DefaultText: "all, one after the other", Destination: &t.points},
			&cli.StringFlag{Name: "bug", Usage: "plant `BUG`", Destination: &t.bug},
			&cli.StringFlag{Name: "dir", Usage: "keep logs and files in `DIR`", DefaultText: "a temporary one, kept after a failure", Destination: &t.dir},
		},
		run: t.run,
	}
}

func kindNames() []string {
	var names []string
	for _, k := range torture.Redis.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func (t *tortureRun) run(ctx context.Context, c *call) error {
	config, err := t.config(c)
	if err != nil {
		return err
	}
	made := t.dir == ""
	if made {
		if config.Dir, err = os.MkdirTemp("", "airtill-torture-"); err != nil {
			return err
		}
	}
	c.talk("seed %d", config.Seed)
	r, err := torture.Run(ctx, config)
	if made && r != nil && r.Good() && err == nil {
		err = os.RemoveAll(config.Dir)
	}
	if r == nil {
		return err
	}
	if ctx.Err() != nil && r.Good() {
		return ctx.Err()
	}
	return errors.Join(c.out.one(r, tortureFields(r)...), t.verdict(r, err, config.Dir))
}

// verdict is what the result comes to, with the command that repeats it.
func (t *tortureRun) verdict(r *torture.Result, err error, dir string) error {
	switch {
	case err != nil:
		return hinted(err, "logs: %s", dir)
	case r.Good():
		return nil
	}
	again := fmt.Sprintf("airtill torture --seed %d --rounds %d --store %s --platforms %d", r.Seed, t.rounds, r.Store, t.platforms)
	for _, k := range t.kinds.Value() {
		again += " --kill " + k
	}
	for _, p := range t.points.Value() {
		again += " --point " + p
	}
	if t.bug != "" {
		again += " --bug " + t.bug
	}
	return hinted(fmt.Errorf("%d things are not as they should be", len(r.Differences)), "logs: %s; again: %s", dir, again)
}

func (t *tortureRun) config(c *call) (torture.Config, error) {
	config := torture.Config{
		Store: torture.Store(t.store), Seed: t.seed, Platforms: t.platforms, Bug: fault.Bug(t.bug), Time: t.time, Dir: t.dir, Talk: c.env.Stderr,
	}
	if config.Seed == 0 {
		config.Seed = rand.Uint64N(1_000_000) + 1
	}
	if !slices.Contains(torture.Stores(), config.Store) {
		return config, usagef("--store %q: there are %v", t.store, torture.Stores())
	}
	if t.rounds < 1 || t.platforms < 1 {
		return config, usagef("--rounds, --platforms: from 1")
	}
	for _, name := range t.points.Value() {
		if !slices.Contains(fault.Names(), fault.Name(name)) {
			return config, usagef("--point %q: there are %v", name, fault.Names())
		}
		config.Points = append(config.Points, fault.Name(name))
	}
	kinds, err := t.choose(config.Store)
	if err != nil {
		return config, err
	}
	rounds := t.rounds
	if t.time > 0 {
		rounds = max(rounds, int(t.time/time.Second)) // no round is shorter
	}
	random := rand.New(rand.NewPCG(config.Seed, 0))
	for range rounds {
		config.Plan = append(config.Plan, kinds[random.IntN(len(kinds))])
	}
	if config.Binary, err = os.Executable(); err != nil {
		return config, err
	}
	config.Dir = cmp.Or(config.Dir, os.TempDir()) // one in it is made when all else is right
	switch err := config.Validate(); {
	case err != nil:
		return config, usagef("%w", err)
	case config.NeedsFaults() && !fault.Armed:
		return config, usagef("--kill: this build has no points to end at; build one with -tags faults")
	case config.Bug != "" && !fault.Mutant:
		return config, usagef("--bug: this build has no bugs to plant; build one with -tags mutant")
	case config.Bug != "" && !slices.Contains(fault.Bugs(), config.Bug):
		return config, usagef("--bug %q: there are %v", t.bug, fault.Bugs())
	}
	return config, nil
}

// choose answers the kinds of faults that were said, or all that need nothing special.
func (t *tortureRun) choose(store torture.Store) ([]torture.Kind, error) {
	var kinds []torture.Kind
	for _, text := range t.kinds.Value() {
		if !slices.Contains(store.Kinds(), torture.Kind(text)) {
			return nil, usagef("--kill %q: with store %s there are %v", text, store, store.Kinds())
		}
		kinds = append(kinds, torture.Kind(text))
	}
	if len(kinds) > 0 {
		return kinds, nil
	}
	for _, k := range store.Kinds() {
		special := k == torture.KillAtPoint || k == torture.StallAtPoint || k == torture.FillDisk || k == torture.TearTail && store == torture.Embedded
		if !special {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}

func tortureFields(r *torture.Result) []field {
	fields := []field{{"result", r.String()}, {"seed", fmt.Sprint(r.Seed)}}
	for _, d := range r.Differences {
		fields = append(fields, field{"difference", d})
	}
	return fields
}
