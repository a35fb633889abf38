package scenario

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
)

// key is a flag of airtill load that a scenario may set.
type key struct {
	name  string
	check func(string) error // what its flag would say
	list  bool               // several values are one text, with commas
	many  bool               // several values are the flag several times
}

// keys are all of them, in the order of the flags in the help.
func keys() []key {
	return []key{
		{name: "rate", check: discard(schedule.ParseRate)},
		{name: "stages", check: discard(schedule.ParseStages), list: true},
		{name: "step", check: func(s string) error { _, err := schedule.ParseClimb(s, "", ""); return err }},
		{name: "every", check: func(s string) error { _, err := schedule.ParseClimb("1", s, ""); return err }},
		{name: "max", check: func(s string) error { _, err := schedule.ParseClimb("1", "", s); return err }},
		{name: "find-max", check: yes("find-max")},
		{name: "users", check: whole("users")},
		{name: "handsets", check: whole("handsets")},
		{name: "duration", check: lasting("duration")},
		{name: "bills", check: whole("bills")},
		{name: "arrivals", check: discard(schedule.ParseArrivals)},
		{name: "max-in-flight", check: whole("max-in-flight")},
		{name: "mix", check: discard(schedule.ParseMix), list: true},
		{name: "think", check: discard(schedule.ParseThink)},
		{name: "channel", check: discard(schedule.ParseChannel)},
		{name: "parts", check: discard(schedule.ParseParts)},
		{name: "ucs2", check: discard(schedule.ParseUCS2)},
		{name: "data", check: func(s string) error { _, _, err := schedule.ParseData(s); return err }},
		{name: "threshold", check: discard(load.ParseThreshold), many: true},
		{name: "abort-on-fail", check: yes("abort-on-fail")},
		{name: "abort-after", check: lasting("abort-after")},
		{name: "warmup", check: lasting("warmup")},
		{name: "seed", check: seed},
		{name: "live", check: oneOf("live", "auto", "tui", "plain", "off")},
		{name: "interval", check: lasting("interval")},
		{name: "out", check: out, many: true},
		{name: "name", check: something("name")},
		{name: "label", check: label, many: true},
		{name: "control", check: something("control")},
		{name: "segment", check: discard(schedule.ParseSegment)},
		{name: "target", check: something("target")},
		{name: "redis", check: something("redis")},
		{name: "prefix", check: something("prefix")},
		{name: "shops", check: whole("shops")},
		{name: "merchant-profile", check: oneOf("merchant-profile", "key", "modern", "legacy")},
		{name: "expires-in", check: lasting("expires-in")},
		{name: "order-timeout", check: lasting("order-timeout")},
		{name: "drain-timeout", check: lasting("drain-timeout")},
		{name: "sweep", check: lasting("sweep")},
	}
}

// Keys lists what a scenario may set, beside its description.
func Keys() []string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
	}
	return names
}

func keyOf(name string) (key, bool) {
	all := keys()
	i := slices.IndexFunc(all, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return all[i], true
}

func discard[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error { _, err := parse(s); return err }
}

func whole(flag string) func(string) error {
	return func(s string) error {
		if n, err := strconv.ParseInt(s, 10, 32); err != nil || n < 1 {
			return fmt.Errorf("--%s %q: write a whole number from 1", flag, s)
		}
		return nil
	}
}

func lasting(flag string) func(string) error {
	return func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d < 0 {
			return fmt.Errorf("--%s %q: write it as 30s, 2m or 1h30m", flag, s)
		}
		return nil
	}
}

func yes(flag string) func(string) error { return oneOf(flag, "true", "false") }

func oneOf(flag string, choices ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(choices, s) {
			return fmt.Errorf("--%s %q: write it as %s", flag, s, strings.Join(choices, " or "))
		}
		return nil
	}
}

func something(flag string) func(string) error {
	return func(s string) error {
		if s == "" {
			return fmt.Errorf("--%s is empty", flag)
		}
		return nil
	}
}

func seed(s string) error {
	if _, err := strconv.ParseUint(s, 10, 64); err != nil {
		return fmt.Errorf("--seed %q: write a whole number", s)
	}
	return nil
}

func label(s string) error {
	if k, _, ok := strings.Cut(s, "="); !ok || k == "" {
		return fmt.Errorf("--label %q: write it as key=value", s)
	}
	return nil
}

// outputs are what --out writes.
var outputs = []string{"json", "csv", "hgrm", "html", "prom"}

// out checks json=FILE and prom=:PORT, of which several may be in one text.
func out(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		form, where, ok := strings.Cut(part, "=")
		if !ok || where == "" || !slices.Contains(outputs, form) {
			return fmt.Errorf("--out %q: write it as json=FILE, csv=FILE, hgrm=FILE, html=FILE or prom=:PORT", s)
		}
		if _, _, err := net.SplitHostPort(where); form == "prom" && err != nil {
			return errors.New("--out prom: write it as prom=:9464 or prom=127.0.0.1:9464")
		}
	}
	return nil
}
