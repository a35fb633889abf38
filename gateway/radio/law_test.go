package radio_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/radio"
)

const ms = time.Millisecond

func TestLaws(t *testing.T) {
	for _, test := range []struct {
		text  string
		law   radio.Law
		print string // as String writes it, if not as text
		// quantiles
		low, median, high time.Duration // of 15.87 % (one deviation below), 50 %, 84.13 %
	}{
		{"constant(200ms)", radio.Constant(200 * ms), "", 200 * ms, 200 * ms, 200 * ms},
		{"200ms", radio.Constant(200 * ms), "constant(200ms)", 200 * ms, 200 * ms, 200 * ms},
		{"constant(0s)", radio.Law{}, "", 0, 0, 0},
		{"uniform(100ms,400ms)", radio.Uniform(100*ms, 400*ms), "", 147597 * time.Microsecond, 250 * ms, 352403 * time.Microsecond},
		{"normal(300ms,50ms)", radio.Normal(300*ms, 50*ms), "", 250 * ms, 300 * ms, 350 * ms},
		{" normal( 300ms , 50ms ) ", radio.Normal(300*ms, 50*ms), "normal(300ms,50ms)", 250 * ms, 300 * ms, 350 * ms},
		{"normal(10ms,50ms)", radio.Normal(10*ms, 50*ms), "", 0, 10 * ms, 60 * ms}, // cut at nought
		{"lognormal(250ms,0.6)", radio.Lognormal(250*ms, 0.6), "", 137203 * time.Microsecond, 250 * ms, 455530 * time.Microsecond},
		{"lognormal(9m0s,1)", radio.Lognormal(9*time.Minute, 1), "", 198655 * ms, 9 * time.Minute, radio.MaxDelay},
	} {
		got, err := radio.ParseLaw(test.text)
		if err != nil || got != test.law {
			t.Errorf("%s: %v, %v", test.text, got, err)
		}
		if test.print == "" {
			test.print = test.text
		}
		if got := test.law.String(); got != test.print {
			t.Errorf("%s prints %s", test.text, got)
		}
		const below = 0.15865525393145707
		for q, want := range map[float64]time.Duration{below: test.low, 0.5: test.median, 1 - below: test.high} {
			if got := test.law.At(q); (got - want).Abs() > ms {
				t.Errorf("%s at %.4f: %v, want %v", test.text, q, got, want)
			}
		}
	}
}

func TestBadLaws(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "not a time",
		"fast":                 "not a time",
		"constant(1s":          "parenthesis",
		"constant(1s,2s)":      "constant takes 1 values, not 2",
		"constant()":           "not a time",
		"pareto(1s,2)":         "give constant, uniform, normal or lognormal",
		"uniform(2s,1s)":       "less than the least",
		"normal(-1s,1s)":       "negative",
		"normal(1s,-1s)":       "negative",
		"normal(1s,0.5)":       "not a time",
		"lognormal(1s,1s)":     "not a number",
		"lognormal(1s,NaN)":    "sigma",
		"lognormal(1s,-1)":     "sigma",
		"lognormal(1s,6)":      "sigma",
		"constant(10m0.001s)":  "over 10m0s",
		"uniform(1s,1h)":       "over 10m0s",
		"constant(1000000h)":   "over 10m0s",
		"lognormal(1s,0.6)(1)": "not a number",
	} {
		if l, err := radio.ParseLaw(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", text, l, err, want)
		}
	}
}

func drawLaw(t *rapid.T) radio.Law {
	d := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(radio.MaxDelay)).Draw(t, "time"))
	})
	a, b := d.Draw(t, "a"), d.Draw(t, "b")
	switch rapid.IntRange(0, 3).Draw(t, "law") {
	case 0:
		return radio.Constant(a)
	case 1:
		return radio.Uniform(min(a, b), max(a, b))
	case 2:
		return radio.Normal(a, b)
	}
	return radio.Lognormal(a, rapid.Float64Range(0, 5).Draw(t, "sigma"))
}

// A law is read as it is written; it is never negative, bounded, and a quantile function.
func TestLawProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		law := drawLaw(t)
		if got, err := radio.ParseLaw(law.String()); err != nil || got != law {
			t.Fatalf("%v read as %v, %v", law, got, err)
		}
		q1, q2 := rapid.Float64Range(0, 1).Draw(t, "q1"), rapid.Float64Range(0, 1).Draw(t, "q2")
		least, most := law.At(min(q1, q2)), law.At(max(q1, q2))
		if least < 0 || most > radio.MaxDelay || least > most {
			t.Fatalf("%v: %v to %v", law, least, most)
		}
	})
}

// What is drawn has the law's mean and deviation.
func TestLatencyIsDrawn(t *testing.T) {
	a := air(t, 5, profile(t, "latency=normal(2s,300ms)"))
	const n = 20000
	var sum, squares float64
	for range n {
		d := a.Cross(start, phone).Delay.Seconds()
		sum += d
		squares += d * d
	}
	mean := sum / n
	if deviation := math.Sqrt(squares/n - mean*mean); math.Abs(mean-2) > 0.01 || math.Abs(deviation-0.3) > 0.01 {
		t.Errorf("mean %.3f s, deviation %.3f s", mean, deviation)
	}
}

func FuzzParseLaw(f *testing.F) {
	for _, s := range []string{"constant(200ms)", "normal(300ms,50ms)", "lognormal(250ms,0.6)", "uniform(100ms,400ms)", "1s", "normal(1s", "lognormal(1s,1e-400)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		law, err := radio.ParseLaw(text)
		if err != nil {
			return
		}
		if again, err := radio.ParseLaw(law.String()); err != nil || again != law {
			t.Errorf("%q is %v, read again %v, %v", text, law, again, err)
		}
		if d := law.At(0.999); d < 0 || d > radio.MaxDelay {
			t.Errorf("%v: %v", law, d)
		}
	})
}
