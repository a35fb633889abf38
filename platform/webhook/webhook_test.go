package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/webhook"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	fresh   = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	bill    = platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
	event   = `{"type":"bill.settled","timestamp":"2026-11-23T10:00:00Z","data":{"id":"bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"}}`
	message = "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_settled"
)

// desk takes the outcomes that a Deliverer reports.
type desk struct {
	mu       sync.Mutex
	outcomes []billing.Reported
	from     []engine.Partition
	told     chan struct{} // a token for each outcome
	fail     error
}

func newDesk() *desk { return &desk{told: make(chan struct{}, 10_000)} }

func (d *desk) report(_ context.Context, p engine.Partition, o billing.Reported) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outcomes, d.from = append(d.outcomes, o), append(d.from, p)
	d.told <- struct{}{}
	return d.fail
}

// reported are the outcomes so far.
func (d *desk) reported() []billing.Reported {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.outcomes)
}

// perform makes an attempt and waits for its outcome.
func (d *desk) perform(t *testing.T, by *webhook.Deliverer, p engine.Partition, e engine.Effect) error {
	t.Helper()
	if err := by.Perform(t.Context(), p, e); err != nil {
		return err
	}
	<-d.told
	return nil
}

func partner(_ context.Context, m platform.MerchantID) (api.Partner, error) {
	if m != "10000001" {
		return api.Partner{}, errors.New("no such merchant")
	}
	p := api.Partner{Merchant: platform.Merchant{ID: m, Profile: platform.ProfileKey}}
	for _, text := range []string{secret, fresh} {
		s, err := api.ParseWebhookSecret(text)
		if err != nil {
			return p, err
		}
		p.Secrets = append(p.Secrets, s)
	}
	return p, nil
}

func deliverer(t *testing.T, config webhook.Config) *webhook.Deliverer {
	t.Helper()
	d, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func effect(t *testing.T, url string, attempt int) engine.Effect {
	t.Helper()
	body, err := json.Marshal(billing.Callback{URL: url, Merchant: "10000001", Bill: bill, Attempt: attempt, Event: json.RawMessage(event)})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Effect{ID: "e", Kind: "callback", Body: body}
}

func TestS9_CallbackIsSigned(t *testing.T) {
	var got []http.Header
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, bodies = append(got, r.Header), append(bodies, r.Method+" "+r.URL.Path+" "+string(body))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report})
	for attempt := 1; attempt <= 2; attempt++ {
		if err := at.perform(t, d, 3, effect(t, server.URL+"/airtill", attempt)); err != nil {
			t.Fatal(err)
		}
	}
	for i, header := range got {
		for _, s := range []string{secret, fresh} {
			key, err := api.ParseWebhookSecret(s)
			if err != nil {
				t.Fatal(err)
			}
			if id, err := api.VerifyCallback(header, []byte(event), time.Now(), key); err != nil || id != message {
				t.Errorf("attempt %d: %q, %v", i+1, id, err)
			}
		}
		if err := api.VerifyContentDigest(header.Values("Content-Digest"), []byte(event)); err != nil || header.Get("Content-Digest") == "" {
			t.Errorf("digest: %v", err)
		}
		if bodies[i] != "POST /airtill "+event || header.Get("Content-Type") != "application/json" {
			t.Errorf("sent %s, %v", bodies[i], header)
		}
	}
	want := []billing.Reported{{Bill: bill, Attempt: 1, Status: 204}, {Bill: bill, Attempt: 2, Status: 204}}
	if diff := cmp.Diff(want, at.outcomes); diff != "" || !cmp.Equal(at.from, []engine.Partition{3, 3}) {
		t.Error(diff, at.from)
	}
}

