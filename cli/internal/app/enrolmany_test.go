package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/api"
)

// Many people are enrolled from a seed and from a file, and again; who cannot be is named
// by line and column; nothing secret is said.
func TestEnrolMany(t *testing.T) {
	onNetwork(t, func(l *live, _ *world.World) {
		const pan = "6212345678901232"
		l.secrets = append(l.secrets, pan, "864213975310")
		seeded := []string{"enrol", "--count", "300", "--prefix", "86139", "--seed", "7", "--mix", "pays=9,refuses=1"}
		if got := object[enrolledMany](l, 0, seeded...); got.Enrolled != 300 || got.Again != 0 || got.Refused != 0 {
			t.Errorf("%+v", got)
		}
		if got := object[enrolledMany](l, 0, seeded...); got.Enrolled != 0 || got.Again != 300 {
			t.Errorf("again: %+v", got)
		}
		b := object[api.Bill](l, 0, "bill", "create", "--amount", "100", "--phone", "8613900000001", "--wait", "10s")
		if b.State != "settled" && b.State != "paid" && b.State != "refused" {
			t.Errorf("the first of them: %+v", b)
		}
		file := filepath.Join(t.TempDir(), "people.csv")
		rows := "msisdn,name,pin,pan\n8613700000001,Li Na,864213975310," + pan + "\n8613900000001,Somebody else,,\n"
		if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, talk := l.run(0, "enrol", "--from", file, "--check"); !strings.HasPrefix(talk, "2 people can be read; nobody was enrolled") {
			t.Errorf("--check says %q", talk)
		}
		stdout, talk := l.run(1, "enrol", "--from", file)
		if want := file + ":3: msisdn: this phone is enrolled with other cards or another element"; !strings.Contains(talk, want) ||
			!strings.Contains(talk, "1 of 2 people were not enrolled") || !strings.HasPrefix(stdout, "enrolled  1\n") {
			t.Errorf("%s%s", stdout, talk)
		}
		l.run(0, "phone", "show", "8613700000001")
	})
}

func TestEnrolMany_Usage(t *testing.T) {
	s := newShell(t)
	file := s.path("people.csv")
	if err := os.WriteFile(file, []byte("msisdn,name,balance\n8613700000001,Li,x\n8613700000001,,5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		line []string
		want string
	}{
		{[]string{}, "airtill enrol: --phone must be given; or --count or --from, for many people"},
		{[]string{"--phone", "8613700000001"}, "airtill enrol: --name must be given; or --count or --from, for many people"},
		{[]string{"--count", "2", "--from", "x"}, "airtill enrol: --count draws people and --from reads them from a file; give one of them"},
		{[]string{"--count", "2", "--phone", "8613700000001"}, "airtill enrol: --phone, --name and --card are of one person; leave them out with --count and --from"},
		{[]string{"--count", "-2"}, "airtill enrol: --count -2 --prefix 86138: no such population: it has at least one person"},
		{[]string{"--count", "2", "--prefix", "86x"}, "airtill enrol: --count 2 --prefix 86x: no such population: the prefix is 3 to 12 digits, the country's code first"},
		{[]string{"--count", "2", "--mix", "rich=1"}, `airtill enrol: --mix "rich=1": no persona "rich"`},
		{[]string{"--count", "2", "--balance", "-1"}, "airtill enrol: --balance: balance is 0 to 999999999999, in minor units"},
		{[]string{"--from", s.path("none.csv")}, "airtill enrol: --from: open "},
		{[]string{"--from", file, "--check"}, file + ":2: balance: is 0 to 999999999999, in minor units\n" + file + ":3: name: is empty\n" + file + ":3: msisdn: is on line 2 too\nairtill enrol: --from " + file + ": nobody was enrolled\n"},
	} {
		got := s.run(append([]string{"enrol"}, tt.line...)...)
		if got.status != StatusUsage || !strings.HasPrefix(got.stderr, tt.want) || got.stdout != "" {
			t.Errorf("%q: %d %s%s\nwant %s", tt.line, got.status, got.stdout, got.stderr, tt.want)
		}
	}
}
