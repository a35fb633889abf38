package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
)

// The secrets of the person who is enrolled in these tests. Nothing may print them.
const (
	livePIN = "271828182845" // long enough that no digest or time of day holds it by chance
	liveID  = "11010519900307123X"
)

// live is a whole network that commands run against, as a person would run them.
type live struct {
	t       *testing.T
	ctx     context.Context
	environ map[string]string
	secrets []string
	stirred chan struct{} // holds one when something has happened on a phone
}

// until waits until it is so, which may be when something happens on a phone.
func (l *live) until(what string, is func() bool) {
	l.t.Helper()
	for !is() {
		select {
		case <-l.stirred:
		case <-l.ctx.Done():
			l.t.Fatal(what)
		}
	}
}

// stir is told what happens on phones.
func (l *live) stir(handsetsim.Event) {
	select {
	case l.stirred <- struct{}{}:
	default: // one is waiting
	}
}

// run carries out one command line and checks its status; nothing it says may hold a secret.
func (l *live) run(status int, line ...string) (stdout, stderr string) {
	l.t.Helper()
	got, stdout, stderr := l.report(line...)
	if got != status {
		l.t.Fatalf("%q: status %d, want %d\n%s%s", line, got, status, stdout, stderr)
	}
	for _, s := range l.secrets {
		if strings.Contains(stdout+stderr, s) {
			l.t.Errorf("%q shows a secret:\n%s%s", line, stdout, stderr)
		}
	}
	return stdout, stderr
}

// report carries out one command line, and answers the status it ends with.
func (l *live) report(line ...string) (status int, stdout, stderr string) {
	var out, talk bytes.Buffer
	env := Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk,
		Getenv: func(name string) string { return l.environ[name] },
	}
	status = Report(env, Run(l.ctx, env, append([]string{"airtill"}, line...)))
	return status, out.String(), talk.String()
}

// object runs a command with --json and reads its one object.
func object[T any](l *live, status int, line ...string) T {
	l.t.Helper()
	all := objects[T](l, status, line...)
	if len(all) != 1 {
		l.t.Fatalf("%q: %d objects, want 1", line, len(all))
	}
	return all[0]
}

func objects[T any](l *live, status int, line ...string) []T {
	l.t.Helper()
	at := min(2, len(line))
	if len(line) == 1 || strings.HasPrefix(line[1], "-") {
		at = 1
	}
	stdout, _ := l.run(status, slices.Insert(slices.Clone(line), at, "--json")...)
	var all []T
	for text := range strings.Lines(stdout) {
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			l.t.Fatalf("%q: %s: %v", line, text, err)
		}
		all = append(all, v)
	}
	return all
}