// A callback about a refund has an id of its own, and its outcome goes to the refund.
func TestCallbackAboutARefund(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Webhook-Id")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report})
	refund := platform.NewRefundID(bill, 2)
	body, err := json.Marshal(billing.Callback{
		URL: server.URL, Merchant: "10000001", Bill: bill, Refund: refund, Attempt: 1, Event: json.RawMessage(`{"type":"refund.posted"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := at.perform(t, d, 3, engine.Effect{ID: "e", Kind: "callback", Body: body}); err != nil {
		t.Fatal(err)
	}
	if got != "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_2_posted" {
		t.Errorf("webhook-id %q", got)
	}
	if diff := cmp.Diff([]billing.Reported{{Bill: bill, Refund: refund, Attempt: 1, Status: 204}}, at.outcomes); diff != "" {
		t.Error(diff)
	}
}

// Standard Webhooks 1.0.0, "Deliverability and reliability": only 2xx is a success, and redirects are not followed.
func TestAnswers(t *testing.T) {
	tests := []struct {
		status     int
		retryAfter string
		problem    string
		want       time.Duration
	}{
		{200, "", "", 0}, {202, "5", "", 0}, {204, "", "", 0}, {299, "", "", 0},
		{301, "", "answered 301", 0}, {302, "", "answered 302", 0}, {307, "", "answered 307", 0}, {304, "", "answered 304", 0},
		{400, "", "answered 400", 0}, {410, "", "answered 410", 0}, {429, "120", "answered 429", 2 * time.Minute},
		{503, "999999", "answered 503", 24 * time.Hour}, {503, "-1", "answered 503", 0}, {503, "soon", "answered 503", 0},
		{503, "99999999999999999999", "answered 503", 0}, {500, "", "answered 500", 0},
		{503, "Fri, 01 Jan 1999 00:00:00 GMT", "answered 503", 0}, {503, "Fri, 01 Jan 2999 00:00:00 GMT", "answered 503", 24 * time.Hour},
	}
	for _, tt := range tests {
		var followed atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			followed.Store(followed.Load() || r.URL.Path != "/")
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", tt.retryAfter)
			w.WriteHeader(tt.status)
		}))
		at := newDesk()
		d := deliverer(t, webhook.Config{Partner: partner, Report: at.report})
		err := at.perform(t, d, 0, effect(t, server.URL+"/", 7))
		server.Close()
		want := []billing.Reported{{Bill: bill, Attempt: 7, Status: tt.status, Problem: tt.problem, RetryAfter: tt.want}}
		if diff := cmp.Diff(want, at.outcomes); diff != "" || err != nil || followed.Load() {
			t.Errorf("%d %s: %v, followed %t\n%s", tt.status, tt.retryAfter, err, followed.Load(), diff)
		}
	}
}

// An answer without an end is read for 4 KiB, and is a success all the same.
func TestEndlessAnswer(t *testing.T) {
	sent := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for {
			k, err := w.Write(make([]byte, 64<<10))
			if n += k; err != nil {
				break
			}
		}
		sent <- n
	}))
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report})
	if err := at.perform(t, d, 0, effect(t, server.URL, 1)); err != nil || at.outcomes[0].Problem != "" {
		t.Errorf("%v, %+v", err, at.outcomes)
	}
	t.Logf("the merchant got rid of %d octets", <-sent) // it ends because the connection was closed
}

// A merchant that is silent, or drips, has 15 s, and no more; time here is the bubble's.
func TestSilentMerchant(t *testing.T) {
	for name, answers := range map[string]string{"silent": "", "dripping": "HTTP/1.1 200 OK\r\nX-Slow: "} {
		synctest.Test(t, func(t *testing.T) {
			at := newDesk()
			d := deliverer(t, webhook.Config{Partner: partner, Report: at.report, Dial: stuck(t, answers)})
			began := time.Now()
			if err := at.perform(t, d, 0, effect(t, "http://shop.example/cb?key=hush", 1)); err != nil {
				t.Fatal(err)
			}
			want := []billing.Reported{{Bill: bill, Attempt: 1, Problem: "no answer within 15s"}}
			if diff := cmp.Diff(want, at.outcomes); diff != "" || time.Since(began) != 15*time.Second {
				t.Errorf("%s: %s after %s", name, diff, time.Since(began))
			}
		})
	}
}

// stuck dials a merchant that takes a request, answers what is given and never goes on.
func stuck(t *testing.T, answers string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		go func() {
			buffer := make([]byte, 4096)
			_, _ = theirs.Read(buffer)
			_, _ = io.WriteString(theirs, answers)
			_, _ = io.Copy(io.Discard, theirs)
		}()
		return ours, nil
	}
}

func TestNoConnection(t *testing.T) {
	at := newDesk()
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report, Dial: dial})
	for i, address := range []string{"http://shop.example/cb?key=hush", "http://%zz", "gopher://shop"} {
		if err := at.perform(t, d, 0, effect(t, address, i+1)); err != nil { // the same attempt may be taken for one under way
			t.Fatal(err)
		}
	}
	for _, o := range at.outcomes {
		if o.Status != 0 || o.Problem == "" || strings.Contains(o.Problem, "hush") {
			t.Errorf("%+v", o)
		}
	}
}

func TestGuardedDialer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	at := newDesk()
	dialer := &net.Dialer{Control: webhook.Guard()}
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report, Dial: dialer.DialContext})
	if err := at.perform(t, d, 0, effect(t, server.URL, 1)); err != nil {
		t.Fatal(err)
	}
	if o := at.outcomes[0]; o.Status != 0 || !strings.Contains(o.Problem, webhook.ErrNotPublic.Error()) {
		t.Errorf("%+v", o)
	}
}

// No outcome is made up: what cannot be signed is performed again.
func TestNoOutcome(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	at := newDesk()
	d := deliverer(t, webhook.Config{Partner: partner, Report: at.report})
	if err := d.Perform(t.Context(), 0, engine.Effect{Body: []byte("{")}); err == nil {
		t.Error("a body that is no callback is performed")
	}
	other := effect(t, server.URL, 1)
	other.Body = []byte(strings.Replace(string(other.Body), "10000001", "10000002", 1))
	if err := d.Perform(t.Context(), 0, other); err == nil {
		t.Error("sent without a signature")
	}
	none := func(context.Context, platform.MerchantID) (api.Partner, error) { return api.Partner{}, nil }
	if err := deliverer(t, webhook.Config{Report: at.report, Partner: none}).Perform(t.Context(), 0, effect(t, server.URL, 1)); err == nil {
		t.Error("sent without a secret")
	}
	d.Close()
	if err := d.Perform(t.Context(), 0, effect(t, server.URL, 1)); !errors.Is(err, webhook.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if len(at.reported()) != 0 {
		t.Errorf("reported %+v", at.outcomes)
	}
}

func TestConfig(t *testing.T) {
	at := newDesk()
	for _, config := range []webhook.Config{{}, {Partner: partner}, {Report: at.report}, {Partner: partner, Report: at.report, Timeout: -1}, {Partner: partner, Report: at.report, Queue: -1}} {
		if _, err := webhook.New(config); err == nil {
			t.Errorf("%+v is taken", config)
		}
	}
}
