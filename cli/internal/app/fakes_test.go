package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/signature"
)

const (
	fakeKey      = "ak_of_the_shop_0123456789"
	fakeOperator = "op_of_the_office_98765432"
	fakeBill     = platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
)

// fakePlatform is behind a real api.Handler: a merchant with one bill, which moves on
// by one state each time it is looked at.
type fakePlatform struct {
	mu     sync.Mutex
	states []fsm.State
	fail   error // of the next call only
	orders []platform.Order
	query  platform.Query
	calls  int

	refundOrders []platform.RefundOrder
	ends         []platform.RefundState // of the refund, as it is looked at

	merchants []platform.Merchant // that the office lists, and that sign
	changes   []platform.KeyChange

	callbacks fakeCallbacks
}

func (f *fakePlatform) Authenticate(_ context.Context, key string) (platform.Merchant, error) {
	if key != fakeKey {
		return platform.Merchant{}, &platform.Error{Code: platform.CodeUnauthorised, Detail: "no such key"}
	}
	return platform.Merchant{ID: "10000001"}, nil
}

func (f *fakePlatform) next() (platform.Bill, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if err := f.fail; err != nil {
		f.fail = nil
		return platform.Bill{}, err
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	b := platform.Bill{
		ID: fakeBill, Merchant: "10000001", Reference: "r1", State: "created", Amount: 128000, Currency: "CNY",
		Phone: "8613800000001", Created: now, Expires: now.Add(time.Minute), Updated: now,
	}
	if len(f.states) > 0 {
		b.State = f.states[0]
	}
	if len(f.states) > 1 {
		f.states = f.states[1:]
	}
	if b.State == "refused" {
		b.Reason = platform.ReasonRefused
	}
	return b, nil
}

func (f *fakePlatform) CreateBill(_ context.Context, _ platform.MerchantID, o platform.Order) (platform.Bill, error) {
	f.mu.Lock()
	f.orders = append(f.orders, o)
	f.mu.Unlock()
	return f.next()
}

func (f *fakePlatform) Bill(context.Context, platform.MerchantID, platform.BillID) (platform.Bill, error) {
	return f.next()
}

func (f *fakePlatform) CancelBill(context.Context, platform.MerchantID, platform.BillID) (platform.Bill, error) {
	return f.next()
}

func (f *fakePlatform) Bills(_ context.Context, _ platform.MerchantID, q platform.Query) (platform.Page, error) {
	b, err := f.next()
	f.query = q
	return platform.Page{Bills: []platform.Bill{b}, Next: fakeBill}, err
}

func (f *fakePlatform) Events(context.Context, platform.MerchantID, platform.BillID) ([]platform.Event, error) {
	_, err := f.next()
	return []platform.Event{{
		At: time.Date(2026, 11, 23, 10, 0, 0, 5e6, time.UTC), Name: "pay", From: "opened", To: "paid", Cause: "phone", Detail: "answered 00",
		Entry: "1-7", Effects: []string{"result", "callback"},
		Postings: []platform.Posting{{Account: "card:89860000000000000001/1:CNY", Amount: -128000}, {Account: "sub:acct_1:CNY", Amount: 128000}},
	}}, err
}

func (f *fakePlatform) BranchKey() []byte { return []byte{4} }

func (f *fakePlatform) EnrolBatch(context.Context, platform.EnrolmentBatch) ([]platform.EnrolmentOutcome, error) {
	return nil, f.fail
}

func (f *fakePlatform) Enrol(context.Context, platform.Enrolment) (applet.Sealed, error) {
	return nil, f.fail
}

func (f *fakePlatform) Phones(context.Context) ([]platform.Phone, error) {
	return []platform.Phone{{MSISDN: "8613800000001", Name: "Li", ElementID: "89860000000000000001", Form: "sim", Cards: []platform.Card{{Slot: 1, Alias: "Blue", Currency: "JPY", Balance: 5, Locked: true}}}}, f.fail
}

func (f *fakePlatform) Unlock(context.Context, platform.Unlock) error { return f.fail }

func (f *fakePlatform) Release(context.Context, platform.Release) error { return f.fail }

func (f *fakePlatform) Alarms(context.Context) ([]platform.Alarm, error) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return []platform.Alarm{{Phone: "861*****0001", Kind: platform.AlarmElement, Since: at, Last: at, Count: 2, Detail: "a PIN key used twice"}}, f.fail
}

func (f *fakePlatform) Drops(context.Context) (map[string]int, error) {
	return map[string]int{"not authentic": 7}, f.fail
}

func (f *fakePlatform) AddMerchant(_ context.Context, m platform.Merchant) (platform.MerchantKeys, error) {
	_, err := f.next()
	f.merchants = append(f.merchants, m)
	keys := platform.MerchantKeys{ID: m.ID}
	switch m.Profile {
	case platform.ProfileModern:
		keys.WebhookSecret = "whsec_fresh"
	case platform.ProfileLegacy:
		keys.FieldKey = "field_fresh"
	default:
		keys.APIKey, keys.WebhookSecret = "ak_fresh", "whsec_fresh"
	}
	return keys, err
}

func (f *fakePlatform) Merchants(context.Context) ([]platform.Merchant, error) {
	return f.merchants, f.fail
}

// Partner finds one of the merchants.
func (f *fakePlatform) Partner(_ context.Context, id platform.MerchantID) (api.Partner, error) {
	for _, m := range f.merchants {
		if m.ID != id {
			continue
		}
		p := api.Partner{Merchant: m}
		for _, k := range m.Keys {
			v, err := signature.ParseVerificationKey([]byte(k.PEM))
			if err != nil {
				return p, err
			}
			p.Keys = append(p.Keys, v)
		}
		return p, nil
	}
	return api.Partner{}, &platform.Error{Code: platform.CodeUnauthorised, Detail: "no such merchant"}
}

