package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds each wait for another process.
const patience = 20 * time.Second

// pause is the time between two looks at what another process tells only when asked.
const pause = 10 * time.Millisecond

// outsider is a merchant that knows Airtill only by what is written about it: plain
// HTTP, and the Standard Webhooks rule. Nothing in it is Airtill's code.
type outsider struct {
	platform, key, secret string
	url                   string // where it takes callbacks
	calls                 chan callback
}

// callback is one that was verified.
type callback struct {
	id   string
	Type string `json:"type"`
	Data struct {
		ID        string `json:"id"`
		Reference string `json:"reference"`
		State     string `json:"state"`
		Amount    int64  `json:"amount"`
		Payer     string `json:"payer"`
	} `json:"data"`
	body []byte
	err  error // it was not as it must be
}

// newOutsider listens for callbacks until the test ends.
func newOutsider(t testing.TB, platform, key, secret string) *outsider {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &outsider{
		platform: platform, key: key, secret: secret,
		url: "http://" + ln.Addr().String() + "/airtill", calls: make(chan callback, 1024),
	}
	server := &http.Server{Handler: o, ReadHeaderTimeout: patience}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return o
}

// ServeHTTP takes a callback and acknowledges it at once.
func (o *outsider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c := callback{id: r.Header.Get("webhook-id"), body: body}
	if err == nil {
		err = o.verify(r.Header, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if c.err = err; err != nil {
		w.WriteHeader(http.StatusUnauthorized)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
	o.calls <- c
}

// verify does as https://www.standardwebhooks.com asks: HMAC-SHA256 over
// "id.timestamp.body", one of the signatures of version 1, no older than five minutes.
func (o *outsider) verify(h http.Header, body []byte) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(o.secret, "whsec_"))
	if err != nil {
		return fmt.Errorf("the webhook secret: %w", err)
	}
	stamp, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return fmt.Errorf("webhook-timestamp: %w", err)
	}
	if age := time.Since(time.Unix(stamp, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("signed %s ago", age)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", h.Get("webhook-id"), stamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return checkDigest(h, body)
		}
	}
	return fmt.Errorf("webhook-signature %q is not of this callback", h.Get("webhook-signature"))
}

// checkDigest does as RFC 9530 §2 says.
func checkDigest(h http.Header, body []byte) error {
	sum := sha256.Sum256(body)
	if want := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"; h.Get("Content-Digest") != want {
		return fmt.Errorf("Content-Digest %q, want %q", h.Get("Content-Digest"), want)
	}
	return nil
}

// order makes a bill and answers its id; fields come on top of what every bill has.
func (o *outsider) order(ctx context.Context, reference string, fields map[string]any) (string, error) {
	order := map[string]any{"reference": reference, "currency": "CNY", "expires_in": "15m", "callback_url": o.url}
	for name, value := range fields {
		order[name] = value
	}
	body, err := json.Marshal(order)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.platform+"/v1/bills", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", strconv.Quote(reference))
	var made struct{ ID, Reference, State string }
	if err := o.ask(req, http.StatusAccepted, &made); err != nil {
		return "", err
	}
	if made.Reference != reference || made.State != "created" || !strings.HasPrefix(made.ID, "bill_") {
		return "", fmt.Errorf("the order was answered %+v", made)
	}
	return made.ID, nil
}

// state asks what has become of a bill.
func (o *outsider) state(ctx context.Context, id string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.platform+"/v1/bills/"+id, http.NoBody)
	if err != nil {
		return "", err
	}
	var b struct{ State string }
	return b.State, o.ask(req, http.StatusOK, &b)
}

func (o *outsider) ask(req *http.Request, status int, into any) error {
	req.Header.Set("Authorization", "Bearer "+o.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s %s: %s, want %d: %s", req.Method, req.URL, res.Status, status, body)
	}
	if err := checkDigest(res.Header, body); err != nil {
		return fmt.Errorf("the answer's %w", err)
	}
	return json.Unmarshal(body, into)
}

// hear waits for the callback of a bill, and passes over those of others.
func (o *outsider) hear(id string) (callback, error) {
	timeout := time.After(patience)
	for {
		select {
		case c := <-o.calls:
			if c.err != nil || c.Data.ID == id {
				return c, c.err
			}
		case <-timeout:
			return callback{}, fmt.Errorf("no callback of %s", id)
		}
	}
}
