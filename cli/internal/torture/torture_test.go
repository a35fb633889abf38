package torture_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/torture"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/fault"
)

// binary is airtill with fault points and planted bugs, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	text, err := exec.Command("go", "build", "-tags", "faults,mutant", "-o", built, "github.com/airtill/airtill/cli/airtill").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build airtill: %w: %s", err, text)
	}
	return built, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "airtill-torture-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = filepath.Join(dir, "airtill")
	status := m.Run()
	_ = os.RemoveAll(dir) // it is a temporary one
	os.Exit(status)
}

// built is where the binary is.
var built string

// run tortures a network as the test is told, in a directory that is kept after a failure.
func run(t *testing.T, c torture.Config) *torture.Result {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv(enginetest.RequirePeers) != "" {
			t.Fatalf("%v; %s is set", err, enginetest.RequirePeers)
		}
		t.Skip("no redis-server on the PATH")
	}
	var err error
	if c.Binary, err = binary(); err != nil {
		t.Fatal(err)
	}
	if c.Dir, err = os.MkdirTemp("", "airtill-torture-"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	r, err := torture.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v; logs: %s", err, c.Dir)
	}
	t.Logf("%.0f s: %s", time.Since(begun).Seconds(), r)
	if r.Good() || c.Bug != "" {
		if err := os.RemoveAll(c.Dir); err != nil {
			t.Error(err)
		}
	}
	return r
}

// sound fails for whatever differs, and says how to see it again.
func sound(t *testing.T, c torture.Config, r *torture.Result) {
	t.Helper()
	for _, d := range r.Differences {
		t.Error(d)
	}
	if !r.Good() {
		t.Errorf("seed %d, plan %v; logs: %s", c.Seed, c.Plan, r.Logs)
	}
	if r.Rounds != len(c.Plan) && r.Good() {
		t.Errorf("%d rounds of %d", r.Rounds, len(c.Plan))
	}
	if r.Orders < 2*r.Rounds || r.Paid < r.Rounds || r.Callbacks < r.Paid || r.Repeats == 0 || r.Asked < r.Orders {
		t.Errorf("there was too little to lose: %+v", r)
	}
}

