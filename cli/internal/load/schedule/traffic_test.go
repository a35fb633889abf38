package schedule_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
)

func traffic(t rapid.TB, c schedule.TrafficConfig) *schedule.Traffic {
	t.Helper()
	all, err := schedule.NewTraffic(c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryHandsetInTurn: each handset has one bill before any has another.
func TestEveryHandsetInTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 500).Draw(t, "handsets")
		all := traffic(t, schedule.TrafficConfig{Seed: rapid.Uint64().Draw(t, "seed"), Handsets: n})
		from := rapid.Int64Range(0, 1<<40).Draw(t, "round") * int64(n)
		seen := make(map[int]bool)
		for i := range n {
			seen[all.Bill(from+int64(i)).Handset] = true
		}
		if len(seen) != n {
			t.Errorf("%d of %d handsets had a bill", len(seen), n)
		}
	})
}

func TestShares(t *testing.T) {
	mix, _ := schedule.ParseMix("pay=85,ignore=8,decline=4,badpin=3")
	think, _ := schedule.ParseThink("3s~lognormal(0.6)")
	all := traffic(t, schedule.TrafficConfig{
		Seed: 7, Handsets: 20000, Mix: mix, Think: think, Channel: schedule.Both, UCS2: 0.1,
		Amount: schedule.Amounts{Min: 5, Max: 9}, Rows: 10, Order: schedule.Sequential,
	})
	const n = 20000
	kinds, channels, slow, ucs2, amounts := map[persona.Kind]float64{}, map[schedule.Channel]float64{}, 0.0, 0.0, map[money.Amount]float64{}
	for i := range n {
		p, b := all.Person(i), all.Bill(int64(i))
		kinds[p.Kind]++
		channels[b.Channel]++
		amounts[b.Amount]++
		if p.Pace.Read+p.Pace.Type > 3*time.Second {
			slow++
		}
		if b.UCS2 {
			ucs2++
		}
		if b.Row != i%10 {
			t.Fatalf("bill %d has row %d", i, b.Row)
		}
	}
	for name, c := range map[string][2]float64{
		"pay": {kinds[persona.Pays], 0.85}, "ignore": {kinds[persona.Never], 0.08}, "decline": {kinds[persona.Refuses], 0.04},
		"badpin": {kinds[persona.WrongPINOnce], 0.03}, "ussd": {channels[schedule.USSD], 0.5}, "slow": {slow, 0.5}, "ucs2": {ucs2, 0.1},
		"amount 5": {amounts[5], 0.2}, "amount 9": {amounts[9], 0.2},
	} {
		if share := c[0] / n; math.Abs(share-c[1]) > 4*math.Sqrt(c[1]*(1-c[1])/n) {
			t.Errorf("%s: %.4f, want about %v", name, share, c[1])
		}
	}
}

// TestOneFlagOneChange: a flag that changes one thing of a bill or a person leaves the
// others as the seed has them.
func TestOneFlagOneChange(t *testing.T) {
	plain := traffic(t, schedule.TrafficConfig{Seed: 5, Handsets: 100})
	mix, _ := schedule.ParseMix("pay=1,ignore=1")
	other := traffic(t, schedule.TrafficConfig{Seed: 5, Handsets: 100, Mix: mix, Channel: schedule.Both, UCS2: 0.5, Rows: 9, Parts: schedule.Range{Min: 1, Max: 3}})
	for i := range int64(200) {
		a, b := plain.Bill(i), other.Bill(i)
		if a.Handset != b.Handset || a.Amount != b.Amount {
			t.Fatalf("bill %d: %+v and %+v", i, a, b)
		}
	}
	for h := range 100 {
		if a, b := plain.Person(h), other.Person(h); a.Seed != b.Seed || a.Pace != b.Pace {
			t.Fatalf("handset %d: %+v and %+v", h, a, b)
		}
	}
}

func TestTrafficErrors(t *testing.T) {
	for part, c := range map[string]schedule.TrafficConfig{
		"--handsets: ":             {},
		"too few for 4 segments":   {Handsets: 3, Segment: schedule.Segment{K: 1, N: 4}},
		"2 rows of data have 1":    {Handsets: 3, Rows: 2, Payers: []int{1}},
		"row 1 of the data is of":  {Handsets: 3, Rows: 1, Payers: []int{3}},
		"no row of the data is in": {Handsets: 3, Rows: 1, Payers: []int{0}, Segment: schedule.Segment{K: 2, N: 2}},
		"cannot be paid":           {Handsets: 3, Amount: schedule.Amounts{Min: 9, Max: 5}},
		"nobody is in it":          {Handsets: 3, Mix: schedule.Mix{{persona.Pays, 0}}},
	} {
		if _, err := schedule.NewTraffic(c); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%+v: %v, want %q", c, err, part)
		}
	}
}
