package radio

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxDelay is the most a message takes: the longest an mt-ForwardSM may wait for its
// answer (timer ml, 1 to 10 minutes, 3GPP TS 29.002 §17.1.2). Laws are cut there.
const MaxDelay = 10 * time.Minute

// Law is how latencies are distributed. The zero Law is constant(0s).
type Law struct {
	kind lawKind
	a, b time.Duration
	s    float64
}

type lawKind uint8

const (
	constant lawKind = iota
	uniform
	normal
	lognormal
)

// Constant is always the same.
func Constant(d time.Duration) Law { return Law{kind: constant, a: d} }

// Uniform is spread evenly from least to most.
func Uniform(least, most time.Duration) Law { return Law{kind: uniform, a: least, b: most} }

// Normal has a mean and a standard deviation.
func Normal(mean, deviation time.Duration) Law { return Law{kind: normal, a: mean, b: deviation} }

// Lognormal has a median, and a sigma: the standard deviation of the logarithm. This
// is how delays in networks mostly look: a bulk, and a long tail.
func Lognormal(median time.Duration, sigma float64) Law {
	return Law{kind: lognormal, a: median, s: sigma}
}

// At is the latency that a part q of all, from 0 to 1, is not over: the law's
// quantile function. It is from 0 to MaxDelay.
func (l Law) At(q float64) time.Duration {
	d := float64(l.a)
	switch l.kind {
	case constant:
	case uniform:
		d += q * float64(l.b-l.a)
	case normal:
		d += deviate(q) * float64(l.b)
	case lognormal:
		d *= math.Exp(deviate(q) * l.s)
	}
	return time.Duration(min(max(d, 0), float64(MaxDelay)))
}

// deviate is the standard normal distribution's quantile, finite for all q.
func deviate(q float64) float64 {
	const edge = 1.0 / (1 << 54) // no draw but 0 is nearer to an end
	return math.Sqrt2 * math.Erfinv(2*min(max(q, edge), 1-edge*2)-1)
}

// String is a law in words, as ParseLaw reads it: normal(300ms,50ms).
func (l Law) String() string {
	switch l.kind {
	case uniform:
		return fmt.Sprintf("uniform(%v,%v)", l.a, l.b)
	case normal:
		return fmt.Sprintf("normal(%v,%v)", l.a, l.b)
	case lognormal:
		return fmt.Sprintf("lognormal(%v,%s)", l.a, formatNumber(l.s))
	case constant:
	}
	return fmt.Sprintf("constant(%v)", l.a)
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// ParseLaw reads constant(200ms), uniform(100ms,400ms), normal(300ms,50ms) or
// lognormal(250ms,0.6), or a time alone, which is constant.
func ParseLaw(text string) (Law, error) {
	l, err := parseLaw(strings.TrimSpace(text))
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return Law{}, fmt.Errorf("%q: %w", text, err)
	}
	return l, nil
}

func parseLaw(text string) (Law, error) {
	name, rest, found := strings.Cut(text, "(")
	if !found {
		d, err := parseDuration(text)
		return Constant(d), err
	}
	inside, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return Law{}, errors.New("no closing parenthesis")
	}
	return lawOf(name, strings.Split(inside, ","))
}

func lawOf(name string, args []string) (Law, error) {
	var l Law
	var second any = &l.b
	switch name {
	case "constant":
		l.kind, second = constant, nil
	case "uniform":
		l.kind = uniform
	case "normal":
		l.kind = normal
	case "lognormal":
		l.kind, second = lognormal, &l.s
	default:
		return Law{}, fmt.Errorf("no law %q; give constant, uniform, normal or lognormal", name)
	}
	want := 2
	if second == nil {
		want = 1
	}
	if len(args) != want {
		return Law{}, fmt.Errorf("%s takes %d values, not %d", name, want, len(args))
	}
	var err error
	if l.a, err = parseDuration(args[0]); err != nil {
		return Law{}, err
	}
	switch p := second.(type) {
	case *time.Duration:
		*p, err = parseDuration(args[1])
	case *float64:
		*p, err = parseNumber(args[1])
	}
	return l, err
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("%q is not a time such as 250ms", text)
	}
	return d, nil
}

func parseNumber(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// check says what is wrong with a law.
func (l Law) check() error {
	const maxSigma = 5 // the tail is then 10,000 medians long
	switch {
	case l.a < 0 || l.b < 0:
		return errors.New("a negative time")
	case l.a > MaxDelay || l.b > MaxDelay:
		return fmt.Errorf("a time over %v", MaxDelay)
	case l.kind == uniform && l.b < l.a:
		return fmt.Errorf("the most, %v, is less than the least, %v", l.b, l.a)
	case !(l.s >= 0 && l.s <= maxSigma): // NaN is neither
		return fmt.Errorf("a sigma outside 0 to %d", maxSigma)
	}
	return nil
}

// MarshalText writes a law in words.
func (l Law) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is ParseLaw.
func (l *Law) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLaw(string(text))
	return err
}
