package schedule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/handsetsim/persona"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{
		"200": 200, "200/s": 200, "12000/m": 200, "720000/h": 200, "0.5/s": 0.5, "0": 0, " 7/s": 7,
	} {
		if got, err := schedule.ParseRate(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "/s", "200/", "200/d", "-1", "NaN", "Inf", "1e9", "many", "200 /s"} {
		got, err := schedule.ParseRate(text)
		if err == nil {
			t.Errorf("%q is %v", text, got)
			continue
		}
		if !strings.HasPrefix(err.Error(), "--rate ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseStages(t *testing.T) {
	got, err := schedule.ParseStages("30s:50, 2m:12000/m,30s:0")
	want := []schedule.Stage{{30 * time.Second, 50}, {2 * time.Minute, 200}, {30 * time.Second, 0}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for text, part := range map[string]string{
		"": "write it as 30s:50", "30s": "write it as 30s:50", "30s:50,": "write it as 30s:50",
		"x:50": `stage 1, "x:50": write a time`, "1s:1,30s:x": `stage 2, "30s:x": write a rate`,
		"-1s:5": "a time is 0 to", "1s:-5": "a rate is 0 to", "0s:50": "takes no time", "1000h:1": "a time is 0 to",
		"700h:1,700h:1": "longer than 720h",
	} {
		if _, err := schedule.ParseStages(text); err == nil || !strings.Contains(err.Error(), part) || !strings.HasPrefix(err.Error(), "--stages ") {
			t.Errorf("%q: %v, want %q", text, err, part)
		}
	}
}

func TestParseClimb(t *testing.T) {
	got, err := schedule.ParseClimb("50", "10s", "1000/s")
	if want := (schedule.Climb{Step: 50, Every: 10 * time.Second, Max: 1000}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := schedule.ParseClimb("600/m", "", ""); err != nil || got != (schedule.Climb{Step: 10}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range [][4]string{
		{"", "10s", "1", "--step"}, {"0", "", "", "--step"}, {"x", "", "", "--step"},
		{"1", "0s", "", "--every"}, {"1", "soon", "", "--every"}, {"1", "", "0", "--max"}, {"1", "", "top", "--max"},
	} {
		if _, err := schedule.ParseClimb(c[0], c[1], c[2]); err == nil || !strings.HasPrefix(err.Error(), c[3]+" ") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestParseMix(t *testing.T) {
	m, err := schedule.ParseMix("pay=85, ignore=8,decline=4,wrong-pin-once=3")
	want := schedule.Mix{{persona.Pays, 85}, {persona.Never, 8}, {persona.Refuses, 4}, {persona.WrongPINOnce, 3}}
	if err != nil || !slices.Equal(m, want) {
		t.Errorf("%v, %v", m, err)
	}
	if got := m.String(); got != "pay=85,ignore=8,decline=4,badpin=3" {
		t.Errorf("written as %s", got)
	}
	for text, part := range map[string]string{
		"": "write a habit and its weight", "pay": "write a habit and its weight", "pay=x": "write a habit and its weight",
		"pay=-1": "write a habit and its weight", "rich=5": `no habit "rich": choose from pay, ignore, decline, badpin, poor, later, away`,
		"pay=1,pays=2": "pays is in it twice", "pay=0": "nobody is in it", "pay=NaN": "write a habit and its weight", "manual=1": "no habit",
	} {
		if _, err := schedule.ParseMix(text); err == nil || !strings.Contains(err.Error(), part) || !strings.HasPrefix(err.Error(), "--mix ") {
			t.Errorf("%q: %v, want %q", text, err, part)
		}
	}
}

// TestMixHasEveryHabit: each habit that people have of themselves can be asked for by its
// own name; those who make trouble are met on purpose, by number.
func TestMixHasEveryHabit(t *testing.T) {
	trouble := []persona.Kind{
		persona.Manual, persona.WrongPIN, persona.PaysTwice, persona.PaysOver, persona.LooksOnly, persona.DropsMenu, persona.WritesUCS2,
	}
	for _, k := range persona.Kinds() {
		_, err := schedule.ParseMix(string(k) + "=1")
		if (err != nil) != slices.Contains(trouble, k) {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestParseThink(t *testing.T) {
	for text, want := range map[string]schedule.Think{
		"":                  {},
		"0s":                {Set: true},
		"3s":                {Set: true, Median: 3 * time.Second},
		"3s~lognormal(0.6)": {Set: true, Median: 3 * time.Second, Spread: schedule.Lognormal, By: 0.6},
		"1m~uniform(.5)":    {Set: true, Median: time.Minute, Spread: schedule.Evenly, By: 0.5},
	} {
		got, err := schedule.ParseThink(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := schedule.ParseThink(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q: %+v, %v", text, got.String(), again, err)
		}
	}
	for _, text := range []string{"3", "soon", "-3s", "3s~", "3s~normal(1)", "3s~lognormal", "3s~lognormal()", "3s~lognormal(1.2.3)", "3s~lognormal(4)", "3s~uniform(1.5)"} {
		if got, err := schedule.ParseThink(text); err == nil || !strings.HasPrefix(err.Error(), "--think ") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestSmallFlags: texts that are taken, and that are refused in the flag's name.
func TestSmallFlags(t *testing.T) {
	for _, c := range []struct {
		flag  string
		parse func(string) error
		good  []string
		bad   []string
	}{
		{"arrivals", drop(schedule.ParseArrivals), []string{"uniform", "poisson"}, []string{"", "Poisson", "pareto"}},
		{"channel", drop(schedule.ParseChannel), []string{"sms", "ussd", "both"}, []string{"", "SMS", "email"}},
		{"segment", drop(schedule.ParseSegment), []string{"", "1/1", "4/4"}, []string{"1", "0/4", "5/4", "1/x", "/", "-1/2", "1/1001"}},
		{"parts", drop(schedule.ParseParts), []string{"1", "1-3", "8"}, []string{"", "0", "3-1", "1-9", "x", "1-2-3"}},
		{"ucs2", drop(schedule.ParseUCS2), []string{"0%", "10%", "100%"}, []string{"", "10", "-1%", "101%", "x%", "NaN%"}},
		{"data", func(s string) error { _, _, err := schedule.ParseData(s); return err },
			[]string{"users.csv", "users.csv:random", `a:b.csv:sequential`}, []string{"", ":random", "users.csv:", "users.csv:shuffled"}},
	} {
		for _, text := range c.good {
			if err := c.parse(text); err != nil {
				t.Errorf("--%s %q: %v", c.flag, text, err)
			}
		}
		for _, text := range c.bad {
			if err := c.parse(text); err == nil || !strings.HasPrefix(err.Error(), "--"+c.flag+" ") || !strings.Contains(err.Error(), "write it as") {
				t.Errorf("--%s %q: %v", c.flag, text, err)
			}
		}
	}
}

func drop[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error { _, err := parse(s); return err }
}

// FuzzParse: no text breaks a parser, and what is taken makes a schedule and a traffic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"200/s", "30s:50,2m:200", "50", "pay=85,ignore=15", "3s~lognormal(0.6)", "1/4", "1-3", "10%", "users.csv:random", "poisson", "both"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := schedule.ParseRate(s); err == nil && r > 0 {
			bills(t, schedule.Config{Rate: r})
		}
		if stages, err := schedule.ParseStages(s); err == nil {
			bills(t, schedule.Config{Stages: stages})
		}
		if climb, err := schedule.ParseClimb(s, "", ""); err == nil {
			bills(t, schedule.Config{Climb: climb})
		}
		c := schedule.TrafficConfig{Handsets: 1000}
		c.Mix, _ = schedule.ParseMix(s)
		c.Think, _ = schedule.ParseThink(s)
		c.Segment, _ = schedule.ParseSegment(s)
		c.Parts, _ = schedule.ParseParts(s)
		c.UCS2, _ = schedule.ParseUCS2(s)
		c.Channel, _ = schedule.ParseChannel(s)
		traffic, err := schedule.NewTraffic(c)
		if err != nil {
			t.Fatalf("%q was taken: %v", s, err)
		}
		traffic.Bill(7)
		if p := traffic.Person(7); c.Think.Set && p.Pace.Read <= 0 {
			t.Errorf("%q: pace %v", s, p.Pace)
		}
		schedule.ParseData(s)
		schedule.ParseArrivals(s)
	})
}

// bills takes a few bills of a schedule, whose times never go back.
func bills(t *testing.T, c schedule.Config) {
	t.Helper()
	s, err := schedule.New(c)
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	var last time.Duration
	for range 10 {
		d, ok := s.Next()
		if !ok {
			return
		}
		if d.At < last {
			t.Fatalf("%+v: due at %v, after %v", c, d.At, last)
		}
		last = d.At
	}
}