// plan is so many faults of each kind, in an order drawn from the seed.
func plan(seed uint64, counts map[torture.Kind]int) []torture.Kind {
	var all []torture.Kind
	for _, k := range torture.Redis.Kinds() { // a map has no order to draw from
		n := counts[k]
		if raced {
			n = min(n, 1)
		}
		for range n {
			all = append(all, k)
		}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// points are the points of a platform whose store is a server, or only those of the
// embedded store.
func points(embedded bool) []fault.Name {
	return slices.DeleteFunc(fault.Names(), func(n fault.Name) bool { return n.Embedded() != embedded })
}

// Two platforms on a redis-server whose file is synced always lose nothing, whichever of
// them is killed, at random and at every point, stopped where it stands, or followed by
// another before it is gone.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	const seed = 11
	c := torture.Config{Store: torture.Redis, Seed: seed, Platforms: 2, Points: points(false), Plan: plan(seed, map[torture.Kind]int{
		torture.KillPlatform: 26, torture.KillAtPoint: len(points(false)), torture.FreezePlatform: 1, torture.TakeOver: 2,
	})}
	r := run(t, c)
	sound(t, c, r)
	if n := r.Faults[string(torture.KillPlatform)] + r.Faults[string(torture.KillAtPoint)]; r.Good() && n < 40 && !raced {
		t.Errorf("%d kills of a platform", n)
	}
	ended(t, r, points(false))
}

// Nor does a platform whose Redis is killed, its file's tail torn, its replies lost, its
// disk filled; or whose carrier is killed.
func TestRedisServer(t *testing.T) {
	t.Parallel()
	const seed = 14
	c := torture.Config{Store: torture.Redis, Seed: seed, Plan: plan(seed, map[torture.Kind]int{
		torture.KillRedis: 20, torture.TearTail: 10, torture.LoseReplies: 3, torture.CutNetwork: 2,
		torture.FreezeRedis: 1, torture.KillGateway: 2, torture.FillDisk: 1,
	})}
	r := run(t, c)
	sound(t, c, r)
	if f := r.Faults; r.Good() && !raced && (f[string(torture.TearTail)] < 10 || f[string(torture.KillRedis)] < 20 || f[string(torture.FillDisk)] < 1) {
		t.Errorf("too few faults: %v", f)
	}
}

// ended wants every point to have ended a platform.
func ended(t *testing.T, r *torture.Result, points []fault.Name) {
	t.Helper()
	for _, n := range points {
		if !raced && !slices.Contains(r.Points, string(n)) {
			t.Errorf("no platform has ended at %s", n)
		}
	}
}

// The same on the platform's own file, at the points and with the tails that only it has.
func TestEmbeddedStore(t *testing.T) {
	t.Parallel()
	const seed = 12
	c := torture.Config{Store: torture.Embedded, Seed: seed, Points: points(true), Plan: plan(seed, map[torture.Kind]int{
		torture.KillPlatform: 3, torture.KillAtPoint: len(points(true)), torture.TearTail: 5, torture.FreezePlatform: 1,
	})}
	r := run(t, c)
	sound(t, c, r)
	ended(t, r, points(true))
}

// The same on a cluster whose masters are killed and come back in their places.
func TestClusterMaster(t *testing.T) {
	t.Parallel()
	const seed = 13
	c := torture.Config{Store: torture.Cluster, Seed: seed, Plan: plan(seed, map[torture.Kind]int{
		torture.KillRedis: 3, torture.KillPlatform: 2, torture.FreezeRedis: 1,
	})}
	sound(t, c, run(t, c))
}

// Every planted bug is found, by what it does.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	repeat := func(n int, k torture.Kind) (all []torture.Kind) {
		for range n {
			all = append(all, k)
		}
		return all
	}
	for n, test := range []struct {
		bug   fault.Bug
		store torture.Store
		plan  []torture.Kind
		point fault.Name
		says  []string // one of these is among the differences
	}{
		{fault.EarlyReply, torture.Redis, repeat(8, torture.StallAtPoint), fault.BeforeCommit, []string{"acknowledged as"}},
		{fault.LostEffect, torture.Redis, repeat(1, torture.StallAtPoint), fault.BeforeHome, []string{"is paid and not acknowledged"}},
		{fault.SecondDebit, torture.Redis, repeat(24, torture.KillAtPoint), fault.AfterCommit, []string{"the journal says"}},
		{fault.UncountedSweep, torture.Redis, repeat(6, torture.KillAtPoint), fault.AfterHome, []string{"came home after"}},
		{fault.LostClaim, torture.Redis, repeat(4, torture.KillPlatform), "", []string{"another order under the reference", "the claim of"}},
		{fault.AnyAnswer, torture.Redis, repeat(4, torture.KillPlatform), "", []string{"callbacks were turned away, none taken"}},
		{fault.NoFence, torture.Redis, repeat(8, torture.TakeOver), "", []string{"audit: ", "not as it was left"}},
		{fault.LostDeadline, torture.Redis, repeat(4, torture.KillPlatform), "", []string{"not acknowledged after all was left alone"}},
		{fault.LostTries, torture.Redis, repeat(20, torture.KillPlatform), "", []string{"typed a wrong PIN, and has"}},
		{fault.EarlySync, torture.Embedded, repeat(10, torture.KillPlatform), "", []string{"acknowledged as", "No valid key", "ended by itself"}},
	} {
		if raced && n > 0 {
			break
		}
		t.Run(string(test.bug), func(t *testing.T) {
			t.Parallel()
			c := torture.Config{Store: test.store, Seed: 21, Plan: test.plan, Bug: test.bug, Expiry: 12 * time.Second}
			if test.point != "" {
				c.Points = []fault.Name{test.point}
			}
			for range 2 { // what is under way when a platform ends is left to luck
				r := run(t, c)
				found := strings.Join(r.Differences, "\n")
				if slices.ContainsFunc(test.says, func(s string) bool { return strings.Contains(found, s) }) {
					return
				}
				t.Logf("after %d rounds no difference says any of %q:\n%s", r.Rounds, test.says, found)
				c.Seed++
			}
			t.Error("the bug was not found")
		})
	}
}

// What cannot be is refused before anything is started.
func TestValidate(t *testing.T) {
	for _, c := range []torture.Config{
		{},
		{Binary: "airtill", Dir: "x", Store: torture.Embedded, Platforms: 2},
		{Binary: "airtill", Dir: "x", Store: torture.Cluster, Plan: []torture.Kind{torture.FillDisk}},
		{Binary: "airtill", Dir: "x", Store: "paper", Plan: []torture.Kind{"fire"}},
	} {
		if _, err := torture.Run(t.Context(), c); err == nil {
			t.Errorf("%+v was run", c)
		}
	}
}
