package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

// The lists of callbacks agree with the bills' records both ways, and endpoints with the
// journal; each difference says which key to look at.
func TestPlantedInCallbacks(t *testing.T) {
	const url, key = "http://shop.example/cb", shop + " http://shop.example/cb"
	kept := func(more string) func(s *till) {
		return func(s *till) {
			s.Partition(0).Records["bill:"+live] = `{"state":"created","amount":300,"merchant":"` + shop + `"` + more + `}`
		}
	}
	in := func(set, member string) func(s *till) {
		return func(s *till) {
			if s.Partition(0).Sets[set] == nil {
				s.Partition(0).Sets[set] = map[string]float64{}
			}
			s.Partition(0).Sets[set][member] = 0
		}
	}
	endpointOf := func(key, text string) func(s *till) {
		return func(s *till) {
			s.Partition(1).Hashes["endpoints"] = map[string]string{}
			s.set(1, "endpoints", key, text)
		}
	}
	endpoint := func(text string) func(s *till) { return endpointOf(key, text) }
	told := func(names ...string) func(s *till) {
		return func(s *till) {
			for _, name := range names {
				s.enter(1, engine.Batch{}, engine.Event{Subject: "merchant:" + shop, Name: name, Data: m{"endpoint": url}})
			}
		}
	}
	const (
		failed    = `,"callback_trouble":{"failure":{"problem":"answered 500"}},"next_report":"2025-11-15T13:00:00Z"`
		exhausted = `,"callback_trouble":{"failure":{"problem":"answered 500"}}`
		disabled  = `{"disabled_at":"2025-11-15T13:00:00Z"}`
		pending   = "callbacks:pending"
		given     = "callbacks:exhausted"
	)
	tests := map[string]struct {
		plant []func(s *till)
		want  string // empty: nothing is wrong
	}{
		"pending":                 {[]func(*till){kept(failed), in(pending, shop+":"+live)}, ""},
		"exhausted":               {[]func(*till){kept(exhausted), in(given, shop+":"+live)}, ""},
		"not failed":              {[]func(*till){kept("")}, ""},
		"an endpoint that fails":  {[]func(*till){endpoint(`{}`)}, ""},
		"a disabled one":          {[]func(*till){endpoint(disabled), told("disable_endpoint")}, ""},
		"one enabled again":       {[]func(*till){told("disable_endpoint", "enable_endpoint")}, ""},
		"pending and not listed":  {[]func(*till){kept(failed)}, "the callback of " + live + " has failed and is not listed; look at {p00}:callbacks:pending"},
		"exhausted, not listed":   {[]func(*till){kept(exhausted)}, "the callback of " + live + " has failed and is not listed; look at {p00}:callbacks:exhausted"},
		"in the other list":       {[]func(*till){kept(failed), in(given, shop+":"+live)}, shop + ":" + live + " is listed, but its record says otherwise; look at {p00}:callbacks:exhausted"},
		"in both":                 {[]func(*till){kept(failed), in(given, shop+":"+live), in(pending, shop+":"+live)}, "look at {p00}:callbacks:exhausted"},
		"listed and not failed":   {[]func(*till){kept(""), in(pending, shop+":"+live)}, shop + ":" + live + " is listed, but its record says otherwise; look at {p00}:callbacks:pending"},
		"listed and acknowledged": {[]func(*till){in(pending, shop+":"+filed)}, shop + ":" + filed + " is listed, but its record says otherwise"},
		"of another merchant":     {[]func(*till){kept(failed), in(pending, "10000009:"+live)}, "10000009:" + live + " is listed, but its record says otherwise"},
		"listed from nowhere":     {[]func(*till){in(given, shop+":bill_01KA4X5E000000000000000009")}, "is listed, but its record says otherwise"},
		"disabled by nobody":      {[]func(*till){endpoint(disabled)}, key + " is disabled, but the journal does not say so; look at {p01}:endpoints"},
		"disabled and gone":       {[]func(*till){told("disable_endpoint")}, key + " was disabled and is not kept so; look at {p01}:endpoints"},
		"disabled twice":          {[]func(*till){endpoint(disabled), told("disable_endpoint", "disable_endpoint")}, "disable_endpoint of " + key + ", which was so before"},
		"enabled, never disabled": {[]func(*till){told("enable_endpoint")}, "enable_endpoint of " + key + ", which was so before"},
		"an endpoint of nobody":   {[]func(*till){endpointOf("10000009 http://x/", "{}")}, "10000009 http://x/ is of no merchant here"},
		"an endpoint unnamed": {[]func(*till){func(s *till) {
			s.enter(1, engine.Batch{}, engine.Event{Subject: "merchant:" + shop, Name: "disable_endpoint"})
		}}, "disable_endpoint of merchant " + shop + " does not say which"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			for _, plant := range tt.plant {
				plant(s)
			}
			r := run(t, s)
			if tt.want == "" && len(r.Differences) > 0 || tt.want != "" && !slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, r.Differences)
			}
		})
	}
}

