package smsc

import (
	"fmt"
	"testing"
)

// Destinations without end cost no memory without end, be they an account's own or
// nobody's; and what was forgotten is found again.
func TestRoutesAreBounded(t *testing.T) {
	s, err := New(Config{Accounts: []Account{{SystemID: "phones", AddressRange: "^861[0-9]{10}$"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostRoutes {
		if a := s.route(fmt.Sprintf("861%010d", i)); a == nil || a.SystemID != "phones" {
			t.Fatalf("%d: the account is %v", i, a)
		}
		if a := s.route(fmt.Sprintf("49%010d", i)); a != nil {
			t.Fatalf("%d: nobody's number is of %s", i, a.SystemID)
		}
		if len(s.routes) > mostRoutes {
			t.Fatalf("%d routes are remembered", len(s.routes))
		}
	}
}
