package fleet_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// Every number is in one segment, however many there are, and it is the one whose bind
// asks for it.
func TestSegment(t *testing.T) {
	for of := 1; of <= 100; of++ {
		var expressions []*regexp.Regexp
		var segments []fleet.Segment
		for index := 1; index <= of; index++ {
			s := must(fleet.ParseSegment(fmt.Sprintf("%d/%d", index, of)))(t)
			if e := s.AddressRange(); len(e) > 40 {
				t.Errorf("%s: an address_range of %d octets: %s", s, len(e), e)
			}
			segments, expressions = append(segments, s), append(expressions, regexp.MustCompile(s.AddressRange()))
		}
		for ending := range 100 {
			n := gateway.MSISDN(fmt.Sprintf("86138000001%02d", ending))
			in := 0
			for i, s := range segments {
				if s.Has(n) != expressions[i].MatchString(string(n)) {
					t.Errorf("%s has %s: %t, and its bind asks for %s", s, n, s.Has(n), s.AddressRange())
				}
				if s.Has(n) {
					in++
				}
			}
			if in != 1 {
				t.Errorf("%s is in %d segments of %d", n, in, of)
			}
		}
	}
	if all := (fleet.Segment{}); !all.Has("8613800000001") || all.AddressRange() != "" || all.String() != "" {
		t.Error("the zero segment is not all numbers")
	}
	for text, want := range map[string]string{"2/4": "(2[5-9]|[3-4].)$", "1/1": "(..)$", "1/3": "([0-2].|3[0-3])$", "100/100": "(99)$"} {
		if got := must(fleet.ParseSegment(text))(t).AddressRange(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, bad := range []string{"", "2", "0/4", "5/4", "1/101", "1/0", "x/4", "1/4/2", "-1/4"} {
		if s, err := fleet.ParseSegment(bad); err == nil {
			t.Errorf("%q is %s", bad, s)
		}
	}
}
