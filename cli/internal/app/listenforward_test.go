package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// receiver is a merchant's: it answers with these statuses, one after the other, 0 being
// that it is not there.
type receiver struct {
	statuses []int
	got      []*http.Request
	bodies   []string
	at       []time.Time
}

func (s *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.got, s.bodies, s.at = append(s.got, r), append(s.bodies, string(body)), append(s.at, time.Now())
	status := s.statuses[0]
	s.statuses = s.statuses[1:]
	if status == 0 {
		return nil, errors.New("nobody is there")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

// What is not taken is tried again, later each time, and signed anew; what is never taken
// is listed.
func TestForward(t *testing.T) {
	secret, err := api.ParseWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		statuses []int
		retries  int
		says     []string
		lists    bool
	}{
		{[]int{200}, 3, []string{"answered 200"}, false},
		{[]int{500, 0, 204}, 3, []string{"answered 500; again in 1s, 1 of 3", "nobody is there; again in 2s, 2 of 3", "answered 204"}, false},
		{[]int{302, 302}, 1, []string{"answered 302; again in 1s, 1 of 1", "answered 302; given up", "not forwarded: 1", "airtill callbacks resend evt_1_settled"}, true},
		{[]int{500}, 0, []string{"given up", "not forwarded: 1"}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var stderr bytes.Buffer
			to := &receiver{statuses: c.statuses}
			l := &listenConfig{forwardTo: "http://shop.example/hook", retries: c.retries}
			f := newForwarder(&call{env: Env{Stderr: &stderr}}, l, secret)
			f.http.Transport = to
			began, wanted := time.Now(), len(c.statuses)
			f.take(platform.Attempt{ID: "evt_1_settled", Type: "bill.settled", Event: []byte(`{"type":"bill.settled"}`)})
			f.working.Wait()
			f.end()
			for _, want := range c.says {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%v: it does not say %q: %s", c.statuses, want, stderr.String())
				}
			}
			if listed := strings.Contains(stderr.String(), "not forwarded"); listed != c.lists || len(to.got) != wanted {
				t.Errorf("listed: %v; %d requests, want %d", listed, len(to.got), wanted)
			}
			for i, r := range to.got {
				if id, err := api.VerifyCallback(r.Header, []byte(to.bodies[i]), to.at[i], secret); err != nil || id != "evt_1_settled" {
					t.Errorf("request %d is of %q: %v", i, id, err)
				}
			}
			if wanted == 3 && to.at[2].Sub(began) != 3*time.Second {
				t.Errorf("the third came after %v", to.at[2].Sub(began))
			}
		})
	}
}

// What is interrupted is listed too, and nothing is waited for.
func TestForwardInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		f := newForwarder(&call{env: Env{Stderr: &stderr}}, &listenConfig{forwardTo: "http://shop.example/hook", retries: 3}, api.WebhookSecret{})
		f.http.Transport = &receiver{statuses: []int{500}}
		f.take(platform.Attempt{ID: "evt_1_settled", Event: []byte(`{}`)})
		synctest.Wait() // it waits to try again
		f.end()
		if !strings.Contains(stderr.String(), "not forwarded: 1") {
			t.Errorf("it says %s", stderr.String())
		}
	})
}