// fakeIdentity is the keys of all fakes.
var fakeIdentity = sync.OnceValues(func() (i api.Identity, err error) {
	key, err := signature.GenerateKey(signature.Ed25519)
	if err != nil {
		return i, err
	}
	opening, err := signature.GenerateOpeningKey()
	return api.Identity{Signing: []signature.SigningKey{key}, Opening: []signature.OpeningKey{opening}}, err
})

func (f *fakePlatform) Identity(context.Context) (api.Identity, error) { return fakeIdentity() }

func (f *fakePlatform) ChangeKeys(_ context.Context, c platform.KeyChange) (platform.MerchantKeys, error) {
	f.changes = append(f.changes, c)
	keys := platform.MerchantKeys{ID: c.Merchant}
	if c.Act == platform.KeyRotate && c.Kind == platform.KeyAPI {
		keys.APIKey = "ak_fresh"
	}
	return keys, f.fail
}

func (f *fakePlatform) serve(t *testing.T) string {
	t.Helper()
	h, err := api.NewHandler(api.HandlerConfig{Service: f, Authenticator: f, Office: f, OperatorKey: fakeOperator, Keyring: f, Callbacks: &f.callbacks})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// asked is a request that a fake of the handsets got.
type asked struct{ line, body string }

// fakePhones answers every request with what it is told to, and notes it.
type fakePhones struct {
	status int
	answer any
	got    []asked
}

func (f *fakePhones) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		f.got = append(f.got, asked{r.Method + " " + r.URL.RequestURI(), body.String()})
		w.WriteHeader(max(f.status, http.StatusOK))
		_ = json.NewEncoder(w).Encode(f.answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// shell is where command lines are typed in a test: an environment and a home.
type shell struct {
	t       *testing.T
	environ map[string]string
	home    string
}

// newShell is a shell in which no network is known.
func newShell(t *testing.T) *shell {
	t.Helper()
	for _, name := range []string{
		"AIRTILL_NETWORK", "AIRTILL_PLATFORM", "AIRTILL_HANDSETS", "AIRTILL_REDIS", "AIRTILL_LOG_LEVEL", "AIRTILL_LOG_FORMAT",
		"AIRTILL_PROFILE", "AIRTILL_PLATFORM_KEYS", "AIRTILL_CARRIER", "AIRTILL_LISTEN_CARRIER", "AIRTILL_LISTEN_HANDSETS", "AIRTILL_TIMEOUT",
	} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	return &shell{t: t, home: home, environ: map[string]string{"HOME": home}}
}

// path is a file in the shell's home.
func (s *shell) path(name string) string { return filepath.Join(s.home, name) }

// ready writes the default ready file.
func (s *shell) ready(r world.Ready) {
	s.t.Helper()
	if err := world.WriteReady(s.path(".local/state/airtill/dev.json"), r); err != nil {
		s.t.Fatal(err)
	}
}

// readyFor is the ready file of a platform.
func readyFor(url string) world.Ready {
	return world.Ready{
		HTTP: url, OperatorKey: fakeOperator,
		Merchants: []world.ReadyMerchant{{ID: "10000001", APIKey: fakeKey}, {ID: "10000002", APIKey: "ak_of_another"}},
	}
}

func (s *shell) run(line ...string) outcome {
	s.t.Helper()
	return s.runIn(s.t.Context(), line...)
}

func (s *shell) runIn(ctx context.Context, line ...string) outcome {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	env := Env{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return s.environ[name] },
	}
	status := Report(env, Run(ctx, env, append([]string{"airtill"}, line...)))
	for _, secret := range []string{fakeKey, fakeOperator, "ak_fresh", "whsec_fresh", "field_fresh", opensslSecret, livePIN} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			s.t.Errorf("%q shows a secret:\n%s%s", line, &stdout, &stderr)
		}
	}
	return outcome{status: status, stdout: stdout.String(), stderr: stderr.String()}
}

// check compares an outcome's status and the lines on stderr.
func (s *shell) check(o outcome, status int, lines ...string) {
	s.t.Helper()
	got := slices.Collect(strings.SplitSeq(strings.TrimSuffix(o.stderr, "\n"), "\n"))
	if o.stderr == "" {
		got = nil
	}
	if o.status != status || !slices.Equal(got, lines) {
		s.t.Errorf("status %d, want %d; stderr\n got %q\nwant %q", o.status, status, got, lines)
	}
}

func (f *fakePlatform) Refund(_ context.Context, _ platform.MerchantID, id platform.BillID, o platform.RefundOrder) (platform.Refund, error) {
	_, err := f.next()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refundOrders = append(f.refundOrders, o)
	return f.refund(id, platform.RefundPending), err
}

// refund is the one refund of the bill.
func (f *fakePlatform) refund(id platform.BillID, s platform.RefundState) platform.Refund {
	r := platform.Refund{
		ID: platform.NewRefundID(id, 1), Bill: id, State: s, Amount: 2500, Currency: "CNY", Reference: "back-1",
		Created: time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC),
	}
	if s == platform.RefundVoided {
		r.Failure = platform.ReasonFunds
	}
	return r
}

func (f *fakePlatform) Refunds(_ context.Context, _ platform.MerchantID, id platform.BillID) ([]platform.Refund, error) {
	_, err := f.next()
	return []platform.Refund{f.refund(id, platform.RefundPosted)}, err
}

func (f *fakePlatform) FindRefund(_ context.Context, _ platform.MerchantID, id platform.RefundID) (platform.Refund, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.refund(id.Bill(), platform.RefundPending)
	if len(f.ends) > 0 {
		r, f.ends = f.refund(id.Bill(), f.ends[0]), f.ends[1:]
	}
	return r, nil
}
