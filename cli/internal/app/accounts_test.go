package app

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
)

// onNetwork runs body against a whole network over TCP.
func onNetwork(t *testing.T, body func(l *live, w *world.World)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store, err := world.OpenStore(ctx, network.TCP{}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	w, err := world.New(ctx, world.Config{
		Network: network.TCP{}, Store: store, Seed: 1, ShopName: "Sky Travel",
		Pace:   persona.Pace{Read: 10 * time.Millisecond, Type: 10 * time.Millisecond},
		Timing: billing.Timing{SweepEvery: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(ctx, func(ctx context.Context) error {
		ready := filepath.Join(t.TempDir(), "airtill", "dev.json")
		if err := world.WriteReady(ready, w.Ready()); err != nil {
			return err
		}
		l := &live{t: t, ctx: ctx, environ: map[string]string{
			"XDG_STATE_HOME": filepath.Dir(filepath.Dir(ready)), "AIRTILL_PIN": livePIN, "AIRTILL_ID_NUMBER": liveID,
		}}
		l.secrets = []string{livePIN, liveID, w.Keys.APIKey, w.Keys.WebhookSecret, w.Ready().OperatorKey}
		body(l, w)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A merchant's day is told, paid out and compared, the office's log says who did what, and
// the books are right and chained.
func TestAccounts(t *testing.T) {
	onNetwork(t, func(l *live, _ *world.World) {
		l.run(0, "enrol", "--phone", livePhone, "--name", "Li Wei", "--persona", "pays", "--by", "Branch 7", "--card", "alias=Blue,balance=500000")
		for _, reference := range []string{"first", "second"} {
			b := object[api.Bill](l, 0, "bill", "create", "--amount", "128000", "--phone", livePhone, "--reference", reference, "--wait", "20s")
			if b.State != bill.Settled {
				t.Fatalf("%+v", b)
			}
		}
		l.statement(256000, 0)
		l.settle()
		l.statement(0, 256000)
		l.compare()
		l.log()
		if r := object[audit.Report](l, 0, "audit"); r.Entries == 0 || r.Unchained != 0 || r.Settlements != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// statement is told in three forms; a merchant sees what the office sees.
func (l *live) statement(owed, paidOut int64) {
	l.t.Helper()
	s := object[api.Statement](l, 0, "bill", "statement")
	a := s.Accounts[0]
	if len(s.Accounts) != 1 || a.Opening != 0 || a.Payments != (platform.Total{Count: 2, Amount: 256000}) || int64(a.Closing) != owed || int64(a.Settlements.Amount) != paidOut || len(s.Differences) > 0 {
		l.t.Errorf("%+v", s)
	}
	text, _ := l.run(0, "office", "statement", "--merchant", string(s.Merchant), "--day", s.Day, "--csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 1+3+len(s.Lines) || rows[1][0] != "opening" || rows[len(rows)-1][0] != "closing" {
		l.t.Errorf("%q, %v", rows, err)
	}
	table, stderr := l.run(0, "bill", "statement")
	if !strings.Contains(table, "2 × CNY 2,560.00") || !strings.Contains(table, "first") || !strings.Contains(stderr, "the day is not over") {
		l.t.Errorf("%s%s", table, stderr)
	}
}

func (l *live) settle() {
	l.t.Helper()
	paid := objects[platform.Settlement](l, 0, "office", "settle", "--by", "Zhao Min")
	if len(paid) != 1 || len(paid[0].Payouts) != 1 || paid[0].Payouts[0].Amount != 256000 || paid[0].ID != paid[0].Day {
		l.t.Errorf("%+v", paid)
	}
	table, _ := l.run(0, "office", "settle", "--by", "Zhao Min")
	if !strings.Contains(table, "CNY 2,560.00") {
		l.t.Errorf("the same again:\n%s", table)
	}
	table, stderr := l.run(0, "office", "settle", "--by", "Zhao Min", "--id", "once-more")
	if table != "" || stderr != "nothing to pay out: 1 merchants\n" {
		l.t.Errorf("%s%s", table, stderr)
	}
	if _, stderr := l.run(StatusNotFound, "office", "settle", "--by", "Zhao Min", "--merchant", "99999999"); !strings.Contains(stderr, "merchant 99999999: 404") {
		l.t.Errorf("%s", stderr)
	}
}

func (l *live) compare() {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "own.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	write("Reference,note,Amount,state\r\nfirst,\"a, b\",128000,paid\r\nsecond,,128000,settled\r\n")
	if _, stderr := l.run(0, "bill", "compare", "--day", time.Now().UTC().Format(time.DateOnly), file); stderr != "the lists agree: 2 bills matched\n" {
		l.t.Errorf("%s", stderr)
	}
	write("reference,amount,currency\nfirst,127999,USD\nthird,5,CNY\n")
	got := objects[difference](l, 1, "bill", "compare", file)
	var short []string
	for _, d := range got {
		short = append(short, d.What+" "+d.Reference+" "+d.Here+"/"+d.There)
	}
	slices.Sort(short)
	want := []string{"amount first 127999/128000", "currency first USD/CNY", "only_at_platform second /CNY 1,280.00 settled", "only_in_file third 5/"}
	if !slices.Equal(short, want) {
		l.t.Errorf("%q", short)
	}
	if _, stderr := l.run(1, "bill", "compare", file); !strings.Contains(stderr, "the lists do not agree: 0 matched, 4 differences") {
		l.t.Errorf("%s", stderr)
	}
	write(`[{"reference":"first","amount":128000},{"reference":"second","amount":128000,"state":"refused"}]`)
	l.run(1, "bill", "compare", file)
	// bills of another day are found by their references
	write("reference,amount\nfirst,128000\nsecond,128000\n")
	l.run(0, "bill", "compare", "--day", "2020-01-01", file)
}

func (l *live) log() {
	l.t.Helper()
	acts := objects[platform.Act](l, 0, "office", "log")
	var short []string
	for _, a := range acts {
		short = append(short, string(a.Outcome)+" "+a.Name+" by "+a.By)
	}
	for _, want := range []string{"done enrol by Branch 7", "done settle by Zhao Min", "refused settle by Zhao Min", "done open_merchant by "} {
		if !slices.Contains(short, want) {
			l.t.Errorf("no %q in %q", want, short)
		}
	}
	some := objects[platform.Act](l, 0, "office", "log", "--by", "Branch 7", "--since", time.Now().UTC().Format(time.DateOnly))
	if len(some) != 1 || some[0].On != "phone 861*****0009" || some[0].From != "127.0.0.1" {
		l.t.Errorf("%+v", some)
	}
	table, _ := l.run(0, "office", "log")
	if !strings.Contains(table, "REFUSED FOR") || !strings.Contains(table, "not-found: merchant") {
		l.t.Errorf("%s", table)
	}
	l.run(2, "office", "log", "--since", "yesterday")
}