// A person is enrolled, pays one bill by themselves, refuses another by command and
// pays a third by command; the books are right. All over TCP, as people run it.
func TestAgainstARunningNetwork(t *testing.T) {
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
	l := &live{t: t, stirred: make(chan struct{}, 1)}
	w, err := world.New(ctx, world.Config{
		Network: network.TCP{}, Store: store, Seed: 1, ShopName: "Sky Travel",
		Pace:   persona.Pace{Read: 10 * time.Millisecond, Type: 10 * time.Millisecond},
		Timing: billing.Timing{SweepEvery: 20 * time.Millisecond},
		Watch:  world.Watch{Phones: l.stir},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(ctx, func(ctx context.Context) error {
		ready := filepath.Join(t.TempDir(), "airtill", "dev.json")
		if err := world.WriteReady(ready, w.Ready()); err != nil {
			return err
		}
		l.ctx = ctx
		l.environ = map[string]string{
			"XDG_STATE_HOME": filepath.Dir(filepath.Dir(ready)), "AIRTILL_PIN": livePIN, "AIRTILL_ID_NUMBER": liveID,
		}
		l.secrets = []string{livePIN, liveID, w.Keys.APIKey, w.Keys.WebhookSecret, w.Ready().OperatorKey}
		l.enrol()
		l.enrolWhatIsThere(w)
		l.payAlone()
		l.refuseByHand()
		l.payByHand()
		l.texts()
		l.openMerchant()
		l.audit(store)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const livePhone = "8613800000009"

func (l *live) enrol() {
	l.t.Helper()
	line := []string{"enrol", "--phone", livePhone, "--name", "Li Wei", "--persona", "pays",
		"--card", "alias=Blue,balance=500000,currency=CNY", "--card", "alias=Red,balance=0"}
	p := object[enrolled](l, 0, line...)
	if p.Name != "Li Wei" || len(p.Cards) != 2 || p.Cards[1].Alias != "Red" || p.Persona != "pays" {
		l.t.Errorf("enrolled %+v", p)
	}
	_, stderr := l.run(1, line...)
	if want := "airtill enrol: 8613800000009 is enrolled already; nothing was changed\n"; !strings.HasPrefix(stderr, want) {
		l.t.Errorf("a second time:\n got %s\nwant %s", stderr, want)
	}
	listed := objects[api.Phone](l, 0, "office", "phones")
	if len(listed) != 1 || listed[0].Cards[0].Balance != 500000 {
		l.t.Errorf("enrolled are %+v", listed)
	}
}

// enrolWhatIsThere tries a phone that the handsets have, but nobody enrolled.
func (l *live) enrolWhatIsThere(w *world.World) {
	l.t.Helper()
	if _, err := w.Phones.Add(l.ctx, fleet.NewPhone{MSISDN: "8613800000012", Form: "none"}); err != nil {
		l.t.Fatal(err)
	}
	_, stderr := l.run(1, "enrol", "--phone", "8613800000012", "--name", "Wu", "--card", "alias=Blue,balance=1")
	want := "airtill enrol: the handsets have a phone 8613800000012 already, which is not enrolled; nothing was changed\n" +
		"take another number; which there are: airtill phone list\n"
	if stderr != want {
		l.t.Errorf("got %swant %s", stderr, want)
	}
}

func (l *live) payAlone() {
	l.t.Helper()
	b := object[api.Bill](l, 0, "bill", "create", "--amount", "128000", "--phone", livePhone, "--reference", "first",
		"--goods", `{"kind":"flight"}`, "--wait", "20s")
	if b.State != bill.Settled || b.Reference != "first" || string(b.Goods) != `{"kind":"flight"}` {
		l.t.Errorf("the bill is %+v", b)
	}
	story := objects[platform.Event](l, 0, "bill", "events", string(b.ID))
	if story[0].Name != "create" || !slices.ContainsFunc(story, func(e platform.Event) bool { return e.Name == "settle" }) {
		l.t.Errorf("the story is %+v", story)
	}
	table, _ := l.run(0, "bill", "events", string(b.ID))
	for _, want := range []string{"opened -> paid", "-> created", "card:* CNY -1,280.00", "push", "phone"} {
		if !strings.Contains(table, want) {
			l.t.Errorf("the table of the story has no %q:\n%s", want, table)
		}
	}
	_, stderr := l.run(StatusConflict, "bill", "cancel", string(b.ID))
	if !strings.Contains(stderr, "409 ") || !strings.Contains(stderr, "airtill bill events BILL") {
		l.t.Errorf("cancel of a settled bill: %s", stderr)
	}
	_, stderr = l.run(StatusConflict, "bill", "create", "--amount", "5", "--phone", livePhone, "--reference", "first")
	if !strings.Contains(stderr, ": reference: ") || !strings.Contains(stderr, "airtill bill list --reference") {
		l.t.Errorf("a reference that is taken: %s", stderr)
	}
	_, stderr = l.run(StatusNotFound, "bill", "create", "--amount", "5", "--phone", "8613800000010")
	if !strings.Contains(stderr, ": phone: ") || !strings.Contains(stderr, "airtill enrol --help") {
		l.t.Errorf("a phone that is not enrolled: %s", stderr)
	}
}

// byHand makes a bill that its holder leaves alone, and waits until the phone shows it.
func (l *live) byHand(reference string) (b api.Bill, shown fleet.Bill) {
	l.t.Helper()
	b = object[api.Bill](l, 0, "bill", "create", "--amount", "2500", "--phone", manualPhone, "--reference", reference)
	l.until("the bill does not reach the phone", func() bool {
		all := objects[fleet.Bill](l, 0, "phone", "bills", manualPhone)
		i := slices.IndexFunc(all, func(one fleet.Bill) bool { return one.Bill == b.ID.Ref().String() })
		if i >= 0 {
			shown = all[i]
		}
		return i >= 0
	})
	return b, shown
}

const manualPhone = "8613800000011"

func (l *live) refuseByHand() {
	l.t.Helper()
	l.run(0, "enrol", "--phone", manualPhone, "--name", "Chen", "--card", "alias=Green,balance=1000000")
	b, shown := l.byHand("second")
	if shown.State != "shown" || shown.Amount != 2500 {
		l.t.Errorf("the phone shows %+v", shown)
	}
	l.run(0, "phone", "defer", manualPhone)
	gone := object[fleet.Bill](l, 0, "phone", "refuse", "--bill", string(b.ID), "--reason", "not_mine", manualPhone)
	if gone.Bill != shown.Bill || gone.State == shown.State {
		l.t.Errorf("after it was refused it is %+v", gone)
	}
	// the same order again is the same bill: a way to wait for one that is made already
	_, stderr := l.run(1, "bill", "create", "--amount", "2500", "--phone", manualPhone, "--reference", "second", "--wait", "20s")
	if !strings.Contains(stderr, "the bill is refused: refused_by_holder\n") || !strings.Contains(stderr, "airtill bill events "+string(b.ID)) {
		l.t.Errorf("a bill that is refused: %s", stderr)
	}
	_, stderr = l.run(StatusConflict, "phone", "pay", "--bill", string(b.ID), manualPhone)
	if !strings.Contains(stderr, "illegal state: bill: ") {
		l.t.Errorf("payment of a refused bill: %s", stderr)
	}
}

func (l *live) payByHand() {
	l.t.Helper()
	b, _ := l.byHand("third")
	_, stderr := l.run(1, "phone", "pay", "--slot", "7", manualPhone)
	if !strings.Contains(stderr, "slot: ") || !strings.Contains(stderr, "airtill phone show PHONE") {
		l.t.Errorf("a slot without a card: %s", stderr)
	}
	l.run(0, "phone", "pay", manualPhone)
	l.run(0, "bill", "create", "--amount", "2500", "--phone", manualPhone, "--reference", "third", "--wait", "20s")
	if got := object[api.Bill](l, 0, "bill", "show", string(b.ID)); got.State != bill.Settled {
		l.t.Errorf("the bill is %+v", got)
	}
	settled := objects[api.Bill](l, 0, "bill", "list", "--state", "settled")
	if len(settled) != 2 || settled[0].ID != b.ID {
		l.t.Errorf("settled are %+v", settled)
	}
	stdout, stderr := l.run(0, "bill", "list", "--limit", "1")
	if !strings.Contains(stdout, "CNY 25.00") || !strings.Contains(stderr, "the next page: airtill bill list --limit 1 --after "+string(b.ID)) {
		l.t.Errorf("a page: %s%s", stdout, stderr)
	}
}

func (l *live) texts() {
	l.t.Helper()
	l.run(0, "phone", "send", "--to", livePhone, manualPhone, "hello there")
	l.until("the text does not arrive", func() bool {
		return slices.ContainsFunc(objects[fleet.Message](l, 0, "phone", "inbox", livePhone), func(m fleet.Message) bool {
			return m.Text == "hello there" && m.From == manualPhone
		})
	})
	if p := object[fleet.Phone](l, 0, "phone", "power", livePhone, "off"); p.On {
		l.t.Errorf("switched off it is %+v", p)
	}
	table, _ := l.run(0, "phone", "list")
	if !strings.Contains(table, "off") || !strings.Contains(table, "PERSONA") {
		l.t.Errorf("phones:\n%s", table)
	}
	l.run(0, "phone", "show", livePhone)
	_, stderr := l.run(StatusNotFound, "phone", "show", "8613899999999")
	if !strings.Contains(stderr, "airtill phone list") {
		l.t.Errorf("an unknown phone: %s", stderr)
	}
}

func (l *live) openMerchant() {
	l.t.Helper()
	dir := l.t.TempDir()
	key, whsec := filepath.Join(dir, "api"), filepath.Join(dir, "webhook")
	line := []string{"office", "add-merchant", "--id", "10000009", "--name", "Tea House", "--write-api-key", key, "--write-webhook-secret", whsec}
	opened := object[openedMerchant](l, 0, line...)
	if opened.ID != "10000009" || opened.APIKeyFile != key {
		l.t.Errorf("opened %+v", opened)
	}
	_, stderr := l.run(1, line...)
	if !strings.Contains(stderr, "file exists") {
		l.t.Errorf("the same files again: %s", stderr)
	}
	b := object[api.Bill](l, 0, "bill", "create", "--api-key-file", key, "--amount", "1", "--phone", manualPhone)
	if b.Merchant != "10000009" || !strings.HasPrefix(b.Reference, "order_") {
		l.t.Errorf("with its key %+v", b)
	}
	if all := objects[api.Merchant](l, 0, "office", "merchants"); len(all) != 2 {
		l.t.Errorf("merchants %+v", all)
	}
	table, _ := l.run(0, "office", "merchants")
	if !strings.Contains(table, "CNY 1,305.00") {
		l.t.Errorf("merchants:\n%s", table)
	}
	object[api.Bill](l, 0, "bill", "cancel", "--api-key-file", key, string(b.ID))
}

// audit finds the books right, then wrong once somebody has put money into an account.
func (l *live) audit(store *world.Store) {
	l.t.Helper()
	r := object[audit.Report](l, 0, "audit")
	if r.Bills != 4 || r.Paid != 2 || !r.OK() || r.LedgerSum() != 0 {
		l.t.Errorf("the audit says %+v", r)
	}
	_, stderr := l.run(0, "audit", "--redis", store.URL)
	if stderr != "the books are right\n" {
		l.t.Errorf("audit: %s", stderr)
	}
	l.steal(store)
	wrong := object[audit.Report](l, 1, "audit")
	if wrong.OK() || wrong.Sums["CNY"] != -1 {
		l.t.Errorf("after somebody took money the audit says %+v", wrong)
	}
	stdout, stderr := l.run(1, "audit")
	for _, d := range wrong.Differences {
		if !strings.Contains(stdout, "difference       "+d+"\n") {
			l.t.Errorf("the report does not name %q:\n%s", d, stdout)
		}
	}
	if !strings.HasPrefix(stderr, "airtill audit: the books are wrong: 2 differences\n") {
		l.t.Errorf("audit of wrong books: %s", stderr)
	}
}

// steal takes one fen from some account behind the ledger's back.
func (l *live) steal(store *world.Store) {
	l.t.Helper()
	options, err := redis.ParseURL(store.URL)
	if err != nil {
		l.t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	for p := range store.Partitions() {
		hash := fmt.Sprintf("{p%02d}:balances", p)
		accounts, err := client.HKeys(l.ctx, hash).Result()
		if err != nil {
			l.t.Fatal(err)
		}
		if i := slices.IndexFunc(accounts, func(a string) bool { return strings.HasPrefix(a, "card:") }); i >= 0 {
			if err := client.HIncrBy(l.ctx, hash, accounts[i], -1).Err(); err != nil {
				l.t.Fatal(err)
			}
			return
		}
	}
	l.t.Fatal("there is no card")
}
