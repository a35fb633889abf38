package merchant_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform/api"
)

const (
	payer      = "8613800000001"
	buyer      = "8613900000002"
	apiKey     = api.Key("the-shop-s-key")
	secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func secret(t *testing.T) api.WebhookSecret {
	t.Helper()
	s, err := api.ParseWebhookSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakePlatform takes orders over HTTP as the platform does, and calls back when told to.
type fakePlatform struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	orders  []api.Order
	keys    []string
	answers []int // statuses for the next orders; then 202
}

func newFakePlatform(t *testing.T) *fakePlatform {
	f := &fakePlatform{t: t}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakePlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var o api.Order
	if err := json.Unmarshal(body, &o); err != nil || r.Method+r.URL.Path != "POST/v1/bills" || r.Header.Get("Authorization") != "Bearer "+apiKey.Reveal() {
		f.t.Errorf("%s %s: %s, %v", r.Method, r.URL.Path, body, err)
	}
	if err := api.VerifyContentDigest(r.Header.Values("Content-Digest"), body); err != nil || r.Header.Get("Content-Digest") == "" {
		f.t.Errorf("digest of the order: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders = append(f.orders, o)
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	status := http.StatusAccepted
	if len(f.answers) > 0 {
		status, f.answers = f.answers[0], f.answers[1:]
	}
	switch status {
	case http.StatusAccepted:
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "bill_of_" + o.Reference, "state": "created", "reference": o.Reference})
	case http.StatusServiceUnavailable:
		api.NewProblem("unavailable", "", "later").Write(w)
	case http.StatusUnprocessableEntity:
		api.NewProblem("unknown-phone", "phone", "not enrolled").Write(w)
	default:
		api.NewProblem(api.CodeInternal, "", "oops").Write(w)
	}
}

func (f *fakePlatform) taken() []api.Order {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.orders)
}

// result is what the platform says of an order's end.
func (f *fakePlatform) result(o merchant.Order, state, reason string) api.Callback {
	var c api.Callback
	text := fmt.Sprintf(`{"type":"bill.%s","timestamp":%q,"data":{"id":"bill_of_%s","reference":%q,"state":%q,"reason":%q,"amount":%d,"currency":%q}}`,
		state, time.Now().UTC().Format(time.RFC3339Nano), o.ID, o.ID, state, reason, o.Item.Amount, o.Item.Currency)
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// call posts a callback, signed unless it is spoilt, and answers the status.
func call(t *testing.T, shop, id string, c api.Callback, spoil func(http.Header, []byte) []byte) int {
	t.Helper()
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("Content-Digest", api.ContentDigest(body))
	api.SignCallback(header, id, time.Now(), body, secret(t))
	if spoil != nil {
		body = spoil(header, body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop+merchant.CallbackPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// text is one that a phone got.
type text struct{ to, text string }

// sink is a Texter that keeps what it is given.
type sink struct {
	mu    sync.Mutex
	texts []text
	fail  error
}

func (s *sink) SendText(_ context.Context, to gateway.MSISDN, words string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.texts = append(s.texts, text{string(to), words})
	return nil
}

func (s *sink) all() []text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// world is a running shop with a fake platform and a sink for texts.
type world struct {
	*merchant.Shop
	platform *fakePlatform
	texts    *sink
	url      string
}

func open(t *testing.T, change func(*merchant.Config)) *world {
	t.Helper()
	w := &world{platform: newFakePlatform(t), texts: &sink{}}
	client, err := api.NewClient(api.ClientConfig{BaseURL: w.platform.server.URL, Key: apiKey})
	if err != nil {
		t.Fatal(err)
	}
	config := merchant.Config{
		Name: "Sky", Platform: client, Secrets: []api.WebhookSecret{secret(t)}, Texter: w.texts,
		CallbackURL: "http://shop.example/airtill", ExpiresIn: 10 * time.Minute, AskAgain: time.Millisecond,
	}
	if change != nil {
		change(&config)
	}
	if w.Shop, err = merchant.New(config); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(w.Shop)
	t.Cleanup(front.Close)
	w.url = front.URL
	return w
}

// run starts the shop's workers; they have ended when the test has.
func (w *world) run(t *testing.T) *world {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) place(t *testing.T, r merchant.Request) merchant.Order {
	t.Helper()
	o, err := w.Place(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// told waits until all of an order's notices are sent, or are not going to be.
func (w *world) told(t *testing.T, id merchant.OrderID) merchant.Order {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	o, err := w.Await(ctx, id, func(o merchant.Order) bool {
		return !o.Status.Open() && !slices.ContainsFunc(o.Notices, func(n merchant.Notice) bool { return n.Progress == merchant.Queued })
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
