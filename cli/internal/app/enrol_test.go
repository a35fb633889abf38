package app

import (
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform"
)

// Without a terminal nobody can be asked for a PIN.
func TestEnrolWithoutSecrets(t *testing.T) {
	s := newShell(t)
	r := readyFor((&fakePlatform{}).serve(t))
	r.Handsets = (&fakePhones{}).serve(t)
	s.ready(r)
	line := []string{"enrol", "--phone", "8613800000001", "--name", "Li", "--card", "alias=Blue,balance=1"}
	s.check(s.run(line...), 2, "airtill enrol: no PIN: set AIRTILL_PIN, or give --pin-file FILE", "see: airtill enrol --help")
	s.environ["AIRTILL_PIN"] = "12"
	s.check(s.run(line...), 2, "airtill enrol: the PIN: a PIN has 4 to 12 digits", "see: airtill enrol --help")
	s.environ["AIRTILL_PIN"] = livePIN
	s.check(s.run(line...), 2, "airtill enrol: no identity number: set AIRTILL_ID_NUMBER, or give --id-number-file FILE", "see: airtill enrol --help")
	s.environ["AIRTILL_ID_NUMBER"] = "17-4"
	s.check(s.run(line...), 2, "airtill enrol: the identity number: an identity number has a type and 1 to 18 digits, the last may be X", "see: airtill enrol --help")
}

func TestParseCard(t *testing.T) {
	tests := []struct {
		text string
		want world.BankCard
		err  string
	}{
		{"alias=Blue,balance=500000,currency=CNY", world.BankCard{Alias: "Blue", Balance: 500000, Currency: "CNY"}, ""},
		{"balance=0,alias=My Card", world.BankCard{Alias: "My Card", Currency: "CNY"}, ""},
		{"alias=Blue,balance=1,currency=JPY", world.BankCard{Alias: "Blue", Balance: 1, Currency: "JPY"}, ""},
		{"Blue", world.BankCard{}, "write it as"},
		{"", world.BankCard{}, "write it as"},
		{"alias=Blue,alias=Red,balance=1", world.BankCard{}, "each once"},
		{"balance=1", world.BankCard{}, "alias and balance must be given"},
		{"alias=,balance=1", world.BankCard{}, "alias and balance must be given"},
		{"alias=Blue,balance=-1", world.BankCard{}, "balance is 0 to"},
		{"alias=Blue,balance=1.5", world.BankCard{}, "balance is 0 to"},
		{"alias=Blue,balance=9999999999999", world.BankCard{}, "balance is 0 to"},
		{"alias=Blue,balance=1,currency=XXX", world.BankCard{}, "ISO 4217"},
		{"alias=Blue,balance=1,pan=6212340000000000", world.BankCard{}, `there is no "pan"`},
	}
	for _, tt := range tests {
		got, err := parseCard(tt.text)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && got != tt.want {
			t.Errorf("%q: %+v, %v; want %+v, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}

// A merchant whose keys could not be kept is not asked for; a refusal leaves no file behind.
func TestAddMerchantKeepsKeys(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{fail: &platform.Error{Code: platform.CodeAlreadyEnrolled, Field: "id", Detail: "this merchant number is taken"}}
	s.ready(readyFor(f.serve(t)))
	line := []string{"office", "add-merchant", "--id", "10000009", "--name", "Tea", "--write-api-key", s.path("a"), "--write-webhook-secret", s.path("w")}
	s.check(s.run(line...), StatusConflict, "airtill office add-merchant: 409 Already enrolled: id: this merchant number is taken",
		"who is enrolled: airtill office phones, airtill office merchants")
	if got := s.run(line...); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	for name, want := range map[string]string{"a": "ak_fresh\n", "w": "whsec_fresh\n"} {
		text, err := os.ReadFile(s.path(name))
		if err != nil || string(text) != want {
			t.Errorf("%s holds %q: %v", name, text, err)
		}
		if info, err := os.Stat(s.path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	calls := f.calls
	if got := s.run(line...); got.status != 1 || f.calls != calls || !strings.Contains(got.stderr, "name a file that is not there yet") {
		t.Errorf("%+v", got)
	}
}
