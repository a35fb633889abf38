package driver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/billing"
)

// small is a load of a second or so on a network in memory.
func small(t *testing.T) (Config, *world.Config) {
	t.Helper()
	n := &network.Memory{}
	store, err := world.OpenStore(t.Context(), n, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world.Config{
		Network: n, Store: store, Seed: 7, Timing: billing.Timing{SweepEvery: 20 * time.Millisecond},
		Pace: Pace(schedule.Think{Set: true}),
	}
	return Config{
		Name: "small", Plan: schedule.Config{Rate: 60, Duration: time.Second}, Interval: 100 * time.Millisecond, Shops: 2,
		Traffic:    schedule.TrafficConfig{Seed: 7, Handsets: 30},
		Thresholds: thresholds(t, "failed<1%"),
	}, w
}

// bubble is a subtest in a bubble of its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func thresholds(t *testing.T, texts ...string) (all []load.Threshold) {
	t.Helper()
	for _, text := range texts {
		one, err := load.ParseThreshold(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// run runs a load, and expects a verdict; "" is any.
func run(t *testing.T, c Config, w *world.Config, verdict string) *load.Result {
	t.Helper()
	if c.Site == nil {
		c.Site = Embedded{Config: *w}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if verdict != "" && r.Verdict != verdict {
		t.Fatalf("%s, want %s: %v; causes %v, differences %v, totals %+v", r.Verdict, verdict, r.Why, r.Causes, r.Audit.Differences, r.Totals)
	}
	return r
}

func step(t *testing.T, r *load.Result, s load.Step) load.StepResult {
	t.Helper()
	for _, one := range r.Steps {
		if one.Step == s {
			return one
		}
	}
	t.Fatalf("there is no step %s", s)
	return load.StepResult{}
}

// TestRun: all bills of a run are begun and end well, every step of each is timed, and
// nothing is lost.
func TestRun(t *testing.T) { synctest.Test(t, testRun) }

func testRun(t *testing.T) {
	c, w := small(t)
	var phases []string
	var mu sync.Mutex
	c.Watch = func(s load.Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
			phases = append(phases, s.Phase)
		}
	}
	r := run(t, c, w, load.Passed)
	if r.Totals.Due != 60 || r.Totals.Begun != 60 || r.Totals.OK != 60 || r.Totals.Failed != 0 || r.Lost != 0 {
		t.Errorf("totals %+v, lost %d", r.Totals, r.Lost)
	}
	for _, s := range load.Steps() {
		if got := step(t, r, s); got.Count != 60 || got.Failed != 0 {
			t.Errorf("step %s: %d timed, %d failed", s, got.Count, got.Failed)
		}
	}
	if e2e, pay, push := step(t, r, load.E2E).Ladder, step(t, r, load.Pay).Ladder, step(t, r, load.Push).Ladder; e2e.P50 < pay.P50 || pay.P50 < push.P50 {
		t.Errorf("steps are not in their order: e2e %+v, pay %+v, push %+v", e2e, pay, push)
	}
	if !r.Audit.Done || !r.HeldRate || r.Seed != 7 || r.Environment.Cores == 0 || r.Environment.Store == "" {
		t.Errorf("audit %+v, held %v, seed %d, environment %+v", r.Audit, r.HeldRate, r.Seed, r.Environment)
	}
	if want := "run"; !slices.Contains(phases, want) || phases[len(phases)-1] != "done" {
		t.Errorf("phases %v", phases)
	}
}

// TestHabits: a bill that ends as its person would have it is good, whatever that is.
func TestHabits(t *testing.T) { synctest.Test(t, testHabits) }

func testHabits(t *testing.T) {
	c, w := small(t)
	c.Plan.Rate, c.Traffic.Handsets, c.Expiry = 40, 40, 2*time.Second // a bill for each
	c.Traffic.Mix = schedule.Mix{
		{Kind: persona.Pays, Share: 2}, {Kind: persona.Refuses, Share: 1}, {Kind: persona.Never, Share: 1},
		{Kind: persona.WrongPINOnce, Share: 1}, {Kind: persona.PoorFirstCard, Share: 1}, {Kind: persona.PaysLater, Share: 1},
	}
	r := run(t, c, w, load.Passed)
	if r.Totals.OK != 40 || len(r.Causes) > 0 && r.Causes[load.Expired] > 0 {
		t.Errorf("totals %+v, causes %v", r.Totals, r.Causes)
	}
	if e2e, paid := step(t, r, load.E2E).Count, step(t, r, load.Pay).Count; e2e >= 40 || paid >= e2e {
		t.Errorf("%d were timed to the end, %d were paid; some ran out, some were refused", e2e, paid)
	}
}

// TestThink: the time that people take is in e2e, and in nothing else.
func TestThink(t *testing.T) { synctest.Test(t, testThink) }

func testThink(t *testing.T) {
	c, w := small(t)
	w.Pace = Pace(schedule.Think{Set: true, Median: 700 * time.Millisecond})
	r := run(t, c, w, load.Passed)
	e2e, system, pay := step(t, r, load.E2E).Ladder.P50, step(t, r, load.System).Ladder.P50, step(t, r, load.Pay).Ladder.P50
	if e2e < 700 || e2e-system < 690 || e2e-pay < 690 {
		t.Errorf("e2e %.0f ms, system %.0f ms, pay %.0f ms: people took 700 ms", e2e, system, pay)
	}
}

// TestFreeze: a system that stands still for two seconds shows in the latency as
// seconds, and not as the generator's.
func TestFreeze(t *testing.T) { synctest.Test(t, testFreeze) }

func testFreeze(t *testing.T) {
	c, w := small(t)
	c.Plan.Duration = 3 * time.Second
	var first atomic.Pointer[time.Time]
	w.Watch.Platform = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/bills" {
				first.CompareAndSwap(nil, new(time.Now()))
				if at := time.Since(*first.Load()); at > 500*time.Millisecond {
					wait(r.Context(), 2500*time.Millisecond-at)
				}
			}
			next.ServeHTTP(rw, r)
		})
	}
	r := run(t, c, w, load.Passed)
	if p99 := step(t, r, load.E2E).Ladder.P99; p99 < 1700 {
		t.Errorf("p99 %.0f ms of a system that stood still for 2 s", p99)
	}
	if r.Totals.Begun != 180 || !r.HeldRate || r.Generator.Lag.P99 > 100 {
		t.Errorf("begun %d, held %v, lag %+v", r.Totals.Begun, r.HeldRate, r.Generator.Lag)
	}
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// TestStalledGenerator: what the generator holds up is told as the generator's.
func TestStalledGenerator(t *testing.T) { synctest.Test(t, testStalledGenerator) }

