package driver

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/platform"
)

// TestChangesKeepWhatIsDue: a change of the rate moves what is to come, and throws away
// nothing that is due already, however often it comes.
func TestChangesKeepWhatIsDue(t *testing.T) { synctest.Test(t, testChangesKeepWhatIsDue) }

func testChangesKeepWhatIsDue(t *testing.T) {
	const rate, bills = 1000, 100
	d, err := newDrive(Config{
		Plan: schedule.Config{Rate: rate, Duration: bills * time.Second / rate}, Traffic: schedule.TrafficConfig{Handsets: 1},
	}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	d.shops = &shops{ids: []platform.MerchantID{"30000001"}}
	d.recorder = load.NewRecorder(load.Recording{})
	d.config.stall = func(time.Duration) { d.change(load.Order{Kind: "rate", Rate: rate}) } // one each tick
	d.start = time.Now()
	d.pace(t.Context())
	if n := len(d.due); n != bills {
		t.Errorf("%d of %d bills that came due were begun", n, bills)
	}
}

// TestStalledEnrolment: what held the generator up while handsets were enrolled is not
// held against the run.
func TestStalledEnrolment(t *testing.T) { synctest.Test(t, testStalledEnrolment) }

func testStalledEnrolment(t *testing.T) {
	c, w := small(t)
	c.Plan.Rate, c.Traffic.Handsets = 20, 3
	var slow, held sync.Once
	w.Watch.Platform = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/enrolments") {
				slow.Do(func() { wait(r.Context(), time.Second) })
			}
			next.ServeHTTP(rw, r)
		})
	}
	c.doze = func(ctx context.Context, d time.Duration) error {
		held.Do(func() { d += 500 * time.Millisecond })
		wait(ctx, d)
		return ctx.Err()
	}
	var enrolling load.Snapshot
	c.Watch = func(s load.Snapshot) {
		if s.Phase == "enrol" {
			enrolling = s
		}
	}
	r := run(t, c, w, load.Passed)
	if enrolling.Phase == "" || r.Generator.Stalls != 0 {
		t.Errorf("%d stalls in the run, %.0f ms", r.Generator.Stalls, r.Generator.StallMax)
	}
}