// The lists agree with the records of refunds too, which are in their merchant's partition.
func TestPlantedInRefundCallbacks(t *testing.T) {
	const (
		failed    = `,"callback_trouble":{"failure":{"problem":"answered 500"}},"next_report":"2025-11-15T13:00:00Z"`
		exhausted = `,"callback_trouble":{"failure":{"problem":"answered 500"}}`
		taken     = exhausted + `,"acknowledged_at":"2025-11-15T13:00:00Z"`
		pending   = "callbacks:pending"
		given     = "callbacks:exhausted"
		member    = shop + ":" + filed + ":" + back
		otherwise = member + " is listed, but its record says otherwise; look at {p01}:"
		missing   = "the callback of " + back + " has failed and is not listed; look at {p01}:"
	)
	in := func(sets ...string) map[string][]string {
		all := map[string][]string{}
		for _, set := range sets {
			all[set] = []string{member}
		}
		return all
	}
	tests := map[string]struct {
		kept    string
		listed  map[string][]string // members, by set
		want    string              // empty: nothing is wrong
		without []string            // sets
	}{
		"pending":                 {failed, in(pending), "", nil},
		"exhausted":               {exhausted, in(given), "", nil},
		"not failed":              {"", nil, "", nil},
		"acknowledged":            {taken, nil, "", nil},
		"pending and not listed":  {failed, nil, missing + pending, nil},
		"exhausted, not listed":   {exhausted, nil, missing + given, nil},
		"in the other list":       {exhausted, in(pending), otherwise + pending, nil},
		"and not in its own":      {exhausted, in(pending), missing + given, nil},
		"in both":                 {failed, in(pending, given), otherwise + given, nil},
		"listed and not failed":   {"", in(given), otherwise + given, nil},
		"listed and acknowledged": {taken, in(pending), otherwise + pending, nil},
		"of another merchant":     {failed, map[string][]string{pending: {member, "10000009:" + filed + ":" + back}}, "10000009:" + filed + ":" + back + " is listed, but its record says otherwise", nil},
		"another of the bill":     {failed, map[string][]string{pending: {member, member[:len(member)-1] + "7"}}, member[:len(member)-1] + "7 is listed, but its record says otherwise", nil},
		"as its bill":             {failed, map[string][]string{pending: {member, shop + ":" + filed}}, shop + ":" + filed + " is listed, but its record says otherwise", nil},
		"from nowhere":            {"", map[string][]string{given: {shop + ":bill_01KA4X5E000000000000000009:refund_01KA4X5E000000000000000009_1"}}, "is listed, but its record says otherwise", nil},
		"without a deadline":      {failed, in(pending), "the merchant is still to be told of " + back + ", which has no deadline; look at {p01}:due", []string{"due"}},
		"not after a restart":     {failed, in(pending), "the merchant is still to be told of " + back + ", whose bill is not among those with something to do; look at {p01}:refunding", []string{"refunding"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTill(t)
			r := s.refunds(300)
			r.ask()
			r.credit()
			r.post()
			s.Partition(1).Records[records] = `{"merchant":"` + shop + `","bill":{"id":"` + filed + `","amount":300},"refunds":[{"id":"` + back + `","state":"posted","amount":100` + tt.kept + `}]}`
			if strings.Contains(tt.kept, "next_report") {
				s.Partition(1).Sets["due"], s.Partition(1).Sets["refunding"] = map[string]float64{back: 1}, map[string]float64{filed: 0}
			}
			for _, set := range tt.without {
				delete(s.Partition(1).Sets, set)
			}
			for set, members := range tt.listed {
				s.Partition(1).Sets[set] = map[string]float64{}
				for _, name := range members {
					s.Partition(1).Sets[set][name] = 0
				}
			}
			found := run(t, s)
			if tt.want == "" && len(found.Differences) > 0 || tt.want != "" && !slices.ContainsFunc(found.Differences, func(d string) bool { return strings.Contains(d, tt.want) }) {
				t.Errorf("nothing says %q in %q", tt.want, found.Differences)
			}
		})
	}
	for _, name := range []string{"report", "report_failed", "report_again", "resend", "resent"} {
		s := newTill(t)
		r := s.refunds(300)
		r.ask()
		r.credit()
		r.post()
		e := s.again(1, back, "post", "1-6")
		e.Name, e.From, e.To = name, "posted", "posted"
		if found := run(t, s); slices.ContainsFunc(found.Differences, func(d string) bool { return strings.Contains(d, "went from") }) {
			t.Errorf("%s: %q", name, found.Differences)
		}
	}
}