func testStalledGenerator(t *testing.T) {
	c, w := small(t)
	var once sync.Once
	c.stall = func(at time.Duration) {
		if at > 300*time.Millisecond {
			once.Do(func() { wait(context.Background(), 500*time.Millisecond) })
		}
	}
	r := run(t, c, w, load.Inconclusive)
	if r.HeldRate || r.Generator.Lag.P99 < 300 {
		t.Errorf("held %v, lag %+v", r.HeldRate, r.Generator.Lag)
	}
}

// TestCallbacksTurnedAway: callbacks that are answered 500 come again; those that never
// get another answer are a cause, and not lost.
func TestCallbacksTurnedAway(t *testing.T) { synctest.Test(t, testCallbacksTurnedAway) }

func testCallbacksTurnedAway(t *testing.T) {
	c, w := small(t)
	c.Plan.Rate = 30
	w.Timing.Reports = []time.Duration{50 * time.Millisecond}
	c.answer = func(_ string, attempt int) int {
		if attempt == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	}
	r := run(t, c, w, load.Passed)
	if got := step(t, r, load.Callback); got.Failed != 30 || r.Totals.OK != 30 {
		t.Errorf("callback: %d failed, %d ok", got.Failed, r.Totals.OK)
	}

	c, w = small(t)
	c.Plan.Rate, c.DrainTimeout = 30, 300*time.Millisecond
	c.answer = func(string, int) int { return http.StatusInternalServerError }
	r = run(t, c, w, load.Failed)
	if r.Causes[load.Callback5xx] == 0 || r.Causes[load.Callback5xx]+r.Causes[load.CallbackMissing] != 30 || r.Lost != 0 {
		t.Errorf("causes %v, lost %d", r.Causes, r.Lost)
	}
}

