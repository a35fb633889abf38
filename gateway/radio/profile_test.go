package radio_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/radio"
)

// Every named profile is valid, reads and prints by its name, and is worse than the
// one before it in at least the way its name says.
func TestNamedProfiles(t *testing.T) {
	if want := []string{"ideal", "urban", "rural", "roaming", "stadium", "outage"}; !slices.Equal(radio.Profiles(), want) {
		t.Fatalf("%v", radio.Profiles())
	}
	reached := make(map[string]int)
	for _, name := range radio.Profiles() {
		p := profile(t, name)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Name() != name || p.String() != name {
			t.Errorf("%s: called %q, %q", name, p.Name(), p.String())
		}
		a := air(t, 1, p)
		for i := range 10000 {
			if a.Cross(start.Add(time.Duration(i)*time.Minute), phone).Cause == radio.Through {
				reached[name]++
			}
		}
	}
	if reached["ideal"] != 10000 || reached["outage"] != 0 {
		t.Errorf("%v", reached)
	}
	if u, r, s := reached["urban"], reached["rural"], reached["stadium"]; u < 9500 || r < 8300 || r > 9200 || s < 7500 || s > u {
		t.Errorf("%v", reached)
	}
}

func TestProfileTexts(t *testing.T) {
	urban := profile(t, "urban")
	lossy := urban
	lossy.Loss, lossy.Latency, lossy.Coverage = 0.5, radio.Normal(2*time.Second, 500*ms), radio.Coverage{On: time.Minute, Off: time.Second}
	for text, want := range map[string]radio.Profile{
		"ideal":        {},
		"  ideal   ":   {},
		"ideal loss=0": {},
		"loss=0.5":     {Loss: 0.5},
		"busy=1 failure=0.25 late=3s reordering=1e-3":            {Busy: 1, Failure: 0.25, Late: 3 * time.Second, Reordering: 0.001},
		"urban loss=0.5 latency=normal(2s,500ms) coverage=1m/1s": lossy,
		"outage coverage=always":                                 {Latency: radio.Constant(10 * time.Second)},
	} {
		got, err := radio.ParseProfile(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                   "give ideal, urban, rural, roaming, stadium, outage or fields",
		"suburban":           `no name "suburban"; give ideal, urban`,
		"loss=0.5 urban":     `no field "urban"`,
		"urban los=0.5":      `no field "los"; there are latency, loss`,
		"loss=1.5":           "loss: 1.5 is outside 0 to 1",
		"loss=-0.1":          "loss: -0.1 is outside 0 to 1",
		"loss=NaN":           "loss: NaN is outside 0 to 1",
		"busy":               `no name "busy"`,
		"urban busy":         `busy: "" is not a probability`,
		"duplication=50%":    "duplication: ",
		"latency=normal(1s)": "latency: ",
		"late=1h":            "late: 1h0m0s is outside 0s to 10m0s",
		"coverage=0.9":       "coverage: ",
	} {
		if _, err := radio.ParseProfile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A mean time beside a zero one says nothing, and does not keep a profile from its name.
func TestPlainCoverage(t *testing.T) {
	for want, p := range map[string]radio.Profile{
		"ideal":  {Coverage: radio.Coverage{On: time.Minute}},
		"outage": {Latency: radio.Constant(10 * time.Second), Coverage: radio.Coverage{Off: time.Minute}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestBadProfiles(t *testing.T) {
	for _, p := range []radio.Profile{
		{Loss: 1.1}, {Duplication: -0.1}, {Late: -1}, {Reordering: 2}, {Busy: -1}, {Failure: 3},
		{Latency: radio.Constant(-1)}, {Coverage: radio.Coverage{On: -1}},
	} {
		if _, err := radio.New(1, p); err == nil {
			t.Errorf("%+v taken by New", p)
		}
		a := air(t, 1, radio.Profile{})
		if a.SetProfile(p) == nil || a.SetCell(radio.Cell{Name: "c", Profile: &p}) == nil ||
			a.Set(radio.Settings{Number: phone, Profile: &p}) == nil || a.SetPlan(radio.Plan{Profile: p}) == nil {
			t.Errorf("%+v taken", p)
		}
		if got := a.Plan(); got.Profile != (radio.Profile{}) || len(got.Cells)+len(got.Subscribers) > 0 {
			t.Errorf("%+v left %+v", p, got)
		}
	}
}

func drawProfile(t *rapid.T) radio.Profile {
	part := rapid.Float64Range(0, 1)
	p := radio.Profile{
		Latency: drawLaw(t), Loss: part.Draw(t, "loss"), Duplication: part.Draw(t, "duplication"),
		Reordering: part.Draw(t, "reordering"), Late: time.Duration(rapid.Int64Range(0, int64(radio.MaxDelay)).Draw(t, "late")),
		Busy: part.Draw(t, "busy"), Failure: part.Draw(t, "failure"),
	}
	if rapid.Bool().Draw(t, "gaps") {
		length := rapid.Int64Range(int64(ms), int64(time.Hour))
		p.Coverage = radio.Coverage{On: time.Duration(length.Draw(t, "on")), Off: time.Duration(length.Draw(t, "off"))}
	}
	return p
}

// A profile is read as it is written, in words and in JSON.
func TestProfileRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		if got, err := radio.ParseProfile(p.String()); err != nil || got != p {
			t.Fatalf("%v read as %v, %v", p, got, err)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got := profileOf(t, "stadium")
		if err := radio.Decode(data, &got); err != nil || got != p {
			t.Fatalf("%s read as %v, %v", data, got, err)
		}
	})
}

func profileOf(t *rapid.T, name string) radio.Profile {
	p, err := radio.ParseProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProfileJSON(t *testing.T) {
	data, err := json.Marshal(profile(t, "urban"))
	const want = `{"name":"urban","latency":"lognormal(1.5s,0.35)","loss":0.002,"duplication":0.001,"reordering":0.002,` +
		`"late":"5s","busy":0.004,"failure":0.001,"coverage":"59m0s/1m0s"}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
	lossy, standing := profile(t, "rural loss=0.5"), profile(t, "rural")
	for text, want := range map[string]radio.Profile{
		want:                          profile(t, "urban"),
		`"urban"`:                     profile(t, "urban"),
		`"rural loss=0.5"`:            lossy,
		`{"name":"rural","loss":0.5}`: lossy,
		`{"loss":0.5,"name":"rural"}`: lossy,
		`{"loss":0.5}`:                lossy, // a change of what stands
		`{"loss":"0.5"}`:              lossy,
		`{}`:                          standing,
	} {
		got := standing
		if err := radio.Decode([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"loss":2}`:                "radio: profile: loss: 2 is outside 0 to 1",
		`{"loss":null}`:             `radio: profile: loss: "null" is not a probability`,
		`{"latency":200}`:           `radio: profile: latency: "200": "200" is not a time`,
		`{"latency":["x"]}`:         "radio: profile: latency: ",
		`{"los":0.1,"busy":9}`:      "radio: profile: busy: ",
		`{"los":0.1}`:               `radio: profile: no field "los"; there are latency`,
		`{"name":"moon"}`:           `no name "moon"`,
		`{"name":7}`:                `no name ""`,
		`7`:                         "radio: profile: give an object or a name",
		`"moon"`:                    `no name "moon"`,
		`{"loss":0.1} {"loss":0.2}`: "radio: something follows",
		`{"loss":0.1`:               "radio: unexpected EOF",
	} {
		var got radio.Profile
		if err := radio.Decode([]byte(text), &got); err == nil || !strings.HasPrefix(err.Error(), "radio: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, s := range append(radio.Profiles(), "urban loss=0.1", "latency=normal(2s,500ms) coverage=10m/20s", "loss=2", "=", "urban =", "coverage=never") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := radio.ParseProfile(text)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if again, err := radio.ParseProfile(p.String()); err != nil || again != p {
			t.Errorf("%q is %v, read again %v, %v", text, p, again, err)
		}
	})
}