// TestLost: an order that was acknowledged and has no bill is lost, and so is a bill
// whose shop does not know of its end, though the platform says that it was told.
func TestLost(t *testing.T) {
	bubble(t, "no bill", func(t *testing.T) {
		c, w := small(t)
		c.DrainTimeout = 500 * time.Millisecond
		w.Watch.Platform = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { loseOne(next, rw, r) })
		}
		r := run(t, c, w, load.Inconsistent)
		if r.Lost != 1 || r.Causes[load.Lost] != 1 || !strings.Contains(fmt.Sprint(r.Audit.Differences), "order b5 was acknowledged") {
			t.Errorf("lost %d, differences %v", r.Lost, r.Audit.Differences)
		}
	})
	bubble(t, "not told", func(t *testing.T) {
		c, w := small(t)
		c.DrainTimeout = 500 * time.Millisecond
		c.forget = func(reference string) bool { return reference == "b5" }
		r := run(t, c, w, load.Inconsistent)
		if r.Lost != 1 || !strings.Contains(fmt.Sprint(r.Audit.Differences), "its shop was never told") {
			t.Errorf("lost %d, differences %v", r.Lost, r.Audit.Differences)
		}
	})
}

// loseOne answers an order for b5 with a bill that there is not.
func loseOne(next http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	var order struct{ Reference string }
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/bills" || json.Unmarshal(body, &order) != nil || order.Reference != "b5" {
		next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"id":"bill_01JDB0Y3Z7M0003ZZZZZZZZZZZ","reference":"b5","state":"created"}`)
}

// TestRefused: an order that the platform refuses is a cause of its own.
func TestRefused(t *testing.T) { synctest.Test(t, testRefused) }

func testRefused(t *testing.T) {
	c, w := small(t)
	w.Limits = billing.Limits{}
	w.Watch.Platform = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/bills" {
				http.Error(rw, "no", http.StatusForbidden)
				return
			}
			next.ServeHTTP(rw, r)
		})
	}
	r := run(t, c, w, load.Failed)
	if r.Causes[load.OrderRefused] != 60 || r.Totals.Failed != 60 || step(t, r, load.Create).Failed != 60 {
		t.Errorf("causes %v, totals %+v", r.Causes, r.Totals)
	}
}

// TestEnds: a run that is stopped lets what is under way end; one that is killed does
// not, and its result is there all the same.
func TestEnds(t *testing.T) {
	for _, kind := range []string{"stop", "kill"} {
		bubble(t, kind, func(t *testing.T) {
			c, w := small(t)
			c.Plan.Duration = time.Minute
			w.Pace = Pace(schedule.Think{Set: true, Median: 600 * time.Millisecond})
			orders := make(chan load.Order, 1)
			c.Orders = orders
			var once sync.Once
			c.Watch = func(s load.Snapshot) {
				if s.Totals.Begun > 20 {
					once.Do(func() { orders <- load.Order{Kind: kind} })
				}
			}
			r := run(t, c, w, load.Interrupted)
			unfinished := r.Causes[load.Unfinished]
			if kind == "stop" && (unfinished != 0 || !r.Audit.Done) || kind == "kill" && (unfinished == 0 || r.Audit.Done) {
				t.Errorf("%d unfinished, audit %+v", unfinished, r.Audit)
			}
		})
	}
}

// TestOrders: rate, pause and resume change a run under way.
func TestOrders(t *testing.T) { synctest.Test(t, testOrders) }

func testOrders(t *testing.T) {
	c, w := small(t)
	c.Plan = schedule.Config{Rate: 10, Duration: 2 * time.Second}
	orders := make(chan load.Order, 8)
	c.Orders = orders
	var paused atomic.Bool
	for _, o := range []load.Order{{Kind: "rate+", Rate: 90}, {Kind: "pause"}} {
		orders <- o
	}
	var resume sync.Once
	c.Watch = func(s load.Snapshot) {
		if s.Paused && s.Phase == "run" {
			paused.Store(true)
			resume.Do(func() { orders <- load.Order{Kind: "resume"} })
		}
	}
	r := run(t, c, w, load.Passed)
	if !paused.Load() || r.Totals.Begun < 100 {
		t.Errorf("paused %v, begun %d: asked for 100/s over about 2 s", paused.Load(), r.Totals.Begun)
	}
}

// TestDropped: what is due when too many are in flight is dropped, counted, and judged.
func TestDropped(t *testing.T) { synctest.Test(t, testDropped) }

func testDropped(t *testing.T) {
	c, w := small(t)
	c.MaxInFlight = 5
	w.Pace = Pace(schedule.Think{Set: true, Median: 500 * time.Millisecond})
	r := run(t, c, w, load.Inconclusive)
	if r.Totals.Dropped == 0 || r.Totals.Dropped+r.Totals.Begun != 60 {
		t.Errorf("totals %+v", r.Totals)
	}
}

// TestUsers: a closed model keeps so many bills under way, and says what it is.
func TestUsers(t *testing.T) { synctest.Test(t, testUsers) }

func testUsers(t *testing.T) {
	c, w := small(t)
	c.Users, c.Plan = 5, schedule.Config{Bills: 40}
	var most atomic.Int64
	c.Watch = func(s load.Snapshot) { most.Store(max(most.Load(), s.Totals.InFlight)) }
	r := run(t, c, w, load.Passed)
	if r.Model != load.Closed || r.Totals.Begun != 40 || most.Load() > 5 {
		t.Errorf("%s, begun %d, at most %d in flight", r.Model, r.Totals.Begun, most.Load())
	}
}

// TestAbort: a run whose threshold is broken ends, and has failed.
func TestAbort(t *testing.T) { synctest.Test(t, testAbort) }

func testAbort(t *testing.T) {
	c, w := small(t)
	c.Plan.Duration, c.AbortOnFail = time.Minute, true
	w.Pace = Pace(schedule.Think{Set: true, Median: 10 * time.Millisecond})
	c.Thresholds = thresholds(t, "e2e.p99<5ms")
	r := run(t, c, w, load.Failed)
	if r.Seconds > 30 {
		t.Errorf("it went on for %.0f s", r.Seconds)
	}
}

// TestClimb: a climb finds the highest rate that keeps to the thresholds.
func TestClimb(t *testing.T) { synctest.Test(t, testClimb) }

func testClimb(t *testing.T) {
	c, w := small(t)
	c.Plan = schedule.Config{}
	c.Climb = Climb{From: 20, Every: 400 * time.Millisecond}
	c.Thresholds = thresholds(t, "rate<70/s")
	r := run(t, c, w, load.Passed)
	if r.Best < 50 || r.Best > 80 || len(r.Climb) < 4 {
		t.Errorf("best %.1f, %+v", r.Best, r.Climb)
	}
	if !r.Climb[0].Held || r.Climb[0].Rate != 20 || r.Climb[1].Rate != 40 {
		t.Errorf("%+v", r.Climb)
	}
	c, w = small(t)
	c.Plan = schedule.Config{}
	c.Climb = Climb{From: 20, Step: 10, Max: 40, Every: 400 * time.Millisecond}
	c.Thresholds = thresholds(t, "rate<1/s")
	if r = run(t, c, w, load.Failed); r.Best != 0 || len(r.Climb) != 2 {
		t.Errorf("nothing held: best %.1f, %+v", r.Best, r.Climb)
	}
}

// TestClimbDisturbed: a rung in which the generator was held up says nothing of its rate,
// which is tried again.
func TestClimbDisturbed(t *testing.T) { synctest.Test(t, testClimbDisturbed) }

func testClimbDisturbed(t *testing.T) {
	c, w := small(t)
	c.Plan = schedule.Config{}
	c.Climb = Climb{From: 20, Max: 20, Every: time.Second}
	var late atomic.Bool
	var held sync.Once
	c.Watch = func(s load.Snapshot) { late.Store(s.Phase == "run" && s.Elapsed >= 300*time.Millisecond) }
	c.doze = func(ctx context.Context, d time.Duration) error {
		if late.Load() {
			held.Do(func() { d += 250 * time.Millisecond })
		}
		wait(ctx, d)
		return ctx.Err()
	}
	r := run(t, c, w, load.Passed)
	if r.Best != 20 || len(r.Climb) != 3 || r.Climb[0].Held || !strings.Contains(r.Climb[0].Why, "it was held up") || !r.Climb[1].Held || !r.Climb[2].Held {
		t.Errorf("best %.0f, %+v", r.Best, r.Climb)
	}
}

// TestSeed: the same seed orders the same bills of the same phones; another does not.
func TestSeed(t *testing.T) { synctest.Test(t, testSeed) }

func testSeed(t *testing.T) {
	orders := func(seed uint64) string {
		c, w := small(t)
		c.Traffic.Seed, c.Plan.Duration = seed, 300*time.Millisecond
		var mu sync.Mutex
		var all []string
		w.Watch.Platform = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				if r.Method == http.MethodPost && r.URL.Path == "/v1/bills" {
					mu.Lock()
					all = append(all, string(body))
					mu.Unlock()
				}
				next.ServeHTTP(rw, r)
			})
		}
		run(t, c, w, load.Passed)
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	a, b, other := orders(1), orders(1), orders(2)
	if a != b || a == other || a == "" {
		t.Errorf("seed 1:\n%s\nagain:\n%s\nseed 2:\n%s", a, b, other)
	}
}

// TestControl: the control face shows how a run stands, and hands on orders that there are.
func TestControl(t *testing.T) {
	orders := make(chan load.Order, 1)
	control := &Control{Orders: orders}
	control.Watch(load.Snapshot{Name: "small", Phase: "run", Last: load.Interval{Asked: 60}})
	server := httptest.NewServer(control)
	defer server.Close()
	client := ControlClient{URL: server.URL, HTTP: server.Client()}
	if s, err := client.Standing(t.Context()); err != nil || s.Name != "small" || s.Asked != 60 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := client.Order(t.Context(), load.Order{Kind: "rate+", Rate: -5}); err != nil {
		t.Error(err)
	}
	if _, err := client.Order(t.Context(), load.Order{Kind: "pause"}); err == nil || !strings.Contains(err.Error(), "no order is taken") {
		t.Errorf("an order that nobody takes: %v", err)
	}
	if got := <-orders; got != (load.Order{Kind: "rate+", Rate: -5}) {
		t.Errorf("%+v", got)
	}
	if _, err := client.Order(t.Context(), load.Order{Kind: "explode"}); err == nil || !strings.Contains(err.Error(), "kind is") {
		t.Errorf("%v", err)
	}
	response, err := server.Client().Post(server.URL+"/v1/load/orders", "", strings.NewReader(`{"kind":"rate","rat":3}`))
	if err != nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("%v, %v", response.StatusCode, err)
	}
}

// TestValidate: what cannot be is refused.
func TestValidate(t *testing.T) {
	c, w := small(t)
	c.Site = Embedded{Config: *w}
	for name, spoil := range map[string]func(*Config){
		"no network": func(c *Config) { c.Site = nil }, "no handsets": func(c *Config) { c.Traffic.Handsets = 0 },
		"negative": func(c *Config) { c.Users = -1 }, "many shops": func(c *Config) { c.Shops = 1000 },
		"closed climb": func(c *Config) { c.Users, c.Climb.From = 1, 1 }, "no rate": func(c *Config) { c.Plan = schedule.Config{} },
	} {
		bad := c
		spoil(&bad)
		if _, err := Run(t.Context(), bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
